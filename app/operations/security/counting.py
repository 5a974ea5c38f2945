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

from app.kernel.metrics import RATE_LIMIT_FALLBACKS

log = logging.getLogger(__name__)

MAX_COUNTED: Final = 100_000
"""Callers and addresses counted at once in one process: some 25 MB. Beyond, those counted longest ago start anew."""
SWEPT_AT_ONCE: Final = 1_000

REDIS_SECONDS: Final = 0.25
"""Longest wait for the shared count; a request is not kept waiting for it any longer."""
RETRY_SECONDS: Final = 2.0
"""After a failure the shared storage is left alone for this long, except for one request which tries."""


def window_end(key: str, seconds: int, now: float) -> float:
    """When the window ends in which the key is counted at this Unix time."""
    offset = crc32(key.encode("utf-8", "surrogatepass")) % seconds
    return ((now - offset) // seconds + 1) * seconds + offset


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
        if len(self._windows) >= self._max_counted:
            for oldest in list(islice(self._windows, min(SWEPT_AT_ONCE, self._max_counted))):
                del self._windows[oldest]
        window = self._windows[key] = [window_end(key, seconds, now), 0.0]
        return window


class SharedCounter:
    """Counts in Redis; in this process while Redis is away, which no request is refused for."""

    def __init__(self, url: str) -> None:
        self._connections = ConnectionPool.from_url(
            url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),  # the next request is the retry
        )
        options: dict[str, Any] = {"connection_pool": self._connections}
        self._storage = RedisStorage(f"async+{url}", implementation="redispy", key_prefix="spyne:rate", **options)
        self._memory = MemoryCounter()
        self._away = False
        self._retry_at = 0.0

    async def hit(self, key: str, seconds: int, now: float) -> tuple[int, float]:
        """As `MemoryCounter.hit`, over all processes that share the storage."""
        if self._away:
            if time.monotonic() < self._retry_at:
                return self._alone(key, seconds, now)
            self._retry_at = time.monotonic() + RETRY_SECONDS  # this request tries; the others do not wait for it
        end = window_end(key, seconds, now)
        try:
            count = await self._storage.incr(f"{key}:{int(end)}", seconds + 1)
        except (redis.exceptions.RedisError, OSError, TimeoutError) as error:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            if not self._away:
                log.warning(
                    "the shared count is away; this process counts alone", extra={"error": type(error).__name__}
                )
            self._away = True
            return self._alone(key, seconds, now)
        if self._away:
            self._away = False
            log.warning("the shared count is back")
        return count, end

    def _alone(self, key: str, seconds: int, now: float) -> tuple[int, float]:
        RATE_LIMIT_FALLBACKS.inc()
        return self._memory.hit(key, seconds, now)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.disconnect()
