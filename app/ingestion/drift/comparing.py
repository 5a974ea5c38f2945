"""A schema, sample rows or the relation that is there, compared with what a contract says; on demand."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from app.catalog.baselines.service import Baselines
from app.catalog.contracts.compared import compared_schema
from app.catalog.contracts.definition import ChangePolicy, Semantics
from app.catalog.contracts.record import IngestionContract
from app.catalog.contracts.service import ContractReading, SchemaVersionNotFound
from app.catalog.drift.change import Change, worst
from app.catalog.drift.classify import classify, of_columns
from app.catalog.drift.documents import DriftChange
from app.catalog.drift.renames import infer
from app.catalog.drift_reports.looking import RelationDrift
from app.catalog.drift_reports.recording import DriftRecorder, audit_found
from app.catalog.drift_reports.reports import DriftSource, Finding, Recorded, Subject
from app.catalog.drift_reports.schemas import DriftReportDocument
from app.catalog.drift_reports.service import DriftReading
from app.catalog.names import is_contract_id
from app.catalog.tables.references import parse_reference
from app.catalog.tables.service import TableService
from app.ingestion.decoding.body import BodyFormat, Representation
from app.ingestion.decoding.inflate import Coding
from app.ingestion.drift.batch_drift import subject_of
from app.ingestion.drift.schemas import ComparedColumn, ComparedSchema, ComparedSemantics, CompareRequest
from app.ingestion.drift.stored_values import changes_of_rows
from app.ingestion.rows.row_model import RowModel
from app.kernel.clock import Clock
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ports.dependants import DependantSources
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Fault, InvalidRequest
from app.kernel.security.authorization import Actor
from app.warehouse.plan import Column


class InvalidComparison(InvalidRequest):
    """Of the table itself only its relation can be compared."""

    code, title = "invalid-comparison", "The comparison has faults"

    def __init__(self, subject: Subject, field: str) -> None:
        named = f"the table's contract, {subject.contract_id}" if subject.contract_id else "a contract, as customers_v1"
        message = f'by a table\'s name its relation is compared, {{"relation": true}}; for {field} name {named}'
        super().__init__(faults=[Fault(pointer=f"/{field}", code="no-contract", message=message)])


class DriftComparing:
    """Compares, and records what differs, in the caller's transaction."""

    def __init__(self, session: WriteSession, kinds: EventKinds, clock: Clock, dependants: DependantSources) -> None:
        self._session, self._kinds, self._clock = session, kinds, clock
        self._contracts = ContractReading(session)
        self._reports = DriftReading(session, dependants)
        self._recorder = DriftRecorder(session, kinds, clock)

    async def compare(
        self, reference: str, wanted: CompareRequest, actor: Actor, *, dry_run: bool
    ) -> DriftReportDocument:
        """The report on what differs; without an id when nothing does, or when it is only looked at.

        Args:
            reference: a contract's id; or the name or id of a table, whose relation alone can be compared.
            wanted: what is compared.
            actor: who asks.
            dry_run: whether the report is not kept.

        Raises:
            ContractNotFound, TableNotFound
            InvalidComparison: a schema or rows are to be compared with a table that is named without a contract.
            SchemaVersionNotFound: the contract has no columns yet.
            RelationGone: the relation is not there.
        """
        if not is_contract_id(reference):
            table = await self._table(reference, actor)
            if not wanted.relation:
                raise InvalidComparison(table, "schema" if wanted.rows is None else "rows")
            return await self._relation(table, actor, dry_run=dry_run)
        await self._contracts.get(reference, actor)
        contract = await self._contracts.described(reference)
        if contract.plan is None:
            raise SchemaVersionNotFound("No batch has come in yet that would say.")
        subject = subject_of(contract)
        if wanted.relation:
            return await self._relation(subject, actor, dry_run=dry_run)
        if wanted.schema_ is not None:
            changes: Sequence[Change] = schema_changes(contract, wanted.schema_, wanted.ingestion_semantics)
        else:
            changes = await row_changes(self._session, contract, wanted.rows or [])
        rows = len(wanted.rows or ())
        return await self._report(subject, DriftSource.REQUEST, changes, rows, actor, dry_run=dry_run)

    async def _table(self, reference: str, actor: Actor) -> Subject:
        table = await TableService(self._session).get(parse_reference(reference), actor)
        return Subject(table.id, table.contract_id, table.schema_version, table.label)

    async def _relation(self, subject: Subject, actor: Actor, *, dry_run: bool) -> DriftReportDocument:
        if dry_run:
            compared = await Baselines(self._session, self._clock).compare([subject.table_id])
            changes = [change for each in compared for change in each.changes()]
            return _unkept(subject, DriftSource.RELATION, changes, 0, actor)
        drift = RelationDrift(self._kinds, self._clock)
        recorded = await drift.look_at(self._session, subject.table_id, actor)
        return (
            _unkept(subject, DriftSource.RELATION, (), 0, actor)
            if recorded is None
            else await self._kept(recorded, actor)
        )

    async def _report(
        self,
        subject: Subject,
        source: DriftSource,
        changes: Sequence[Change],
        rows: int,
        actor: Actor,
        *,
        dry_run: bool,
    ) -> DriftReportDocument:
        if dry_run or not changes:
            return _unkept(subject, source, changes, rows, actor)
        (recorded,) = await self._recorder.see(subject, source, [Finding(tuple(changes), rows)], actor.label)
        await audit_found(self._session, actor, subject, [recorded])
        return await self._kept(recorded, actor)

    async def _kept(self, recorded: Recorded, actor: Actor) -> DriftReportDocument:
        return (await self._reports.get(recorded.id, actor)).value


