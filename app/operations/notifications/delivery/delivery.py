"""Delivery: beside the jobs of a worker, what is due in the outbox is claimed, sent and written down.

Claimed and committed, then sent with no session open, then written down under the attempt's number. A worker that dies
or stands still reports nothing; its messages are claimed again, under the same ids, when their leases have run out.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.problems import Unavailable
from app.kernel.runtime.background import Interval, repeating
from app.kernel.runtime.resources import Resources
from app.kernel.security.at_rest import SecretBox
from app.kernel.telemetry.metrics import NOTIFICATIONS
from app.operations.notifications.channels.service import ChannelService
from app.operations.notifications.delivery.lanes import Lane, SlowChannels
from app.operations.notifications.delivery.repository import Applied, Claimed, DeliveryWrites
from app.operations.notifications.delivery.retry_policy import FAILING_FOR, AttemptOutcome, Result, pause_after
from app.operations.notifications.delivery.sending import OpenChannel, Sender, opened

CLAIMS: Final = ("outbox-claims", "outbox-claims-slow")
"""Names of the loops of the quick lane and of the slow one."""
OUTCOMES: Final = "outbox-outcomes"
SENDER: Final = "outbox-sender"
LOOPS: Final[Mapping[str, Interval]] = {
    **dict.fromkeys((*CLAIMS, OUTCOMES), lambda settings: settings.notify.poll_seconds),
    SENDER: 0.0,
}
GATHER_SECONDS: Final = 0.02
"""While more is under way, outcomes are gathered for so long and written together. What is gathered when a worker is
killed is sent a second time, so it is short."""
MOST_UNWRITTEN: Final = 16
"""Outcomes that may wait for being written; then nothing more is sent, so that a slow database, too, leaves little to
be sent a second time."""
STOPPED: Final = AttemptOutcome(Result.FAILED, error="The worker was stopped meanwhile.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A message that was tried."""

    claimed: Claimed
    outcome: AttemptOutcome
    began: datetime
    seconds: float


