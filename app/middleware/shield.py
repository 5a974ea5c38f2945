"""Explains at the door that writes are switched off; the enforcement is in the session factory.

An operation says its class in its OpenAPI document (`x-operation-class`, see `app/kernel/http/sessions.py`); one that
says nothing is a write. GET, HEAD and OPTIONS always pass. In `read_only` operations that are reads by nature
pass too, in `maintenance` only those that control the modes; the token operation is of class `control`, since an
admin must be able to log in to switch back. Unknown paths and methods pass, to be answered 404 and 405.
"""

from collections.abc import Sequence
from typing import Protocol

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from app.kernel.clock import Clock, utc_now
from app.kernel.db.database import OperationClass
from app.kernel.http.sessions import declared_class
from app.kernel.telemetry.metrics import REQUESTS_REFUSED
from app.middleware.answers import refuse
from app.middleware.layer import HttpLayer
from app.operations.modes.modes import SAFE_METHODS, Maintenance, MaintenanceMode, passes, refusal


class ModeSource(Protocol):
    """Knows the maintenance mode without asking anybody: read on every request."""

    def current(self) -> Maintenance:
        """The mode as it was seen last."""


def operation_class(routes: Sequence[BaseRoute], scope: Scope) -> OperationClass | None:
    """The class of the operation that the request would reach; None when there is no such path or method."""
    for context in iter_route_contexts(routes):
        match, _ = context.matches(scope)
        if match is Match.FULL:
            return declared_class(getattr(context, "openapi_extra", None))
    return None


class ReadOnlyShield(HttpLayer):
    """Answers 503 for what the maintenance mode does not admit."""

    def __init__(self, app: ASGIApp, modes: ModeSource, clock: Clock = utc_now) -> None:
        super().__init__(app)
        self._modes = modes
        self._clock = clock

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request if the mode admits its operation."""
        if scope["method"] not in SAFE_METHODS:
            maintenance = self._modes.current()
            if maintenance.mode is not MaintenanceMode.NORMAL:
                kind = operation_class(scope["app"].routes, scope)
                if kind is not None and not passes(maintenance, kind):
                    REQUESTS_REFUSED.labels(maintenance.mode.value).inc()
                    await refuse(scope, receive, send, refusal(maintenance, self._clock()))
                    return
        await self.app(scope, receive, send)
