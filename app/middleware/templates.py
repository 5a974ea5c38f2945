"""The route template of a routed request (`/api/tables/{id}`), for labels and log lines: bounded, free of values."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import BaseRoute, Mount
from starlette.types import Scope

UNMATCHED: Final = "none"
"""Stands for every path without a route, as in prometheus-fastapi-instrumentator."""


class Templates:
    """Looks templates up by the route which the router has left in the scope, so nothing is matched a second time."""

    def __init__(self) -> None:
        self._contexts: dict[int, list[RouteContext]] = {}
        self._routes: Sequence[BaseRoute] = ()

    def of(self, scope: Scope) -> str:
        """The template of the request's route; `UNMATCHED` when it has none. Ask after the routing."""
        target: Any = scope.get("route") or scope.get("endpoint")
        if target is None:
            return UNMATCHED
        contexts = self._contexts.get(id(target))
        if contexts is None:
            self._learn(scope["app"].routes)
            contexts = self._contexts.setdefault(id(target), [])
        if len(contexts) == 1:
            return _template(contexts[0])
        # The same route included at several prefixes, or an endpoint of several routes: the path tells them apart.
        return next((_template(context) for context in contexts if _leads_here(context, scope)), UNMATCHED)

    def _learn(self, routes: Sequence[BaseRoute]) -> None:
        self._routes = routes  # kept, so that no id is used again while it is a key here
        self._contexts.clear()
        for context in iter_route_contexts(routes):
            self._contexts.setdefault(id(context.original_route), []).append(context)
            endpoint = context.route.app if isinstance(context.route, Mount) else context.endpoint
            self._contexts.setdefault(id(endpoint), []).append(context)


def _template(context: RouteContext) -> str:
    return context.path or UNMATCHED


def _leads_here(context: RouteContext, scope: Scope) -> bool:
    pattern = getattr(context, "path_regex", None)
    return pattern is not None and pattern.match(scope["path"]) is not None
