"""Tables to export, exports that are made here and now, and what is in their files."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import zstandard

from app.kernel.db.database import OperationClass
from app.kernel.ids import new_id
from app.kernel.jobs import JobContext, JobState, Unwanted, runs
from app.kernel.runtime.resources import Resources
from app.operations.exports.jobs import make
from app.operations.exports.work import STARTS
from tests.ingestion.steps import contract, ndjson

LEASE = timedelta(seconds=10)
COLUMNS = [
    {"name": "id", "type": "bigint"},
    {"name": "at", "type": "timestamptz"},
    {"name": "v", "type": "integer"},
    {"name": "note", "type": "text"},
    {"name": "price", "type": "numeric(12,2)"},
    {"name": "free", "type": "numeric"},
    {"name": "ratio", "type": "double precision"},
    {"name": "born", "type": "date"},
    {"name": "doc", "type": "jsonb"},
]
START = "2026-01-01T00:00:00+00:00"


async def table(admin: httpx.AsyncClient, name: str, rows: list[dict[str, Any]], state: str | None = "ACTIVE") -> None:
    """A table of these rows, promoted unless the state is None."""
    answer = await admin.post("/api/contracts/register", json=contract(name, columns=COLUMNS))
    assert answer.status_code == 201, answer.text
    body = "".join(f"{_json(row)}\n" for row in rows)
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await admin.post(f"/api/ingestion/{name}_v1/batches", content=body, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["counts"]["inserted"] == len(rows), answer.text
    if state is not None:
        change = {"from_state": "SHADOW", "to_state": state, "reason": "a test"}
        answer = await admin.post(f"/api/tables/{name}/promote", json=change)
        assert answer.status_code == 200, answer.text


async def plain_table(admin: httpx.AsyncClient, name: str, rows: int, state: str | None = "ACTIVE") -> None:
    """A narrow table of this many rows."""
    answer = await admin.post("/api/contracts/register", json=contract(name))
    assert answer.status_code == 201, answer.text
    body = ndjson((number, 0, number * 2) for number in range(rows))
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await admin.post(f"/api/ingestion/{name}_v1/batches", content=body, headers=headers)
    assert answer.status_code == 201, answer.text
    if state is not None:
        change = {"from_state": "SHADOW", "to_state": state, "reason": "a test"}
        assert (await admin.post(f"/api/tables/{name}/promote", json=change)).status_code == 200


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row)


def row(id_: int, **more: Any) -> dict[str, Any]:
    """A row of such a table."""
    empty = dict.fromkeys(("v", "note", "price", "free", "ratio", "born", "doc"))
    return {"id": id_, "at": START} | empty | more


async def asked(client: httpx.AsyncClient, job_type: str = "table", status: int = 202, **more: Any) -> dict[str, Any]:
    """The answer of a request for an export."""
    body = {"job_type": job_type} | more
    answer = await client.post("/system/exports/", json=body)
    assert answer.status_code == status, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def made(resources: Resources, export_id: str | UUID) -> None:
    """Let the export's job start once, as a worker would."""
    async with resources.database.read() as session:
        rows = await (await session.connection()).exec_driver_sql(
            "SELECT run_id FROM spyne.export_jobs WHERE id = $1", (UUID(str(export_id)),)
        )
        run_id = rows.scalar_one()
    await started(resources, run_id, make)


async def started(resources: Resources, run_id: UUID, handler: Callable[[JobContext], Awaitable[None]]) -> None:
    """Let a job start once, if it may, as a worker would."""
    async with resources.database.write(OperationClass.CONTROL) as session:
        claimed = await runs.claim(session, run_id, STARTS, LEASE, new_id())
    if claimed.claim is None or claimed.decision != "start":
        return
    state = JobState.SUCCEEDED
    try:
        await handler(JobContext(resources, claimed.claim, OperationClass.WRITE))
    except Unwanted:
        state = JobState.CANCELLED
    async with resources.database.write(OperationClass.CONTROL) as session:
        await runs.finish(session, claimed.claim, state, None)


async def export(
    client: httpx.AsyncClient, resources: Resources, job_type: str = "table", **more: Any
) -> dict[str, Any]:
    """An export that has come to its end."""
    shown = await asked(client, job_type, **more)
    await made(resources, shown["id"])
    answer = await client.get(f"/system/exports/{shown['id']}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def content(client: httpx.AsyncClient, shown: dict[str, Any]) -> bytes:
    """The file of a completed export, unpacked; its checksum is the one that was told."""
    assert shown["status"] == "completed", shown
    answer = await client.get(shown["links"]["download"])
    assert answer.status_code == 200, answer.text
    assert hashlib.sha256(answer.content).hexdigest() == shown["checksum"]
    assert len(answer.content) == shown["bytes"]
    match shown["compression"]:
        case "gzip":
            return gzip.decompress(answer.content)
        case "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(answer.content)
    return answer.content


async def rows(client: httpx.AsyncClient, shown: dict[str, Any]) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    text = (await content(client, shown)).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
