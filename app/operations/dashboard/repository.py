"""What the dashboard shows of the running of the place."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, Field, Json

from app.kernel.db.database import ReadSession
from app.kernel.ports.dashboard import StatementTile
from app.operations.modes.modes import MaintenanceMode, SystemMode
from app.operations.modes.window_repository import standing


class PlatformTile(BaseModel):
    """What the platform is ready for."""

    system_mode: SystemMode = Field(description="The system mode.")


class MaintenanceTile(BaseModel):
    """What operations allow now."""

    mode: MaintenanceMode = Field(description="The mode in force.")
    reason: str | None = Field(description="Why.")
    until: datetime | None = Field(description="Its expected end.")
    next_window: datetime | None = Field(description="Start of the next maintenance window.")


class OutboxTile(BaseModel):
    """Notifications on their way."""

    pending: int = Field(description="Not tried yet.")
    sending: int = Field(description="On their way.")
    failed: int = Field(description="Tried, and to be tried again.")
    dead: int = Field(description="Given up.")
    oldest_seconds: float = Field(description="Age of the oldest that is not given up.")


class ExportsTile(BaseModel):
    """Exports."""

    open: int = Field(description="Asked for and not over.")
    last_day: dict[str, int] | Json[dict[str, int]] = Field(description="Those asked for within a day, by status.")


class SecurityTile(BaseModel):
    """The edge's protection."""

    events_last_hour: dict[str, int] | Json[dict[str, int]] = Field(description="Security events, by kind.")
    blocks: int = Field(description="Blocks in force.")


@dataclass(frozen=True, slots=True)
class _Maintenance:
    name: str = "maintenance"

    async def read(self, session: ReadSession) -> BaseModel:
        found = await standing(session)
        now, nearest = found.in_force(), found.nearest
        coming = nearest.starts_at if nearest is not None and nearest.starts_at > found.now else None
        return MaintenanceTile(mode=now.mode, reason=now.reason, until=now.until, next_window=coming)


TILES: Final[tuple[Any, ...]] = (
    _Maintenance(),
    StatementTile(
        "platform",
        PlatformTile,
        "SELECT coalesce((SELECT value ->> 'mode' FROM spyne.system_config WHERE key = 'system_mode'), 'READ_ONLY')"
        " AS system_mode",
    ),
    StatementTile(
        "outbox",
        OutboxTile,
        """
        SELECT count(*) FILTER (WHERE status = 'pending') AS pending,
            count(*) FILTER (WHERE status = 'sending') AS sending,
            count(*) FILTER (WHERE status = 'failed') AS failed, count(*) FILTER (WHERE status = 'dead') AS dead,
            coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE status <> 'dead')), 0) AS oldest_seconds
        FROM spyne.notification_outbox WHERE status <> 'sent'
        """,
    ),
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
    StatementTile(
        "security",
        SecurityTile,
        """
        SELECT (SELECT coalesce(jsonb_object_agg(kind, events), '{}')::text FROM (
                SELECT kind, sum(count)::bigint AS events FROM spyne.security_events
                WHERE last_at > now() - interval '1 hour' GROUP BY kind) recent) AS events_last_hour,
            (SELECT count(*) FROM spyne.security_blocks
             WHERE ended_at IS NULL AND (expires_at IS NULL OR expires_at > now())) AS blocks
        """,
    ),
)