def schema_changes(
    contract: IngestionContract, schema: ComparedSchema, semantics: ComparedSemantics | None
) -> tuple[Change, ...]:
    """What the schema says otherwise than the contract; the processing time, which Spyne sets, may be left out."""
    assert contract.columns is not None
    known = contract.contract.semantics
    columns = {column.name: column for column in contract.columns}
    if all(column.name != known.processing_time_column for column in schema.columns):
        del columns[known.processing_time_column]
    old = compared_schema(tuple(columns.values()), known if semantics is not None else None)
    said = None if semantics is None or old.semantics is None else {**old.semantics, **semantics.document()}
    new = of_columns([_compared(each, columns.get(each.name), known) for each in schema.columns], said)
    pairing = infer(old.fields, new.fields)
    return classify(old, new, renames=pairing.renames, hints=pairing.hints)


def _compared(column: ComparedColumn, ours: Column | None, known: Semantics) -> dict[str, Any]:
    """The column as contracts write columns.

    Of the key and of the event time no schema need say that none is null. Of where Spyne reads a column from other
    systems know nothing: what is left out is as the contract says.
    """
    document = column.document()
    if column.name in known.required_columns:
        document["nullable"] = False
    if "source" not in column.model_fields_set and ours is not None:
        document["source"] = ours.source
    return document


async def row_changes(
    session: ReadSession, contract: IngestionContract, rows: Sequence[dict[str, Any]]
) -> list[Change]:
    """What the rows suggest, read as a batch of them would be."""
    assert contract.plan is not None
    model = RowModel(contract.plan, ChangePolicy.DISCARD_VALUE)

    async def body() -> AsyncIterator[bytes]:
        for row in rows:
            yield orjson.dumps(row) + b"\n"

    async for _ in Representation(BodyFormat.NDJSON, Coding.IDENTITY).chunks(body(), model):
        pass
    return await changes_of_rows(session, contract, model.observed(), {})


def _unkept(
    subject: Subject, source: DriftSource, changes: Sequence[Change], rows: int, actor: Actor
) -> DriftReportDocument:
    return DriftReportDocument(
        id=None,
        table=subject.table,
        contract_id=subject.contract_id,
        schema_version=subject.schema_version,
        source=source,
        status=None,
        severity=worst(change.severity for change in changes),
        changes=[DriftChange.of(change) for change in changes],
        rows=rows,
        times_seen=0,
        first_seen_at=None,
        last_seen_at=None,
        batch_id=None,
        found_by=actor.label,
        resolution=None,
    )
