"""What is known of every background job and of the workers that run them.

A `job_runs` row is the truth about a job; the engine's row in schema `jobs` is the ticket that leads a worker to it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Identified


class JobState(StrEnum):
    """Where a job stands; the last four are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The handler refused or raised on every one of its starts."""
    DEAD = "dead"
    """The job took its worker with it on every one of its starts."""
    CANCELLED = "cancelled"


OPEN_STATES = (JobState.QUEUED, JobState.RUNNING)


class JobRun(Identified, Base):
    """A job, from its enqueueing to its end."""

    __tablename__ = "job_runs"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'succeeded', 'failed', 'dead', 'cancelled')", name="state"),
        Index("ix_job_runs_open", "key", "name", postgresql_where=text("state IN ('queued', 'running')")),
        Index("ix_job_runs_state", "state", "id"),
        Index("ix_job_runs_actor_id", "actor_id", "id", postgresql_where=text("actor_id IS NOT NULL")),
        {"comment": "Every background job; the engine's tickets are in schema jobs"},
    )

    name: Mapped[str] = mapped_column(Text, comment="The job definition's name")
    key: Mapped[str | None] = mapped_column(Text, comment="Jobs with one key never run at the same time")
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="The handler's input")
    state: Mapped[str] = mapped_column(Text, server_default=JobState.QUEUED.value, comment="See JobState")
    priority: Mapped[int] = mapped_column(server_default="0", comment="Higher first")
    starts: Mapped[int] = mapped_column(server_default="0", comment="Starts that count towards the definition's limit")
    attempt: Mapped[int] = mapped_column(server_default="0", comment="Fencing number: raised by every claim")
    worker_id: Mapped[UUID | None] = mapped_column(comment="The worker that claimed it last")
    last_error: Mapped[str | None] = mapped_column(Text, comment="Why the last start ended badly, without data")
    progress: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'::jsonb"), comment="What the handler tells about its work"
    )
    queued_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was enqueued")
    run_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="Not before this time")
    started_at: Mapped[datetime | None] = mapped_column(comment="When it was claimed last")
    heartbeat_at: Mapped[datetime | None] = mapped_column(comment="Last sign of life of the claim")
    finished_at: Mapped[datetime | None] = mapped_column(comment="When it came to its end")
    cancel_requested_at: Mapped[datetime | None] = mapped_column(comment="When somebody asked for its end")
    correlation_id: Mapped[str | None] = mapped_column(Text, comment="The request which caused it")
    traceparent: Mapped[str | None] = mapped_column(Text, comment="The span which caused it (W3C Trace Context)")
    actor: Mapped[str] = mapped_column(Text, comment="Label of the actor who caused it")
    actor_kind: Mapped[str | None] = mapped_column(
        Text, comment="user, api_client or system; null for jobs from before it was kept"
    )
    actor_id: Mapped[UUID | None] = mapped_column(comment="Id of who caused it; null for the system")


class WorkerHeartbeat(Base):
    """A worker process, as long as it gives signs of life."""

    __tablename__ = "worker_heartbeats"
    __table_args__ = ({"comment": "Worker processes and when they were seen"},)

    id: Mapped[UUID] = mapped_column(primary_key=True, comment="UUIDv7, made by the worker at its start")
    label: Mapped[str] = mapped_column(Text, comment="Host and process id")
    started_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was first seen")
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was last seen")
    running: Mapped[int] = mapped_column(server_default="0", comment="Jobs under way")
