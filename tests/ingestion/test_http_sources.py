"""Records in the words of another system: columns read fields of other names and nested ones, in every format."""

import io
import json
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.ingestion.steps import CSV, JSON, NDJSON, PARQUET, counted, register, send, taken

pytestmark = pytest.mark.usefixtures("open_for_data")

COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "type": "bigint", "source": "customerId"},
    {"name": "at", "type": "timestamptz", "source": "/meta/changedAt"},
    {"name": "v", "type": "integer", "source": "Betrag (€)"},
    {"name": "city", "type": "text", "source": "/address/city/name"},
    {"name": "plain", "type": "text"},
    {"name": "slashed", "type": "text", "source": "/~1a~1b"},
]
AT = "2026-01-02T10:00:00Z"
EXPECTED = [
    (1, datetime(2026, 1, 2, 10, tzinfo=UTC), 7, "Bonn", "x", "s"),
    (2, datetime(2026, 1, 2, 10, tzinfo=UTC), *[None] * 4),
]

RECORDS: list[dict[str, Any]] = [
    {
        "customerId": 1,
        "meta": {"changedAt": AT},
        "Betrag (€)": 7,
        "address": {"city": {"name": "Bonn"}},
        "plain": "x",
        "/a/b": "s",
    },
    {"customerId": 2, "meta": {"changedAt": AT}},
]


