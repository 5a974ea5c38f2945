"""What is in a database, so that two moments can be compared: rows and a checksum of every table."""

from collections.abc import Collection

import asyncpg

Census = dict[str, tuple[int, int]]
"""Table to its number of rows and a checksum which does not depend on their order."""

SCHEMAS = ["spyne", "data", "staging", "jobs"]

BOOKKEEPING = frozenset(
    {
        "spyne.audit_log",
        "spyne.job_runs",
        "spyne.worker_heartbeats",
        "spyne.security_events",
        "spyne.spyne_metrics",
        "spyne.query_previews",
        "spyne.query_executions",
        "jobs.pgqueuer",
        "jobs.pgqueuer_log",
        "jobs.pgqueuer_schedules",
    }
)
"""Records of reads, of the workers and of refusals: no business rows."""

RECORDED_COLUMNS = {
    "spyne.users": ("last_login_at",),
    "spyne.api_keys": ("last_used_at",),
    "spyne.sessions": ("last_seen_at",),
}
"""Columns that are records of reads, in tables that are business."""


async def census(owner: asyncpg.Connection, ignoring: Collection[str] = ()) -> Census:
    """Every table of Spyne's schemas but the ignored ones; where any is ignored, without `RECORDED_COLUMNS` too."""
    names = [
        row["name"]
        for row in await owner.fetch(
            "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname = ANY($1) ORDER BY 1",
            SCHEMAS,
        )
        if row["name"] not in ignoring
    ]
    found: Census = {}
    for name in names:
        schema, table = name.split(".", 1)
        less = "".join(f" - '{column}'" for column in RECORDED_COLUMNS.get(name, ()) if ignoring)
        shown = f"(to_jsonb(t){less})::text" if less else "t::text"
        row = await owner.fetchrow(
            f'SELECT count(*), coalesce(sum(hashtextextended({shown}, 0)), 0)::text FROM "{schema}"."{table}" t'
        )
        assert row is not None
        found[name] = (int(row[0]), int(row[1]))
    return found


def differences(before: Census, after: Census) -> list[str]:
    """The tables that differ."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
