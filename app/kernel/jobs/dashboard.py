"""What the dashboard shows of background work."""

from typing import Any, Final

from pydantic import BaseModel, Field, Json

from app.kernel.ports.dashboard import StatementTile


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
