"""What batches leave behind, and how long it may be kept. The record of a batch stays: the table's rows name it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import orjson
from pydantic import Field

from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ports.retention import Amount, Default, HoldFilter, Preview, Removed, RetentionTarget
from app.kernel.ports.retention_rows import RowsTarget
from app.settings import Settings
from app.warehouse.layout import IMAGE_BY
from app.warehouse.naming import RelationName
from app.warehouse.relations import before_relations


class BatchHold(HoldFilter):
    """Also which contract, batch or sender."""

    contract_id: str | None = Field(None, max_length=200, description="The contract that batches came under.")
    batch_id: UUID | None = Field(None, description="One batch.")
    sender_id: UUID | None = Field(None, description="User or client who sent them.")


_FIELDS = {"contract_id": "{}.contract_id", "batch_id": "{}.id", "sender_id": "{}.actor_id"}


def _of(alias: str) -> dict[str, str]:
    return {name: sql.format(alias) for name, sql in _FIELDS.items()}


RAW_BATCHES = RowsTarget(
    category="raw_batches",
    description="Bodies of batches as they were received, by when they came; the record of a batch stays.",
    default=Default(90),
    table="spyne.ingestion_history",
    key=(("id", "uuid"),),
    time="t.created_at",
    removable="t.raw_key IS NOT NULL AND t.status <> 'pending'",
    fields=_of("t"),
    hold_filter=BatchHold,
    size="t.bytes_received",
    object_key="t.raw_key",
    clearing="raw_key = NULL",
)
QUARANTINE = RowsTarget(
    category="quarantine",
    description="Refused rows, by when their batch came; its counts stay.",
    default=Default(90),
    table="spyne.ingestion_quarantine",
    key=(("batch_id", "uuid"), ("line", "bigint")),
    time="b.created_at",
    join="JOIN spyne.ingestion_history b ON b.id = t.batch_id",
    fields=_of("b"),
    hold_filter=BatchHold,
)


@dataclass(frozen=True, slots=True)
class BeforeImages:
    """Rows as they were before batches changed them: what taking a batch back needs."""

    window_days: int
    """A batch may be taken back for this long; its images stay as long, whatever a rule says."""

    category = "before_images"
    description = "Rows as they were before batches changed them, by when those were merged."
    hold_filter = BatchHold
    archives = False

    @property
    def default(self) -> Default:
        """Never shorter than the window."""
        return Default(max(90, self.window_days), least_days=self.window_days)

    async def preview(self, session: ReadSession, cut_off: datetime) -> Preview:
        """Count over all relations."""
        found = [await self._rows(each).preview(session, cut_off) for each in await before_relations(session)]
        return Preview(
            _sum([each.amount for each in found]),
            _sum([each.held for each in found]),
            min((each.oldest for each in found if each.oldest is not None), default=None),
            max((each.newest for each in found if each.newest is not None), default=None),
        )

    async def delete_some(self, session: WriteSession, cut_off: datetime, cursor: str | None, limit: int) -> Removed:
        """Remove some of one relation; the cursor names it."""
        begin, within = ("", None) if cursor is None else orjson.loads(cursor)
        for relation in await before_relations(session):
            if relation.name < begin:
                continue
            place = within if relation.name == begin else None
            removed = await self._rows(relation).delete_some(session, cut_off, place, limit)
            if removed.amount.rows:
                # At its end the relation is looked at once more, from its last row on: nothing is there then.
                return replace(removed, cursor=orjson.dumps([relation.name, removed.cursor or _END]).decode())
        return Removed(Amount(), None)

    def _rows(self, relation: RelationName) -> RowsTarget:
        return RowsTarget(
            category=self.category,
            description=self.description,
            default=self.default,
            table=relation.sql,
            key=(("ctid", "tid"),),
            time="b.completed_at",
            removable=f"b.completed_at < now() - make_interval(days => {self.window_days:d})",
            join=f"JOIN spyne.ingestion_history b ON b.sequence = t.{IMAGE_BY}",
            fields=_of("b"),
            hold_filter=BatchHold,
        )


_END = orjson.dumps(["(4294967295,65535)"]).decode()
"""A place beyond every row of a relation: blocks have 32 bits, places 16 (PostgreSQL manual, system columns)."""


def _sum(amounts: Sequence[Amount]) -> Amount:
    return Amount(
        sum(each.rows for each in amounts), sum(each.bytes for each in amounts), sum(each.objects for each in amounts)
    )


def targets(settings: Settings) -> Sequence[RetentionTarget]:
    """Everything of this domain."""
    return (RAW_BATCHES, QUARANTINE, BeforeImages(settings.ingestion.rollback_window_days))
