"""One operation, two spellings of its path: with a slash at the end, and without.

Everything inside, from the limits of bodies to the routes, sees the spelling of the OpenAPI document. Nothing is
redirected: a redirect would lead wherever the request's `Host` says, before anybody was asked for a credential, and
clients that send a body would lose it.
"""

from collections.abc import Awaitable
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Receive, Scope, Send

from app.middleware.layer import HttpLayer


class OneSpelling(HttpLayer):
    """Puts the documented spelling of the path into the scope."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self._with_slash: dict[str, str] | None = None
        """Paths that are documented with a slash at their end, by what they are without it."""

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # type: ignore[override]  # no coroutine of its own
        """Serve the request under the documented path."""
        if self._with_slash is None:
            self._with_slash = _documented_with_slash(scope.get("app"))
        path = scope["path"]
        bare = path.removesuffix("/")
        if bare:
            scope["path"] = self._with_slash.get(bare, bare)
        return self.app(scope, receive, send)


def _documented_with_slash(app: Any) -> dict[str, str]:
    """Whole paths, without parameters: no template that has some ends in a slash, which a test holds."""
    paths = (context.path or "" for context in iter_route_contexts(app.routes)) if app is not None else ()
    return {path[:-1]: path for path in paths if path.endswith("/") and path != "/"}
