"""The route template of a routed request (`/api/tables/{id}`), for labels and log lines: bounded, free of values."""

from typing import Any, Final

from fastapi.routing import RouteContext, iter_route_contexts
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Scope

UNMATCHED: Final = "none"
"""Stands for every path without a route, as in prometheus-fastapi-instrumentator."""


class Templates:
    """Looks templates up by the route which the router has left in the scope, so nothing is matched a second time."""

    def __init__(self) -> None:
        self._contexts: dict[int, list[RouteContext]] = {}
        self._mounts: list[RouteContext] = []

    def of(self, app: Starlette, scope: Scope) -> str:
        """The template of the request's route in `app`; `UNMATCHED` when it has none. Ask after the routing.

        What a mounted application has routed is shown as its mount's path alone.
        """
        target: Any = scope.get("route") or scope.get("endpoint")
        if target is None:
            return UNMATCHED
        if id(target) not in self._contexts:
            self._learn(app)
        contexts = self._contexts.setdefault(id(target), [])
        if not contexts:  # routed by a mounted application, or not at all
            return _first(self._mounts, scope)
        if len(contexts) == 1:
            return contexts[0].path or UNMATCHED
        # The same route included at several prefixes, or an endpoint of several routes: the path distinguishes them.
        return _first(contexts, scope)

    def _learn(self, app: Starlette) -> None:
        self._contexts.clear()
        self._mounts.clear()
        for context in iter_route_contexts(app.routes):
            self._contexts.setdefault(id(context.original_route), []).append(context)
            self._contexts.setdefault(id(context.endpoint), []).append(context)
            if isinstance(context.original_route, Mount):
                self._contexts.setdefault(id(context.original_route.app), []).append(context)
                self._mounts.append(context)


def _first(contexts: list[RouteContext], scope: Scope) -> str:
    return next((context.path or UNMATCHED for context in contexts if _leads_here(context, scope)), UNMATCHED)


def _leads_here(context: RouteContext, scope: Scope) -> bool:
    pattern = getattr(context, "path_regex", None)
    return pattern is not None and pattern.match(scope["path"]) is not None
