"""What the dashboard shows of ingestion."""

from typing import Any, Final

from pydantic import BaseModel, Field

from app.kernel.ports.dashboard import StatementTile


class IngestionTile(BaseModel):
    """Batches of the last minutes and the last day."""

    rows_per_minute: float = Field(description="Rows received in batches of the last five minutes, per minute.")
    lag_seconds: float | None = Field(description="Longest lag of these batches: processing less last event time.")
    pending: int = Field(description="Batches of the last day that are accepted and not merged.")
    failed_last_hour: int = Field(description="Batches of the last hour of which nothing came, failed or rejected.")
    quarantined_last_day: int = Field(description="Rows of batches of the last day that are in quarantine.")
    rolled_back_last_day: int = Field(description="Batches of the last day that were taken back, and stay so.")
    open_runs: int = Field(description="Rollbacks, replays and backfills that wait or go on.")
    failed_runs_last_day: int = Field(description="Of those begun within the last day the ones that could not go on.")
    quarantined_rows: int = Field(description="All rows in quarantine; `ingestion.max-quarantined-rows` bounds them.")


TILES: Final[tuple[Any, ...]] = (
    StatementTile(
        "ingestion",
        IngestionTile,
        """
        SELECT coalesce(sum(rows_received) FILTER (WHERE id > uuidv7(interval '-5 minutes')), 0) / 5.0
                AS rows_per_minute,
            max(lag_seconds) FILTER (WHERE id > uuidv7(interval '-5 minutes')) AS lag_seconds,
            count(*) FILTER (WHERE status = 'pending') AS pending,
            count(*) FILTER (WHERE status IN ('failed', 'rejected') AND id > uuidv7(interval '-1 hour'))
                AS failed_last_hour,
            count(*) FILTER (WHERE rolled_back_by IS NOT NULL) AS rolled_back_last_day,
            (SELECT count(*) FROM spyne.ingestion_runs WHERE status IN ('PENDING', 'RUNNING')) AS open_runs,
            (SELECT count(*) FROM spyne.ingestion_runs WHERE status = 'FAILED' AND id > uuidv7(interval '-1 day'))
                AS failed_runs_last_day,
            (SELECT count(*) FROM spyne.ingestion_quarantine WHERE batch_id > uuidv7(interval '-1 day'))
                AS quarantined_last_day,
            (SELECT coalesce(sum(rows), 0)::bigint FROM spyne.ingestion_quarantine_totals) AS quarantined_rows
        FROM spyne.ingestion_history WHERE id > uuidv7(interval '-1 day')
        """,
    ),
)
