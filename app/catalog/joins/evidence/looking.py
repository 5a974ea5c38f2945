"""Looks at tables: what batches changed since the last look where that explains the difference, else all of it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from app.catalog.joins.evidence.configuration import LOOK_SECONDS
from app.catalog.joins.evidence.repository import EvidenceReads, EvidenceWrites, relation_evidence
from app.catalog.joins.evidence.subjects import EvidenceHead, JoinSubject
from app.kernel.clock import Clock
from app.kernel.db.database import Units
from app.kernel.problems import Problem
from app.kernel.runtime.configuration import ConfigurationInForce
from app.warehouse.evidence.collecting import EvidenceTooSlow, RelationEvidence, collect, follow
from app.warehouse.evidence.samples import DeclaredForeignKey, TableEvidence
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

    def __init__(self, units: Units, configuration: ConfigurationInForce, clock: Clock) -> None:
        self._units, self._configuration, self._clock = units, configuration, clock

    async def look(
        self, subject: JoinSubject, head: EvidenceHead | None, activity: str | None, *, thorough: bool
    ) -> Looked:
        """What came of a look at the table, which is kept.

        A look that is not thorough passes over a table in which, by PostgreSQL's counters, nothing was written since,
        and over a relation that is not governed while its shape is the same: it can only be read as a whole.

        Args:
            subject: the table.
            head: what is known of it; None when it was never looked at.
            activity: the counters now.
            thorough: whether to look whatever the counters say.
        """
        known = head if head is not None and head.stands_for(subject) else None
        if not thorough and known is not None and (not subject.governed or known.activity == activity):
            return Looked(subject, changed=False)
        now = self._clock()
        try:
            before, found = await self._found(subject, known)
        except CANNOT_LOOK as problem:
            log.warning(
                "a table could not be looked at for joins", extra={"table": subject.table, "code": problem.code}
            )
            if known is not None and isinstance(problem, EvidenceTooSlow):
                return Looked(subject, changed=False)  # what is known of it is better than nothing
            await self._fail(subject, head, problem, now)
            return Looked(subject, changed=head is None or head.failure is None)
        async with self._units.write() as session:
            await EvidenceWrites(session).keep(subject, found, activity, now)
        return Looked(subject, changed=before is None or before != found)

    async def _found(
        self, subject: JoinSubject, known: EvidenceHead | None
    ) -> tuple[RelationEvidence | None, RelationEvidence]:
        """The evidence as it was known, and as it is now."""
        seconds = self._configuration.value(LOOK_SECONDS)
        before = None
        if known is not None:
            async with self._units.snapshot() as session:
                columns = (await EvidenceReads(session).columns([subject.table_id]))[subject.table_id]
            before = relation_evidence(known, columns)
            async with self._units.snapshot() as session:
                followed = await follow(session, subject.relation, before, seconds=seconds)
            if followed is not None:
                return before, followed
        async with self._units.snapshot() as session:
            found = await collect(
                session, subject.relation, subject.columns, governed=subject.governed, seconds=seconds
            )
        return before, found

    async def _fail(self, subject: JoinSubject, head: EvidenceHead | None, problem: Problem, now: datetime) -> None:
        if head is None or head.failure != problem.detail:
            async with self._units.write() as session:
                await EvidenceWrites(session).keep_failure(subject, problem.detail, now)

    async def evidence(self, subjects: Sequence[JoinSubject]) -> tuple[list[TableEvidence], Mapping[str, datetime]]:
        """The evidence of the tables that could be looked at, with their keys; and when each was looked at."""
        async with self._units.snapshot() as session:
            reads = EvidenceReads(session)
            ids = [subject.table_id for subject in subjects]
            heads, columns = await reads.heads(ids), await reads.columns(ids)
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


def _keys(subject: JoinSubject, relation: LiveRelation | None) -> tuple[tuple[str, ...], ...]:
    """The sets of columns that are unique for certain, and visible; the primary key first."""
    if subject.key is not None:
        return (subject.key,)
    if relation is None:
        return ()
    keys = [relation.primary_key, *relation.unique_keys]
    visible = set(subject.columns)
    return tuple(key.columns for key in keys if key is not None and visible.issuperset(key.columns))


def _foreign_keys(relation: LiveRelation, tables: Mapping[RelationName, str]) -> tuple[DeclaredForeignKey, ...]:
    return tuple(
        DeclaredForeignKey(key.columns, tables[key.target], key.target_columns)
        for key in relation.foreign_keys
        if key.target in tables
    )
