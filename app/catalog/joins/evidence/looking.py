"""Looks at tables: what batches changed since the last look where that explains the difference, else all of it."""

import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from app.catalog.joins.evidence.configuration import LOOK_SECONDS
from app.catalog.joins.evidence.repository import EvidenceReads, EvidenceWrites, relation_evidence
from app.catalog.joins.evidence.seeds import HashSeed
from app.catalog.joins.evidence.subjects import Depth, EvidenceHead, JoinSubject
from app.kernel.clock import Clock
from app.kernel.db.database import Units
from app.kernel.problems import Problem
from app.kernel.runtime.configuration import ConfigurationInForce
from app.warehouse.evidence.collecting import EvidenceTooSlow, RelationEvidence, collect, follow
from app.warehouse.evidence.samples import ColumnEvidence, DeclaredForeignKey, TableEvidence
from app.warehouse.inspection import RelationUnreadable
from app.warehouse.live import LiveRelation, live_relations
from app.warehouse.naming import RelationName

log = logging.getLogger(__name__)

CANNOT_LOOK: Final = (EvidenceTooSlow, RelationUnreadable)
"""What stands in the way of a look at one table, and not of looks at the others."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of a look at one table."""

    subject: JoinSubject
    changed: bool
    """Whether anything is otherwise than at the last look."""


class EvidenceLooks:
    """Keeps the evidence of tables up to date, each in a transaction of its own."""

    def __init__(self, units: Units, configuration: ConfigurationInForce, clock: Clock, seed: HashSeed) -> None:
        self._units, self._configuration, self._clock, self._seed = units, configuration, clock, seed

    async def look(self, subject: JoinSubject, head: EvidenceHead | None, activity: str | None, depth: Depth) -> Looked:
        """What came of a look at the table, which is kept.

        Args:
            subject: the table.
            head: what is known of it; None when it was never looked at.
            activity: PostgreSQL's counters of what was written, now.
            depth: how deep to look. Of `TOUCHED` a relation that is not governed is passed over while its shape is the
                same, also when the last look failed: it can only be read as a whole.
        """
        of_shape = head if head is not None and head.is_of(subject) else None
        untouched = of_shape is not None and (not subject.governed or of_shape.activity == activity)
        if depth is Depth.TOUCHED and untouched:
            return Looked(subject, changed=False)
        now = self._clock()
        known = of_shape if of_shape is not None and of_shape.usable else None
        try:
            before, found = await self._found(subject, known, depth)
            found = replace(found, columns=tuple(_kept(each, subject.private) for each in found.columns))
        except CANNOT_LOOK as problem:
            return await self._failed(subject, head, known, problem, activity, now)
        async with self._units.write() as session:
            await EvidenceWrites(session).keep(subject, found, self._seed, activity, now)
        return Looked(subject, changed=before is None or before != found)

    async def _found(
        self, subject: JoinSubject, known: EvidenceHead | None, depth: Depth
    ) -> tuple[RelationEvidence | None, RelationEvidence]:
        """The evidence as it was known, and as it is now."""
        seconds = self._configuration.value(LOOK_SECONDS)
        before = None
        if known is not None:
            async with self._units.snapshot() as session:
                columns = (await EvidenceReads(session).columns([subject.table_id]))[subject.table_id]
            before = relation_evidence(known, columns)
        if before is not None and depth < Depth.ANEW:
            async with self._units.snapshot() as session:
                followed = await follow(session, subject.relation, before, seed=self._seed.value, seconds=seconds)
            if followed is not None:
                return before, followed
        async with self._units.snapshot() as session:
            found = await collect(
                session,
                subject.relation,
                subject.columns,
                governed=subject.governed,
                seed=self._seed.value,
                seconds=seconds,
            )
        return before, found

    async def _failed(
        self,
        subject: JoinSubject,
        head: EvidenceHead | None,
        known: EvidenceHead | None,
        problem: Problem,
        activity: str | None,
        now: datetime,
    ) -> Looked:
        """What came of a look that failed. For want of time what was known is kept: it is better than nothing."""
        shown = {"table": subject.table, "code": problem.code}
        log.warning("a table could not be looked at for joins", extra=shown)
        async with self._units.write() as session:
            writes = EvidenceWrites(session)
            if known is not None and isinstance(problem, EvidenceTooSlow):
                await writes.keep_beside(subject, problem.detail)
                return Looked(subject, changed=False)
            await writes.keep_failure(subject, problem.detail, self._seed, activity, now)
        return Looked(subject, changed=head is None or head.usable)

    async def evidence(self, subjects: Sequence[JoinSubject]) -> tuple[list[TableEvidence], Mapping[str, datetime]]:
        """The evidence of the tables that could be looked at, with their keys; and when each was looked at."""
        async with self._units.snapshot() as session:
            reads = EvidenceReads(session)
            ids = [subject.table_id for subject in subjects]
            heads, columns = await reads.heads(ids, self._seed), await reads.columns(ids)
            seen = [each for each in subjects if each.table_id in heads and heads[each.table_id].stands_for(each)]
            adopted = [each.relation for each in seen if not each.governed]
            live = (await live_relations(session, adopted)).by_name
        tables = {each.relation: each.table for each in seen}
        found = []
        for each in seen:
            relation = live.get(each.relation)
            found.append(
                TableEvidence(
                    each.table,
                    heads[each.table_id].rows,
                    columns[each.table_id],
                    keys=_keys(each, relation),
                    foreign_keys=_foreign_keys(relation, tables) if relation else (),
                )
            )
        return found, {each.table: heads[each.table_id].measured_at for each in seen}

    async def forget(self, kept: Sequence[UUID]) -> None:
        """Remove what is known of versions that stand for no table any more."""
        async with self._units.write() as session:
            await EvidenceWrites(session).forget(kept)


def _kept(column: ColumnEvidence, private: AbstractSet[str]) -> ColumnEvidence:
    """The evidence of the column as it is kept: without the values at the ends of a private one."""
    return replace(column, low=None, high=None) if column.name in private else column


def _keys(subject: JoinSubject, relation: LiveRelation | None) -> tuple[tuple[str, ...], ...]:
    """The sets of columns that are unique for certain, and visible; the primary key first."""
    if subject.key is not None:
        return (subject.key,)
    return relation.keys_within(subject.columns) if relation is not None else ()


def _foreign_keys(relation: LiveRelation, tables: Mapping[RelationName, str]) -> tuple[DeclaredForeignKey, ...]:
    return tuple(
        DeclaredForeignKey(key.columns, tables[key.target], key.target_columns)
        for key in relation.foreign_keys
        if key.target in tables
    )
