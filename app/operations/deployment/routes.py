"""The index of routes, as the running application declares them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from app.kernel.db.database import OperationClass
from app.kernel.http.sessions import declared_class
from app.kernel.security.authorization import Permission, needed_permissions
from app.operations.deployment.schemas import RouteDocument
from app.operations.modes.modes import SAFE_METHODS

SUNSET: Final = "x-sunset"
"""Extension of a deprecated operation in the OpenAPI document: when it goes away."""


@dataclass(frozen=True, slots=True)
class RouteFilter:
    """Which routes are wanted; None is any."""

    method: str | None = None
    tag: str | None = None
    permission: Permission | None = None
    operation_class: OperationClass | None = None
    deprecated: bool | None = None
    search: str | None = None

    def takes(self, route: RouteDocument) -> bool:
        """Whether the route is wanted."""
        return (
            self.method in (None, route.method)
            and (self.tag is None or self.tag in route.tags)
            and (self.permission is None or self.permission in (route.permissions or ()))
            and self.operation_class in (None, route.operation_class)
            and self.deprecated in (None, route.deprecated)
            and (self.search is None or self.search.lower() in f"{route.path}\n{route.operation_id}".lower())
        )


def index(routes: Sequence[BaseRoute], wanted: RouteFilter) -> list[RouteDocument]:
    """The documented routes that are wanted, by path and method."""
    found = [
        _document(route, method)
        for route in routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods or ()
    ]
    return sorted((route for route in found if wanted.takes(route)), key=lambda route: (route.path, route.method))


def _document(route: APIRoute, method: str) -> RouteDocument:
    needed = needed_permissions(route.dependant)
    extra = route.openapi_extra or {}
    return RouteDocument(
        method=method,
        path=route.path_format,
        operation_id=route.operation_id or route.name,
        summary=(route.summary or route.description.partition("\n")[0]).strip(),
        tags=[str(tag) for tag in route.tags],
        permissions=None if needed is None else list(needed),
        operation_class=OperationClass.READ if method in SAFE_METHODS else declared_class(extra),
        deprecated=bool(route.deprecated),
        sunset=extra.get(SUNSET) and str(extra[SUNSET]),
    )
