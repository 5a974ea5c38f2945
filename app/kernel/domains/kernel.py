"""What the kernel itself brings into the house: jobs and stored answers, their tile and how long they are kept."""

from typing import Any, Final

from pydantic import BaseModel, Field, Json

from app.kernel.db.installation import Installation
from app.kernel.db.migrating.log import LoggedMigration
from app.kernel.domains.domain import Domain
from app.kernel.http.idempotency import StoredAnswer
from app.kernel.jobs.models import JobRun, WorkerHeartbeat
from app.kernel.ports.dashboard import StatementTile
from app.kernel.ports.retention import Default, HoldFilter
from app.kernel.ports.retention_rows import ID, RowsTarget


class JobsTile(BaseModel):
    """Jobs and workers now."""

    queued: int = Field(description="Jobs that wait.")
    running: int = Field(description="Jobs under way.")
    oldest_due_seconds: float = Field(description="For how long the oldest job waits that could run.")
    ended_last_hour: dict[str, int] | Json[dict[str, int]] = Field(description="Jobs of the last hour that are over.")
    workers: int = Field(description="Workers that gave a sign of life within 30 seconds.")


TILES: Final[tuple[Any, ...]] = (
    StatementTile(
        "jobs",
        JobsTile,
        """
        SELECT count(*) FILTER (WHERE state = 'queued') AS queued,
            count(*) FILTER (WHERE state = 'running') AS running,
            coalesce(extract(epoch FROM now() - min(run_at) FILTER (WHERE state = 'queued' AND run_at <= now())), 0)
                AS oldest_due_seconds,
            (SELECT coalesce(jsonb_object_agg(state, jobs), '{}')::text FROM (
                SELECT state, count(*) AS jobs FROM spyne.job_runs
                WHERE id > uuidv7(interval '-1 hour') AND state NOT IN ('queued', 'running') GROUP BY state) ended)
                AS ended_last_hour,
            (SELECT count(*) FROM spyne.worker_heartbeats WHERE seen_at > now() - interval '30 seconds') AS workers
        FROM spyne.job_runs WHERE state IN ('queued', 'running')
        """,
    ),
)


class CallerHold(HoldFilter):
    """Also whose key it is."""

    scope: str | None = Field(None, max_length=500, description="Caller and operation that the key belongs to.")


class JobHold(HoldFilter):
    """Also which kind of job."""

    name: str | None = Field(None, max_length=200, description="Name of the job.")


IDEMPOTENCY_KEYS = RowsTarget(
    category="idempotency_keys",
    description="Stored answers of requests with an Idempotency-Key, by when they were answered.",
    default=Default(7, enabled=True),
    table="spyne.idempotency_keys",
    key=(("scope", "text"), ("key", "text")),
    time="t.created_at",
    fields={"scope": "t.scope"},
    hold_filter=CallerHold,
)
JOB_RUNS = RowsTarget(
    category="job_runs",
    description="Background jobs that are over, by when they ended.",
    default=Default(90, enabled=True),
    table="spyne.job_runs",
    key=ID,
    time="t.finished_at",
    removable="t.state NOT IN ('queued', 'running')",
    fields={"name": "t.name"},
    hold_filter=JobHold,
)

DOMAIN = Domain(
    name="kernel",
    models=(Installation, LoggedMigration, StoredAnswer, JobRun, WorkerHeartbeat),
    tiles=TILES,
    retention_targets=lambda _: (IDEMPOTENCY_KEYS, JOB_RUNS),
)
