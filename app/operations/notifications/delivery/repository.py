"""SQL of delivery: claim with a lease, apply under the attempt's number, put back.

`next_attempt_at` is when a message may be taken: by the schedule, or when the lease of whoever sends it has run out.
All times are the database's, so that workers need not agree on theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Boolean, DateTime, Double, Integer, Interval, Text, Uuid, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from app.kernel.db.database import WriteSession
from app.operations.notifications.delivery.cloud_events import Message
from app.operations.notifications.delivery.retry_policy import FAILING_FOR
from app.operations.notifications.outbox.models import ChannelRow, MessageRow

_CLAIM = text(
    """
    WITH due AS (
        SELECT id FROM spyne.notification_outbox
        WHERE next_attempt_at <= now() AND (channel_id = ANY(:channels)) = :among
        ORDER BY next_attempt_at LIMIT :most FOR UPDATE SKIP LOCKED
    )
    UPDATE spyne.notification_outbox o
    SET status = 'sending', attempts = o.attempts + 1, next_attempt_at = now() + :lease
    FROM due, spyne.notification_channels c
    WHERE o.id = due.id AND c.id = o.channel_id
    RETURNING o.id, o.event, o.entity, o.subject, o.body, o.payload::text AS payload, o.created_at,
        o.attempts, o.tries, o.channel_id, c.version, old.status = 'sending' AS abandoned
    """
).bindparams(
    bindparam("channels", type_=ARRAY(Uuid)),
    bindparam("among", type_=Boolean),
    bindparam("most", type_=Integer),
    bindparam("lease", type_=Interval),
)

_ABANDONED = text(
    """
    INSERT INTO spyne.notification_attempts (message_id, number, attempted_at, error)
    SELECT id, number, now(), 'Nobody knows: the worker was gone, or stood still, before it could tell.'
    FROM unnest(:ids, :numbers) AS lost(id, number) ON CONFLICT DO NOTHING
    """
).bindparams(bindparam("ids", type_=ARRAY(Uuid)), bindparam("numbers", type_=ARRAY(Integer)))

_APPLIED: Final[Mapping[str, Any]] = {
    "message_id": Uuid, "attempt": Integer, "status": Text, "pause": Double, "error": Text, "code": Integer,
    "latency_ms": Integer, "began": DateTime(timezone=True),
}  # fmt: skip
"""The fields of `Applied`, and their types in PostgreSQL."""

_APPLY = text(
    """
    WITH outcome AS (
        SELECT * FROM unnest(:message_id, :attempt, :status, :pause, :error, :code, :latency_ms, :began)
            AS tried(id, attempt, status, pause, error, code, latency, began)
    ), applied AS (
        UPDATE spyne.notification_outbox o
        SET status = tried.status, last_error = tried.error,
            tries = o.tries + (tried.status IN ('failed', 'dead'))::int,
            next_attempt_at = now() + make_interval(secs => tried.pause),
            sent_at = CASE tried.status WHEN 'sent' THEN now() END
        FROM outcome tried
        WHERE o.id = tried.id
            AND (o.attempts = tried.attempt AND o.status = 'sending' OR tried.status = 'sent' AND o.status <> 'sent')
    )
    INSERT INTO spyne.notification_attempts (message_id, number, attempted_at, status_code, latency_ms, error)
    SELECT id, attempt, began, code, latency, error FROM outcome WHERE began IS NOT NULL
    ON CONFLICT (message_id, number) DO UPDATE
    SET attempted_at = excluded.attempted_at, status_code = excluded.status_code,
        latency_ms = excluded.latency_ms, error = excluded.error
    """
).bindparams(*(bindparam(name, type_=ARRAY(kind)) for name, kind in _APPLIED.items()))
"""That a message was taken is true whoever reports it, even after another worker was given the message."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is this worker's to send, until its lease runs out."""

    message: Message
    channel_id: UUID
    channel_version: int
    attempt: int
    tries: int
    """Tries that failed since the message was last put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What an attempt changes."""

    message_id: UUID
    attempt: int
    status: str
    pause: float | None
    """Seconds before the next attempt; None when there is none, or the channel is off."""
    error: str | None = None
    code: int | None = None
    latency_ms: int | None = None
    began: datetime | None = None
    """None when nothing was tried."""


class DeliveryWrites:
    """What delivery reads and writes."""

    def __init__(self, session: WriteSession) -> None:
        self.session = session

    async def claim(self, channels: Sequence[UUID], *, among: bool, most: int, lease: timedelta) -> list[Claimed]:
        """At most `most` messages that are due, oldest first, now claimed until the lease ends.

        They are `among` those of the channels, or else among those of all others.
        """
        values = {"channels": list(channels), "among": among, "most": most, "lease": lease}
        rows = (await self.session.execute(_CLAIM, values)).all()
        lost = [row for row in rows if row.abandoned]
        if lost:
            ids = {"ids": [row.id for row in lost], "numbers": [row.attempts - 1 for row in lost]}
            await self.session.execute(_ABANDONED, ids)
        return [_claimed(row) for row in rows]

    async def channels(self, ids: Sequence[UUID]) -> Sequence[ChannelRow]:
        """These channels, removed ones too."""
        return (await self.session.scalars(select(ChannelRow).where(ChannelRow.id.in_(ids)))).all()

    async def apply(self, outcomes: Sequence[Applied]) -> None:
        """Write down what became of attempts, each while it is its message's last one."""
        values = {name: [getattr(each, name) for each in outcomes] for name in _APPLIED}
        await self.session.execute(_APPLY, values)

    async def put_back(self, claimed: Sequence[tuple[UUID, int]]) -> None:
        """Let others take at once what was claimed by these attempts and not tried."""
        for message_id, attempt in claimed:
            await self.session.execute(
                update(MessageRow)
                .where(MessageRow.id == message_id, MessageRow.attempts == attempt, MessageRow.status == "sending")
                .values(status="pending", next_attempt_at=func.now())
            )

    async def succeeded(self, channels: Sequence[UUID]) -> None:
        """Something was sent on these channels."""
        await self.session.execute(_health(channels, ChannelRow.failing_since.is_not(None), None))

    async def failed(self, channels: Sequence[UUID]) -> Sequence[UUID]:
        """The channels that have failed for too long, of these, on which nothing was sent."""
        await self.session.execute(_health(channels, ChannelRow.failing_since.is_(None), func.now()))
        long = select(ChannelRow.id).where(
            ChannelRow.id.in_(channels), ChannelRow.active, ChannelRow.failing_since < func.now() - FAILING_FOR
        )
        return (await self.session.scalars(long)).all()


def _health(channels: Sequence[UUID], differs: Any, moment: Any) -> Any:
    """Note how channels fare, which is no change of them: their ETags stay.

    One that somebody else has locked is left for the next time: outcomes must not wait for a worker that stands still.
    """
    free = select(ChannelRow.id).where(ChannelRow.id.in_(channels), differs).with_for_update(skip_locked=True)
    statement = update(ChannelRow).where(ChannelRow.id.in_(free)).values(failing_since=moment)
    return statement.execution_options(synchronize_session=False)


def _claimed(row: Any) -> Claimed:
    message = Message(**{each.name: getattr(row, each.name) for each in fields(Message)})
    return Claimed(message, row.channel_id, row.version, row.attempts, row.tries)
