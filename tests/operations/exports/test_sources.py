"""Everything else that can be exported, by whom, and what never leaves."""

import asyncio
import csv
import io
import json
from typing import Any

import asyncpg
import httpx
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from app.kernel.runtime.resources import Resources
from tests.ingestion.steps import contract
from tests.operations.exports.steps import asked, content, export, made, plain_table, rows

ADMINS = ("audit_log", "ingestion_history", "quarantine", "notifications", "users")


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    found: Resources = app.state.resources
    return found


@pytest.mark.parametrize("job_type", ADMINS)
@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
async def test_an_admin_has_them_in_every_form(
    admin: httpx.AsyncClient, resources: Resources, job_type: str, form: str
) -> None:
    shown = await export(admin, resources, job_type, format=form)
    body = await content(admin, shown)
    assert shown["status"] == "completed"
    match form:
        case "csv":
            assert len(list(csv.DictReader(io.StringIO(body.decode(), newline="")))) == shown["rows"]
        case "ndjson":
            assert len([json.loads(line) for line in body.splitlines()]) == shown["rows"]
        case _:
            assert pq.read_table(io.BytesIO(body)).num_rows == shown["rows"]


@pytest.mark.parametrize("job_type", ADMINS)
async def test_nobody_else_does(engineer: httpx.AsyncClient, job_type: str) -> None:
    assert (await asked(engineer, job_type, 403))["code"] == "forbidden"


async def test_users_leave_without_what_logs_in(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    shown = await export(admin, resources, "users")
    body = await content(admin, shown)
    hashes = [row[0] for row in await owner.fetch("SELECT password_hash FROM spyne.users")]
    assert hashes
    assert not any(hash_.encode() in body for hash_ in hashes)
    assert b"password_hash" not in body
    found = await rows(admin, shown)
    assert {"ADMIN", "ANALYST"} <= {each["roles"] for each in found}
    assert analyst is not None


async def test_the_audit_log_leaves_as_it_is_listed(admin: httpx.AsyncClient, resources: Resources) -> None:
    wanted = {"verb": "CREATE", "entity_type": "user", "since": "2020-01-01T00:00:00Z"}
    shown = await export(admin, resources, "audit_log", filter_params=wanted, format="ndjson")
    listed = await admin.get(
        "/api/audit",
        params={"verb": "CREATE", "entity_type": "user", "from": "2020-01-01T00:00:00Z"},
        headers={"Accept": "application/x-ndjson"},
    )
    lines = listed.content.splitlines()[:-1]
    assert lines
    assert (await content(admin, shown)).splitlines() == lines
    refused = await asked(admin, "audit_log", 422, filter_params={"action": "no action", "verb": "NONE"})
    assert {fault["pointer"] for fault in refused["faults"]} == {"/filter_params/action", "/filter_params/verb"}


async def test_values_in_filters_are_values(admin: httpx.AsyncClient, resources: Resources) -> None:
    for actor in ("it's \\' 1'; DROP TABLE spyne.users; --", "100%(x)s :name $1"):
        shown = await export(admin, resources, "audit_log", filter_params={"actor": actor})
        assert (shown["status"], shown["rows"]) == ("completed", 0), shown


@pytest.mark.usefixtures("open_for_data")
async def test_refused_rows_leave_harmless(admin: httpx.AsyncClient, resources: Resources) -> None:
    assert (await admin.post("/api/contracts/register", json=contract("things"))).status_code == 201
    body = '{"id": 1, "at": "2026-01-01T00:00:00Z", "v": 1}\n=HYPERLINK("http://x")\n'
    headers = {"Content-Type": "application/x-ndjson"}
    sent = await admin.post("/api/ingestion/things_v1/batches", content=body, headers=headers)
    assert sent.status_code == 201, sent.text
    shown = await export(admin, resources, "quarantine", filter_params={"contract_id": "things_v1"})
    (found,) = await rows(admin, shown)
    assert (found["batch_id"], found["line"], found["raw"][:5]) == (sent.json()["id"], "2", "'=HYP")
    history = await rows(
        admin, await export(admin, resources, "ingestion_history", filter_params={"status": "completed"})
    )
    assert [each["id"] for each in history] == [sent.json()["id"]]
    assert await rows(admin, await export(admin, resources, "quarantine", filter_params={"contract_id": "other"})) == []


async def preview(client: httpx.AsyncClient, sql: str) -> str:
    answer = await client.post("/api/query/preview", json={"sql": sql})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["preview_id"])


@pytest.mark.usefixtures("open_for_data")
async def test_a_previewed_query_once(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, engineer: httpx.AsyncClient, resources: Resources
) -> None:
    await plain_table(admin, "numbers", 100)
    id_ = await preview(
        analyst, "SELECT id AS a, v AS a, 'x' || id AS \"=t\" FROM numbers WHERE id < 3 ORDER BY id DESC"
    )
    await asked(engineer, "query", 404, filter_params={"preview_id": id_})
    shown = await export(analyst, resources, "query", filter_params={"preview_id": id_})
    assert await content(analyst, shown) == b"a,a_2,'=t\r\n2,4,x2\r\n1,2,x1\r\n0,0,x0\r\n"
    assert shown["subject"]["tables"] == ["numbers@1"]
    assert (await asked(analyst, "query", 409, filter_params={"preview_id": id_}))["code"] == "preview-used"
    assert (await analyst.post("/api/query/execute", json={"preview_id": id_})).json()["code"] == "preview-used"
    (ran,) = (await analyst.get("/api/query/executions")).json()["items"]
    assert (ran["outcome"], ran["rows"], ran["preview_id"]) == ("succeeded", 3, id_)


@pytest.mark.usefixtures("open_for_data")
async def test_of_many_exports_of_one_preview_at_once_one_is_made(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await plain_table(admin, "numbers", 10)
    body = {"job_type": "query", "filter_params": {"preview_id": await preview(analyst, "SELECT id FROM numbers")}}
    answers = await asyncio.gather(*(analyst.post("/system/exports/", json=body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 5
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"preview-used"}
    assert await owner.fetchval("SELECT count(*) FROM spyne.export_jobs") == 1


@pytest.mark.usefixtures("open_for_data")
async def test_a_key_repeats_the_answer_of_a_used_preview(admin: httpx.AsyncClient, analyst: httpx.AsyncClient) -> None:
    await plain_table(admin, "numbers", 10)
    body = {"job_type": "query", "filter_params": {"preview_id": await preview(analyst, "SELECT id FROM numbers")}}
    answers = [await analyst.post("/system/exports/", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()


@pytest.mark.usefixtures("open_for_data")
async def test_a_query_beyond_its_limits_fails_whole(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    await plain_table(admin, "numbers", 100)
    for limit, code in (({"max_rows": 50}, "result-too-large"), ({"max_bytes": 64}, "result-too-large")):
        shown: dict[str, Any] = await asked(
            analyst, "query", filter_params={"preview_id": await preview(analyst, "SELECT id FROM numbers")}
        )
        await owner.execute(
            "UPDATE spyne.export_jobs SET subject = "
            "jsonb_set(subject, '{limits}', subject -> 'limits' || $2::text::jsonb) WHERE id = $1",
            shown["id"],
            json.dumps(limit),
        )
        await made(resources, shown["id"])
        found = (await analyst.get(shown["links"]["self"])).json()
        assert (found["status"], found["error_code"]) == ("failed", code)
    assert {each["error_code"] for each in (await analyst.get("/api/query/executions")).json()["items"]} == {code}
