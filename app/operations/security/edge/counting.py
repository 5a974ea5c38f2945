"""Counts requests in windows, in this process or in a Redis that all processes share.

Windows are fixed: one addition per request, exact, and the same count in every process. They begin at a moment of each
caller's own, so that not everybody comes back at the same second. (decisions/0013)
"""

import logging
import time
from itertools import islice
from typing import Any, Final
from zlib import crc32

import redis.exceptions
from limits.aio.storage import RedisStorage
from redis.asyncio.connection import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from app.kernel.telemetry.metrics import RATE_LIMIT_FALLBACKS

log = logging.getLogger(__name__)

MAX_COUNTED: Final = 100_000
"""Callers and addresses counted at once in one process: some 25 MB. Beyond, those counted longest ago start anew."""
SWEPT_AT_ONCE: Final = 1_000

REDIS_SECONDS: Final = 0.25
"""Longest wait for the shared count; a request is not kept waiting for it any longer."""
ASK_SECONDS: Final = 0.02
SHARE: Final = 100
EXACT_BELOW: Final = 1_000
"""Redis is asked again after this long, or after this part of the amount; for smaller amounts, each time."""
RETRY_SECONDS: Final = 2.0
"""After a failure the shared storage is left alone for this long; then one request tries."""


def window_end(key: str, seconds: int, now: float) -> float:
    """When the window ends in which the key is counted at this Unix time."""
    offset = crc32(key.encode("utf-8", "surrogatepass")) % seconds
    return ((now - offset) // seconds + 1) * seconds + offset


def make_room(windows: dict[str, Any], max_counted: int) -> None:
    """Forget the windows that were opened longest ago, if there are as many as there may be."""
    if len(windows) >= max_counted:
        for oldest in list(islice(windows, min(SWEPT_AT_ONCE, max_counted))):
            del windows[oldest]


class MemoryCounter:
    """Counts in this process. Bounded; nothing is swept on the way of a request but what makes room for it."""

    def __init__(self, max_counted: int = MAX_COUNTED) -> None:
        self._windows: dict[str, list[float]] = {}
        self._max_counted = max_counted

    def hit(self, key: str, seconds: int, now: float) -> tuple[int, float]:
        """The count of the key's window, this one included, and when the window ends."""
        window = self._windows.get(key)
        if window is None or now >= window[0] or window[0] - now > seconds:  # a shorter window may be in force now
            window = self._open(key, seconds, now)
        window[1] += 1
        return int(window[1]), window[0]

    def _open(self, key: str, seconds: int, now: float) -> list[float]:
        self._windows.pop(key, None)
        make_room(self._windows, self._max_counted)
        window = self._windows[key] = [window_end(key, seconds, now), 0.0]
        return window


class _SharedWindow:
    """The window of a key: what Redis said last, and what has not been sent to it yet."""

    __slots__ = ("asked_at", "end", "pending", "total", "under_way")

    def __init__(self, end: float) -> None:
        self.end = end
        self.total = 0
        self.under_way = 0
        self.pending = 0
        self.asked_at = 0.0

    @property
    def count(self) -> int:
        return self.total + self.under_way + self.pending


class SharedCounter:
    """Counts in Redis; while Redis is away each process goes on from what it knew, and nobody is refused for that.

    A question to Redis costs more than all layers of the door together. So it is asked for the first request of a
    key, and again when 20 ms have passed or a hundredth of the amount has come: whoever is slow is counted exactly,
    and of whoever is fast each process knows at least 99 %. Small amounts, such as those of log-ins, are always exact.
    """

    def __init__(self, url: str, max_counted: int = MAX_COUNTED) -> None:
        self._connections = ConnectionPool.from_url(
            url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),  # the next request is the retry
        )
        options: dict[str, Any] = {"connection_pool": self._connections}
        self._storage = RedisStorage(f"async+{url}", implementation="redispy", key_prefix="spyne:rate", **options)
        self._windows: dict[str, _SharedWindow] = {}
        self._max_counted = max_counted
        self._away = False
        self._retry_at = 0.0

    async def hit(self, key: str, seconds: int, now: float, amount: int) -> tuple[int, float]:
        """The count of the key's window over all processes, this request included, and when the window ends."""
        window = self._windows.get(key)
        if window is None or now >= window.end or window.end - now > seconds:
            window = self._open(key, seconds, now)
        window.pending += 1
        moment = time.monotonic()
        if self._away and moment < self._retry_at:
            RATE_LIMIT_FALLBACKS.inc()
        elif amount < EXACT_BELOW or window.pending * SHARE >= amount or moment - window.asked_at >= ASK_SECONDS:
            window.asked_at = moment
            await self._ask(key, window, seconds)
        return window.count, window.end

    def _open(self, key: str, seconds: int, now: float) -> _SharedWindow:
        self._windows.pop(key, None)
        make_room(self._windows, self._max_counted)
        window = self._windows[key] = _SharedWindow(window_end(key, seconds, now))
        return window

    async def _ask(self, key: str, window: _SharedWindow, seconds: int) -> None:
        sent, window.pending = window.pending, 0
        window.under_way += sent
        if self._away:
            self._retry_at = time.monotonic() + RETRY_SECONDS  # this request tries; the others do not wait for it
        try:
            total = await self._storage.incr(f"{key}:{int(window.end)}", seconds + 1, amount=sent)
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            window.pending += sent
            self._retry_at = time.monotonic() + RETRY_SECONDS
            RATE_LIMIT_FALLBACKS.inc()
            if not self._away:
                log.warning("the shared count is away", extra={"error": type(error).__name__})
            self._away = True
        else:
            window.total = max(window.total, total)  # answers may overtake each other
            if self._away:
                self._away = False
                log.warning("the shared count is back")
        finally:
            window.under_way -= sent

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.disconnect()
