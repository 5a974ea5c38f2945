"""Requests and answers of jobs. What a job was given to work on is never shown: it may hold data."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, Field

from app.kernel.jobs import JobDefinition, JobState
from app.kernel.jobs.models import JobRun
from app.kernel.schemas import Reason, StrictModel
from app.kernel.timestamps import Moment
from app.operations.jobs.progress import eta_seconds, extent, percent_done
from app.operations.jobs.repository import JobFilter


class JobCancellation(StrictModel):
    """Why a job is to end."""

    reason: Reason = Field(description="Why; kept in the audit log.", examples=["Asked for by mistake"])


class JobDocument(BaseModel):
    """A job: what it is, how far it is, or what became of it."""

    id: UUID = Field(description="UUIDv7.")
    name: str = Field(description="Its kind, one of those in docs/reference.md.", examples=["exports:make"])
    state: JobState = Field(
        description="`queued` and `running` are open, all others final: `succeeded`, `failed` (refused, or raised on "
        "each of its starts), `dead` (its worker died on each of its starts), `cancelled`."
    )
    key: str | None = Field(description="Two jobs of one key never run at the same time.")
    priority: int = Field(description="A higher one comes first.")
    queued_at: datetime = Field(description="When it was caused.")
    run_at: datetime = Field(description="It starts not before this.")
    started_at: datetime | None = Field(description="When it was started, the last time.")
    heartbeat_at: datetime | None = Field(description="The last sign of life of the worker that runs it.")
    finished_at: datetime | None = Field(description="When it was over.")
    starts: int = Field(
        description="How often it was tried; without the times when it was put back by no fault of its own, and of a "
        "job that is done in steps without those before the last step that was done."
    )
    max_starts: int | None = Field(description="Tries that it has; null when this process does not know its kind.")
    attempt: int = Field(description="How often it was started, whatever for.")
    last_error: str | None = Field(description="Why the last start ended badly.")
    cancel_requested_at: datetime | None = Field(
        description="When somebody asked for its end. It comes when a worker looks, which `state` then says."
    )
    actor: str = Field(description="Who caused it, by name at that time.", examples=["ada"])
    correlation_id: str | None = Field(description="The request that caused it, as logs and the audit log name it.")
    progress: dict[str, Any] = Field(
        description="What the last start has recorded of its work: `done`, `total` and `unit` where it counts.",
        examples=[{"done": 300, "total": 1200, "unit": "rows"}],
    )
    percent_done: float | None = Field(
        description="By `done` and `total`, which may be an estimate; null without them."
    )
    eta_seconds: float | None = Field(
        description="Seconds to go, if the rest takes as long as what was done since `started_at`; null without `done` "
        "and `total`, while it waits, and when it ended without success."
    )
    links: dict[str, str] = Field(description="`self`.")

    @classmethod
    def of(cls, job: JobRun, kind: JobDefinition | None, now: datetime) -> "JobDocument":
        """The document of a job as it stands now."""
        state, work = JobState(job.state), extent(job.progress)
        derived = {
            "max_starts": kind.max_starts if kind else None,
            "percent_done": percent_done(state, work),
            "eta_seconds": eta_seconds(state, work, job.started_at, now),
            "links": {"self": f"/system/jobs/{job.id}"},
        }
        columns = {name: getattr(job, name) for name in cls.model_fields if name not in derived}
        return cls(**columns, **derived)


async def job_filter(
    name: Annotated[str | None, Query(max_length=200, description="Only those of this name.")] = None,
    state: Annotated[JobState | None, Query(description="Only those that stand so.")] = None,
    key: Annotated[str | None, Query(max_length=500, description="Only those of this key.")] = None,
    since: Annotated[Moment | None, Query(description="Caused at this time or later.")] = None,
    until: Annotated[Moment | None, Query(description="Caused before this time.")] = None,
) -> JobFilter:
    """Which jobs a request asks for."""
    return JobFilter(name=name, state=state, key=key, since=since, until=until)
