"""Delivery: beside the jobs of a worker, what is due in the outbox is claimed, sent and written down.

Claimed and committed, then sent with no session open, then written down under the attempt's number. A worker that dies
or stands still tells nothing; its messages are claimed again, under the same ids, when their leases have run out.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.at_rest import SecretBox
from app.kernel.database import OperationClass, WriteSession
from app.kernel.metrics import NOTIFICATIONS
from app.kernel.problems import Problem, Unavailable
from app.kernel.redaction import describe
from app.kernel.resources import Resources
from app.operations.notifications.delivery_repository import Applied, Claimed, DeliveryRepository
from app.operations.notifications.disabling import disable
from app.operations.notifications.lanes import Lane, SlowChannels
from app.operations.notifications.schedule import FAILING_FOR, Outcome, Result, pause_after
from app.operations.notifications.sending import OpenChannel, Sender, opened

log = logging.getLogger(__name__)

FAILURES: Final = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, Problem)
"""What passes by itself, or with an operator's help; it is tried again."""
FAILURE_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.02
"""While more is under way, outcomes are gathered for so long and written together. What is gathered when a worker is
killed is sent a second time, so it is short."""
MOST_UNTOLD: Final = 16
"""Outcomes that may wait for being written; then nothing more is sent, so that a slow database, too, leaves little to
be sent a second time."""
STOPPED: Final = Outcome(Result.FAILED, error="The worker was stopped meanwhile.")


@dataclass(frozen=True, slots=True)
class Attempt:
    """A message that was tried."""

    claimed: Claimed
    outcome: Outcome
    began: datetime
    seconds: float


class Delivery:
    """Delivers until it is told to stop."""

    def __init__(self, resources: Resources, sender: Sender) -> None:
        """Binds; reads nothing."""
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
        self._told = asyncio.Event()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._caught_up = asyncio.Event()
        self._caught_up.set()

    def wake(self) -> None:
        """Look at once: something may be due."""
        for lane in self._lanes:
            lane.wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`; then end what is under way, within an attempt's deadline, and put back the rest."""
        feeding = [asyncio.create_task(self._feed(lane), name="outbox-claims") for lane in self._lanes]
        sending = [
            asyncio.create_task(self._send_forever(lane), name="outbox-sender")
            for lane in self._lanes
            for _ in range(lane.size)
        ]
        telling = asyncio.create_task(self._tell_forever(), name="outbox-outcomes")
        try:
            await stop.wait()
        finally:
            await _end(feeding)
            await self._put_back()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), self._settings.timeout_seconds + 1)
            await _end([*sending, telling])
            with contextlib.suppress(*FAILURES):
                await self._tell(self._attempts)

    async def _feed(self, lane: Lane) -> None:
        while True:
            room = await lane.room()
            lane.wake.clear()
            try:
                claimed = await _to_its_end(self._claim(lane, room))
            except Unavailable:  # the shield is up: what is due stays where it is
                await asyncio.sleep(self._settings.poll_seconds)
                continue
            except Exception as error:  # noqa: BLE001 - whatever happens, delivery goes on
                log.warning("nothing can be claimed from the outbox", extra={"error": describe(error)})
                await asyncio.sleep(FAILURE_SECONDS)
                continue
            if claimed < room:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(lane.wake.wait(), self._settings.poll_seconds)

    async def _claim(self, lane: Lane, room: int) -> int:
        slow = self._slow.at(time.monotonic())
        if lane.slow and not slow:
            return 0
        lease = timedelta(seconds=self._settings.lease_seconds)
        deadline = time.monotonic() + self._settings.lease_seconds

        async def work(session: WriteSession) -> list[Claimed]:
            repository = DeliveryRepository(session)
            found = await repository.claim(slow, among=lane.slow, most=room, lease=lease)
            await self._open(repository, found)
            return found

        claimed = await self._database.run(work)
        lane.take(claimed, deadline)
        return len(claimed)

    async def _open(self, repository: DeliveryRepository, claimed: Sequence[Claimed]) -> None:
        """Learn of the channels of these messages what is not known, or has changed."""
        unknown = {
            each.channel_id
            for each in claimed
            if self._channels.get(each.channel_id, (-1, None))[0] != each.channel_version
        }
        if unknown:
            for row in await repository.channels(list(unknown)):
                self._channels[row.id] = (row.version, opened(row, self._box))

    async def _send_forever(self, lane: Lane) -> None:
        while True:
            await self._caught_up.wait()
            claimed, deadline = await lane.next()
            if time.monotonic() + self._settings.timeout_seconds > deadline:
                continue  # the lease may end before the attempt would
            began, started = self._resources.clock(), time.monotonic()
            _, channel = self._channels[claimed.channel_id]
            outcome = STOPPED
            self._under_way += 1
            self._idle.clear()
            try:
                outcome = await self._sender.send(claimed.message, channel)
            finally:
                self._under_way -= 1
                seconds = time.monotonic() - started
                self._attempts.append(Attempt(claimed, outcome, began, seconds))
                self._slow.note(claimed.channel_id, outcome, seconds, time.monotonic())
                self._told.set()
                if len(self._attempts) >= MOST_UNTOLD:
                    self._caught_up.clear()
                if not self._under_way:
                    self._idle.set()

    async def _tell_forever(self) -> None:
        while True:
            await self._told.wait()
            if self._under_way and len(self._attempts) < MOST_UNTOLD // 2:
                await asyncio.sleep(GATHER_SECONDS)
            self._told.clear()
            attempts, self._attempts = self._attempts, []
            try:
                await self._tell(attempts)
                self._caught_up.set()
            except Exception as error:  # noqa: BLE001 - what was sent must be written down
                log.warning("outcomes cannot be written down", extra={"error": describe(error)})
                self._attempts = attempts + self._attempts
                self._told.set()
                await asyncio.sleep(FAILURE_SECONDS)
            except asyncio.CancelledError:
                self._attempts = attempts + self._attempts
                raise

    async def _tell(self, attempts: Sequence[Attempt]) -> None:
        if not attempts:
            return
        applied = [_applied(each) for each in attempts]
        sent = {each.claimed.channel_id for each in attempts if each.outcome.result is Result.SENT}
        failed = {each.claimed.channel_id for each in attempts if each.outcome.result is Result.FAILED} - sent

        async def work(session: WriteSession) -> Sequence[UUID]:
            repository = DeliveryRepository(session)
            await repository.apply(applied)
            if sent:
                await repository.succeeded(list(sent))
            return await repository.failed(list(failed)) if failed else ()

        # What was sent is written down in every mode; only claims stop.
        long = await self._database.run(work, OperationClass.CONTROL)
        for each in attempts:
            kind = self._channels[each.claimed.channel_id][1]
            NOTIFICATIONS.labels(kind.kind.value if kind else "unreadable", each.outcome.result.value).inc()
        gone = {each.claimed.channel_id: each.outcome for each in attempts if each.outcome.result is Result.GONE}
        for channel_id, outcome in gone.items():
            await disable(self._resources, channel_id, outcome.error or "")
        for channel_id in long:
            await disable(self._resources, channel_id, f"Nothing could be sent for {FAILING_FOR.days} days.")

    async def _put_back(self) -> None:
        left = [(each.message.id, each.attempt) for lane in self._lanes for each in lane.left()]
        if left:
            with contextlib.suppress(*FAILURES):
                await self._database.run(partial(_released, left), OperationClass.CONTROL)


async def _released(left: Sequence[tuple[UUID, int]], session: WriteSession) -> None:
    await DeliveryRepository(session).put_back(left)


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
            task.exception()  # told or not, the outbox is left to others now
        raise


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
