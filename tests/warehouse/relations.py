"""A small governed relation for tests, and ways to put batches into it and to look at it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from app.warehouse import ddl
from app.warehouse.copying import encode_rows
from app.warehouse.ingest import MergeOutcome, ingest
from app.warehouse.layout import column_hash
from app.warehouse.naming import governed_relation, quote
from app.warehouse.plan import Checks, Column, Mode, RelationPlan, Resolution
from app.warehouse.refused_rows import UNLIMITED, USUAL_BOUNDS, RefusalBounds, RejectLimits
from app.warehouse.rejections import Chunk, Rejection
from app.warehouse.types import parse_type

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, tzinfo=UTC)
WINDOW = timedelta(hours=5)

Row = tuple[Any, ...]


def plan_of(
    mode: Mode = Mode.UPSERT,
    resolution: Resolution = Resolution.LATEST_WINS,
    *,
    time_type: str = "timestamptz",
    unique: bool = False,
) -> RelationPlan:
    """Columns: k text (key), at (event time), v integer (content), got timestamptz (processing time)."""
    columns = (
        Column("k", parse_type("text")),
        Column("at", parse_type(time_type)),
        Column("v", parse_type("integer"), checks=Checks(unique=unique)),
        Column("got", parse_type("timestamptz")),
    )
    return RelationPlan(governed_relation("things", 1), columns, ("k",), "at", "got", mode, resolution, WINDOW)


async def content_hash(connection: asyncpg.Connection, *values: tuple[str, str, object]) -> int:
    """The content hash of a payload of (column, type, value)."""
    columns = [Column(name, parse_type(type_)) for name, type_, _ in values]
    shares = " # ".join(column_hash(column) for column in columns)
    given = ", ".join(f"${n}::{column.type.sql} AS {quote(column.name)}" for n, column in enumerate(columns, 1))
    return int(await connection.fetchval(f"SELECT {shares} FROM (SELECT {given}) v", *(value for *_, value in values)))


async def no_chunks(chunks: Sequence[Chunk]) -> AsyncIterator[Chunk]:
    for chunk in chunks:
        yield chunk


@dataclass
class Relation:
    """A governed relation, made anew, and what its batches refused."""

    connection: asyncpg.Connection
    plan: RelationPlan
    refused: list[Rejection] = field(default_factory=list)
    portions: list[int] = field(default_factory=list)
    seq: int = 0

    async def make(self) -> "Relation":
        dropped = ddl.drop(self.plan.before), ddl.drop(self.plan.relation)
        for statement in (*dropped, *ddl.create_relation(self.plan)):
            await self.connection.execute(statement)
        return self

    async def put(self, rows: Sequence[Row], pieces: int = 1, **options: Any) -> MergeOutcome:
        """A batch of (k, at, v) rows, in so many chunks, committed."""
        numbered = [(line, *row) for line, row in enumerate(rows, 1)]
        size = max(1, -(-len(numbered) // pieces))
        parts = [numbered[i : i + size] for i in range(0, len(numbered), size)]
        return await self.put_chunks([Chunk(len(part), encode_rows(part)) for part in parts], **options)

    async def put_chunks(
        self,
        chunks: Sequence[Chunk],
        *,
        limits: RejectLimits = UNLIMITED,
        bounds: RefusalBounds = USUAL_BOUNDS,
        roll_back: bool = False,
        wanted: str | None = None,
        **asked: Any,
    ) -> MergeOutcome:
        self.seq += 1
        transaction = self.connection.transaction()
        await transaction.start()
        try:
            result = await ingest(
                self.connection,
                self.plan,
                no_chunks(chunks),
                batch_seq=self.seq,
                processing_time=NOW + timedelta(hours=self.seq),
                sink=self._sink,
                limits=limits,
                bounds=bounds,
                wanted=wanted,
                **asked,
            )
        except BaseException:
            await transaction.rollback()
            raise
        await (transaction.rollback() if roll_back else transaction.commit())
        return result

    async def _sink(self, rejections: Sequence[Rejection]) -> None:
        await self.connection.execute("SELECT 1")  # the promise is that the connection is free
        self.refused.extend(rejections)
        self.portions.append(len(rejections))

    async def rows(self, columns: str = "k, at, v") -> list[tuple[Any, ...]]:
        found = await self.connection.fetch(f"SELECT {columns} FROM {self.plan.relation.sql} ORDER BY k, at, v")
        return [tuple(row) for row in found]

    async def images(
        self, columns: str = "_spyne_image_by, _spyne_image_op::text, k, at, v, _spyne_batch"
    ) -> list[tuple[Any, ...]]:
        found = await self.connection.fetch(
            f"SELECT {columns} FROM {self.plan.before.sql} ORDER BY _spyne_image_by, k, at"
        )
        return [tuple(row) for row in found]
