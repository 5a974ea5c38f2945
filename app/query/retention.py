"""What queries leave behind, and how long it may be kept."""

from uuid import UUID

from pydantic import Field

from app.kernel.ports.retention import Default, HoldFilter
from app.kernel.ports.retention_rows import RowsTarget


class QueryHold(HoldFilter):
    """Also who asked."""

    actor_id: UUID | None = Field(None, description="User or client who asked.")


TARGETS = (
    RowsTarget(
        category="query_executions",
        description="Executed queries, by when they ended; no results.",
        default=Default(365),
        table="spyne.query_executions",
        key=(("id", "uuid"),),
        time="coalesce(t.finished_at, t.started_at)",
        removable="t.outcome <> 'running'",
        fields={"actor_id": "t.actor_id"},
        hold_filter=QueryHold,
    ),
    RowsTarget(
        category="query_previews",
        description="Previews of queries that no kept execution refers to, by when they expired.",
        default=Default(365),
        table="spyne.query_previews",
        key=(("id", "uuid"),),
        time="t.expires_at",
        removable="NOT EXISTS (SELECT 1 FROM spyne.query_executions e WHERE e.preview_id = t.id)",
        fields={"actor_id": "t.owner_id"},
        hold_filter=QueryHold,
    ),
)
