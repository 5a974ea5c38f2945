"""What queries contribute: a tile, what relies on tables, what may be kept for how long."""

from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from app.kernel.ports.dashboard import StatementTile
from app.kernel.ports.dependants import EXECUTION, DependantSource, StatementSource
from app.kernel.ports.retention import Default, HoldFilter
from app.kernel.ports.retention_rows import RowsTarget


class QueryTile(BaseModel):
    """Previews and executions of the last hour."""

    previews: int = Field(description="Previews.")
    executions: int = Field(description="Executions.")
    running: int = Field(description="Executions under way.")
    failed: int = Field(description="Executions that failed.")
    mean_seconds: float | None = Field(description="Mean time of the executions that are over.")


TILES: Final[tuple[Any, ...]] = (
    StatementTile(
        "query",
        QueryTile,
        """
        SELECT (SELECT count(*) FROM spyne.query_previews WHERE id > uuidv7(interval '-1 hour')) AS previews,
            count(*) AS executions, count(*) FILTER (WHERE outcome = 'running') AS running,
            count(*) FILTER (WHERE outcome = 'failed') AS failed, avg(seconds) AS mean_seconds
        FROM spyne.query_executions WHERE id > uuidv7(interval '-1 hour')
        """,
    ),
)

DEPENDANTS: Final[tuple[DependantSource, ...]] = (
    StatementSource(
        "executions",
        kind=EXECUTION,
        lasting=False,
        sql="""
        SELECT concat_ws(':', actor_kind, actor_id, sql_hash) AS id,
            format('%s: statement %s, %s, last at %s UTC', label, left(sql_hash, 12),
                CASE times WHEN 1 THEN 'once' ELSE times || ' times' END,
                to_char(last_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')) AS label,
            label AS by, last_at AS at
        FROM (SELECT e.actor_kind, e.actor_id, e.sql_hash, count(*) AS times, max(e.started_at) AS last_at,
                  (array_agg(e.actor_label ORDER BY e.started_at DESC))[1] AS label,
                  row_number() OVER (PARTITION BY e.actor_kind, e.actor_id ORDER BY max(e.started_at) DESC) AS place
              FROM spyne.query_executions e JOIN spyne.query_previews p ON p.id = e.preview_id
              WHERE p.basis -> 'tables' @> jsonb_build_array(jsonb_build_object('table_id', CAST(:table_id AS text)))
                  AND e.id > (SELECT uuidv7(interval '-31 days')) AND e.started_at > now() - interval '30 days'
              GROUP BY e.actor_kind, e.actor_id, e.sql_hash) grouped
        ORDER BY place, last_at DESC LIMIT :most
        """,
    ),
    StatementSource(
        "previews",
        kind="preview",
        lasting=False,
        sql="""
        SELECT CAST(id AS text) AS id, format('preview of %s until %s UTC', owner_label,
                to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')) AS label,
            owner_label AS by, created_at AS at
        FROM spyne.query_previews
        WHERE used_at IS NULL AND expires_at > now()
            AND basis -> 'tables' @> jsonb_build_array(jsonb_build_object('table_id', CAST(:table_id AS text)))
        ORDER BY query_previews.id DESC LIMIT :most
        """,
    ),
)
"""Executions of the last 30 days, by person and statement, and previews that can still be executed.

Of each person the statement that ran last comes first, then everybody's second one: so no reader is lost to the limit
before there are a hundred. The id is no older than the start, so the bound of ids, a day wider for clocks that differ,
cuts off nothing and lets the index on ids be used; `uuidv7` is volatile and must be asked once, in a SELECT of its own.
"""


class QueryHold(HoldFilter):
    """Also who asked."""

    actor_id: UUID | None = Field(None, description="User or client who asked.")


RETAINED: Final[tuple[RowsTarget, ...]] = (
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
    RowsTarget(
        category="query_corrections",
        description="Corrections that were rejected or revoked, by when that was decided.",
        default=Default(365),
        table="spyne.query_corrections",
        key=(("id", "uuid"),),
        time="coalesce(t.decided_at, t.created_at)",
        removable="t.state IN ('rejected', 'revoked')",
        fields={"actor_id": "t.author_id"},
        hold_filter=QueryHold,
    ),
)
"""What queries leave behind, and how long that may be kept."""
