"""Asking over HTTP: preview, then execute."""

from typing import Any

import asyncpg
import httpx

from tests.waiting import eventually

SLOW = (
    "SELECT count(*) AS n FROM generate_series(1, 50000) AS a (x) "
    "JOIN generate_series(1, 50000) AS b (y) ON a.x % 2 = b.y % 2"
)
"""Runs for many seconds within the cost that an ANALYST may spend."""


async def preview(client: httpx.AsyncClient, sql: str, **options: Any) -> Any:
    """The preview; fails when it is refused."""
    answer = await client.post("/api/query/preview", json={"sql": sql, "options": options})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def execute(client: httpx.AsyncClient, preview_id: str, accept: str | None = None) -> httpx.Response:
    """The answer, whatever it is."""
    headers = {"Accept": accept} if accept else {}
    return await client.post("/api/query/execute", json={"preview_id": preview_id}, headers=headers)


async def ask(client: httpx.AsyncClient, sql: str, accept: str | None = None, **options: Any) -> httpx.Response:
    """The answer to a fresh preview."""
    return await execute(client, (await preview(client, sql, **options))["preview_id"], accept)


async def rows(client: httpx.AsyncClient, sql: str, **options: Any) -> Any:
    """The rows of a statement; fails when it does not run."""
    answer = await ask(client, sql, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


_RUNNING = """
    SELECT count(*) FROM pg_stat_activity WHERE usename = 'spyne_query' AND datname = current_database()
       AND state = 'active' AND query LIKE '%generate_series%' AND query NOT LIKE 'EXPLAIN%'
"""
_CLAIMED = "SELECT count(*) FROM spyne.query_executions WHERE outcome = 'running'"


async def until_running(owner: asyncpg.Connection, count: int) -> None:
    """Return when so many slow executions are recorded and PostgreSQL computes them: one that is only prepared, or
    explained, is no execution yet, and none that must be recorded when its caller leaves."""

    async def running() -> bool:
        claimed, active = await owner.fetchval(_CLAIMED), await owner.fetchval(_RUNNING)
        return bool(active == count and count in {claimed, 0})

    await eventually(running, what=f"{count} running")
