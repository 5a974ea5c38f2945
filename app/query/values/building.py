"""Builds the index of values: tables that can be queried, and of these what was written or changed since."""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.catalog.vocabulary.service import table_words
from app.catalog.vocabulary.words import TableWords
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, Units
from app.kernel.problems import Problem
from app.query.values.repository import ValueReads, ValueWrites
from app.query.values.rules import MOST_CHARACTERS, indexable, is_few, most_values, terms_of
from app.warehouse.activity import activity
from app.warehouse.evidence.collecting import EvidenceTooSlow, looking
from app.warehouse.inspection import Inspector, RelationUnreadable
from app.warehouse.naming import quote
from app.warehouse.relations import run

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 120.0
"""That a statement on one column may take: it reads the table once."""

AGAIN: Final = timedelta(minutes=10)
"""A table that is written to all the time is read as a whole no more often than this."""

UNTOLD: Final = timedelta(days=1)
"""After this a relation that is not governed is read again: nobody counts what changes behind a view."""


class ValueIndexing:
    """Keeps the index of values up to date, each table in a transaction of its own."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units, self._clock = units, clock

    async def build(self) -> int:
        """How many tables were indexed anew: those in which something was written, and whose words changed."""
        begun = self._clock()
        async with self._units.read() as session:
            tables = await table_words(session)
            heads = await ValueReads(session).heads()
            counted = await activity(session, [table.relation for table in tables])
        built = 0
        for table in tables:
            head, counters = heads.get(table.table_id), counted.get(table.relation)
            signature = _signature(table)
            if head is not None and head.signature == signature and not _due(table, head, counters, begun):
                continue
            await self._table(table, signature, counters)
            built += 1
        async with self._units.write() as session:
            await ValueWrites(session).forget([table.table_id for table in tables], begun)
        return built

    async def _table(self, table: TableWords, signature: str, counters: str | None) -> None:
        columns, failure = indexable(table.columns), None
        values: dict[str, list[str]] = {}
        try:
            async with self._units.snapshot() as session, looking(session, table.relation, LOOK_SECONDS):
                for name in await _readable(session, table, columns):
                    found = await _values(session, table, name)
                    if found is not None:
                        values[name] = found
        except (EvidenceTooSlow, RelationUnreadable) as problem:
            values, failure = {}, _told(table, problem)
        few = {name: found for name, found in values.items() if found and is_few(len(found))}
        terms = [
            (name, value, term, worth)
            for name, found in values.items()
            for value in found
            for term, worth in terms_of(value, few=name in few)
        ]
        head: dict[str, Any] = {
            "table_id": table.table_id,
            "signature": signature,
            "activity": counters,
            "few": few,
            "indexed": sorted(values),
            "failure": failure,
            "built_at": self._clock(),
        }
        async with self._units.write() as session:
            await ValueWrites(session).put(head, terms)


def _due(table: TableWords, head: Any, counters: str | None, now: datetime) -> bool:
    """Whether values of the table may have changed since they were indexed, and it is time to read them again."""
    changed = head.activity != counters or (not table.governed and head.built_at <= now - UNTOLD)
    return changed and head.built_at <= now - AGAIN


async def _readable(session: ReadSession, table: TableWords, columns: list[str]) -> list[str]:
    """The columns, if they can be read. Raises `RelationUnreadable`."""
    if columns and not await Inspector(session).readable(table.relation, columns):
        raise RelationUnreadable(f"{table.relation} is gone, or may not be read.")
    return columns


async def _values(session: ReadSession, table: TableWords, name: str) -> list[str] | None:
    """The distinct values of a column, the most frequent first; None of too many in a column that is none of names."""
    most, column = most_values(name), quote(name)
    statement = (
        f"SELECT v, count(*) AS n FROM (SELECT {column}::text AS v FROM {table.relation.sql}) AS texts "  # noqa: S608 - quoted
        f"WHERE length(v) BETWEEN 1 AND {MOST_CHARACTERS} GROUP BY v ORDER BY n DESC, v LIMIT {most + 1}"
    )
    rows: Sequence[Any] = (await run(session, statement)).all()
    if len(rows) > most and most_values(name) == most_values("value"):
        return None
    return [row.v for row in rows[:most]]


def _signature(table: TableWords) -> str:
    """Of the shape, and of which columns may be shown: other words, and the values are indexed anew."""
    said = repr((table.schema_version, indexable(table.columns)))
    return hashlib.sha256(said.encode()).hexdigest()


def _told(table: TableWords, problem: Problem) -> str:
    log.warning("values could not be indexed", extra={"table": table.name, "code": problem.code})
    return problem.detail
