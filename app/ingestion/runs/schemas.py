"""What the operations on runs take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from app.catalog.names import is_contract_id
from app.ingestion.schemas import VerdictCounts
from app.kernel.schemas import Reason, StrictModel
from app.kernel.storage.object_storage import check_key
from app.kernel.timestamps import Moment
from app.warehouse.rejections import MAX_NAME_CHARACTERS, RejectionCode


def _contract_id(text: str) -> str:
    if not is_contract_id(text):
        raise ValueError("write the id of a contract, which is table and version, such as customers_v1")
    return text


def _object_prefix(text: str) -> str:
    if not text.startswith(OBJECTS):
        raise ValueError(f"objects are read under {OBJECTS} alone: {OBJECTS}customers/2025/")
    return check_key(text.rstrip("/")) + "/"


ContractId = Annotated[str, StringConstraints(max_length=100), AfterValidator(_contract_id)]
ObjectPrefix = Annotated[str, StringConstraints(max_length=500), AfterValidator(_object_prefix)]
PlanHash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]

OBJECTS = "backfill/"
"""Objects are read from one folder alone: what else the storage holds (bodies of batches, exports, archives) has owners
of its own."""

MAX_BATCHES = 10_000
"""Batches that one request may name."""


def require_order(begin: datetime | None, end: datetime | None) -> None:
    """Return when the time from `begin` to before `end` is not empty. Raises ValueError."""
    if begin is not None and end is not None and begin >= end:
        raise ValueError("from is before to: nothing lies between these two")


class RunRequest(StrictModel):
    """What every run is asked for with: a plan first, then the same again with the plan's hash."""

    reason: Reason = Field(description="Why, for the audit log.", examples=["the export job sent prices in cents"])
    dry_run: bool = Field(default=False, description="Answer the plan: the very same statements, rolled back.")
    plan_hash: PlanHash | None = Field(None, description="Of the plan that is to be applied.")


class RollbackRequest(RunRequest):
    """What else is taken back with a batch, and taken again afterwards."""

    cascade: bool = Field(
        default=False, description="Take back also the batches that have written the same rows since, newest first."
    )
    then_replay: bool = Field(
        default=False,
        description="Take the rows concerned of later batches again, in their old order: of those taken back as well, "
        "and of those that had brought the same rows without writing them.",
    )


class ReplayRequest(RunRequest):
    """Which stored bodies are taken again: by id, or by when they came in."""

    contract_id: ContractId = Field(description="The contract that they came under.", examples=["customers_v1"])
    batch_ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_BATCHES)] | None = Field(
        None, description="These batches, whatever became of them."
    )
    begin: Moment | None = Field(None, alias="from", description="Batches accepted not before this time.")
    end: Moment | None = Field(None, alias="to", description="Batches accepted before this time.")
    into: ContractId | None = Field(
        None, description="A newer version of the same table that the rows go to.", examples=["customers_v2"]
    )
    skip_missing: bool = Field(default=False, description="Leave out batches whose body is not kept.")

    @model_validator(mode="after")
    def _by_id_or_by_time(self) -> Self:
        if (self.batch_ids is None) == (self.begin is None and self.end is None):
            raise ValueError('name batches, or a time: {"batch_ids": ["…"]} or {"from": "2026-01-01T00:00:00Z"}')
        require_order(self.begin, self.end)
        return self


class QuarantineReplayRequest(RunRequest):
    """Which refused rows of a batch are taken again; absent conditions hold for all that are open."""

    code: RejectionCode | None = Field(None, description="Rows with this fault.")
    column: str | None = Field(None, max_length=MAX_NAME_CHARACTERS, description="Rows with a fault in this column.")


class BatchesSource(StrictModel):
    """The stored bodies of another contract's batches, in the order in which they were merged."""

    kind: Literal["batches"] = Field(description="`batches`.")
    contract_id: ContractId = Field(description="The contract they came under.", examples=["customers_v1"])


class ObjectSource(StrictModel):
    """Objects in the configured storage: NDJSON, JSON, CSV or Parquet, by the ends of their keys, in their order."""

    kind: Literal["object"] = Field(description="`object`.")
    prefix: ObjectPrefix = Field(description="The folder they are in.", examples=["backfill/customers/2025/"])


class RelationSource(StrictModel):
    """An adopted table, in the order of the contract's key; its columns are known by their names."""

    kind: Literal["relation"] = Field(description="`relation`.")
    table: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        description="Logical name of the table, or `name@version`.", examples=["legacy_customers"]
    )


BackfillSource = Annotated[BatchesSource | ObjectSource | RelationSource, Field(discriminator="kind")]


