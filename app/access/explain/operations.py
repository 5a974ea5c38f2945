"""The operations of the running application, as its routes declare them."""

from collections.abc import Iterator, Sequence

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from app.access.explain.rules import Operation, UnknownOperation
from app.kernel.http.sessions import declared_class
from app.kernel.security.authorization import needed_permissions


def find_operation(routes: Sequence[BaseRoute], operation_id: str) -> Operation:
    """The operation with this id. Raises `UnknownOperation`, which tells the nearest."""
    documented = {route.operation_id: route for route in _documented(routes) if route.operation_id}
    route = documented.get(operation_id)
    if route is None:
        raise UnknownOperation(operation_id, documented)
    needed = needed_permissions(route.dependant)
    return Operation(
        id=operation_id,
        method=min(route.methods or {"GET"}),
        path=route.path,
        needed=needed or (),
        needs_credential=needed is not None,
        kind=declared_class(route.openapi_extra),
    )


def _documented(routes: Sequence[BaseRoute]) -> Iterator[APIRoute]:
    return (route for route in routes if isinstance(route, APIRoute) and route.include_in_schema)