class Delivery:
    """Delivers while `running`."""

    def __init__(self, resources: Resources, sender: Sender) -> None:
        self._resources = resources
        self._database = resources.database
        self._settings = resources.settings.notify
        self._sender = sender
        self._box = SecretBox(resources.secret)
        self._channels: dict[UUID, tuple[int, OpenChannel | None]] = {}
        self._slow = SlowChannels()
        size = self._settings.concurrency
        self._lanes = (Lane(size, slow=False), Lane(max(1, size // 4), slow=True))
        self._attempts: list[Attempt] = []
        self._tried = asyncio.Event()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._caught_up = asyncio.Event()
        self._caught_up.set()

    def wake(self) -> None:
        """Look at once: something may be due."""
        for lane in self._lanes:
            lane.wake.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver while the block runs; then end what is under way, within an attempt's deadline; put back the rest."""
        poll = self._settings.poll_seconds
        async with (
            repeating(OUTCOMES, self._write_outcomes, poll, wake=self._tried, at_end=self._write_outcomes),
            self._sending(),
            self._claiming(),
        ):
            yield

    @asynccontextmanager
    async def _claiming(self) -> AsyncIterator[None]:
        poll = self._settings.poll_seconds
        async with AsyncExitStack() as stack:
            for name, lane in zip(CLAIMS, self._lanes, strict=True):
                claim = partial(self._claim_next, lane)
                claims = repeating(name, claim, poll, begin_after=0.0, wake=lane.wake, at_end=self._put_back)
                await stack.enter_async_context(claims)
            yield

    @asynccontextmanager
    async def _sending(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for lane in self._lanes:
                for _ in range(lane.size):
                    await stack.enter_async_context(repeating(SENDER, partial(self._send_next, lane), 0.0))
            try:
                yield
            finally:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._idle.wait(), self._settings.timeout_seconds + 1)

    async def _claim_next(self, lane: Lane) -> None:
        room = await lane.room()
        # While the shield is up, what is due stays where it is.
        with contextlib.suppress(Unavailable):
            if await _to_its_end(self._claim(lane, room)) >= room:
                lane.wake.set()  # there may be more

    async def _claim(self, lane: Lane, room: int) -> int:
        slow = self._slow.at(time.monotonic())
        if lane.slow and not slow:
            return 0
        lease = timedelta(seconds=self._settings.lease_seconds)
        deadline = time.monotonic() + self._settings.lease_seconds

        async def work(session: WriteSession) -> list[Claimed]:
            repository = DeliveryWrites(session)
            found = await repository.claim(slow, among=lane.slow, most=room, lease=lease)
            await self._open(repository, found)
            return found

        claimed = await self._database.run(work)
        lane.take(claimed, deadline)
        return len(claimed)

    async def _open(self, repository: DeliveryWrites, claimed: Sequence[Claimed]) -> None:
        """Learn of the channels of these messages what is not known, or has changed."""
        unknown = {
            each.channel_id
            for each in claimed
            if self._channels.get(each.channel_id, (-1, None))[0] != each.channel_version
        }
        if unknown:
            for row in await repository.channels(list(unknown)):
                self._channels[row.id] = (row.version, opened(row, self._box))

    async def _send_next(self, lane: Lane) -> None:
        await self._caught_up.wait()
        claimed, deadline = await lane.next()
        if time.monotonic() + self._settings.timeout_seconds > deadline:
            return  # the lease may end before the attempt would
        began, started = self._resources.clock(), time.monotonic()
        outcome = STOPPED
        self._under_way += 1
        self._idle.clear()
        try:
            outcome = await self._sender.send(claimed.message, self._channel(claimed))
        finally:
            self._under_way -= 1
            seconds = time.monotonic() - started
            self._attempts.append(Attempt(claimed, outcome, began, seconds))
            self._slow.note(claimed.channel_id, outcome, seconds, time.monotonic())
            self._tried.set()
            if len(self._attempts) >= MOST_UNWRITTEN:
                self._caught_up.clear()
            if not self._under_way:
                self._idle.set()

    def _channel(self, claimed: Claimed) -> OpenChannel | None:
        return self._channels.get(claimed.channel_id, (0, None))[1]

    async def _write_outcomes(self) -> None:
        """Write down what became of attempts. What cannot be written waits for the next time."""
        if self._under_way and len(self._attempts) < MOST_UNWRITTEN // 2:
            await asyncio.sleep(GATHER_SECONDS)
        attempts, self._attempts = self._attempts, []
        try:
            await self._write(attempts)
        except BaseException:
            self._attempts = attempts + self._attempts
            raise
        self._caught_up.set()

    async def _write(self, attempts: Sequence[Attempt]) -> None:
        if not attempts:
            return
        applied = [_applied(each) for each in attempts]
        sent = {each.claimed.channel_id for each in attempts if each.outcome.result is Result.SENT}
        failed = {each.claimed.channel_id for each in attempts if each.outcome.result is Result.FAILED} - sent

        async def work(session: WriteSession) -> Sequence[UUID]:
            repository = DeliveryWrites(session)
            await repository.apply(applied)
            if sent:
                await repository.succeeded(list(sent))
            return await repository.failed(list(failed)) if failed else ()

        # What was sent is written down in every mode; only claims stop.
        long = await self._database.run(work, OperationClass.CONTROL)
        for each in attempts:
            kind = self._channel(each.claimed)
            NOTIFICATIONS.labels(kind.kind.value if kind else "unreadable", each.outcome.result.value).inc()
        gone = {each.claimed.channel_id: each.outcome for each in attempts if each.outcome.result is Result.GONE}
        for channel_id, outcome in gone.items():
            await self._disable(channel_id, outcome.error or "")
        for channel_id in long:
            await self._disable(channel_id, f"Nothing could be sent for {FAILING_FOR.days} days.")

    async def _disable(self, channel_id: UUID, reason: str) -> None:
        async def work(session: WriteSession) -> None:
            await self._resources.build(ChannelService, session).disable(channel_id, reason)

        await self._database.run(work, OperationClass.CONTROL)

    async def _put_back(self) -> None:
        left = [(each.message.id, each.attempt) for lane in self._lanes for each in lane.left()]
        if left:
            await self._database.run(lambda session: DeliveryWrites(session).put_back(left), OperationClass.CONTROL)


def _applied(attempt: Attempt) -> Applied:
    """What an attempt changes: the schedule's next step, or the end."""
    outcome, claimed = attempt.outcome, attempt.claimed
    pause: timedelta | None = None
    status = "sent"
    if outcome.result is Result.HELD:
        return Applied(message_id=claimed.message.id, attempt=claimed.attempt, status="pending", pause=None)
    if outcome.result is Result.GONE:
        status = "failed"
    elif outcome.result is Result.FAILED:
        pause = pause_after(claimed.tries + 1, outcome, random.uniform)
        status = "dead" if pause is None else "failed"
    return Applied(
        message_id=claimed.message.id,
        attempt=claimed.attempt,
        status=status,
        pause=None if pause is None else pause.total_seconds(),
        error=outcome.error,
        code=outcome.status_code,
        latency_ms=round(attempt.seconds * 1000),
        began=attempt.began,
    )


async def _to_its_end(work: Coroutine[Any, Any, int]) -> int:
    """What the work answers; a cancellation waits until it is over, so that nothing is claimed and then forgotten."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # seen or not, the outbox is left to others now
        raise
