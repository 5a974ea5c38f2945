"""Rows as real interfaces send them, over HTTP into the table: nested, named otherwise, integers with a point."""

import json
from typing import Any

import asyncpg
import httpx
import pytest

from tests.ingestion.steps import JSON, NDJSON, START, at, counted, register, send, stored, taken

pytestmark = pytest.mark.usefixtures("open_for_data")

COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "type": "bigint", "source": "/customer/id"},
    {"name": "at", "type": "timestamptz", "source": "occurredAt"},
    {"name": "v", "type": "integer"},
]


def nested(id_: object, hour: float, v: object) -> dict[str, Any]:
    return {"customer": {"id": id_}, "occurredAt": at(hour), "v": v}


@pytest.mark.parametrize("media", [NDJSON, JSON])
async def test_a_column_is_read_where_its_source_says(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, media: str
) -> None:
    contract_id = await register(engineer, "nested", columns=COLUMNS)
    rows = [nested(1, 0, 10), nested(2.0, 1, 1e1), nested(1, 2, 5.00), {"customer": {}, "occurredAt": at(3)}]
    body = json.dumps(rows) if media == JSON else "\n".join(map(json.dumps, rows))
    report = await taken(engineer, contract_id, body.encode(), media)
    assert counted(report) == {"inserted": 2, "late": 1, "rejected": 1}
    assert await stored(owner, "nested") == [(1, 2, 5), (2, 1, 10)]


async def test_an_event_time_that_would_be_rounded_is_refused(engineer: httpx.AsyncClient, things: str) -> None:
    fine = f"{START:%Y-%m-%dT%H:%M:%S}.0000001Z"
    rows = [{"id": 1, "at": at(0), "v": 1}, {"id": 1, "at": fine, "v": 2}]
    report = await taken(engineer, things, "\n".join(map(json.dumps, rows)).encode())
    assert counted(report) == {"inserted": 1, "rejected": 1}
    (row,) = (await engineer.get(report["links"]["quarantine"])).json()["items"]
    assert (row["line"], row["code"], row["column"]) == (2, "not-exact", "at")
    assert fine in row["message"]


async def test_what_is_no_utf8_costs_its_row(engineer: httpx.AsyncClient) -> None:
    columns = [*COLUMNS[:2], {"name": "doc", "type": "jsonb"}]
    contract_id = await register(engineer, "documents", columns=columns)
    good = json.dumps({"customer": {"id": 1}, "occurredAt": at(0), "doc": "x"}).encode()
    answer = await send(engineer, contract_id, good + b"\n" + good.replace(b'"x"', b'"\xff"'))
    assert answer.status_code == 201, answer.text
    assert counted(answer.json()) == {"inserted": 1, "rejected": 1}
