"""Columns with awkward names, all the way: in as batches, out as answers, profiles, files and snapshots."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from app.ingestion.retention.before_images import BeforeImages
from app.kernel.quoting import quote_identifier
from app.kernel.runtime.resources import Resources
from tests.ingestion.steps import contract
from tests.operations.exports.steps import content, export
from tests.query.asking import ask
from tests.warehouse.test_column_names import NAMES

AT = "2026-01-01T00:00:00Z"
PLAIN = [
    *"bcdefghijklmnopqrstuvwxyz",
    *[
        "old",
        "new",
        "excluded",
        "line",
        "row",
        "k0",
        "c0",
        "select",
        "user",
        "order",
        "value",
        "count",
        "held",
        "bytes",
        "object",
        "narrow",
        "capped",
    ],
    "x" * 63,
]
"""Names that a contract may have."""


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    found: Resources = app.state.resources
    return found


async def _files(client: httpx.AsyncClient, resources: Resources, table: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of the exports in every format, and of the answer."""
    found: dict[str, list[dict[str, Any]]] = {}
    for form in ("csv", "ndjson", "parquet"):
        shown = await export(client, resources, filter_params={"table": table}, format=form, csv_formulas="plain")
        body = await content(client, shown)
        match form:
            case "csv":
                found[form] = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
            case "ndjson":
                found[form] = [json.loads(line) for line in body.splitlines()]
            case _:
                found[form] = pq.read_table(io.BytesIO(body)).to_pylist()
    answer = await ask(client, f"SELECT * FROM {table}", "application/x-ndjson")
    assert answer.status_code == 200, answer.text
    found["answer"] = [json.loads(line) for line in answer.content.splitlines()]
    return found


@pytest.mark.usefixtures("open_for_data")
@pytest.mark.parametrize("mode", ["upsert", "append", "replace"])
async def test_a_contract_with_awkward_names(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection, mode: str
) -> None:
    names = PLAIN
    columns = [{"name": "id", "type": "bigint"}, {"name": "at", "type": "timestamptz"}]
    columns += [{"name": name, "type": "text"} for name in names]
    resolution = "reject" if mode == "upsert" else "latest_wins"
    answer = await admin.post("/api/contracts/register", json=contract("t", mode, resolution, columns=columns))
    assert answer.status_code == 201, answer.text
    row = {"id": 1, "at": AT} | {name: f"the {name}" for name in names}
    bodies = [[row, row | {"r": None}], [row | {"at": "2026-01-01T01:00:00Z", "t": "newer"}]]
    for body in bodies:
        sent = await admin.post("/api/ingestion/t_v1/batches", json=body)
        assert sent.status_code in {201, 422}, sent.text
        for refused in sent.json().get("quarantined", []):
            assert {*json.loads(refused["raw"])} == {"id", "at", *names}
    change = {"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "a test"}
    assert (await admin.post("/api/tables/t/promote", json=change)).status_code == 200
    stored = await owner.fetchrow("SELECT * FROM data.t__v1")
    assert stored is not None
    for form, (found, *more) in (await _files(admin, resources, "t")).items():
        assert not more
        assert {name: found[name] for name in names} == {name: stored[name] for name in names}, form
    profile = await admin.get("/api/tables/t/profile")
    assert profile.status_code == 200, profile.text
    async with resources.database.read() as session:
        preview = await BeforeImages(0).preview(session, datetime.now(UTC))
    images = await owner.fetchval("SELECT sum(octet_length(b.*::text)) FROM data.t__v1__before b")
    assert preview.amount.bytes == (images or 0)
    assert (images is None) is (mode == "upsert")
    assert (await export(admin, resources, "snapshot", format="tar"))["status"] == "completed"


async def test_an_adopted_relation_with_awkward_names(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    columns = ", ".join(f"{quote_identifier(name)} text" for name in NAMES)
    await owner.execute(f"CREATE TABLE public.t ({columns})")
    values = [f"the {number}" for number in range(len(NAMES))]
    marks = ", ".join(f"${number}" for number in range(1, len(NAMES) + 1))
    await owner.execute(f"INSERT INTO public.t VALUES ({marks})", *values)
    answer = await admin.post("/api/tables/adopt", json={"relations": ["public.t"]})
    assert answer.json()["adopted"] == 1, answer.text
    for form, (found, *more) in (await _files(admin, resources, "t")).items():
        assert not more
        assert found == dict(zip(NAMES, values, strict=True)), form
    profile = await admin.get("/api/tables/t/profile")
    assert profile.status_code == 200, profile.text
    assert [column["name"] for column in profile.json()["columns"]] == list(NAMES)


@pytest.mark.usefixtures("open_for_data")
async def test_columns_of_an_answer_may_be_named_as_parts_of_our_statements_are(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    await owner.execute("CREATE TABLE public.one AS SELECT 1 AS n, '[1,\n 2]'::json AS doc")
    assert (await admin.post("/api/tables/adopt", json={"relations": ["public.one"]})).json()["adopted"] == 1
    aliases = ["r", "q", "c0", "c1", "narrow", "capped", "_spyne_row", "_spyne_s", "x" * 63]
    listed = ", ".join(f'n AS "{alias}"' for alias in [*aliases, "x" * 63])
    sql = f"SELECT {listed}, doc FROM one"
    answer = await ask(admin, sql, "application/x-ndjson")
    assert answer.status_code == 200, answer.text
    assert answer.content.count(b"\n") == 1
    preview = await admin.post("/api/query/preview", json={"sql": sql})
    shown = await export(
        admin, resources, "query", filter_params={"preview_id": preview.json()["preview_id"]}, format="ndjson"
    )
    exported = await content(admin, shown)
    assert json.loads(exported) == json.loads(answer.content)
    assert exported.count(b"\n") == 1
    assert json.loads(exported)["x" * 61 + "_2"] == 1