class BackfillRequest(RunRequest):
    """What fills a table, and with how many rows at once."""

    contract_id: ContractId = Field(description="The contract that the rows go to.", examples=["customers_v2"])
    source: BackfillSource = Field(description="Where the rows come from.")
    begin: Moment | None = Field(None, alias="from", description="Rows whose event time is not before this.")
    end: Moment | None = Field(None, alias="to", description="Rows whose event time is before this.")
    batch_size: int = Field(10_000, ge=100, le=1_000_000, description="Rows of one batch, at most; of bodies lines.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        require_order(self.begin, self.end)
        return self


class CancelRequest(StrictModel):
    """Why a run is ended before its time."""

    reason: Reason = Field(description="Why, for the audit log.", examples=["started for the wrong table"])


class PlannedPart(BaseModel):
    """A part of a plan, and what comes of it."""

    part: int = Field(description="Order, from 1.")
    action: str = Field(description="`rollback`, `replay`, `quarantine` or `backfill`.")
    batch_id: UUID | None = Field(None, description="The batch it is about; none when rows are not those of a batch.")
    counts: VerdictCounts = Field(description="Rows by verdict; of a rollback `inserted` are rows that come back.")
    deleted: int = Field(description="Stored rows that go.")


class ChangedRow(BaseModel):
    """A stored row that a plan changes."""

    change: Literal["overwritten", "removed", "put-back"] = Field(description="What becomes of it.")
    before: dict[str, Any] | None = Field(None, description="The row as it is; null of one that comes back.")
    after: dict[str, Any] | None = Field(None, description="The row as it will be; null of one that goes.")


class IngestionRunPlan(BaseModel):
    """What a run would do."""

    kind: str = Field(description="`rollback`, `replay`, `quarantine` or `backfill`.", examples=["rollback"])
    contract_id: str = Field(description="Contract under which it writes.", examples=["customers_v1"])
    plan_hash: str = Field(description="Names this plan on the data as they are; send it along to apply it.")
    parts_total: int = Field(description="Parts, each of them one batch.")
    parts: list[PlannedPart] = Field(description="The first hundred parts.")
    counts: VerdictCounts = Field(description="Rows by verdict, all parts.")
    deleted: int = Field(description="Stored rows that go, all parts.")
    samples: list[ChangedRow] = Field(description="Some of the stored rows that change.")
    later_batches: list[UUID] = Field(
        default_factory=list,
        description="Of a rollback: later batches that may have brought the same rows without writing them. "
        "`then_replay` takes those rows again.",
    )
    warnings: list[str] = Field(default_factory=list, description="What cannot be done, or is left out.")


class IngestionRunPart(BaseModel):
    """A part that was done: the batch that it became."""

    part: int = Field(description="Order, from 1.")
    batch_id: UUID = Field(description="The batch as which its rows were written.")
    source_batch_id: UUID | None = Field(None, description="The batch it was about.")
    kind: str = Field(description="`rollback`, `replay`, `quarantine` or `backfill`.")
    status: str = Field(description="`completed`, or `rejected` when every row was refused.")
    counts: VerdictCounts = Field(description="Rows by verdict.")
    deleted: int = Field(description="Stored rows that went.")
    completed_at: datetime | None = Field(None, description="When it was done.")


class IngestionRun(BaseModel):
    """A run, under way or over."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="UUIDv7.")
    kind: str = Field(description="`rollback`, `replay`, `quarantine` or `backfill`.")
    contract_id: str = Field(description="Contract under which it writes.")
    status: Literal["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"] = Field(description="Where it stands.")
    batch_id: UUID | None = Field(
        None, description="The batch that it was asked for; the others have none of their own."
    )
    request: dict[str, Any] = Field(
        description="What was asked for; with a reason it can be sent again. Lists leave out `batch_ids`."
    )
    plan_hash: str = Field(description="Hash of the plan that is applied.")
    reason: str = Field(description="Why, in the words of who started it.")
    started_by: str = Field(description="Name of who started it.")
    parts_done: int = Field(description="Parts that are committed.")
    parts_total: int | None = Field(None, description="Parts in all; null while that is not known.")
    rows_done: int = Field(description="Rows that were read.")
    rows_total: int | None = Field(None, description="Rows in all, as far as that was known before.")
    percent_done: float | None = Field(None, description="Share that is done; null where it is not known.")
    eta_seconds: float | None = Field(None, description="Seconds to go, as fast as until now; null if not known.")
    counts: VerdictCounts = Field(description="Rows by verdict, all parts.")
    deleted: int = Field(description="Stored rows that went.")
    created_at: datetime = Field(description="When it was asked for.")
    started_at: datetime | None = Field(None, description="When its first part began.")
    ended_at: datetime | None = Field(None, description="When it was over.")
    problem: dict[str, Any] | None = Field(None, description="Why it failed (RFC 9457).")
    parts: list[IngestionRunPart] = Field(
        default_factory=list, description="The newest parts that were done; not in lists."
    )
    links: dict[str, str] = Field(default_factory=dict, description="Where to read on.")
