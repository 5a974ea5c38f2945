"""Looks for joins: evidence of every table, questions that only the data answers, candidates that follow from both."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.catalog.joins.discovery.context import context
from app.catalog.joins.discovery.discover import discover, key_questions, pair_questions
from app.catalog.joins.discovery.keys import Grain
from app.catalog.joins.discovery.model import Candidate, Pair
from app.catalog.joins.evidence.answering import AnswersFromData
from app.catalog.joins.evidence.looking import EvidenceLooks
from app.catalog.joins.evidence.repository import EvidenceReads, EvidenceWrites
from app.catalog.joins.evidence.seeds import HashSeed
from app.catalog.joins.evidence.subjects import Depth, JoinSubject
from app.catalog.joins.policy import Estimates
from app.catalog.joins.records import AcceptedVersion
from app.catalog.joins.remeasuring import JoinRemeasuring
from app.catalog.joins.repository import JoinReads, JoinWrites, stored
from app.kernel.clock import Clock
from app.kernel.db.database import Units, WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.security.secrets import ServiceSecret
from app.warehouse.activity import activity

KEPT_AT_ONCE: Final = 500
"""Candidates that are written by one call: they are documents, and all of them at once would be held twice."""

Progress = Callable[[int, int], Awaitable[None]]
"""Is told how many tables were looked at, and of how many."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What came of a refresh."""

    tables: int
    changed: int
    candidates: int | None
    """How many there are now; None when nothing had changed."""
    remeasured: int
    decayed: int


class JoinRefresh:
    """Refreshes candidates, and measures accepted joins again where their tables are others now."""

    def __init__(
        self, units: Units, configuration: ConfigurationInForce, kinds: EventKinds, clock: Clock, secret: ServiceSecret
    ) -> None:
        self._units, self._seed = units, HashSeed.of(secret)
        self._looks = EvidenceLooks(units, configuration, clock, self._seed)
        self._answers = AnswersFromData(units, configuration, clock)
        self._accepted = JoinRemeasuring(units, configuration, kinds, clock)

    async def refresh(self, told: Progress, depth: Depth) -> Refreshed:
        """What came of a look at tables; accepted joins are measured again with a look at all of them."""
        async with self._units.read() as session:
            reads = EvidenceReads(session)
            subjects = await reads.subjects()
            heads = await reads.heads([subject.table_id for subject in subjects], self._seed)
            counted = await activity(session, [subject.relation for subject in subjects])
        async with self._units.write() as session:
            await EvidenceWrites(session).hide_ranges(subjects)
        changed: set[str] = set()
        for number, subject in enumerate(subjects):
            head, counters = heads.get(subject.table_id), counted.get(subject.relation)
            looked = await self._looks.look(subject, head, counters, depth)
            changed |= {subject.table} if looked.changed else set()
            await told(number + 1, len(subjects))
        gone = await self._forget(subjects)
        async with self._units.read() as session:
            before = await JoinReads(session).estimates()
        found = await self._discover(subjects, depth) if changed or gone or depth > Depth.TOUCHED else None
        estimates = {each.candidate_id: Estimates(before.get(each.candidate_id), each.measure) for each in found or ()}
        only = None if depth > Depth.TOUCHED else changed
        remeasured, decayed = await self._accepted.measure(subjects, estimates, only)
        return Refreshed(len(subjects), len(changed), None if found is None else len(found), remeasured, decayed)

    async def _forget(self, subjects: Sequence[JoinSubject]) -> bool:
        """Whether something was known of versions that stand for no table any more; it is known no more."""
        async with self._units.read() as session:
            kept = await EvidenceReads(session).known()
        gone = kept - {subject.table_id for subject in subjects}
        if gone:
            await self._looks.forget([subject.table_id for subject in subjects])
        return bool(gone)

    async def _discover(self, subjects: Sequence[JoinSubject], depth: Depth) -> Sequence[Candidate]:
        """The candidates that there are now, kept."""
        candidates, looked_at, grains = await self._candidates(subjects, depth)
        by_name = {subject.table: subject for subject in subjects}
        in_order = sorted(candidates, key=lambda each: each.candidate_id)  # as whoever else takes several

        async def keep(session: WriteSession) -> None:
            joins = JoinWrites(session)
            await joins.drop_candidates([each.candidate_id for each in in_order])
            for start in range(0, len(in_order), KEPT_AT_ONCE):
                some = in_order[start : start + KEPT_AT_ONCE]
                await joins.keep_candidates([_row(each, by_name, looked_at) for each in some])
            await EvidenceWrites(session).keep_grains({by_name[table].table_id: each for table, each in grains.items()})

        await self._units.run(keep)
        return candidates

    async def _candidates(
        self, subjects: Sequence[JoinSubject], depth: Depth
    ) -> tuple[Sequence[Candidate], Mapping[str, datetime], Mapping[str, Grain]]:
        """The candidates by the evidence of all tables, when each table was looked at, and what is unique in each.

        The evidence, some kilobytes a column, is let go of with the end of this function.
        """
        evidence, looked_at = await self._looks.evidence(subjects)
        known = await self._answers.questions(subjects, evidence, anew=depth is Depth.ANEW)
        unique = await self._answers.unique(await asyncio.to_thread(key_questions, evidence), known)
        tables = await asyncio.to_thread(context, evidence, unique)
        async with self._units.read() as session:
            in_force = [_pair(join) for join in await JoinReads(session).active()]
        measured = await self._answers.measured(await asyncio.to_thread(pair_questions, tables, in_force), known)
        return await asyncio.to_thread(discover, tables, measured, in_force), looked_at, tables.grains


def _pair(join: AcceptedVersion) -> Pair:
    return Pair(join.left.table, join.left.columns, join.right.table, join.right.columns)


def _row(
    candidate: Candidate, subjects: Mapping[str, JoinSubject], looked_at: Mapping[str, datetime]
) -> dict[str, Any]:
    return {
        "id": candidate.candidate_id,
        "left_table": candidate.left_table,
        "left_table_id": subjects[candidate.left_table].table_id,
        "left_columns": list(candidate.left_columns),
        "right_table": candidate.right_table,
        "right_table_id": subjects[candidate.right_table].table_id,
        "right_columns": list(candidate.right_columns),
        "cardinality": candidate.measure.cardinality,
        "score": candidate.score,
        "measure": stored(candidate.measure),
        "reasons": list(candidate.reasons),
        "warnings": list(candidate.warnings),
        "measured_at": min(looked_at[candidate.left_table], looked_at[candidate.right_table]),
    }
