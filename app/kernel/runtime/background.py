"""What a process does beside its requests or jobs: loops of looks, each supervised in the same way.

No error ends a loop. Whatever a look raises is logged and counted (`spyne_background_failures_total`), the next look
waits a little longer each time, and `spyne_background_last_ran_timestamp_seconds` shows when a look last ended well;
one alert of deploy/prometheus/rules.yml is for all of them. Only the end of the block, a cancellation, ends a loop.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from app.kernel.backoff import backoff
from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.metrics import BACKGROUND_FAILURES, BACKGROUND_INTERVAL, BACKGROUND_LAST_RAN
from app.settings import Settings

log = logging.getLogger(__name__)

FIRST_PAUSE: Final = 1.0
"""Seconds after the first failure in a row; a loop that looks more often waits for one of its intervals."""
LONGEST_PAUSE: Final = 2.0
"""Seconds after many failures in a row; a loop that looks more seldom waits for one of its intervals. Short, since
views that may be a second old lag behind by this much when the database is back."""

Look = Callable[[], Awaitable[object]]
Interval = float | Callable[[Settings], float]


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """Something that a process does while a block runs; at the block's end it has stopped."""

    name: str
    run: Callable[[Resources], AbstractAsyncContextManager[None]]
    every: Interval | None = None
    """Seconds between two looks of the loop that has the task's name; None when there is none by this name."""
    in_api: bool = False
    in_worker: bool = False
    parts: Mapping[str, Interval] = field(default_factory=dict)
    """Further loops that the task runs, by name. A task without any loop only holds a resource."""

    def loops(self) -> dict[str, Interval]:
        """The intervals of all its loops by name."""
        return {**({} if self.every is None else {self.name: self.every}), **self.parts}


def intervals(tasks: Iterable[BackgroundTask], settings: Settings) -> dict[str, float]:
    """The seconds between two looks by the loop's name; 0 for loops that wait for work by themselves."""
    declared = [loop for task in tasks for loop in task.loops().items()]
    return {name: every(settings) if callable(every) else every for name, every in declared}


@asynccontextmanager
async def background(tasks: Sequence[BackgroundTask], resources: Resources) -> AsyncIterator[None]:
    """All tasks run while the block does."""
    async with AsyncExitStack() as stack:
        for task in tasks:
            await stack.enter_async_context(task.run(resources))
        yield


class Pace:
    """How a loop passes the time between its looks. Tests hand in one that does not."""

    now: Callable[[], float] = staticmethod(time.time)
    jitter: Callable[[float, float], float] = staticmethod(random.uniform)

    async def rest(self, seconds: float, wake: asyncio.Event | None = None) -> None:
        """Return after `seconds`, or as soon as `wake` is set, which is cleared then."""
        if wake is None:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await wake.wait()
        wake.clear()


PACE: Final = Pace()


def pause_after(failures: int, every: float, longest: float, jitter: Callable[[float, float], float]) -> float:
    """The seconds that a loop waits after so many failures in a row."""
    return backoff(failures, min(every or FIRST_PAUSE, FIRST_PAUSE), longest, jitter)


class Looks:
    """The looks of one loop, none of which raises; each leaves its mark in the metrics."""

    def __init__(self, name: str, every: float, longest: float | None = None, pace: Pace = PACE) -> None:
        """Gives the loop its series in the metrics, so that one which never ends well is noticed too."""
        self._name = name
        self._every = every
        self._longest = max(every, LONGEST_PAUSE) if longest is None else longest
        self._pace = pace
        self._failures = 0
        BACKGROUND_FAILURES.labels(name)
        BACKGROUND_LAST_RAN.labels(name).set(pace.now())
        if every:
            BACKGROUND_INTERVAL.labels(name).set(every)

    async def once(self, look: Look) -> float:
        """The seconds to wait after a look that failed, 0 after one that ended well."""
        try:
            await look()
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                raise  # this loop is to end; otherwise something that the look waited for was cancelled
            return self._failed(error)
        if self._failures:
            log.info("a background task works again", extra={"task": self._name, "failures": self._failures})
        self._failures = 0
        BACKGROUND_LAST_RAN.labels(self._name).set(self._pace.now())
        return 0.0

    def _failed(self, error: BaseException) -> float:
        self._failures += 1
        BACKGROUND_FAILURES.labels(self._name).inc()
        extra = {"task": self._name, "failures": self._failures, "error": type(error).__name__}
        if self._failures == 1:
            log.error("a background task failed and goes on", extra=extra, exc_info=error)
        elif self._failures.bit_count() == 1:  # 2, 4, 8, …: an outage does not fill the log
            log.warning("a background task still fails", extra=extra)
        return pause_after(self._failures, self._every, self._longest, self._pace.jitter)

    async def forever(self, look: Look, begin_after: float, wake: asyncio.Event | None) -> None:
        """Look again and again, until cancelled."""
        await self._pace.rest(begin_after)
        while True:
            pause = await self.once(look)
            if _is_cancelled():  # and the look kept it to itself
                return
            await (self._pace.rest(pause) if pause else self._pace.rest(self._every, wake))


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@asynccontextmanager
async def repeating(
    name: str,
    look: Look,
    every: float,
    *,
    begin_after: float | None = None,
    at_end: Look | None = None,
    wake: asyncio.Event | None = None,
    longest: float | None = None,
    pace: Pace = PACE,
) -> AsyncIterator[None]:
    """Look again and again while the block runs.

    Args:
        name: of the loop, as its `BackgroundTask` declares it: label of its metrics.
        look: does the work once; what it raises is logged and counted, and it is tried again.
        every: seconds between two looks; 0 for a look that waits for its work by itself, however long.
        begin_after: seconds before the first look; `every` when absent.
        at_end: looked at once when the block has ended, with the loop's own supervision.
        wake: ends a pause at once, except after a failure; cleared before the look.
        longest: seconds that a pause after a failure lasts at most.
        pace: passes the time.
    """
    looks = Looks(name, every, longest, pace)
    begin_after = every if begin_after is None else begin_after
    task = asyncio.create_task(looks.forever(look, begin_after, wake), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        if at_end is not None:
            await looks.once(at_end)


@asynccontextmanager
async def watching(name: str, look: Look, every: float) -> AsyncIterator[None]:
    """Look at once, raising what that raises, so that the block begins with what it must know; then `repeating`."""
    await look()
    async with repeating(name, look, every):
        yield
