"""All SQL of evidence as it is kept."""

import sys
from array import array
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import String, Text, Uuid, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on, insert

from app.catalog.contracts.column_words import private_columns, words_of
from app.catalog.joins.discovery.keys import Grain
from app.catalog.joins.evidence.models import JoinAnswerRow, JoinEvidenceColumnRow, JoinEvidenceRow
from app.catalog.joins.evidence.seeds import HashSeed
from app.catalog.joins.evidence.subjects import MEASURED_STATES, EvidenceHead, JoinSubject, KnownGrain, row_key
from app.catalog.models import ContractRow, TableSchemaVersionRow, TableVersionRow
from app.catalog.records import filled
from app.catalog.tables.lifecycle import TableState
from app.kernel.db.database import ReadSession, WriteSession
from app.warehouse.evidence.collecting import Mark, RelationEvidence
from app.warehouse.evidence.samples import ColumnEvidence, Family, ValueSample
from app.warehouse.naming import RelationName

T = TableVersionRow.__table__.c
V = TableSchemaVersionRow.__table__.c
K = ContractRow.__table__.c
E = JoinEvidenceRow.__table__.c
C = JoinEvidenceColumnRow.__table__.c
A = JoinAnswerRow.__table__.c


class EvidenceReads:
    """Reads evidence."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def subjects(self, names: Collection[str] | None = None) -> list[JoinSubject]:
        """The version that stands for each table; of all tables with a shape unless names are given."""
        place = func.array_position(literal([state.value for state in MEASURED_STATES], ARRAY(String)), T.state)
        statement = (
            select(
                T.id.label("table_id"), T.name, T.version, T.state, T.relation_schema, T.relation_name,
                T.schema_version, V.columns, K.mode, K.idempotency_key, K.event_time_column, K.column_words,
                K.id.label("contract_id"),
            )
            .join_from(
                TableVersionRow,
                TableSchemaVersionRow,
                (V.table_id == T.id) & (V.schema_version == T.schema_version),
            )
            .outerjoin(ContractRow, K.table_id == T.id)
            .where(T.state.in_([state.value for state in MEASURED_STATES]))
            .order_by(T.name, place, T.version.desc())
            .ext(distinct_on(T.name))
        )  # fmt: skip
        if names is not None:
            statement = statement.where(T.name == func.any(literal(list(names), ARRAY(Text))))
        return [_subject(row) for row in await self.session.execute(statement)]

    async def heads(self, table_ids: Collection[UUID], seed: HashSeed) -> dict[UUID, EvidenceHead]:
        """When each of these versions was looked at, where it was by hashes with this seed."""
        statement = select(*E).where(E.table_id == _any(table_ids), E.seed == seed.mark)
        return {row.table_id: filled(EvidenceHead, row) for row in await self.session.execute(statement)}

    async def columns(self, table_ids: Collection[UUID]) -> dict[UUID, tuple[ColumnEvidence, ...]]:
        """The evidence of the columns of these versions, read row by row: on a session of one snapshot."""
        statement = select(*C).where(C.table_id == _any(table_ids)).order_by(C.table_id, C.position)
        found: dict[UUID, list[ColumnEvidence]] = {table_id: [] for table_id in table_ids}
        async for row in await self.session.stream(statement):
            found[row.table_id].append(_column(row))
        return {table_id: tuple(columns) for table_id, columns in found.items()}

    async def grains(self) -> dict[UUID, KnownGrain]:
        """What is unique in each version that was looked at."""
        statement = select(E.table_id, E.schema_version, E.row_key, E.unique_columns)
        return {
            row.table_id: KnownGrain(row.schema_version, tuple(row.row_key or ()), frozenset(row.unique_columns))
            for row in await self.session.execute(statement)
        }

    async def known(self) -> set[UUID]:
        """The versions of which something is known."""
        return set((await self.session.execute(select(E.table_id))).scalars())

    async def answers(self) -> dict[str, Any]:
        """Every answer that is kept, by its question."""
        return {row.question: row for row in await self.session.execute(select(*A))}


class EvidenceWrites(EvidenceReads):
    """Keeps evidence."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def keep(
        self,
        subject: JoinSubject,
        evidence: RelationEvidence,
        seed: HashSeed,
        activity: str | None,
        measured_at: datetime,
    ) -> None:
        """Put the evidence in the place of what was known of the version."""
        mark = evidence.mark
        await self._head(
            subject,
            seed=seed.mark,
            rows=evidence.rows,
            batch=mark.batch if mark else None,
            fingerprint=mark.fingerprint if mark else None,
            activity=activity,
            measured_at=measured_at,
            usable=True,
            failure=None,
        )
        await self.writer.execute(delete(JoinEvidenceColumnRow).where(C.table_id == subject.table_id))
        rows = [_column_values(subject.table_id, place, column) for place, column in enumerate(evidence.columns)]
        if rows:
            await self.writer.execute(insert(JoinEvidenceColumnRow), rows)

    async def keep_grains(self, grains: Mapping[UUID, Grain]) -> None:
        """Keep what is unique in each of these versions; a key that is only the least unlikely one is none."""
        rows = [
            {"id": table_id, "row_key": _row_key(grain), "unique_columns": _unique(grain)}
            for table_id, grain in sorted(grains.items())
        ]
        if rows:
            statement = update(JoinEvidenceRow).where(E.table_id == bindparam("id"))
            values = {name: bindparam(name, type_=ARRAY(Text)) for name in ("row_key", "unique_columns")}
            connection = await self.writer.connection()  # a session would take the rows for objects by their keys
            await connection.execute(statement.values(values), rows)

    async def keep_failure(
        self, subject: JoinSubject, failure: str, seed: HashSeed, activity: str | None, at: datetime
    ) -> None:
        """Record why nothing could be found; what was known of the version goes."""
        nothing: dict[str, Any] = {"rows": 0, "batch": None, "fingerprint": None, "usable": False}
        await self._head(subject, seed=seed.mark, activity=activity, measured_at=at, failure=failure, **nothing)
        await self.writer.execute(delete(JoinEvidenceColumnRow).where(C.table_id == subject.table_id))

    async def hide_ranges(self, subjects: Sequence[JoinSubject]) -> None:
        """Remove the smallest and the largest value of columns that are private by now."""
        hidden = [(subject.table_id, name) for subject in subjects for name in sorted(subject.private)]
        if hidden:
            table_ids, names = zip(*hidden, strict=True)
            both = func.unnest(literal(list(table_ids), ARRAY(Uuid)), literal(list(names), ARRAY(Text)))
            private = both.table_valued("table_id", "name").render_derived()
            same = (C.table_id == private.c.table_id) & (C.name == private.c.name)
            await self.writer.execute(
                update(JoinEvidenceColumnRow)
                .where(same, C.low.is_not(None) | C.high.is_not(None))
                .values(low=None, high=None)
            )

    async def keep_beside(self, subject: JoinSubject, failure: str) -> None:
        """Record why the last look failed, beside what was known before it."""
        await self.writer.execute(update(JoinEvidenceRow).where(E.table_id == subject.table_id).values(failure=failure))

    async def _head(self, subject: JoinSubject, **values: Any) -> None:
        row = values | {"table_id": subject.table_id, "schema_version": subject.schema_version}
        statement = insert(JoinEvidenceRow).values(row)
        changed = {name: statement.excluded[name] for name in row if name != "table_id"}
        await self.writer.execute(statement.on_conflict_do_update(index_elements=[E.table_id], set_=changed))

    async def forget(self, kept: Collection[UUID]) -> None:
        """Remove the evidence and answers of versions that stand for no table any more."""
        await self.writer.execute(delete(JoinEvidenceRow).where(E.table_id != _all(kept)))
        gone = (A.left_table_id != _all(kept)) | (A.right_table_id != _all(kept))
        await self.writer.execute(delete(JoinAnswerRow).where(gone))

    async def keep_answer(self, row: dict[str, Any]) -> None:
        """Keep an answer to a question, in the place of the one before."""
        statement = insert(JoinAnswerRow).values(row)
        changed = {name: statement.excluded[name] for name in row if name != "question"}
        await self.writer.execute(statement.on_conflict_do_update(index_elements=[A.question], set_=changed))


