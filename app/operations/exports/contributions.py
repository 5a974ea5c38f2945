"""What exports contribute: a retention target, a tile, what relies on tables."""

from typing import Final
from uuid import UUID

from pydantic import BaseModel, Field, Json

from app.kernel.ports.dashboard import DashboardTile, StatementTile
from app.kernel.ports.dependants import DependantSource, StatementSource
from app.kernel.ports.retention import Default, HoldFilter
from app.kernel.ports.retention_rows import ID, RowsTarget


class ExportsTile(BaseModel):
    """Exports."""

    open: int = Field(description="Asked for and not over.")
    last_day: dict[str, int] | Json[dict[str, int]] = Field(description="Those asked for within a day, by status.")


class ExportHold(HoldFilter):
    """Also who asked for it, and of what kind."""

    requested_by_id: UUID | None = Field(None, description="User or client who asked for it.")
    job_type: str | None = Field(None, max_length=100, description="What was exported.")


EXPORTS = RowsTarget(
    category="exports",
    description="Exports that are over and whose file has expired, by when they were asked for.",
    default=Default(365),
    table="spyne.export_jobs",
    key=ID,
    time="t.created_at",
    removable="t.object_key IS NULL AND t.status NOT IN ('pending', 'running')",
    fields={"requested_by_id": "t.requested_by_id", "job_type": "t.job_type"},
    hold_filter=ExportHold,
)


TILES: Final[tuple[DashboardTile, ...]] = (
    StatementTile(
        "exports",
        ExportsTile,
        """
        SELECT coalesce(sum(jobs) FILTER (WHERE status IN ('pending', 'running')), 0)::bigint AS open,
            coalesce(jsonb_object_agg(status, recent) FILTER (WHERE recent > 0), '{}')::text AS last_day
        FROM (SELECT status, count(*) AS jobs, count(*) FILTER (WHERE id > uuidv7(interval '-1 day')) AS recent
              FROM spyne.export_jobs GROUP BY status) counted
        """,
    ),
)

DEPENDANTS: Final[tuple[DependantSource, ...]] = (
    StatementSource(
        "exports",
        kind="export",
        lasting=False,
        sql="""
        SELECT CAST(id AS text) AS id, format('%s as %s, asked for by %s', job_type, export_jobs.format, requested_by)
            AS label, requested_by AS by, created_at AS at
        FROM spyne.export_jobs WHERE status IN ('pending', 'running') AND subject -> 'table_ids' ? :table_id
        ORDER BY export_jobs.id DESC LIMIT :most
        """,
    ),
)
"""Exports under way, the newest first, of sources whose subject lists `TABLE_IDS` (`app/kernel/ports/exports.py`)."""
