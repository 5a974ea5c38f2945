"""What the edge's protection contributes: a retention target, a tile, events."""

from typing import Final

from pydantic import BaseModel, Field, Json

from app.kernel.ports.dashboard import DashboardTile, StatementTile
from app.kernel.ports.retention import Default, HoldFilter
from app.kernel.ports.retention_rows import ID, RowsTarget


class SecurityTile(BaseModel):
    """The edge's protection."""

    events_last_hour: dict[str, int] | Json[dict[str, int]] = Field(description="Security events, by kind.")
    blocks: int = Field(description="Blocks in force.")


class EventHold(HoldFilter):
    """Also what happened, from where and by whom."""

    kind: str | None = Field(None, max_length=200, description="Kind of event.")
    address: str | None = Field(None, max_length=200, description="Client address.")
    subject: str | None = Field(None, max_length=200, description="user:<id> or client:<id>.")


SECURITY_EVENTS = RowsTarget(
    category="security_events",
    description="Security events, by their last time; beyond 200,000 the oldest go whatever their age.",
    default=Default(90, enabled=True),
    table="spyne.security_events",
    key=ID,
    time="t.last_at",
    fields={"kind": "t.kind", "address": "t.address", "subject": "t.subject"},
    hold_filter=EventHold,
)


TILES: Final[tuple[DashboardTile, ...]] = (
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
