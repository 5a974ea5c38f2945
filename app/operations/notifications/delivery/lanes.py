"""What a worker holds of the outbox: two lanes, so that a receiver which hangs does not hold up the others.

A message waits in a lane between its claim and its turn. It is sent while enough of its lease is left for a whole
attempt, and dropped otherwise: by then it is another's.
"""

import asyncio
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from app.operations.notifications.delivery.repository import Claimed
from app.operations.notifications.delivery.retry_policy import AttemptOutcome, Result

SLOW_SECONDS: Final = 2.0
"""An answer that takes longer makes its channel a slow one."""
SLOW_FOR: Final = 60.0
"""Seconds that a channel stays among the slow ones after it failed or was slow, unless it is quick meanwhile."""


class Lane:
    """Messages that are claimed and wait for their turn."""

    def __init__(self, size: int, *, slow: bool) -> None:
        """For so many messages under way at once, of slow channels or of all others."""
        self.size = size
        self.slow = slow
        self._queue: asyncio.Queue[tuple[Claimed, float]] = asyncio.Queue()
        self._hungry = asyncio.Event()
        self.wake = asyncio.Event()
        """Something may be due."""

    async def room(self) -> int:
        """How many messages to claim next; waits until it is worth while."""
        while self._queue.qsize() > self.size // 2:
            self._hungry.clear()
            await self._hungry.wait()
        return self.size

    def take(self, claimed: Iterable[Claimed], deadline: float) -> None:
        """Messages to be sent before this time of the loop's clock."""
        for each in claimed:
            self._queue.put_nowait((each, deadline))

    async def next(self) -> tuple[Claimed, float]:
        """The next message, and until when an attempt may last."""
        found = await self._queue.get()
        if self._queue.qsize() <= self.size // 2:
            self._hungry.set()
        return found

    def left(self) -> list[Claimed]:
        """What nobody has begun to send; the lane is empty then."""
        found = []
        while not self._queue.empty():
            found.append(self._queue.get_nowait()[0])
        return found


class SlowChannels:
    """The channels that this worker has seen failing or slow of late."""

    def __init__(self) -> None:
        self._until: dict[UUID, float] = {}

    def note(self, channel_id: UUID, outcome: AttemptOutcome, seconds: float, now: float) -> None:
        """Learn from an attempt that took so long."""
        if outcome.result is not Result.SENT or seconds > SLOW_SECONDS:
            self._until[channel_id] = now + SLOW_FOR
        else:
            self._until.pop(channel_id, None)

    def at(self, now: float) -> list[UUID]:
        """The slow channels at this time."""
        for channel_id in [each for each, until in self._until.items() if until <= now]:
            del self._until[channel_id]
        return list(self._until)
