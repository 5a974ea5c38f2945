"""Contracts, bodies and looks at the outcome, for tests of ingestion over HTTP."""

import copy
import gzip
import io
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

from app.kernel.storage.object_storage import ObjectStorage

START = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = timedelta(hours=5)

NDJSON, JSON, CSV = "application/x-ndjson", "application/json", "text/csv"
PARQUET = "application/vnd.apache.parquet"

Row = tuple[Any, ...]
"""(id, hour after START, v)"""

COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "type": "bigint"},
    {"name": "at", "type": "timestamptz"},
    {"name": "v", "type": "integer"},
]


def contract(
    table: str, mode: str = "upsert", resolution: str = "latest_wins", *, declared: bool = True, **more: Any
) -> dict[str, Any]:
    """A contract on (id, at, v); `columns` replaces the columns."""
    body: dict[str, Any] = {
        "endpoint": f"/api/v1/{table}",
        "table_name": table,
        "ingestion_semantics": {
            "mode": mode,
            "idempotency_key": ["id"],
            "event_time_column": "at",
            "processing_time_column": "got",
            "dedupe_window": "5h",
            "conflict_resolution": resolution,
        },
    }
    columns = more.pop("columns", COLUMNS)
    if declared:
        body["schema"] = {"columns": copy.deepcopy(columns)}  # who changes a body changes that one alone
    return body | more


async def register(client: httpx.AsyncClient, table: str, *args: Any, **more: Any) -> str:
    """The id of a fresh contract."""
    answer = await client.post("/api/contracts/register", json=contract(table, *args, **more))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def at(hour: float) -> str:
    return (START + timedelta(hours=hour)).isoformat()


def records(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Rows as JSON objects."""
    return [{"id": id_, "at": at(hour), "v": v} for id_, hour, v in rows]


def ndjson(rows: Iterable[Row]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records(rows))


def json_array(rows: Iterable[Row]) -> bytes:
    return json.dumps(records(rows)).encode()


def csv_table(rows: Iterable[Row]) -> bytes:
    lines = ["id,at,v"]
    lines += [f"{r['id']},{r['at']},{'' if r['v'] is None else r['v']}" for r in records(rows)]
    return "\n".join([*lines, ""]).encode()


def parquet(rows: Sequence[Row]) -> bytes:
    table = pa.table(
        {
            "id": pa.array([row[0] for row in rows], pa.int64()),
            "at": pa.array([START + timedelta(hours=row[1]) for row in rows], pa.timestamp("us", "UTC")),
            "v": pa.array([row[2] for row in rows], pa.int32()),
        }
    )
    target = io.BytesIO()
    pq.write_table(table, target)
    return target.getvalue()


FORMATS = {NDJSON: ndjson, JSON: json_array, CSV: csv_table, PARQUET: parquet}
CODINGS = {"identity": bytes, "gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}


async def send(
    client: httpx.AsyncClient,
    contract_id: str,
    body: bytes | AsyncIterator[bytes] | Sequence[Row],
    media: str = NDJSON,
    *,
    key: str | None = None,
    headers: dict[str, str] | None = None,
    **params: Any,
) -> httpx.Response:
    """The answer to a batch; rows are sent as NDJSON."""
    content = ndjson(body) if isinstance(body, (list, tuple)) else body
    sent = {"Content-Type": media} | ({"Idempotency-Key": key} if key is not None else {}) | (headers or {})
    return await client.post(f"/api/ingestion/{contract_id}/batches", content=content, headers=sent, params=params)


async def taken(client: httpx.AsyncClient, contract_id: str, body: Any, *args: Any, **more: Any) -> dict[str, Any]:
    """The report of a batch that was taken in at once; its counts add up."""
    answer = await send(client, contract_id, body, *args, **more)
    assert answer.status_code == 201, answer.text
    report: dict[str, Any] = answer.json()
    assert sum(report["counts"].values()) == report["rows"]
    assert report["status"] == "completed"
    return report


def counted(report: dict[str, Any]) -> dict[str, int]:
    """The counts that are not zero."""
    return {verdict: rows for verdict, rows in report["counts"].items() if rows}


async def stored(owner: asyncpg.Connection, table: str, version: int = 1) -> list[Row]:
    """The governed rows as (id, hour, v), in order."""
    found = await owner.fetch(f'SELECT id, "at", v FROM data.{table}__v{version} ORDER BY 1, 2, 3')
    return [(row[0], (row[1] - START) / timedelta(hours=1), row[2]) for row in found]


async def raw_keys(storage: ObjectStorage) -> list[str]:
    """The keys of all raw bodies."""
    return [info.key async for info in storage.list("raw/")]


async def pieces_of(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
