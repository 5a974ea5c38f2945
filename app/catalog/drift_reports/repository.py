"""All SQL of reports of drift and their changes."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, insert, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from app.catalog.drift.change import Change, ChangeKind, Severity
from app.catalog.drift_reports.models import DriftChangeRow, DriftReportRow
from app.catalog.drift_reports.reports import KNOWN, DriftReport, DriftSource, DriftStatus, Finding, Recorded, Subject
from app.catalog.models import TableVersionRow
from app.catalog.records import filled
from app.catalog.tables.lifecycle import TableState
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.db.listing import listed, newest_first
from app.kernel.ids import new_id
from app.kernel.paging import Page, PageRequest

R = DriftReportRow.__table__.c
C = DriftChangeRow.__table__.c
T = TableVersionRow.__table__.c


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftFilter:
    """Which reports; absent conditions hold for all."""

    status: DriftStatus | None = None
    contract_id: str | None = None
    table: str | None = None
    severity: Severity | None = None

    @property
    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """The conditions on reports."""
        asked = {R.status: self.status, R.contract_id: self.contract_id, T.name: self.table, R.severity: self.severity}
        return [column == value for column, value in asked.items() if value is not None]


class DriftReads:
    """Reads reports."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def page(self, states: Iterable[TableState], wanted: DriftFilter, request: PageRequest) -> Page[DriftReport]:
        """Reports on tables in one of the states, newest first, each with its changes."""
        statement = _reports(states).where(*wanted.conditions)
        page = await listed(self.session, statement, request, newest_first(R.id), _report)
        return replace(page, items=await self._with_changes(page.items))

    async def find(self, report_id: UUID, states: Iterable[TableState]) -> DriftReport | None:
        """The report with its changes, when its table is in one of the states."""
        row = (await self.session.execute(_reports(states).where(R.id == report_id))).one_or_none()
        return (await self._with_changes([_report(row)]))[0] if row else None

    async def known(self, table_id: UUID, findings: Sequence[Finding]) -> dict[str, DriftReport]:
        """Reports on the table, open or rejected, by the fingerprint of those findings that they are about."""
        wanted = {finding.fingerprint for finding in findings}
        statement = _reports(TableState).where(
            R.table_id == table_id, R.fingerprint.in_(wanted), R.status.in_([status.value for status in KNOWN])
        )
        rows = (await self.session.execute(statement.add_columns(R.fingerprint))).all()
        reports = await self._with_changes([_report(row) for row in rows])
        return {row.fingerprint: report for row, report in zip(rows, reports, strict=True)}

    async def of_relations(self, table_ids: Collection[UUID]) -> list[DriftReport]:
        """Open reports on the relations behind these tables."""
        statement = _reports(TableState).where(
            R.table_id.in_(table_ids), R.source == DriftSource.RELATION.value, R.status == DriftStatus.OPEN.value
        )
        rows = (await self.session.execute(statement)).all() if table_ids else []
        return await self._with_changes([_report(row) for row in rows])

    async def subjects(self, table_ids: Collection[UUID]) -> dict[UUID, Subject]:
        """What reports on these tables are about, by the tables' ids."""
        statement = select(T.id, T.contract_id, T.schema_version, T.name, T.version).where(T.id.in_(table_ids))
        rows = (await self.session.execute(statement)).all() if table_ids else []
        return {
            row.id: Subject(row.id, row.contract_id, row.schema_version, f"{row.name}@{row.version}") for row in rows
        }

    async def changes(self, report_ids: Collection[UUID]) -> dict[UUID, tuple[Change, ...]]:
        """The changes of these reports in their order, by the reports' ids."""
        if not report_ids:
            return {}
        statement = select(*C).where(C.report_id.in_(report_ids)).order_by(C.position)
        changes: dict[UUID, tuple[Change, ...]] = {}
        for row in await self.session.execute(statement):
            changes[row.report_id] = (*changes.get(row.report_id, ()), _change(row))
        return changes

    async def _with_changes(self, reports: Sequence[DriftReport]) -> list[DriftReport]:
        changes = await self.changes([report.id for report in reports])
        return [replace(report, changes=changes.get(report.id, ())) for report in reports]


