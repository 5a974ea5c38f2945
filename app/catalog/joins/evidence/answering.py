"""Answers the questions of discovery by the data: which sets of columns are unique, and what pairs of columns do.

An answer is kept, and holds while the tables have about as many rows and the columns about the same values as when it
was given: it rests on a look at some of the rows, whose error is larger than what little has changed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from app.catalog.joins.discovery.model import KeyQuestion, Pair
from app.catalog.joins.evidence.configuration import LOOK_SECONDS
from app.catalog.joins.evidence.looking import CANNOT_LOOK
from app.catalog.joins.evidence.repository import EvidenceReads, EvidenceWrites
from app.catalog.joins.evidence.subjects import JoinSubject
from app.kernel.clock import Clock
from app.kernel.db.database import Units
from app.kernel.runtime.configuration import ConfigurationInForce
from app.warehouse.evidence.measuring import is_unique, measure_join, share
from app.warehouse.evidence.samples import JoinMeasure, TableEvidence

SAME_ROWS: Final = 0.02
"""Change of a table's rows up to which an answer holds."""

SAME_VALUES: Final = 0.95
"""Share of the lowest hashes of a column that must be there still."""

REMEMBERED: Final = 64
"""Lowest hashes of a column that are kept with an answer: of a column that changes by a tenth one in eight hundred has
95 % of them by chance (binomial)."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What columns were like when a question about them was answered."""

    rows: int
    lowest: tuple[tuple[int, ...], ...]
    """Of each column the lowest hashes of its sample."""
    digest: str
    """Of the whole samples."""

    @classmethod
    def of(cls, table: TableEvidence, names: Sequence[str]) -> "Basis":
        """The basis of an answer about these columns now."""
        columns = {column.name: column for column in table.columns}
        digest = hashlib.sha256(str(table.rows).encode())
        for name in names:
            sample = columns[name].sample
            digest.update(f"{name} {columns[name].nulls} {sample.threshold} ".encode())
            digest.update(sample.hashes.tobytes() + sample.counts.tobytes())
        lowest = tuple(tuple(columns[name].sample.hashes[:REMEMBERED]) for name in names)
        return cls(table.rows, lowest, digest.hexdigest())

    def is_about(self, now: "Basis") -> bool:
        """Whether the columns are now about what they were."""
        if abs(now.rows - self.rows) > SAME_ROWS * self.rows or len(self.lowest) != len(now.lowest):
            return False
        return all(_alike(before, after) for before, after in zip(self.lowest, now.lowest, strict=True))


def _alike(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Whether two lists of lowest hashes are those of about the same values: below the lower of their ends."""
    end = min(before[-1:] + after[-1:], default=0)
    mine, theirs = ({value for value in each if value <= end} for each in (before, after))
    return len(mine & theirs) >= SAME_VALUES * max(len(mine), len(theirs))


@dataclass(slots=True)
class Questions:
    """What is known of the tables that are asked about, and what was answered before."""

    subjects: Mapping[str, JoinSubject]
    evidence: Mapping[str, TableEvidence]
    kept: Mapping[str, Any]


class AnswersFromData:
    """Answers questions, and keeps each answer as it comes."""

    def __init__(self, units: Units, configuration: ConfigurationInForce, clock: Clock) -> None:
        self._units, self._configuration, self._clock = units, configuration, clock

    async def questions(
        self, subjects: Sequence[JoinSubject], evidence: Sequence[TableEvidence], *, anew: bool
    ) -> Questions:
        """What is known before anything is asked; no answer of before, if all are to be asked anew."""
        async with self._units.read() as session:
            kept = {} if anew else await EvidenceReads(session).answers()
        return Questions({each.table: each for each in subjects}, {each.table: each for each in evidence}, kept)

    async def unique(self, asked: Sequence[KeyQuestion], known: Questions) -> dict[KeyQuestion, bool]:
        """Whether each set of columns is unique; a set whose table cannot be looked at is left out."""
        found: dict[KeyQuestion, bool] = {}
        for question in asked:
            subject, table = known.subjects[question.table], known.evidence[question.table]
            name = f"unique {subject.table_id} {msgspec.json.encode(question.columns).decode()}"
            bases = (Basis.of(table, question.columns),)
            kept = _held(known.kept.get(name), bases)
            if kept is None:
                try:
                    answer = await self._is_unique(subject, table, question.columns)
                except CANNOT_LOOK:
                    continue
                await self._keep(name, answer, (subject,), bases)
            found[question] = bool(kept[0]) if kept is not None else answer
        return found

    async def _is_unique(self, subject: JoinSubject, table: TableEvidence, names: tuple[str, ...]) -> bool:
        distinct = {column.name: column.sample.distinct for column in table.columns}
        leading = max(names, key=lambda name: distinct[name])
        seconds = self._configuration.value(LOOK_SECONDS)
        async with self._units.snapshot() as session:
            return await is_unique(session, subject.relation, names, by=leading, rows=table.rows, seconds=seconds)

    async def measured(self, asked: Sequence[Pair], known: Questions) -> dict[Pair, JoinMeasure]:
        """What each pair of columns does; a pair of which a table cannot be looked at is left out.

        Of an answer that is not of the very same data nothing is exact.
        """
        found: dict[Pair, JoinMeasure] = {}
        for pair in asked:
            left, right = known.subjects[pair.left_table], known.subjects[pair.right_table]
            sides = msgspec.json.encode([left.table_id, pair.left_columns, right.table_id, pair.right_columns])
            name = f"measure {sides.decode()}"
            bases = (
                Basis.of(known.evidence[pair.left_table], pair.left_columns),
                Basis.of(known.evidence[pair.right_table], pair.right_columns),
            )
            kept = _held(known.kept.get(name), bases)
            if kept is not None:
                measure = msgspec.convert(kept[0], JoinMeasure)
                found[pair] = measure if kept[1] else replace(measure, exact=False)
                continue
            try:
                found[pair] = await self._measure(pair, left, right, bases[0].rows)
            except CANNOT_LOOK:
                continue
            await self._keep(name, msgspec.to_builtins(found[pair]), (left, right), bases)
        return found

    async def _measure(self, pair: Pair, left: JoinSubject, right: JoinSubject, rows: int) -> JoinMeasure:
        async with self._units.snapshot() as session:
            return await measure_join(
                session,
                (left.relation, pair.left_columns),
                (right.relation, pair.right_columns),
                seconds=self._configuration.value(LOOK_SECONDS),
                threshold=share(rows),
            )

    async def _keep(self, question: str, answer: Any, subjects: Sequence[JoinSubject], bases: Sequence[Basis]) -> None:
        document = {"answer": answer, "bases": [msgspec.to_builtins(basis) for basis in bases]}
        row = {
            "question": question,
            "left_table_id": subjects[0].table_id,
            "right_table_id": subjects[-1].table_id,
            "answer": document,
            "answered_at": self._clock(),
        }
        async with self._units.write() as session:
            await EvidenceWrites(session).keep_answer(row)


def _held(row: Any, bases: Sequence[Basis]) -> tuple[Any, bool] | None:
    """The answer that was kept, and whether it is of the very same data; None when it must be asked again."""
    if row is None:
        return None
    before = [msgspec.convert(each, Basis) for each in row.answer["bases"]]
    if len(before) != len(bases) or not all(each.is_about(now) for each, now in zip(before, bases, strict=True)):
        return None
    same = all(each.digest == now.digest for each, now in zip(before, bases, strict=True))
    return row.answer["answer"], same
