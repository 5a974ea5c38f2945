"""How a layer answers by itself, as a problem with the request's correlation id; and the headers that every answer has.

What an answer says itself stays: pages name the scripts that they run (app/kernel/http/pages.py), and files and keys
for how long they may be kept.
"""

import asyncio
from collections.abc import Awaitable
from typing import Final

import orjson
import structlog
from starlette.types import Message, Receive, Scope, Send

from app.kernel.answer_headers import ALWAYS, UNLESS_SAID
from app.kernel.problems import PROBLEM_JSON, Problem
from app.middleware.correlation import REQUEST_ID, request_id
from app.middleware.layer import HttpLayer

OBSERVED: Final = "spyne.observed"
"""Set in the scope by the layer that writes the access-log line; refusals outside of it write their own."""

LINGER_BYTES = 8 * 1024 * 1024
LINGER_SECONDS = 2.0
"""How much of an unwanted body is still read, and for how long, before the connection is closed. Closed at once, TCP
would reset it, and a client that sends first and reads later would never see the answer (RFC 9112, section 9.6)."""

log = structlog.stdlib.get_logger("spyne.access")


class AnswerHeaders(HttpLayer):
    """Adds the headers to the begin of an answer."""

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # type: ignore[override]  # no coroutine of its own
        """Serve the request."""

        def complete(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *ALWAYS]
                said = [header[0] for header in headers]
                headers += [header for header in UNLESS_SAID if header[0] not in said]
                message = {**message, "headers": headers}
            return send(message)

        return self.app(scope, receive, complete)


def carries_body(scope: Scope) -> bool:
    """Whether the request's head announces a body."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


async def refuse(scope: Scope, receive: Receive, send: Send, problem: Problem) -> None:
    """Send the problem as the whole answer; after it the connection is closed if the request has a body."""
    correlation = request_id(scope)
    body = orjson.dumps(problem.document(correlation))
    headers = [
        (b"content-type", PROBLEM_JSON.encode("ascii")),
        (b"content-length", str(len(body)).encode("ascii")),
        (REQUEST_ID, correlation.encode("ascii")),
    ]
    headers.extend((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in problem.headers.items())
    if OBSERVED not in scope:
        log.info("request refused", status=problem.status, code=problem.code, correlation_id=correlation)
    lingers = carries_body(scope)
    if lingers:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": lingers})
    if lingers:
        await _drain(receive)
        await send({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    left = LINGER_BYTES
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while left > 0:
                message = await receive()
                if not message.get("more_body", False):
                    return
                left -= len(message.get("body", b""))
    except TimeoutError:
        return
