"""Bounds how many requests are served at once: a flood is refused at once instead of queueing until all time out.

Health and metrics have a lane of their own: an overloaded service still says that it lives.
"""

from typing import Final

from prometheus_client import Gauge
from starlette.types import ASGIApp, Receive, Scope, Send

from app.kernel.metrics import REQUESTS_IN_FLIGHT, REQUESTS_REFUSED
from app.kernel.problems import Unavailable
from app.middleware.answers import refuse

HEALTH_PATHS: Final = frozenset({"/health", "/health/live", "/health/ready", "/metrics"})

MAX_HEALTH_IN_FLIGHT = 16
"""Probes come one at a time from a few load balancers and scrapers; more than this is a flood as well."""


class Overloaded(Unavailable):
    """As many requests as the service takes at once are being served."""

    code, title = "overloaded", "The service has too many requests at hand"


class Lane:
    """Slots for requests; a request holds its slot until its answer is sent, its stream included."""

    __slots__ = ("bound", "gauge", "in_flight")

    def __init__(self, bound: int, gauge: Gauge) -> None:
        self.bound = bound
        self.gauge = gauge
        self.in_flight = 0

    def __enter__(self) -> None:
        self.in_flight += 1
        self.gauge.inc()

    def __exit__(self, *_: object) -> None:
        self.in_flight -= 1
        self.gauge.dec()


class Admission:
    """Lets requests in while there are free slots; others are answered 503 with `Retry-After`."""

    def __init__(self, app: ASGIApp, max_in_flight: int, max_health_in_flight: int = MAX_HEALTH_IN_FLIGHT) -> None:
        self.app = app
        self.requests = Lane(max_in_flight, REQUESTS_IN_FLIGHT.labels("requests"))
        self.health = Lane(max_health_in_flight, REQUESTS_IN_FLIGHT.labels("health"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request if its lane has a free slot."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        lane = self.health if scope["path"] in HEALTH_PATHS else self.requests
        if lane.in_flight >= lane.bound:
            REQUESTS_REFUSED.labels("overloaded").inc()
            await refuse(scope, receive, send, Overloaded())
            return
        with lane:
            await self.app(scope, receive, send)
