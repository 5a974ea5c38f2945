"""A client that leaves: its statement ends in PostgreSQL, its connection goes back, and the execution says so."""

import asyncio
import json
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from app.query.execute import ExecuteService
from app.query.results.result_spool import FIRST_CHUNK_ROWS, MAX_CHUNK_ROWS, MAX_OPEN_ENDED_CHUNK_ROWS
from app.query.results.statements import Statement
from tests.query.asking import SLOW, preview, rows, until_running
from tests.query.conftest import Warehouse
from tests.waiting import eventually

WIDE = "SELECT x, md5(CAST(x AS text)) AS h, repeat('x', 200) AS w FROM generate_series(1, 50000) AS s (x)"

NUMBERS = "SELECT x FROM generate_series(1, 100000) AS s (x)"


class Exchange:
    """One raw request to execute a preview, whose client can leave at any time."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, preview_id: str, accept: str) -> None:
        self.sent: list[Message] = []
        self.left = asyncio.Event()
        self.leave_after_blocks: int | None = None
        self._asked = False
        self._body = json.dumps({"preview_id": preview_id}).encode()
        headers = {**client.headers, "content-type": "application/json", "accept": accept}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/api/query/execute",
            "raw_path": b"/api/query/execute",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("spyne.test", 80),
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._send))

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        blocks = sum(1 for sent in self.sent if sent["type"] == "http.response.body")
        if self.leave_after_blocks is not None and blocks >= self.leave_after_blocks:
            self.left.set()
            await asyncio.sleep(0.05)  # a server would wait for the socket here


async def _wait_for(owner: "asyncpg.Connection[Any]", statement: str, wanted: Any) -> None:
    async def there() -> bool:
        assert await owner.fetchval(statement) == wanted
        return True

    await eventually(there, what=f"{wanted} of {statement}")


async def test_a_client_that_leaves_cancels_its_statement(
    app: FastAPI, flights: Warehouse, analyst: httpx.AsyncClient, superuser: "asyncpg.Connection[Any]"
) -> None:
    exchange = Exchange(app, analyst, (await preview(analyst, SLOW))["preview_id"], "application/json")
    await until_running(superuser, 1)
    exchange.left.set()
    await asyncio.wait_for(exchange.task, 5)
    await until_running(superuser, 0)
    assert flights.resources.query_login.in_use == 0
    kept = await superuser.fetchrow("SELECT outcome, error_code, finished_at FROM spyne.query_executions")
    assert kept is not None
    assert (kept["outcome"], kept["error_code"]) == ("cancelled", "client-closed")
    assert kept["finished_at"] is not None
    assert await rows(analyst, "SELECT 1 AS one") == [[1]]


async def test_a_cancelled_request_cancels_its_statement(
    app: FastAPI, flights: Warehouse, analyst: httpx.AsyncClient, superuser: "asyncpg.Connection[Any]"
) -> None:
    exchange = Exchange(app, analyst, (await preview(analyst, SLOW))["preview_id"], "application/json")
    await until_running(superuser, 1)
    exchange.task.cancel()
    await asyncio.wait({exchange.task}, timeout=5)
    await until_running(superuser, 0)
    await _wait_for(superuser, "SELECT outcome FROM spyne.query_executions", "cancelled")
    assert flights.resources.query_login.in_use == 0


@pytest.mark.parametrize("accept", ["text/csv", "application/x-ndjson", "application/vnd.apache.arrow.stream"])
async def test_an_answer_left_half_way_holds_nothing(
    app: FastAPI, flights: Warehouse, analyst: httpx.AsyncClient, superuser: "asyncpg.Connection[Any]", accept: str
) -> None:
    made = await preview(analyst, WIDE)
    exchange = Exchange(app, analyst, made["preview_id"], accept)
    exchange.leave_after_blocks = 2
    await asyncio.wait({exchange.task}, timeout=20)
    assert exchange.task.done()
    sizes = [len(message["body"]) for message in exchange.sent if message["type"] == "http.response.body"]
    length = next(int(value) for name, value in exchange.sent[0]["headers"] if name == b"content-length")
    assert 0 < sum(sizes) < length
    assert flights.resources.query_login.in_use == 0
    await until_running(superuser, 0)
    assert list((flights.resources.settings.home / "spool").iterdir()) == []


@pytest.mark.usefixtures("app")
async def test_no_connection_is_held_while_an_answer_is_read(flights: Warehouse, analyst: httpx.AsyncClient) -> None:
    made = await preview(analyst, WIDE)
    async with analyst.stream("POST", "/api/query/execute", json={"preview_id": made["preview_id"]}) as answer:
        assert answer.status_code == 200
        assert flights.resources.query_login.in_use == 0
        size = 0
        async for chunk in answer.aiter_bytes():
            size += len(chunk)
    assert size == int(answer.headers["Content-Length"])


@pytest.mark.usefixtures("flights")
async def test_rows_are_fetched_in_bounded_chunks(analyst: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    fetch = Statement.fetch

    async def counting(self: Statement, count: int) -> list[Any]:
        asked.append(count)
        return await fetch(self, count)

    monkeypatch.setattr(Statement, "fetch", counting)
    assert len(await rows(analyst, WIDE)) == 50_000
    assert max(asked) == MAX_OPEN_ENDED_CHUNK_ROWS
    asked.clear()
    assert len(await rows(analyst, NUMBERS)) == 100_000
    assert FIRST_CHUNK_ROWS < max(asked) <= MAX_CHUNK_ROWS


@pytest.mark.usefixtures("app")
async def test_a_disconnection_during_the_preview_does_no_harm(flights: Warehouse, analyst: httpx.AsyncClient) -> None:
    tasks = [asyncio.create_task(preview(analyst, SLOW)) for _ in range(6)]
    await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await eventually(lambda: flights.resources.query_login.in_use == 0, what="the connections given back")
    assert await rows(analyst, "SELECT 1 AS one") == [[1]]


async def test_an_execution_whose_process_died_is_given_an_end(
    flights: Warehouse, analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    for _ in range(3):
        assert await rows(analyst, "SELECT 1 AS one") == [[1]]
    fresh, old, ended = [row["id"] for row in await owner.fetch("SELECT id FROM spyne.query_executions ORDER BY id")]
    running = "UPDATE spyne.query_executions SET outcome = 'running', finished_at = NULL WHERE id = $1"
    await owner.execute(running, fresh)
    await owner.execute(running, old)
    await owner.execute(
        "UPDATE spyne.query_executions SET started_at = started_at - interval '1 hour' WHERE id IN ($1, $2)", old, ended
    )
    service = flights.resources.build(ExecuteService)
    assert (await service.end_lost(), await service.end_lost()) == (1, 0)
    found = {
        row["id"]: (row["outcome"], row["error_code"], row["finished_at"] is None)
        for row in await owner.fetch("SELECT * FROM spyne.query_executions")
    }
    assert found == {
        fresh: ("running", None, True),
        old: ("failed", "process-lost", False),
        ended: ("succeeded", None, False),
    }
    audited = await owner.fetch("SELECT entity_id, outcome FROM spyne.audit_log WHERE entity_type = 'query-execution'")
    assert [(row["entity_id"], row["outcome"]) for row in audited] == [(str(old), "failure")]
