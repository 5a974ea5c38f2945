"""Whether a path is one of the service's own, whatever the method. Pure."""

from collections.abc import Sequence

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Match

from app.operations.security.edge.decoys import decoy_path


def is_route_in_use(path: str, routes: Sequence[BaseRoute]) -> bool:
    """Whether a request for the path, in this or the decoys' way of writing it, would reach an operation."""
    return any(_matches(each, routes) for each in {path, decoy_path(path), decoy_path(path) + "/"})


def _matches(path: str, routes: Sequence[BaseRoute]) -> bool:
    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": [], "query_string": b""}
    return any(context.matches(scope)[0] is not Match.NONE for context in iter_route_contexts(routes))
