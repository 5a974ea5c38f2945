"""A look at all open connections every half second, and the bound on how many there are.

A timer per request would cost every request; a sweep costs each open connection a fraction of a microsecond.
"""

import asyncio
import logging
from collections.abc import Collection, Iterator
from typing import Final, Protocol

from app.kernel.http_server.limits import ArrivalLimits
from app.kernel.telemetry.metrics import CONNECTIONS_OPEN

log = logging.getLogger(__name__)

CUTS_AT_ONCE: Final = 32
"""A refusal costs a tenth of a millisecond; when a thousand clients are cut, others are served in between."""


class Watched(Protocol):
    """A connection, as the watch sees it."""

    def look(self, now: float, elapsed: float, late: float) -> bool:
        """Whether the connection was cut, because it is beyond a deadline.

        Of the seconds since the last look, `elapsed`, all are `late` when the loop was late, else none: what came
        meanwhile lies unread, so no clock ran.
        """

    def make_room(self) -> None:
        """Close: others wait for a connection, and this one waits for a request."""

    def turn_away(self) -> None:
        """Refuse the connection before anything of it is read."""


class Watch:
    """The connections of one process."""

    def __init__(self, limits: ArrivalLimits) -> None:
        self.limits = limits
        self._waiting: dict[Watched, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._last = 0.0

    def admit(self, connection: Watched, connections: Collection[Watched], loop: asyncio.AbstractEventLoop) -> bool:
        """Take a new connection in; answers whether it may ask for everything, or for probes alone.

        At the bound, the connection that has waited longest without a whole head is closed instead: a flood of idle
        connections displaces itself, while an honest request's head comes with its first packet.
        """
        if self._timer is None:
            self._last = loop.time()
            self._timer = loop.call_later(self.limits.sweep_seconds, self._sweep, connections, loop)
        beyond = len(connections) - self.limits.max_connections
        if beyond > 0 and self._waiting:
            longest = next(iter(self._waiting))
            del self._waiting[longest]
            longest.make_room()
            beyond -= 1
        if beyond > self.limits.probe_connections:
            connection.turn_away()
            return False
        self._waiting[connection] = None
        return beyond <= 0

    def waits(self, connection: Watched) -> None:
        """The connection has no request under way."""
        self._waiting[connection] = None

    def is_busy(self, connection: Watched) -> None:
        """The connection has a request under way, or has gone."""
        self._waiting.pop(connection, None)

    def _sweep(self, connections: Collection[Watched], loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        elapsed, self._last = now - self._last, now
        late = elapsed if elapsed > 2 * self.limits.sweep_seconds else 0.0
        CONNECTIONS_OPEN.set(len(connections))
        self._look(iter(list(connections)), (now, elapsed, late), loop)
        self._timer = (
            loop.call_later(self.limits.sweep_seconds, self._sweep, connections, loop) if connections else None
        )

    def _look(
        self, left: Iterator[Watched], moment: tuple[float, float, float], loop: asyncio.AbstractEventLoop
    ) -> None:
        cuts = 0
        for connection in left:
            try:
                cuts += connection.look(*moment)
            except Exception:  # or one faulty connection would end the watch over all others
                log.exception("a connection cannot be looked at")
            if cuts >= CUTS_AT_ONCE:
                loop.call_soon(self._look, left, moment, loop)
                return
