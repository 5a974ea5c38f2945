"""`addon_revisions`: versions of a request's package. `addon_validation_runs`: validations of them."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Created, Identified


class TARevisionType(StrEnum):
    """Where a revision comes from."""

    AUTO = "AUTO"
    """Generated from the samples."""
    MANUAL = "MANUAL"
    """Uploaded by a person."""


class ValidationStatus(StrEnum):
    """How a validation run stands; the last two are final."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    PASSED = "PASSED"
    FAILED = "FAILED"


OPEN = (ValidationStatus.QUEUED, ValidationStatus.RUNNING)
_TYPES = ", ".join(f"'{each}'" for each in TARevisionType)
_STATUSES = ", ".join(f"'{each}'" for each in ValidationStatus)


class TARevision(Identified, Created, Base):
    """A version of a request's package."""

    __tablename__ = "addon_revisions"
    __table_args__ = (
        UniqueConstraint("request_id", "version"),
        UniqueConstraint("job_id"),
        CheckConstraint(f"type IN ({_TYPES})", name="type"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_addon_revisions_created_at", "created_at", postgresql_where=text("object_key IS NOT NULL")),
    )

    request_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.addon_requests.id", ondelete="CASCADE"), comment="The request"
    )
    version: Mapped[int] = mapped_column(comment="1, 2, … within the request")
    type: Mapped[str] = mapped_column(Text, comment="AUTO or MANUAL")
    package_name: Mapped[str] = mapped_column(Text, comment="Folder of the add-on")
    object_key: Mapped[str | None] = mapped_column(Text, comment="Of the stored archive; null after retention")
    bytes: Mapped[int] = mapped_column(BigInteger, comment="Bytes of the archive")
    sha256: Mapped[str] = mapped_column(Text, comment="SHA-256 of the archive in hexadecimal")
    files: Mapped[list[Any]] = mapped_column(JSONB, comment="Path, bytes and SHA-256 of every file, sorted by path")
    note: Mapped[str | None] = mapped_column(Text, comment="What was changed, in the words of who uploaded it")
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Paths added, removed and modified since the last")
    knowledge: Mapped[list[Any]] = mapped_column(JSONB, server_default="[]", comment="Passages that the generator used")
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="What the generator found; null of an upload")
    job_id: Mapped[UUID | None] = mapped_column(comment="The job that generated it; null of an upload")
    made_by: Mapped[str] = mapped_column(Text, comment="Name of who uploaded it, or system")


class ValidationRun(Identified, Created, Base):
    """A validation of a revision."""

    __tablename__ = "addon_validation_runs"
    __table_args__ = (
        UniqueConstraint("request_id", "number"),
        CheckConstraint(f"status IN ({_STATUSES})", name="status"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint("status <> 'RUNNING' OR attempt IS NOT NULL", name="running"),
        Index(
            "ix_addon_validation_runs_open", "status", "id", postgresql_where=text("status IN ('QUEUED', 'RUNNING')")
        ),
        Index("ix_addon_validation_runs_revision_id", "revision_id"),
        Index("ix_addon_validation_runs_created_at", "created_at", postgresql_where=text("report IS NOT NULL")),
    )

    request_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.addon_requests.id", ondelete="CASCADE"), comment="The request"
    )
    number: Mapped[int] = mapped_column(comment="1, 2, … within the request")
    revision_id: Mapped[UUID] = mapped_column(
        ForeignKey("spyne.addon_revisions.id", ondelete="CASCADE"), comment="What is validated"
    )
    revision_version: Mapped[int] = mapped_column(comment="Version of that revision")
    status: Mapped[str] = mapped_column(Text, server_default="QUEUED", comment="See ValidationStatus")
    attempt: Mapped[int | None] = mapped_column(comment="Start of the job that runs it; null before the first")
    job_id: Mapped[UUID] = mapped_column(comment="The job that runs it")
    started_at: Mapped[datetime | None] = mapped_column(comment="When it was begun, the last time")
    finished_at: Mapped[datetime | None] = mapped_column(comment="When it came to its end")
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Figures and findings; null after retention")
    error_code: Mapped[str | None] = mapped_column(Text, comment="Why it could not be run, for programs")
    error_message: Mapped[str | None] = mapped_column(Text, comment="Why it could not be run, in words")
    started_by: Mapped[str] = mapped_column(Text, comment="Name of who asked for it, or system")
