"""Contracts with policies, rows as objects in each format, and looks at reports of drift, for tests over HTTP."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from tests.ingestion.steps import CSV, JSON, NDJSON, PARQUET, at, register, send

Record = Mapping[str, Any]
"""A row as its sender writes it."""

ENGINEER_NOTE = "as the test wants"


def good(id_: int, v: Any = 1, hour: Any = 0, **more: Any) -> dict[str, Any]:
    """A row of the contract on (id, at, v), and what is sent beside."""
    return {"id": id_, "at": at(hour), "v": v} | more


def as_ndjson(rows: Iterable[Record]) -> bytes:
    """The rows as NDJSON."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_json(rows: Iterable[Record]) -> bytes:
    """The rows as a JSON array."""
    return json.dumps(list(rows)).encode()


def as_csv(rows: Sequence[Record]) -> bytes:
    """The rows as CSV, with a header of every field that a row has."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow(["" if row.get(name) is None else _cell(row[name]) for name in names])
    return target.getvalue().encode()


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, bool) else value


def as_parquet(rows: Sequence[Record]) -> bytes:
    """The rows as a Parquet file, with a column for every field that a row has; times are timestamps."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {
        name: [datetime.fromisoformat(row["at"]) if name == "at" else row.get(name) for row in rows] for name in names
    }
    target = io.BytesIO()
    pq.write_table(pa.table(columns), target)
    return target.getvalue()


WRITTEN: dict[str, Callable[[Sequence[Record]], bytes]] = {
    NDJSON: as_ndjson,
    JSON: as_json,
    CSV: as_csv,
    PARQUET: as_parquet,
}
"""How rows are written in each format."""


async def contract_with(
    client: httpx.AsyncClient,
    table: str,
    unknown_columns: str = "freeze",
    type_changes: str = "freeze",
    *args: Any,
    **more: Any,
) -> str:
    """The id of a fresh contract with these policies."""
    return await register(client, table, *args, unknown_columns=unknown_columns, type_changes=type_changes, **more)


async def sent(
    client: httpx.AsyncClient, contract_id: str, rows: Sequence[Record], media: str = NDJSON, **more: Any
) -> httpx.Response:
    """The answer to a batch of these rows."""
    return await send(client, contract_id, WRITTEN[media](rows), media, **more)


async def merged(
    client: httpx.AsyncClient, contract_id: str, rows: Sequence[Record], media: str = NDJSON, **more: Any
) -> dict[str, Any]:
    """The report of a batch of these rows that was merged; its counts add up."""
    answer = await sent(client, contract_id, rows, media, **more)
    assert answer.status_code == 201, answer.text
    report: dict[str, Any] = answer.json()
    assert sum(report["counts"].values()) == report["rows"] == len(rows)
    return report


async def report_of(client: httpx.AsyncClient, batch: httpx.Response) -> dict[str, Any]:
    """The report of a batch however it ended: a refused one is looked up by its id."""
    answer = batch.json()
    found = await client.get(f"/api/ingestion/batches/{answer.get('id') or answer['batch_id']}")
    assert found.status_code == 200, found.text
    report: dict[str, Any] = found.json()
    return report


async def drift_of(client: httpx.AsyncClient, report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The reports of drift that a batch names, in the order of their changes' kinds and columns."""
    found = [await drift(client, each) for each in report["drift"]]
    return sorted(found, key=lambda each: (each["changes"][0]["kind"], each["changes"][0]["column"]))


async def drift(client: httpx.AsyncClient, report_id: str) -> dict[str, Any]:
    """The report of drift."""
    answer = await client.get(f"/api/drift/{report_id}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def all_drift(client: httpx.AsyncClient, **wanted: Any) -> list[dict[str, Any]]:
    """The first reports of drift, newest first."""
    answer = await client.get("/api/drift", params=wanted)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def said(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Kind and column of each change of a report of drift."""
    return [(change["kind"], change["column"]) for change in report["changes"]]


async def resolve(client: httpx.AsyncClient, report_id: str, action: str, **headers: str) -> httpx.Response:
    """The answer to a decision."""
    body = {"action": action, "note": ENGINEER_NOTE}
    return await client.post(f"/api/drift/{report_id}/resolve", json=body, headers=headers)


async def resolved(client: httpx.AsyncClient, report_id: str, action: str) -> dict[str, Any]:
    """The report of drift, once it is decided."""
    answer = await resolve(client, report_id, action)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def undo(client: httpx.AsyncClient, report_id: str, **headers: str) -> httpx.Response:
    """The answer to the undoing of an applied change."""
    return await client.post(f"/api/drift/{report_id}/undo", json={"note": ENGINEER_NOTE}, headers=headers)


async def columns_of(client: httpx.AsyncClient, contract_id: str) -> dict[str, str]:
    """The types of the contract's columns by name, without the processing time."""
    schema = (await client.get(f"/api/contracts/{contract_id}/schema")).json()
    return {column["name"]: column["type"] for column in schema["columns"] if column["name"] != "got"}


async def values(owner: asyncpg.Connection, table: str, *columns: str, version: int = 1) -> dict[int, Any]:
    """What is stored by id: the value of the column, or a tuple of several."""
    names = ", ".join(f'"{name}"' for name in columns)
    found = await owner.fetch(f"SELECT id, {names} FROM data.{table}__v{version} ORDER BY id")
    return {row[0]: row[1] if len(columns) == 1 else tuple(row)[1:] for row in found}
