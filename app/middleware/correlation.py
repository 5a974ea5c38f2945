"""Names every request: `X-Request-ID` in or made, echoed on the answer; beside it W3C trace context and the span.

Layers outside of this one may answer too, so the id is found once per request, by whoever asks first, and kept in the
scope.
"""

import re
from typing import Any

from opentelemetry.trace import SpanKind
from starlette.types import Message, Receive, Scope, Send

from app.kernel.correlation import bind, fresh_traceparent, unbind
from app.kernel.ids import new_id
from app.kernel.redaction import safe_text
from app.kernel.telemetry.tracing import remote, span, spans, traceparent_of
from app.middleware.layer import HttpLayer
from app.middleware.probes import HEALTH_PATHS

REQUEST_ID = b"x-request-id"
SCOPE_KEY = "spyne.request_id"
SPAN_KEY = "spyne.span"
"""Where the request's span stands in the scope, for the layer that knows what became of the request."""

_ACCEPTED_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
"""Version 00 of W3C Trace Context, section 3.2; ids of zeros are not valid (3.2.2.3, 3.2.2.4)."""
_NO_TRACE = b"0" * 32
_NO_PARENT = b"0" * 16


def request_id(scope: Scope) -> str:
    """The request's correlation id: the client's when it is well-formed and given once, else a fresh UUIDv7.

    An id that looks like a credential is not taken: ids are written into logs, audit and answers.
    """
    known: str | None = scope.get(SCOPE_KEY)
    if known is None:
        known = scope[SCOPE_KEY] = _given_id(scope) or str(new_id())
    return known


def _given_id(scope: Scope) -> str | None:
    given = [value for name, value in scope["headers"] if name == REQUEST_ID]
    if len(given) != 1 or not _ACCEPTED_ID.fullmatch(given[0]):
        return None
    found = str(given[0], "ascii")
    return found if safe_text(found) == found else None


def parse_traceparent(values: list[bytes]) -> str | None:
    """A `traceparent` that is given once and strictly valid; None otherwise."""
    if len(values) != 1:
        return None
    found = _TRACEPARENT.fullmatch(values[0])
    if found is None or found[1] == _NO_TRACE or found[2] == _NO_PARENT:
        return None
    return str(values[0], "ascii")


def _tracestate(scope: Scope) -> str:
    given = (value for name, value in scope["headers"] if name == b"tracestate")
    return b",".join(given).decode("ascii", "replace")  # several are one list (W3C Trace Context, 3.3.1)


class Correlation(HttpLayer):
    """Binds correlation and trace id for everything inside, and echoes the correlation id."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request under its ids."""
        correlation = request_id(scope)
        parent = parse_traceparent([value for name, value in scope["headers"] if name == b"traceparent"])
        echo = (REQUEST_ID, correlation.encode("ascii"))

        async def echoing(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers: list[Any] = [header for header in message.get("headers", ()) if header[0] != REQUEST_ID]
                headers.append(echo)
                message = {**message, "headers": headers}
            await send(message)

        if spans.tracer is not None and scope["path"] not in HEALTH_PATHS:
            await self._traced(scope, receive, echoing, parent)
            return
        bound = bind(correlation, parent or fresh_traceparent())
        try:
            await self.app(scope, receive, echoing)
        finally:
            unbind(bound)

    async def _traced(self, scope: Scope, receive: Receive, send: Send, parent: str | None) -> None:
        with span("request", SpanKind.SERVER, parent=remote(parent, _tracestate(scope))) as opened:
            scope[SPAN_KEY] = opened
            correlation = request_id(scope)
            opened.set_attribute("spyne.correlation_id", correlation)
            bound = bind(correlation, traceparent_of(opened))
            try:
                await self.app(scope, receive, send)
            finally:
                unbind(bound)
