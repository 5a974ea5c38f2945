"""Ways of asking that mean the same operation: a path with a slash at its end, and HEAD in place of GET.

Everything inside, from the limits of bodies to the routes, sees the spelling of the OpenAPI document. Nothing is
redirected: a redirect would lead wherever the request's `Host` says, before anybody was asked for a credential, and
clients that send a body would lose it.

HEAD is answered as GET would be, without the body (RFC 9110 section 9.3.2). The operation is done, so the headers are
the same, but for its transactions, which are rolled back (`discarding` in app/kernel/db/database.py): a look uses
nothing up and is not recorded. What a GET uses up outside of the database has no HEAD: see `AnsweringRoute` in
app/kernel/http/routes.py.
"""

from collections.abc import Awaitable
from typing import Any

from fastapi.routing import iter_route_contexts
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kernel.db.database import discarding
from app.kernel.http.routes import LOOKED_AT
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
        if bare and not bare.endswith("/"):
            scope["path"] = self._with_slash.get(bare, bare)
        return self.app(scope, receive, send)


def _documented_with_slash(app: Any) -> dict[str, str]:
    """Whole paths, without parameters: no template that has some ends in a slash, which a test holds."""
    paths = (context.path or "" for context in iter_route_contexts(app.routes)) if app is not None else ()
    return {path[:-1]: path for path in paths if path.endswith("/") and path != "/"}


class _Enough(OSError):  # noqa: N818 - says what happened; it only leads out of what sends the body
    """The headers are sent: told to what would go on with the body, as if the client had left."""


class HeadAsGet(HttpLayer):
    """Serves HEAD by the operation of GET."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or for HEAD its headers alone."""
        if scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        answered = False

        async def headers_alone(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                await send(message)
                await send({"type": "http.response.body", "body": b""})
            elif message.get("more_body", False):
                raise _Enough

        as_get = {**scope, "method": "GET", LOOKED_AT: True}
        try:
            with discarding():
                await self.app(as_get, receive, headers_alone)
        except (_Enough, ClientDisconnect):
            if not answered:
                raise
        finally:  # what the layers around read afterwards: the route, the actor
            scope.update({key: value for key, value in as_get.items() if key not in {"method", LOOKED_AT}})