class DriftWrites(DriftReads):
    """Also makes and changes reports."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def lock(self, report_id: UUID) -> None:
        """Nobody else decides about the report before this transaction ends."""
        await self.writer.execute(select(R.id).where(R.id == report_id).with_for_update(key_share=True))

    async def see(
        self,
        subject: Subject,
        source: DriftSource,
        findings: Sequence[Finding],
        by: str,
        at: datetime,
        batch_id: UUID | None,
    ) -> list[Recorded]:
        """The reports that the findings became, or were: a difference that is known is seen once more."""
        ordered = sorted(findings, key=lambda finding: finding.fingerprint)  # so that no two batches deadlock
        by_print = {finding.fingerprint: finding for finding in ordered}
        values = [_values(subject, source, finding, by, at, batch_id) for finding in by_print.values()]
        rows = (await self.writer.execute(_SEE, values)).all()
        found = [Recorded(row.id, DriftStatus(row.status), row.made, by_print[row.fingerprint]) for row in rows]
        await self._add_changes([(each.id, each.finding) for each in found if each.made])
        return found

    async def add(
        self,
        subject: Subject,
        source: DriftSource,
        finding: Finding,
        by: str,
        at: datetime,
        batch_id: UUID | None,
        **values: Any,
    ) -> UUID:
        """A report that is decided from the beginning, by its id."""
        row = _values(subject, source, finding, by, at, batch_id) | values
        await self.writer.execute(insert(DriftReportRow).values(row))
        await self._add_changes([(row["id"], finding)])
        return UUID(str(row["id"]))

    async def change(self, report_id: UUID, from_status: DriftStatus, **values: Any) -> bool:
        """Whether the report stood so and was changed."""
        statement = (
            update(DriftReportRow)
            .where(R.id == report_id, R.status == from_status.value)
            .values(revision=R.revision + 1, **values)
            .returning(R.id)
        )
        return (await self.writer.execute(statement)).first() is not None

    async def close_open(self, table_id: UUID, fingerprints: Collection[str], **values: Any) -> None:
        """End the open reports on the table that are about these differences; locked in the order of batches."""
        ordered = (
            select(R.id)
            .where(R.table_id == table_id, R.fingerprint.in_(fingerprints), R.status == DriftStatus.OPEN.value)
            .order_by(R.fingerprint)
            .with_for_update(key_share=True)
        )
        statement = update(DriftReportRow).where(R.id.in_(ordered.scalar_subquery()))
        await self.writer.execute(statement.values(revision=R.revision + 1, **values))

    async def restate(self, report_id: UUID, finding: Finding) -> None:
        """Let the report say this of its one change: more rows have shown a wider type."""
        (change,) = finding.changes
        await self.writer.execute(
            update(DriftChangeRow).where(C.report_id == report_id).values(**_change_values(change))
        )
        await self.writer.execute(
            update(DriftReportRow).where(R.id == report_id).values(severity=finding.severity.value)
        )

    async def _add_changes(self, reports: Sequence[tuple[UUID, Finding]]) -> None:
        rows = [
            {"id": new_id(), "report_id": report_id, "position": position, **_change_values(change)}
            for report_id, finding in reports
            for position, change in enumerate(finding.changes)
        ]
        if rows:
            await self.writer.execute(insert(DriftChangeRow), rows)


_NEW = upsert(DriftReportRow)
_SEE = _NEW.on_conflict_do_update(
    index_elements=[R.table_id, R.fingerprint],
    index_where=R.status.in_([literal_column(f"'{status.value}'") for status in KNOWN]),
    set_={
        "times_seen": R.times_seen + 1,
        "rows": R.rows + _NEW.excluded.rows,
        "last_seen_at": _NEW.excluded.last_seen_at,
        "batch_id": func.coalesce(_NEW.excluded.batch_id, R.batch_id),
    },
).returning(R.id, R.fingerprint, R.status, literal_column("(xmax = 0)").label("made"))
"""Made once, so that it is compiled once: a sender who leaves a column out comes by here with every batch."""


def _values(
    subject: Subject, source: DriftSource, finding: Finding, by: str, at: datetime, batch_id: UUID | None
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "table_id": subject.table_id,
        "contract_id": subject.contract_id,
        "schema_version": subject.schema_version,
        "source": source.value,
        "severity": finding.severity.value,
        "fingerprint": finding.fingerprint,
        "batch_id": batch_id,
        "rows": finding.rows,
        "last_seen_at": at,
        "found_by": by,
    }


def _change_values(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "rule": change.rule,
        "path": change.path,
        "column_name": change.column,
        "old": change.old,
        "new": change.new,
        "severity": change.severity.value,
        "readers": change.readers.value,
        "writers": change.writers.value,
        "suggestion": change.suggestion,
        "confidence": change.confidence,
        "evidence": dict(change.evidence),
        "rows": change.rows,
    }


def _reports(states: Iterable[TableState]) -> Select[Any]:
    return (
        select(*R, T.name.label("table_name"), T.version.label("table_version"))
        .join_from(DriftReportRow, TableVersionRow, T.id == R.table_id)
        .where(T.state.in_([state.value for state in states]))
    )


def _report(row: Any) -> DriftReport:
    return filled(
        DriftReport,
        row,
        source=DriftSource(row.source),
        status=DriftStatus(row.status),
        severity=Severity(row.severity),
        changes=(),
    )


def _change(row: Any) -> Change:
    return filled(
        Change,
        row,
        kind=ChangeKind(row.kind),
        column=row.column_name,
        readers=Severity(row.readers),
        writers=Severity(row.writers),
    )
