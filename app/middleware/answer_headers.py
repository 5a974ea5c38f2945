"""Headers that every answer has, whoever answers: how browsers are to take it, and that nobody keeps it.

What an answer says itself stays: pages name the scripts that they run (app/kernel/http/pages.py), and files and keys
for how long they may be kept. Answers made before any layer, to requests that did not arrive as they should, have the
same headers: app/kernel/http_server/refusals.py.
"""

from collections.abc import Awaitable

from starlette.types import Message, Receive, Scope, Send

from app.kernel.answer_headers import ALWAYS, UNLESS_SAID
from app.middleware.layer import HttpLayer


class AnswerHeaders(HttpLayer):
    """Adds the headers to the begin of an answer."""

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # type: ignore[override]  # no coroutine of its own
        """Serve the request."""

        def complete(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                said = {name for name, _ in headers}
                headers += ALWAYS
                headers += (header for header in UNLESS_SAID if header[0] not in said)
                message = {**message, "headers": headers}
            return send(message)

        return self.app(scope, receive, complete)
