"""What drift looks like over HTTP."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from pydantic import BaseModel, Field

from app.catalog.drift.change import Severity
from app.catalog.drift.documents import DriftChange
from app.catalog.drift_reports.reports import DriftReport, DriftSource, DriftStatus
from app.kernel.ports.dependants import Dependant
from app.kernel.schemas import Reason, StrictModel


class DriftDependant(BaseModel):
    """Something that relies on the table."""

    kind: str = Field(description="`execution`, `preview`, `export`, `join`.")
    id: str
    label: str = Field(description="In a line.")
    by: str | None = Field(description="Whose it is.")
    at: datetime | None = Field(description="When it was made, or seen last.")

    @staticmethod
    def of(dependant: Dependant) -> "DriftDependant":
        """The dependant as it is shown."""
        return DriftDependant(
            kind=dependant.kind, id=dependant.id, label=dependant.label, by=dependant.by, at=dependant.at
        )


class DriftResolution(BaseModel):
    """What was decided."""

    by: str | None = Field(description="Who decided; `policy: evolve` where the contract's policy did.")
    at: datetime | None
    note: str | None = Field(description="Why.")
    schema_version: int | None = Field(description="Schema version that the change made, if it did.")
    contract_id: str | None = Field(description="Contract that was made for it, in SHADOW and to be filled by replay.")


class DriftReportDocument(BaseModel):
    """A difference between a schema and what came or is there."""

    id: UUID | None = Field(description="Null of what was only looked at and is not kept.")
    table: str = Field(description="`name@version`.", examples=["customers@1"])
    contract_id: str | None = Field(description="Null of an adopted table.")
    schema_version: int | None = Field(description="Schema that it differs from.")
    source: DriftSource = Field(description="Where it was seen.")
    status: DriftStatus | None = Field(description="Null of what is not kept.")
    severity: Severity = Field(description="The worst of its changes.")
    changes: list[DriftChange]
    rows: int = Field(description="Rows that showed it, in all.")
    times_seen: int = Field(description="How often it was seen; the same difference makes no second report.")
    first_seen_at: datetime | None
    last_seen_at: datetime | None
    batch_id: UUID | None = Field(description="The batch that showed it last.")
    found_by: str = Field(description="Whose batch or request showed it first.")
    resolution: DriftResolution | None = Field(description="Null while it is open.")
    dependants: list[DriftDependant] = Field(
        default_factory=list, description="What relies on the table now; in the single report alone."
    )
    links: dict[str, str] = Field(default_factory=dict)


class DriftAnswer(StrEnum):
    """What can be done about drift."""

    ACCEPT = "accept"
    REJECT = "reject"
    NEW_VERSION = "new_version"


Note = Annotated[Reason, Field(description="Why; kept in the audit log.")]


class ResolveRequest(StrictModel):
    """A decision about a report."""

    action: DriftAnswer = Field(
        description="`accept`: the schema takes the changes on; an adopted table has its relation's columns. "
        "`reject`: nothing changes, and nobody is told of the same difference again. `new_version`: a further "
        "version of the contract is made for it, its table in SHADOW, to be filled by replay.",
        examples=["accept"],
    )
    note: Note = Field(examples=["Agreed with the shop team."])


class UndoRequest(StrictModel):
    """Why an applied change is taken back."""

    note: Note = Field(examples=["Taken on too early."])


def report_document(report: DriftReport) -> DriftReportDocument:
    """The report as lists show it."""
    decided = report.status is not DriftStatus.OPEN
    return DriftReportDocument(
        id=report.id,
        table=f"{report.table_name}@{report.table_version}",
        changes=[DriftChange.of(change) for change in report.changes],
        first_seen_at=report.created_at,
        resolution=DriftResolution(
            by=report.resolved_by,
            at=report.resolved_at,
            note=report.note,
            schema_version=report.applied_version,
            contract_id=report.successor_contract,
        )
        if decided
        else None,
        links=_links(report),
        **{name: getattr(report, name) for name in _SAME},
    )


_SAME: Final = (
    "contract_id",
    "schema_version",
    "source",
    "status",
    "severity",
    "rows",
    "times_seen",
    "last_seen_at",
    "batch_id",
    "found_by",
)


def _links(report: DriftReport) -> dict[str, str]:
    links = {"self": f"/api/drift/{report.id}", "table": f"/api/tables/{report.table_id}"}
    if report.contract_id is not None:
        links["contract"] = f"/api/contracts/{report.contract_id}"
    if report.batch_id is not None:
        links["batch"] = f"/api/ingestion/batches/{report.batch_id}"
        if report.status is DriftStatus.ACCEPTED:
            links["replay_refused_rows"] = f"/api/ingestion/batches/{report.batch_id}/quarantine/replay"
    if report.successor_contract is not None:
        links |= {"successor": f"/api/contracts/{report.successor_contract}", "replay": "/api/ingestion/replay"}
    if report.status is DriftStatus.OPEN:
        links["resolve"] = f"/api/drift/{report.id}/resolve"
    if report.status is DriftStatus.ACCEPTED and None not in (report.applied_version, report.contract_id):
        links["undo"] = f"/api/drift/{report.id}/undo"
    return links
