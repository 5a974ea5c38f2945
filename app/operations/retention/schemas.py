"""Requests and answers of retention."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from app.kernel.ports.retention import Preview
from app.kernel.schemas import Reason, StrictModel
from app.kernel.timestamps import Moment
from app.operations.retention.service import CategoryStatus

MAX_DAYS = 36_500
"""A hundred years: more is for ever, which is a rule that is not enabled."""

CATEGORY_PATTERN = r"^[a-z][a-z0-9_]{0,63}$"
Days = Annotated[int, Field(ge=1, le=MAX_DAYS)]


class RuleRequest(StrictModel):
    """How long a category is to be kept."""

    category: str = Field(
        pattern=CATEGORY_PATTERN,
        description="One of those that `GET /system/retention/` lists.",
        examples=["quarantine"],
    )
    days_to_keep: Days = Field(description="What is older goes.", examples=[90])
    enabled: bool = Field(default=False, description="Whether it goes by the schedule, once a day.")
    archive: bool | None = Field(
        None, description="Whether it is archived before; for categories that can be, null for their usual."
    )
    description: Annotated[str, StringConstraints(max_length=1000)] = Field("", description="Why it is so.")


class AmountDocument(BaseModel):
    """How much."""

    model_config = ConfigDict(from_attributes=True)

    rows: int = Field(description="Rows.")
    bytes: int = Field(description="Bytes: of rows as text, of objects as they were received.")
    objects: int = Field(description="Objects in the storage.")


class RunDocument(BaseModel):
    """One removal, going on or over; or one that has only counted."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="UUIDv7.")
    category: str = Field(description="What of.")
    dry_run: bool = Field(description="Whether it has only counted.")
    status: Literal["queued", "running", "completed", "failed", "cancelled"] = Field(description="Where it stands.")
    cut_off: datetime = Field(description="What is older goes; it never moves.")
    rows: int = Field(description="Rows that went so far; in a dry run those that would go.")
    bytes: int = Field(description="Bytes, counted likewise.")
    objects: int = Field(description="Stored objects, counted likewise.")
    archives: list[dict[str, Any]] = Field(description="Objects made before anything went, with their checksums.")
    requested_by: str = Field(description="Who asked for it.")
    job_id: UUID | None = Field(description="Of the job that does it, at `/system/jobs/{id}`; null for a dry run.")
    created_at: datetime = Field(description="When it was asked for.")
    started_at: datetime | None = Field(description="When it began.")
    ended_at: datetime | None = Field(description="When it was over.")
    error: str | None = Field(description="Why it failed.")


class RetentionRuleDocument(BaseModel):
    """How long a category is kept."""

    category: str = Field(description="Its name.")
    subject: str = Field(description="What it is, and by which time it is old.")
    days_to_keep: int = Field(description="What is older goes.")
    enabled: bool = Field(description="Whether it goes by the schedule.")
    archive: bool = Field(description="Whether it is archived before.")
    description: str = Field(description="Why it is so.")
    decided: bool = Field(description="Whether an admin has decided it; else it is the default.")
    version: int = Field(description="Counts changes, 0 for the default.")
    updated_at: datetime | None = Field(description="When it was changed last.")
    updated_by: str | None = Field(description="Who changed it last.")
    holds: int = Field(description="Holds in force.")
    hold_fields: list[str] = Field(description="What the filter of a hold may name.")
    last_run: RunDocument | None = Field(description="The newest run that was not a dry one.")

    @classmethod
    def of(cls, status: CategoryStatus) -> "RetentionRuleDocument":
        """The document of a category."""
        target, rule = status.target, status.rule
        return cls(
            category=target.category,
            subject=target.description,
            days_to_keep=status.days_to_keep,
            enabled=status.enabled,
            archive=target.archives,
            description=rule.description if rule else "",
            decided=rule is not None,
            version=status.version,
            updated_at=rule.updated_at if rule else None,
            updated_by=rule.updated_by if rule else None,
            holds=status.holds,
            hold_fields=list(target.hold_filter.model_fields),
            last_run=RunDocument.model_validate(status.last_run) if status.last_run else None,
        )


class RuleList(BaseModel):
    """Every category."""

    items: list[RetentionRuleDocument] = Field(description="In the order in which the schedule takes them.")


class RetentionPreviewDocument(BaseModel):
    """What would go now."""

    category: str = Field(description="What of.")
    cut_off: datetime = Field(description="What is older; give it to a run, and it removes just this.")
    rows: int = Field(description="Rows that would go.")
    bytes: int = Field(description="Bytes that would go.")
    objects: int = Field(description="Stored objects that would go.")
    oldest: datetime | None = Field(description="Time of the oldest row that would go.")
    newest: datetime | None = Field(description="Time of the newest row that would go.")
    held: AmountDocument = Field(description="Old enough, and kept by holds.")

    @classmethod
    def of(cls, category: str, cut_off: datetime, preview: Preview) -> "RetentionPreviewDocument":
        """The document of a preview."""
        facts = asdict(preview)
        return cls(category=category, cut_off=cut_off, **facts.pop("amount"), **facts)


class RunRequest(StrictModel):
    """A removal to be made."""

    dry_run: bool = Field(default=False, description="Only count; answered 200.")
    cut_off: Moment | None = Field(
        None, description="As a preview told it; not later than the rule allows, which is taken when this is absent."
    )


class HoldRequest(StrictModel):
    """What is to be kept."""

    filter: dict[str, Any] = Field(
        default_factory=dict,
        max_length=20,
        description="`since` and `until` (times of rows) and the category's `hold_fields`; empty: all of it.",
        examples=[{"since": "2026-01-01T00:00:00Z"}],
    )
    reason: Reason = Field(description="Why.", examples=["Case 4711"])


class HoldDocument(BaseModel):
    """A hold, in force or released."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="UUIDv7.")
    category: str = Field(description="What of.")
    filter: dict[str, Any] = Field(description="What it is about; empty: all of it.")
    reason: str = Field(description="Why.")
    made_by: str = Field(description="Who made it.")
    created_at: datetime = Field(description="Since when.")
    released_at: datetime | None = Field(description="When it was released.")
    released_by: str | None = Field(description="Who released it.")
