"""The event loop of a test's process is never held up: what one request costs, no other waits for.

The application of the tests runs in the loop of the test. A task that wants to run every few milliseconds measures how
late it is let; what is too late is held against the machine, as all promises are (`tests/promises.py`).
"""

import asyncio
import gc
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests import promises
from tests.promises import kept

MOST_SECONDS = 0.1
"""What a test allows. The code aims at half: a piece of work ends, or gives way, within 50 ms."""
TICK_SECONDS = 0.005


@dataclass(slots=True)
class Lag:
    """How late the loop was, in seconds; complete when the block is over."""

    worst: float = 0.0
    computed: float = 0.0
    """The most that the loop itself computed in one delay, in seconds of a processor."""
    slowest: float = 1.0
    """How slow the machine was found while the loop was late (`promises.slowdown`)."""
    _due: float = field(default_factory=time.monotonic)
    _used: float = field(default_factory=time.thread_time)

    def look(self) -> float:
        """Seconds by which the loop is late in this moment, which count. To be called in the loop."""
        late = time.monotonic() - self._due
        self.worst = max(self.worst, late)
        self.computed = max(self.computed, min(late, time.thread_time() - self._used))
        return late

    async def tick(self) -> None:
        """Want to run again and again, and see when that is."""
        while True:
            self._due, self._used = time.monotonic() + TICK_SECONDS, time.thread_time()
            await asyncio.sleep(TICK_SECONDS)
            self.look()

    def watch(self, seconds: float, over: threading.Event) -> None:
        """Look at the machine whenever the loop is too late. To be called in a thread."""
        while not over.wait(seconds / 4):
            if time.monotonic() - self._due > seconds:
                self.slowest = max(self.slowest, promises.slowdown())


@asynccontextmanager
async def prompt_loop(seconds: float = MOST_SECONDS, what: str = "") -> AsyncIterator[Lag]:
    """A block in which the loop is never held up for longer. AssertionError at its end when it was.

    Args:
        seconds: what is promised, on a machine that has nothing else to do.
        what: names what is done in the block.
    """
    gc.freeze()  # as a process that serves has done: what other tests left is not searched for garbage meanwhile
    lag, over = Lag(), threading.Event()
    watching = threading.Thread(target=lag.watch, args=(seconds, over))
    ticking = asyncio.create_task(lag.tick())
    await asyncio.sleep(0)
    watching.start()
    try:
        yield lag
        lag.look()
    finally:
        ticking.cancel()
        over.set()
        await asyncio.to_thread(watching.join)
    # A look at the machine is a moment's. Where the loop computed less than is promised, others had the processors; a
    # thread of this process that keeps Python's lock is found on a machine that has nothing else to do.
    slowest = lag.slowest**2 if lag.computed <= seconds else lag.slowest
    await kept(lag.worst, seconds, f"the loop was held up by {what or 'the block'}", slowest)