def _row_key(grain: Grain) -> list[str] | None:
    return None if grain.key is None or grain.weak else list(grain.key)


def _unique(grain: Grain) -> list[str]:
    """Single columns that are unique; those that only happen to be are left out."""
    return [*(grain.key if grain.key and len(grain.key) == 1 and not grain.weak else ()), *grain.secondary]


def _any(ids: Collection[UUID]) -> Any:
    """An array of ids: one statement, however many there are."""
    return func.any(literal(list(ids), ARRAY(Uuid)))


def _all(ids: Collection[UUID]) -> Any:
    return func.all(literal(list(ids), ARRAY(Uuid)))


def relation_evidence(head: EvidenceHead, columns: tuple[ColumnEvidence, ...]) -> RelationEvidence:
    """The evidence of a relation, put together from what is kept."""
    mark = Mark(head.batch, head.fingerprint) if head.batch is not None and head.fingerprint is not None else None
    return RelationEvidence(head.rows, columns, mark)


def _subject(row: Any) -> JoinSubject:
    governed = row.contract_id is not None
    return JoinSubject(
        table_id=row.table_id,
        table=row.name,
        version=row.version,
        state=TableState(row.state),
        relation=RelationName(row.relation_schema, row.relation_name),
        schema_version=row.schema_version,
        columns=tuple(column["name"] for column in row.columns),
        governed=governed,
        key=row_key(row.mode, row.idempotency_key, row.event_time_column) if governed else None,
        private=private_columns(words_of(row.column_words or {})),
    )


def _column(row: Any) -> ColumnEvidence:
    sample = ValueSample(int(row.threshold), _numbers(row.hashes), _numbers(row.counts))
    return ColumnEvidence(row.name, row.type, Family(row.family), row.nulls, row.low, row.high, sample)


def _column_values(table_id: UUID, position: int, column: ColumnEvidence) -> dict[str, Any]:
    return {
        "table_id": table_id,
        "position": position,
        "name": column.name,
        "type": column.type,
        "family": column.family.value,
        "nulls": column.nulls,
        "low": column.low,
        "high": column.high,
        "threshold": column.sample.threshold,
        "hashes": _bytes(column.sample.hashes),
        "counts": _bytes(column.sample.counts),
    }


def _numbers(stored: bytes) -> "array[int]":
    found = array("Q")
    found.frombytes(stored)
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _bytes(numbers: "array[int]") -> bytes:
    if sys.byteorder == "big":
        numbers = array("Q", numbers)
        numbers.byteswap()
    return numbers.tobytes()
