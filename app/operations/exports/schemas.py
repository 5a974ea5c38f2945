"""Requests and answers of exports."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator

from app.kernel.ports.export_formats import Compression, Format
from app.kernel.schemas import StrictModel
from app.kernel.tabular.csv_style import CsvChoice, CsvFormulas
from app.operations.exports.models import ExportRow
from app.operations.exports.states import ExportStatus

MAX_JOB_TYPE: Final = 64
MAX_ERROR: Final = 1_000

JobType = Annotated[str, StringConstraints(max_length=MAX_JOB_TYPE, pattern=r"^[a-z][a-z0-9_]*$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class NewExport(StrictModel, CsvChoice):
    """An export to be made."""

    job_type: JobType = Field(
        description="What: `table`, `query`, `audit_log`, `ingestion_history`, `quarantine`, `notifications`, "
        "`users` or `snapshot`.",
        examples=["table"],
    )
    filter_params: dict[str, Any] = Field(
        default_factory=dict,
        description="Which of it; every job type has fields of its own. Unknown ones are refused.",
        examples=[{"table": "flights", "columns": ["id", "origin"]}],
    )
    format: Format = Field(Format.CSV, description="Form of the file; `tar` is a snapshot's.", examples=["csv"])
    compression: Compression = Field(
        Compression.NONE, description="What the file is packed with; Parquet is packed within.", examples=["none"]
    )


class ExportDocument(StrictModel):
    """One export and how far it is."""

    id: UUID = Field(description="UUIDv7.")
    job_type: str = Field(description="What is exported.", examples=["table"])
    filter_params: dict[str, Any] = Field(description="As asked for.")
    subject: dict[str, Any] = Field(description="What that meant at that time, such as the version of a table.")
    format: Format = Field(description="Form of the file.")
    compression: Compression = Field(description="What the file is packed with.")
    csv_formulas: CsvFormulas = Field(description="What became of formulas, in CSV.")
    csv_bom: bool = Field(description="Whether a CSV begins with a byte order mark.")
    status: ExportStatus = Field(description="Where it stands; changes count in the ETag, progress does not.")
    error_code: str | None = Field(description="Why it failed, for programs.")
    error_message: str | None = Field(description="Why it failed, in words.")
    requested_by: str = Field(description="Who asked, by name at that time.", examples=["ada"])
    created_at: datetime = Field(description="When it was asked for.")
    started_at: datetime | None = Field(description="When it was begun, the last time.")
    completed_at: datetime | None = Field(description="When it came to its end.")
    expires_at: datetime | None = Field(description="From then on the file may be removed.")
    rows: int = Field(description="Rows so far; exact once it is completed.")
    bytes: int = Field(description="Bytes of the file so far; exact once it is completed.")
    estimated_rows: int | None = Field(description="All rows, by the planner.")
    eta_seconds: float | None = Field(description="Seconds to go, by the rows so far and the estimate.")
    checksum: str | None = Field(description="SHA-256 of the file in hexadecimal.")
    object_key: str | None = Field(description="Where the file is, within the object storage.")
    links: dict[str, str] = Field(
        description="`self`, `job` (which makes the file), and `download` while there is a file."
    )

    @classmethod
    def of(cls, row: ExportRow, now: datetime) -> "ExportDocument":
        """The export as it stands now."""
        place = f"/system/exports/{row.id}"
        links = {"self": place} | ({"job": f"/system/jobs/{row.run_id}"} if row.run_id is not None else {})
        links |= {"download": f"{place}/download"} if row.status == ExportStatus.COMPLETED else {}
        columns = {name: getattr(row, name) for name in cls.model_fields if name not in {"eta_seconds", "links"}}
        return cls(**columns, eta_seconds=_eta(row, now), links=links)


def _eta(row: ExportRow, now: datetime) -> float | None:
    if row.status != ExportStatus.RUNNING or row.started_at is None or not row.rows or row.estimated_rows is None:
        return None
    spent = max(0.0, (now - row.started_at).total_seconds())
    return round(max(0, row.estimated_rows - row.rows) * spent / row.rows, 1)


class StatusReport(StrictModel):
    """What an outside worker tells of an export that it makes."""

    from_status: ExportStatus = Field(
        description="Where the export stands, as the worker believes.", examples=["pending"]
    )
    to_status: ExportStatus = Field(description="Where it is to stand.", examples=["running"])
    object_key: Annotated[str, StringConstraints(max_length=900)] | None = Field(
        None, description="Of the stored file, below `exports/{id}/`; with `completed`."
    )
    checksum: Sha256 | None = Field(None, description="SHA-256 of the file in hexadecimal; with `completed`.")
    rows: int | None = Field(None, ge=0, le=2**62, description="Rows of the file; with `completed`.")
    error_message: Annotated[str, StringConstraints(max_length=MAX_ERROR)] | None = Field(
        None, description="Why it failed; with `failed`."
    )

    @model_validator(mode="after")
    def _complete(self) -> "StatusReport":
        has_file = self.object_key is not None and self.checksum is not None
        if (self.to_status is ExportStatus.COMPLETED) != has_file:
            raise ValueError("object_key and checksum come with `completed`, both of them, and with nothing else")
        if (self.to_status is ExportStatus.FAILED) != (self.error_message is not None):
            raise ValueError("error_message comes with `failed`, and with nothing else")
        return self
