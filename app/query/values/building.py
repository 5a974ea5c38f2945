"""Builds the index of values: tables that can be queried, and of these what was written or changed since."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.catalog.vocabulary.service import held_columns, table_words
from app.catalog.vocabulary.words import TableWords
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, Units, sqlstate
from app.kernel.problems import Problem
from app.query.values.repository import ValueReads, ValueWrites
from app.query.values.rules import (
    FORMAT,
    MOST_CHARACTERS,
    OF_A_TABLE,
    Room,
    indexable,
    indexed_column,
    most_values,
    names_things,
)
from app.warehouse.activity import activity
from app.warehouse.evidence.collecting import EvidenceTooSlow, looking
from app.warehouse.inspection import Inspector, RelationUnreadable
from app.warehouse.naming import quote
from app.warehouse.relations import run

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 120.0
"""That a statement on one column may take: it reads the table once."""

AGAIN: Final = timedelta(minutes=10)
"""A table that is written to all the time, or could not be read, is read again no more often than this."""

UNTOLD: Final = timedelta(days=1)
"""After this a relation that is not governed is read again: nobody counts what changes behind a view."""


class ValuesNotIndexed(Problem):
    """Tables whose values could not be indexed; the log says why, and the others are indexed."""

    code, title, status = "values-not-indexed", "Values of some tables could not be indexed", 500


class ValueIndexing:
    """Keeps the index of values up to date.

    Each column is read in a transaction of its own, and written in another: no snapshot is held for longer than it
    takes to read a table once, which would keep vacuum from all tables.
    """

    def __init__(self, units: Units, clock: Clock, seconds: float = LOOK_SECONDS) -> None:
        self._units, self._clock, self._seconds = units, clock, seconds

    async def build(self) -> int:
        """How many tables were read anew: those in which something was written, or whose words changed.

        Raises `ValuesNotIndexed` when tables failed, after all others were read.
        """
        begun = self._clock()
        async with self._units.read() as session:
            tables = await table_words(session)
            heads = await ValueReads(session).heads()
            counted = await activity(session, [table.relation for table in tables])
        due = [table for table in tables if _due(table, heads.get(table.table_id), counted.get(table.relation), begun)]
        new = datetime.min.replace(tzinfo=begun.tzinfo)
        due.sort(key=lambda table: heads[table.table_id].built_at if table.table_id in heads else new)
        async with self._units.write() as session:
            writes = ValueWrites(session)
            await writes.forget([table.table_id for table in tables])
            for table in due:
                await writes.begin(table.table_id, table.name, indexable(table.columns), begun)
        failed = []
        for table in due:
            try:
                await self._table(table, counted.get(table.relation))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one table, the others are indexed
                shown = {"table": table.name, "error": type(error).__name__, "sqlstate": sqlstate(error)}
                log.error("values of a table could not be indexed", extra=shown)  # noqa: TRY400 - errors quote values
                failed.append(table.name)
        if failed:
            raise ValuesNotIndexed(f"Values of {', '.join(sorted(failed))} could not be indexed.")
        return len(due)

    async def _table(self, table: TableWords, counters: str | None) -> None:
        async with self._units.read() as session:
            known = await ValueReads(session).columns(table.table_id)
        failures: dict[str, str] = {}
        room = OF_A_TABLE
        for name in indexable(table.columns):
            try:
                room = await self._column(table, name, known.get(name), room)
            except EvidenceTooSlow as problem:
                # What was known of the column stays: it was true a while ago.
                failures[name] = problem.detail
                room = room.without(known[name].terms, known[name].bytes) if name in known else room
            except RelationUnreadable as problem:
                failures[name] = problem.detail
                await self._drop(table, [name])
        if failures:
            shown = {"table": table.name, "columns": sorted(failures)}
            log.warning("values of columns could not be indexed", extra=shown)
        async with self._units.write() as session:
            await ValueWrites(session).finish(
                table.table_id,
                signature=_signature(table),
                activity=counters,
                failure=" ".join(f"{name}: {said}" for name, said in failures.items()) or None,
                built_at=self._clock(),
            )

    async def _column(self, table: TableWords, name: str, known: Any, room: Room) -> Room:
        """What room is left when the column is indexed. Raises `EvidenceTooSlow` and `RelationUnreadable`."""
        async with self._units.snapshot() as session, looking(session, table.relation, self._seconds):
            values = await _values(session, table, name)
        if not values:
            await self._drop(table, [name])
            return room
        indexed = await asyncio.to_thread(indexed_column, values, room)
        if known is None or known.digest != indexed.digest:
            async with self._units.write() as session:
                writes = ValueWrites(session)
                await writes.put(table.table_id, name, indexed)
                if name not in indexable(await held_columns(session, table.table_id)):
                    await writes.drop(table.table_id, [name])  # it became private while it was read
        return room.without(len(indexed.terms), indexed.bytes)

    async def _drop(self, table: TableWords, names: Sequence[str]) -> None:
        async with self._units.write() as session:
            await ValueWrites(session).drop(table.table_id, names)


def _due(table: TableWords, head: Any, counters: str | None, now: datetime) -> bool:
    """Whether values of the table may have changed since they were indexed, and it is time to read them again."""
    if head is None or head.signature != _signature(table):
        return True
    untold = not table.governed and head.built_at <= now - UNTOLD
    wanted = untold or head.activity != counters or head.failure is not None
    return wanted and head.built_at <= now - AGAIN


async def _values(session: ReadSession, table: TableWords, name: str) -> list[str]:
    """The distinct values of a column, the most frequent first; none of too many in a column that names nothing.

    Raises `RelationUnreadable`: the column is gone, or may not be read.
    """
    if not await Inspector(session).readable(table.relation, [name]):
        raise RelationUnreadable(f"{table.relation} is gone, or may not be read.")
    most, column = most_values(name), quote(name)
    statement = (
        f"SELECT v, count(*) AS n FROM (SELECT {column}::text AS v FROM {table.relation.sql}) AS texts "  # noqa: S608 - quoted
        f"WHERE length(v) BETWEEN 1 AND {MOST_CHARACTERS} GROUP BY v ORDER BY n DESC, v LIMIT {most + 1}"
    )
    rows: Sequence[Any] = (await run(session, statement)).all()
    if len(rows) > most and not names_things(name):
        return []
    return [row.v for row in rows[:most]]


def _signature(table: TableWords) -> str:
    """Of the shape, of which columns may be shown, and of the rules: others, and the values are indexed anew."""
    said = repr((FORMAT, table.schema_version, indexable(table.columns)))
    return hashlib.sha256(said.encode()).hexdigest()
