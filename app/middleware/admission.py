"""Bounds how many requests are served at once: a flood is refused at once instead of queueing until all time out.

A slot is held by who can use it: a request whose body is on its way waits for it outside, and of the requests that are
read while they arrive at most half of the slots may be taken. Health has a lane of its own: an overloaded service still
says that it lives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import Gauge
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.kernel.http_server.slots import SLOT
from app.kernel.problems import Unavailable
from app.kernel.telemetry.metrics import REQUESTS_IN_FLIGHT, REQUESTS_REFUSED
from app.middleware.answers import carries_body, refuse
from app.middleware.body_limit import BodyClass, declared_length
from app.middleware.layer import HttpLayer
from app.middleware.probes import HEALTH_PATHS

MAX_HEALTH_IN_FLIGHT = 16
"""Probes come one at a time from a few load balancers; more than this is a flood as well."""

BODILESS: Final = frozenset({"GET", "HEAD"})
"""No operation reads a body of these."""

STREAMING_SHARE = 2
"""The share: one slot of so many may be held by a request whose body is still on its way."""

MAX_COLLECTED_BYTES = 64 * 1024
"""The bytes of one body, before its request takes a slot: what uvicorn holds anyway, and nearly all JSON needs."""

MAX_ALL_COLLECTED_BYTES = 64 * 1024 * 1024
"""The bytes of all bodies that wait for their ends."""


class Overloaded(Unavailable):
    """The service has as many requests as it takes at once."""

    code, title = "overloaded", "The service has too many requests at hand"


class Lane:
    """A number of places."""

    __slots__ = ("bound", "gauge", "in_flight")

    def __init__(self, bound: int, gauge: Gauge) -> None:
        self.bound = bound
        self.gauge = gauge
        self.in_flight = 0

    @property
    def full(self) -> bool:
        """Whether no place is free."""
        return self.in_flight >= self.bound


class Slot:
    """A place in a lane, given back once: at the latest when the block ends."""

    __slots__ = ("_held", "_lane")

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._held = True
        lane.in_flight += 1
        lane.gauge.inc()

    def release(self) -> None:
        """Give it back, if it is still held."""
        if self._held:
            self._held = False
            self._lane.in_flight -= 1
            self._lane.gauge.dec()

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.release()


@dataclass(frozen=True, slots=True)
class _Collected:
    """What has come of a body: all of it, or enough to be read on."""

    messages: list[Message]
    whole: bool

    def before(self, receive: Receive) -> Receive:
        """What has come, then the rest."""
        messages = iter(self.messages)

        async def replaying() -> Message:
            message = next(messages, None)
            return message if message is not None else await receive()

        return replaying


class Admission(HttpLayer):
    """Lets requests in while there are free slots; others are answered 503 with `Retry-After`."""

    def __init__(
        self,
        app: ASGIApp,
        max_in_flight: int,
        max_health_in_flight: int = MAX_HEALTH_IN_FLIGHT,
        max_body_bytes: int | None = None,
        uploads: Sequence[BodyClass] = (),
    ) -> None:
        """Takes the numbers of slots.

        A body that declares more than `max_body_bytes` is refused further in, so it is not waited for; `uploads` read
        their bodies as they arrive, and only from those who may send them.
        """
        super().__init__(app)
        self.requests = Lane(max_in_flight, REQUESTS_IN_FLIGHT.labels("requests"))
        self.streaming = Lane(max(1, max_in_flight // STREAMING_SHARE), REQUESTS_IN_FLIGHT.labels("streaming"))
        self.health = Lane(max_health_in_flight, REQUESTS_IN_FLIGHT.labels("health"))
        self._arriving = REQUESTS_IN_FLIGHT.labels("arriving")
        self._collected_bytes = 0
        self._max_body_bytes = max_body_bytes
        self._uploads = tuple(uploads)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request if its lane has a free slot."""
        if scope["path"] in HEALTH_PATHS:
            await self._serve(self.health, scope, receive, send)
        elif self.requests.full or scope["method"] in BODILESS or not carries_body(scope):
            await self._serve(self.requests, scope, receive, send)
        elif self._is_read_as_it_arrives(scope):
            await self._serve_streaming(scope, receive, send)
        else:
            await self._serve_arriving(scope, receive, send)

    def _is_read_as_it_arrives(self, scope: Scope) -> bool:
        if any(kind.takes(scope["path"]) for kind in self._uploads):
            return True
        if self._max_body_bytes is not None and declared_length(scope["headers"]) > self._max_body_bytes:
            return True
        return any(name == b"expect" for name, _ in scope["headers"])  # comes only when the application asks for it

    async def _serve(self, lane: Lane, scope: Scope, receive: Receive, send: Send) -> None:
        if lane.full:
            await _refuse(scope, receive, send)
            return
        place = Slot(lane)
        scope[SLOT] = place
        with place:
            await self.app(scope, receive, send)

    async def _serve_arriving(self, scope: Scope, receive: Receive, send: Send) -> None:
        with Slot(Lane(1, self._arriving)):
            collected = await self._collect(receive)
        if collected is None:
            return
        if collected.whole:
            await self._serve(self.requests, scope, collected.before(receive), send)
        else:
            await self._serve_streaming(scope, collected.before(receive), send)

    async def _serve_streaming(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.streaming.full:
            await _refuse(scope, receive, send)
            return
        place = Slot(self.streaming)

        async def watched() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                place.release()
            return message

        with place:
            await self._serve(self.requests, scope, watched, send)

    async def _collect(self, receive: Receive) -> _Collected | None:
        """What comes of the body, up to its end or the bounds; None when the client has gone."""
        messages: list[Message] = []
        size = 0
        try:
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                messages.append(message)
                if not message.get("more_body", False):
                    return _Collected(messages, whole=True)
                length = len(message.get("body", b""))
                size += length
                self._collected_bytes += length
                if size > MAX_COLLECTED_BYTES or self._collected_bytes > MAX_ALL_COLLECTED_BYTES:
                    return _Collected(messages, whole=False)
        finally:
            self._collected_bytes -= size


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    REQUESTS_REFUSED.labels("overloaded").inc()
    await refuse(scope, receive, send, Overloaded())
