"""Refuses callers who send more than the rules allow, and shows everybody where they stand.

Counted by the caller when the credential was found valid in this process before, else by the client's address; so the
first request of every credential counts for its address, and guesses always do.
"""

import math
import time
from typing import Any, Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kernel.addresses import counted_as
from app.kernel.problems import Problem
from app.kernel.security.authorization import Recognised
from app.kernel.security.credential_headers import shown_credential
from app.kernel.security.security_events import EventKind
from app.kernel.telemetry.metrics import REQUESTS_REFUSED
from app.middleware.answers import refuse
from app.middleware.layer import HttpLayer
from app.operations.security.edge.edge_state import Edge
from app.operations.security.edge.rates import (
    OWN_NAME,
    OWN_WINDOW_SECONDS,
    RateScope,
    RouteClass,
    own_policy,
    route_class,
)

LIMIT: Final = b"ratelimit"
POLICY: Final = b"ratelimit-policy"
UNKNOWN: Final = "unknown"
"""What requests without an address are counted under: those of a unix socket."""


class RateLimited(Problem):
    """More requests came than the rules allow."""

    code, title, status = "rate-limited", "There were too many requests", 429


class _Standing:
    """Where a request stands with the rules that count it: the fields to show, and the wait when there are too many."""

    __slots__ = ("limits", "policies", "subject", "violated", "wait")

    def __init__(self, subject: str | None) -> None:
        self.subject = subject
        self.policies: list[str] = []
        self.limits: list[str] = []
        self.violated: list[str] = []
        self.wait = 0

    def add(self, name: str, policy: str, amount: int, count: int, seconds_left: float) -> None:
        left = math.ceil(seconds_left) or 1
        self.policies.append(policy)
        self.limits.append(f'"{name}";r={amount - count if count < amount else 0};t={left}')
        if count > amount:
            self.violated.append(name)
            self.wait = max(self.wait, left)

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [(POLICY, ", ".join(self.policies).encode()), (LIMIT, ", ".join(self.limits).encode())]


class RateLimit(HttpLayer):
    """Counts every request that a rule is for; answers 429 when there are too many."""

    def __init__(self, app: ASGIApp, edge: Edge) -> None:
        super().__init__(app)
        self._edge = edge

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request if it is within the limits."""
        kind = route_class(scope["method"], scope["path"])
        standing = None if kind is None else await self._standing(kind, scope)
        if standing is None:
            await self.app(scope, receive, send)
            return
        if standing.violated:
            await self._refuse(scope, receive, send, standing)
            return
        fields = standing.headers()

        async def showing(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *fields]
            await send(message)

        await self.app(scope, receive, showing)

    async def _standing(self, kind: RouteClass, scope: Scope) -> _Standing | None:
        shown = None if kind is RouteClass.LOGIN else shown_credential(scope)
        caller = None if shown is None else self._edge.recognised(shown)
        by = RateScope.ADDRESS if caller is None else RateScope.CALLER
        rule = self._edge.view.rates.get((kind, by))
        own = caller.requests_per_minute if caller is not None else None
        if rule is None and own is None:
            return None
        standing, now = _Standing(None if caller is None else caller.subject), time.time()
        whose = _counted(scope, caller)
        if rule is not None:
            count, end = await self._hit(f"{rule.name}:{whose}", rule.window_seconds, now, rule.amount)
            standing.add(rule.name, rule.policy, rule.amount, count, end - now)
        if own is not None:
            count, end = await self._hit(f"{OWN_NAME}:{whose}", OWN_WINDOW_SECONDS, now, own)
            standing.add(OWN_NAME, own_policy(own), own, count, end - now)
        return standing

    async def _hit(self, key: str, seconds: int, now: float, amount: int) -> tuple[int, float]:
        if self._edge.shared is None:
            return self._edge.memory.hit(key, seconds, now)
        return await self._edge.shared.hit(key, seconds, now, amount)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, standing: _Standing) -> None:
        REQUESTS_REFUSED.labels(RateLimited.code).inc()
        client = scope.get("client")
        self._edge.events.note(
            EventKind.RATE_LIMITED,
            address=client[0] if client else None,
            subject=standing.subject,
            detail={"rules": standing.violated},
        )
        headers = {name.decode(): value.decode() for name, value in standing.headers()}
        violated: dict[str, Any] = {"violated-policies": standing.violated}  # the name that the draft registers
        problem = RateLimited(
            f"Come back in {standing.wait} seconds.", headers={"Retry-After": str(standing.wait), **headers}, **violated
        )
        await refuse(scope, receive, send, problem)


def _counted(scope: Scope, caller: Recognised | None) -> str:
    if caller is not None:
        return caller.subject
    client = scope.get("client")
    return counted_as(client[0]) if client else UNKNOWN