def ndjson(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def parquet() -> bytes:
    table = pa.table(
        {
            "customerId": pa.array([1, 2], pa.int64()),
            "/meta/changedAt": pa.array([datetime(2026, 1, 2, 10, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC")),
            "Betrag (€)": pa.array([7, None], pa.int32()),
            "/address/city/name": pa.array(["Bonn", None]),
            "plain": pa.array(["x", None]),
            "/~1a~1b": pa.array(["s", None]),
        }
    )
    target = io.BytesIO()
    pq.write_table(table, target)
    return target.getvalue()


BODIES = {
    NDJSON: ndjson(RECORDS),
    JSON: json.dumps(RECORDS, indent=2).encode(),
    CSV: (
        f"plain,customerId,/meta/changedAt,Betrag (€),/address/city/name,/~1a~1b\nx,1,{AT},7,Bonn,s\n,2,{AT},,,\n"
    ).encode(),
    PARQUET: parquet(),
}


@pytest.mark.parametrize("media", BODIES)
async def test_every_format_is_read_by_source(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, media: str
) -> None:
    contract_id = await register(engineer, "things", columns=COLUMNS)
    report = await taken(engineer, contract_id, BODIES[media], media)
    assert counted(report) == {"inserted": 2}
    names = ", ".join(column["name"] for column in COLUMNS)
    assert [tuple(row) for row in await owner.fetch(f"SELECT {names} FROM data.things__v1 ORDER BY id")] == EXPECTED


async def faults(
    engineer: httpx.AsyncClient, contract_id: str, record: str, media: str = NDJSON
) -> list[dict[str, Any]]:
    """What is said of a row that is refused, in a batch with a sound one."""
    body = ndjson(RECORDS[:1]) + record.encode() + b"\n"
    answer = await send(engineer, contract_id, body, media)
    assert answer.status_code == 201, answer.text
    assert answer.json()["counts"]["rejected"] == 1, answer.text
    found = await engineer.get(f"/api/ingestion/batches/{answer.json()['id']}/quarantine")
    (row,) = found.json()["items"]
    assert row["raw"] == record
    return [row, *(row.get("faults") or [])]


@pytest.mark.parametrize(
    ("record", "code", "column"),
    [
        (f'{{"customerId": 2, "meta": {{"changedAt": "{AT}"}}, "id": 3}}', "unknown-column", "id"),
        (f'{{"customerId": 2, "meta": {{"changedAt": "{AT}", "by": "x"}}}}', "unknown-column", "/meta/by"),
        (f'{{"id": 2, "meta": {{"changedAt": "{AT}"}}}}', "unknown-column", "id"),
        (f'{{"customerId": 2, "meta": {{"changedAt": "{AT}", "a": {{"b": 1}}}}}}', "unknown-column", "/meta/a"),
        ('{"customerId": 2, "meta": {}}', "missing-key", "at"),
        ('{"customerId": 2, "meta": null}', "missing-key", "at"),
        ('{"customerId": 2}', "missing-key", "at"),
        ('{"customerId": 2, "meta": {"changedAt": "soon"}}', "wrong-type", "at"),
        ('{"customerId": 2, "meta": []}', "wrong-type", "meta"),
        (f'{{"customerId": 2, "meta": {{"changedAt": "{AT}", "changedAt": "{AT}"}}}}', "duplicate-field", "changedAt"),
        (f'{{"customerId": 2, "meta": {{"changedAt": "{AT}"}}, "meta": {{}}}}', "duplicate-field", "meta"),
        (f'{{"customerId": 2, "meta": {{"changedAt": "{AT}"}}, "Betrag (€)": "x"}}', "wrong-type", "v"),
    ],
)
async def test_faults_name_the_column_or_the_place(
    engineer: httpx.AsyncClient, record: str, code: str, column: str
) -> None:
    contract_id = await register(engineer, "things", columns=COLUMNS)
    found = await faults(engineer, contract_id, record)
    assert (code, column) in {(each["code"], each["column"]) for each in found}, found


async def test_a_name_that_looks_like_a_pointer_is_no_pointer(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    columns = [{"name": "id", "type": "bigint"}, {"name": "at", "type": "timestamptz"}]
    columns += [{"name": "v", "type": "text", "source": "/~1a~1b"}, {"name": "w", "type": "text", "source": "/a/c"}]
    contract_id = await register(engineer, "things", columns=columns, unknown_columns="discard_value")
    records = [
        {"id": 1, "at": AT, "/a/b": "named", "a": {"c": "nested"}},
        {"id": 2, "at": AT, "a": {"b": "read by none", "c": "nested"}},
    ]
    assert counted(await taken(engineer, contract_id, ndjson(records))) == {"inserted": 2}
    found = await owner.fetch("SELECT v, w FROM data.things__v1 ORDER BY id")
    assert [tuple(row) for row in found] == [("named", "nested"), (None, "nested")]


async def test_what_is_null_or_left_out_on_the_way_is_null(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "things", columns=COLUMNS)
    meta = {"meta": {"changedAt": AT}}
    records = [
        {"customerId": 1, **meta, "address": None},
        {"customerId": 2, **meta, "address": {}},
        {"customerId": 3, **meta, "address": {"city": None}},
        {"customerId": 4, **meta, "address": {"city": {}}},
        {"customerId": 5, **meta, "address": {"city": {"name": None}}},
        {"customerId": 6, **meta, "address": {"city": {"name": "Bonn"}}},
    ]
    assert counted(await taken(engineer, contract_id, ndjson(records))) == {"inserted": 6}
    assert await owner.fetchval("SELECT array_agg(city ORDER BY id) FROM data.things__v1") == [*[None] * 5, "Bonn"]


async def test_what_no_column_reads_may_be_discarded_at_any_depth(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "things", columns=COLUMNS, unknown_columns="discard_value")
    record = RECORDS[0] | {"id": 99, "meta": {"changedAt": AT, "by": {"name": "x"}}, "tags": [{"a": 1}]}
    assert counted(await taken(engineer, contract_id, ndjson([record]))) == {"inserted": 1}
    assert [row["id"] for row in await owner.fetch("SELECT id FROM data.things__v1")] == [1]


CAMEL = {
    NDJSON: f'{{"Id": 1, "At": "{AT}", "unitPrice": 2}}\n'.encode(),
    JSON: f'[{{"Id": 1, "At": "{AT}", "unitPrice": 2}}]'.encode(),
    CSV: f"unitPrice,Id,At\n2,1,{AT}\n".encode(),
}


@pytest.mark.parametrize("media", CAMEL)
async def test_a_first_batch_in_camel_case_says_the_columns_and_their_sources(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, media: str
) -> None:
    contract_id = await register(engineer, "things", declared=False)
    for verdict in ("inserted", "unchanged"):
        assert counted(await taken(engineer, contract_id, CAMEL[media], media)) == {verdict: 1}
    found = await owner.fetchrow("SELECT id, unit_price FROM data.things__v1")
    assert tuple(found) == (1, 2)
    schema = (await engineer.get(f"/api/contracts/{contract_id}/schema")).json()["columns"]
    sources = {column["name"]: column["source"] for column in schema}
    assert sources == {"id": "Id", "at": "At", "unit_price": "unitPrice", "got": None}


async def test_no_field_of_a_first_batch_becomes_the_processing_time(engineer: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "things", declared=False)
    answer = await send(engineer, contract_id, f'{{"id": 1, "at": "{AT}", "Got": "{AT}"}}\n'.encode())
    assert (answer.status_code, answer.json()["faults"][0]["code"]) == (422, "invalid-column-name")
    assert counted(await taken(engineer, contract_id, f'{{"id": 1, "at": "{AT}"}}\n'.encode())) == {"inserted": 1}
