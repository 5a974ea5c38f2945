"""HEAD of everything that can be read: what GET would answer, without the body (RFC 9110 section 9.3.2).

The operation is done as for GET, so the headers are the same, but for its transactions: they are rolled back
(`discarding` in app/kernel/db/database.py), so nothing is used up or recorded by a look. What a GET uses up outside of
the database has no HEAD: see `AnsweringRoute` in app/kernel/http/routes.py.
"""

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from app.kernel.db.database import discarding
from app.kernel.http.routes import LOOKED_AT
from app.middleware.layer import HttpLayer


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
