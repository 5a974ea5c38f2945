"""An observation per request: the HTTP metrics of prometheus-fastapi-instrumentator, and one access-log line.

The library's instrumentations are used with our own measuring: its middleware matches every route a second time and
builds a response object per request, which costs several times as much as the rest of the door (see
benchmarks/door.py).

Labels and lines hold the route's template, never the path or the query string as sent.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from opentelemetry.trace import Span
from prometheus_fastapi_instrumentator import metrics as instrumentations
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kernel.telemetry.logging import known_lines
from app.kernel.telemetry.metrics import LATENCY_BUCKETS, REGISTRY
from app.kernel.telemetry.tracing import failed
from app.middleware.answers import OBSERVED
from app.middleware.correlation import SPAN_KEY
from app.middleware.layer import HttpLayer
from app.middleware.probes import HEALTH_PATHS
from app.middleware.templates import UNMATCHED, Templates

KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
OTHER_METHOD: Final = "OTHER"

CLIENT_CLOSED: Final = 499
"""The status of a request whose client left before the answer began (nginx's convention)."""
FAILED: Final = 500
SERVER_ERRORS: Final = 500

_INSTRUMENTATIONS: Final[tuple[Callable[[instrumentations.Info], None], ...]] = tuple(
    instrumentation
    for instrumentation in (
        instrumentations.requests(registry=REGISTRY),
        instrumentations.latency(should_include_status=False, buckets=LATENCY_BUCKETS, registry=REGISTRY),
    )
    if instrumentation is not None
)


class Observation(HttpLayer):
    """Times the request and records what came of it, also when it raised or was cancelled."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self._templates = Templates()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request and observe it."""
        status = CLIENT_CLOSED
        app = scope.get("app")  # now: a mounted application will put itself there

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        scope[OBSERVED] = True
        started = time.perf_counter()
        try:
            await self.app(scope, receive, observed)
        except ClientDisconnect:
            raise
        except Exception:
            status = FAILED
            raise
        finally:
            template = UNMATCHED if app is None else self._templates.of(app, scope)
            self._record(scope, template, status, time.perf_counter() - started)

    def _record(self, scope: Scope, template: str, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in KNOWN_METHODS else OTHER_METHOD
        info = instrumentations.Info(Request(scope), None, method, template, str(status), seconds, seconds)
        for instrument in _INSTRUMENTATIONS:
            instrument(info)
        level = logging.DEBUG if template in HEALTH_PATHS else logging.INFO
        if status >= SERVER_ERRORS:
            level = logging.WARNING
        line = {"method": method, "path": template, "status": status, "ms": round(seconds * 1000, 2)}
        actor = scope.get("state", {}).get("actor")
        if actor is not None:
            line["actor"] = actor.label
        known_lines.write(level, "request", line)
        if SPAN_KEY in scope:
            _describe(scope[SPAN_KEY], line, None if actor is None else actor.kind.value)


def _describe(span: Span, line: dict[str, Any], actor_kind: str | None) -> None:
    """Say on the request's span what the access log says, the caller's name apart."""
    method, template, status = line["method"], line["path"], line["status"]
    span.update_name(method if template == UNMATCHED else f"{method} {template}")
    span.set_attribute("http.request.method", method)
    span.set_attribute("http.response.status_code", status)
    if template != UNMATCHED:
        span.set_attribute("http.route", template)
    if actor_kind is not None:
        span.set_attribute("spyne.actor_kind", actor_kind)
    if status >= SERVER_ERRORS:
        failed(span, str(status))
