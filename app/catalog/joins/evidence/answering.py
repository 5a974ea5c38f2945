"""Answers the questions of discovery by the data: which sets of columns are unique, and what pairs of columns do.

An answer is kept, and holds while both tables have about as many rows as when it was given: it rests on a look at some
of the rows, whose error is larger than what a few rows more can change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Questions:
    """What is known of the tables that are asked about, and what was answered before."""

    subjects: Mapping[str, JoinSubject]
    evidence: Mapping[str, TableEvidence]
    kept: Mapping[str, Any]
    new: list[dict[str, Any]] = field(default_factory=list)


class AnswersFromData:
    """Answers questions, and keeps the answers."""

    def __init__(self, units: Units, configuration: ConfigurationInForce, clock: Clock) -> None:
        self._units, self._configuration, self._clock = units, configuration, clock

    async def questions(self, subjects: Sequence[JoinSubject], evidence: Sequence[TableEvidence]) -> Questions:
        """What is known before anything is asked."""
        async with self._units.read() as session:
            kept = await EvidenceReads(session).answers()
        return Questions({each.table: each for each in subjects}, {each.table: each for each in evidence}, kept)

    async def unique(self, asked: Sequence[KeyQuestion], known: Questions) -> dict[KeyQuestion, bool]:
        """Whether each set of columns is unique; a set whose table cannot be looked at is left out."""
        found: dict[KeyQuestion, bool] = {}
        for question in asked:
            subject, table = known.subjects[question.table], known.evidence[question.table]
            name = f"unique {subject.table_id} {msgspec.json.encode(question.columns).decode()}"
            answer = _holds(known.kept.get(name), table.rows, None)
            if answer is None:
                distinct = {column.name: column.sample.distinct for column in table.columns}
                leading = max(question.columns, key=lambda column: distinct[column])
                seconds = self._configuration.value(LOOK_SECONDS)
                try:
                    async with self._units.snapshot() as session:
                        unique = await is_unique(
                            session, subject.relation, question.columns, by=leading, rows=table.rows, seconds=seconds
                        )
                except CANNOT_LOOK:
                    continue
                answer = {"unique": unique}
                known.new.append(self._row(name, answer, (subject, table), None))
            found[question] = bool(answer["unique"])
        return found

    async def measured(self, asked: Sequence[Pair], known: Questions) -> dict[Pair, JoinMeasure]:
        """What each pair of columns does; a pair of which a table cannot be looked at is left out."""
        found: dict[Pair, JoinMeasure] = {}
        for pair in asked:
            left, right = known.subjects[pair.left_table], known.subjects[pair.right_table]
            left_rows, right_rows = known.evidence[pair.left_table].rows, known.evidence[pair.right_table].rows
            sides = msgspec.json.encode([left.table_id, pair.left_columns, right.table_id, pair.right_columns])
            name = f"measure {sides.decode()}"
            answer = _holds(known.kept.get(name), left_rows, right_rows)
            if answer is None:
                try:
                    async with self._units.snapshot() as session:
                        measure = await measure_join(
                            session,
                            (left.relation, pair.left_columns),
                            (right.relation, pair.right_columns),
                            seconds=self._configuration.value(LOOK_SECONDS),
                            threshold=share(left_rows),
                        )
                except CANNOT_LOOK:
                    continue
                answer = msgspec.to_builtins(measure)
                tables = (left, known.evidence[pair.left_table]), (right, known.evidence[pair.right_table])
                known.new.append(self._row(name, answer, *tables))
            found[pair] = msgspec.convert(answer, JoinMeasure)
        return found

    async def keep(self, known: Questions) -> None:
        """Keep what was answered anew."""
        if known.new:
            async with self._units.write() as session:
                await EvidenceWrites(session).keep_answers(known.new)
            known.new.clear()

    def _row(
        self,
        question: str,
        answer: dict[str, Any],
        left: tuple[JoinSubject, TableEvidence],
        right: tuple[JoinSubject, TableEvidence] | None,
    ) -> dict[str, Any]:
        return {
            "question": question,
            "left_table_id": left[0].table_id,
            "right_table_id": right[0].table_id if right else None,
            "left_rows": left[1].rows,
            "right_rows": right[1].rows if right else None,
            "answer": answer,
            "answered_at": self._clock(),
        }


def _holds(row: Any, left_rows: int, right_rows: int | None) -> dict[str, Any] | None:
    """The answer that was kept, while the tables have about as many rows as then; None when it must be asked again."""
    if row is None or not _about(row.left_rows, left_rows):
        return None
    if right_rows is not None and not _about(row.right_rows, right_rows):
        return None
    answer: dict[str, Any] = row.answer
    return answer


def _about(before: int, now: int) -> bool:
    return abs(now - before) <= SAME_ROWS * before
