"""From the request to the end of the file: who sees it, what is answered, and what may follow what."""

import base64
import hashlib
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.runtime.resources import Resources
from app.operations.exports.expiry import expire_exports
from tests.operations.exports.steps import asked, content, export, made, plain_table
from tests.promises import promised

COPIED = "job_type, filter_params, subject, format, requested_by_kind, requested_by_id, requested_by"
NUMBERS = {"filter_params": {"table": "numbers"}}


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    found: Resources = app.state.resources
    return found


@pytest.fixture
async def numbers(admin: httpx.AsyncClient, open_for_data: None) -> None:  # noqa: ARG001 - for what it does
    await plain_table(admin, "numbers", 2_000)


@pytest.fixture
async def objects(resources: Resources) -> Any:
    async def keys() -> list[str]:
        return [info.key async for info in resources.storage.list("exports")]

    return keys


@pytest.mark.usefixtures("numbers")
async def test_ranges_resume_a_download(analyst: httpx.AsyncClient, resources: Resources) -> None:
    shown = await export(analyst, resources, **NUMBERS)
    whole, path = await content(analyst, shown), shown["links"]["download"]
    first = await analyst.get(path)
    tag = first.headers["etag"]
    digest = base64.b64encode(hashlib.sha256(whole).digest()).decode()
    assert tag == f'"{shown["checksum"]}"'
    assert first.headers["repr-digest"] == f"sha-256=:{digest}:"
    assert first.headers["accept-ranges"] == "bytes"
    assert first.headers["cache-control"] == "private, no-cache", "no cache answers for the audit log and the rights"
    assert first.headers["content-disposition"] == f'attachment; filename="table-{shown["id"]}.csv"'
    assert first.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    part = await analyst.get(path, headers={"Range": "bytes=0-99"})
    rest = await analyst.get(path, headers={"Range": "bytes=100-", "If-Range": tag})
    assert (part.status_code, rest.status_code) == (206, 206)
    assert part.content + rest.content == whole
    assert rest.headers["content-range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    other = await analyst.get(path, headers={"Range": "bytes=100-", "If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, whole)
    outside = await analyst.get(path, headers={"Range": f"bytes={len(whole)}-"})
    assert (outside.status_code, outside.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    same = await analyst.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")


@pytest.mark.usefixtures("numbers")
async def test_downloads_are_audited_with_who_and_what(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, resources: Resources
) -> None:
    shown = await export(analyst, resources, **NUMBERS)
    await content(analyst, shown)
    found = (await admin.get("/api/audit", params={"entity_id": shown["id"]})).json()["items"]
    assert [(each["action"], each["verb"]) for each in found] == [
        ("export:download", "DOWNLOAD"),
        ("export:complete", "UPDATE"),
        ("export:create", "CREATE"),
    ]
    assert found[0]["actor"]["label"].startswith("analyst")


@pytest.mark.usefixtures("numbers")
async def test_a_key_asks_once(analyst: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    body, headers = {"job_type": "table"} | NUMBERS, {"Idempotency-Key": "once"}
    first = await analyst.post("/system/exports/", json=body, headers=headers)
    again = await analyst.post("/system/exports/", json=body, headers=headers)
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()
    assert ["idempotency-replayed" in answer.headers for answer in (first, again)] == [False, True]
    assert first.headers["location"] == again.headers["location"] == f"/system/exports/{first.json()['id']}"
    other = await analyst.post("/system/exports/", json=body | {"format": "ndjson"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert await owner.fetchval("SELECT count(*) FROM spyne.export_jobs") == 1
    assert await owner.fetchval("SELECT count(*) FROM spyne.job_runs WHERE name = 'exports:make'") == 1


@pytest.mark.usefixtures("numbers")
async def test_anothers_export_is_not_there(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, engineer: httpx.AsyncClient, resources: Resources
) -> None:
    shown = await export(analyst, resources, **NUMBERS)
    place = shown["links"]["self"]
    for path, method in ((place, "GET"), (f"{place}/download", "GET"), (f"{place}/cancel", "POST")):
        answer = await engineer.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "export-not-found"), path
    assert (await engineer.get("/system/exports/")).json()["items"] == []
    assert [each["id"] for each in (await analyst.get("/system/exports/")).json()["items"]] == [shown["id"]]
    listed = (await admin.get("/system/exports/", params={"status": "completed", "job_type": "table"})).json()["items"]
    assert [each["id"] for each in listed] == [shown["id"]]
    assert (await admin.get("/system/exports/", params={"status": "failed"})).json()["items"] == []
    assert (await admin.get(f"{place}/download")).status_code == 200


@pytest.mark.usefixtures("numbers")
async def test_a_right_that_is_gone_is_gone_for_the_file_too(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, admin: httpx.AsyncClient, resources: Resources
) -> None:
    await plain_table(admin, "hidden", 3, state=None)
    shown = await export(engineer, resources, filter_params={"table": "hidden"})
    assert (await engineer.get(shown["links"]["download"])).status_code == 200
    await owner.execute("UPDATE spyne.user_roles SET role = 'ANALYST' WHERE role = 'ENGINEER'")

    async def refused() -> bool:
        return (await engineer.get(shown["links"]["download"])).status_code == 404

    await promised(refused, what="the file is answered no more")


@pytest.mark.usefixtures("numbers")
async def test_cancelled_before_it_begins(
    analyst: httpx.AsyncClient, resources: Resources, objects: Any, owner: asyncpg.Connection
) -> None:
    shown = await asked(analyst, **NUMBERS)
    place = shown["links"]["self"]
    tag = (await analyst.get(place)).headers["etag"]
    stale = await analyst.post(f"{place}/cancel", headers={"If-Match": '"x"'})
    assert stale.status_code == 412
    ended = await analyst.post(f"{place}/cancel", headers={"If-Match": tag})
    assert (ended.status_code, ended.json()["status"]) == (200, "cancelled")
    assert (await analyst.post(f"{place}/cancel")).status_code == 200
    await made(resources, shown["id"])
    assert (await analyst.get(place)).json()["status"] == "cancelled"
    assert (await analyst.get(f"{place}/download")).json()["code"] == "export-not-ready"
    assert await objects() == []
    assert await owner.fetchval(
        "SELECT cancel_requested_at IS NOT NULL FROM spyne.job_runs WHERE name = 'exports:make'"
    )


@pytest.mark.usefixtures("numbers")
async def test_a_statement_that_fails_is_told(
    analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection, objects: Any
) -> None:
    shown = await asked(analyst, **NUMBERS)
    await owner.execute("ALTER TABLE data.numbers__v1 RENAME TO elsewhere")
    await made(resources, shown["id"])
    found = (await analyst.get(shown["links"]["self"])).json()
    assert (found["status"], found["error_code"]) == ("failed", "statement-failed")
    assert "42P01" in found["error_message"]
    assert await objects() == []


@pytest.mark.usefixtures("numbers")
async def test_an_outside_worker_reports(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, resources: Resources, objects: Any
) -> None:
    shown = await asked(analyst, **NUMBERS)
    place = shown["links"]["self"]

    async def report(status: int, **body: Any) -> dict[str, Any]:
        answer = await admin.post(f"{place}/status", json=body)
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told

    assert (
        await analyst.post(f"{place}/status", json={"from_status": "pending", "to_status": "running"})
    ).status_code == 403
    await report(409, from_status="pending", to_status="expired")
    await report(409, from_status="running", to_status="failed", error_message="no")
    await report(422, from_status="pending", to_status="completed")
    await report(422, from_status="pending", to_status="failed")
    assert (await report(200, from_status="pending", to_status="running"))["status"] == "running"
    told = await report(409, from_status="pending", to_status="running")
    assert (told["state"], told["allowed"]) == ("running", ["completed", "failed", "cancelled"])
    await made(resources, shown["id"])  # the service leaves it alone
    assert (await admin.get(place)).json()["status"] == "running"
    body, key = b"id,at,v\r\n", f"exports/{shown['id']}/outside.csv"
    digest = hashlib.sha256(body).hexdigest()
    done = {"from_status": "running", "to_status": "completed", "checksum": digest, "rows": 0}
    await report(422, **done, object_key=key)
    await report(422, **done, object_key=f"exports/{uuid4()}/outside.csv")
    async with resources.storage.writer(key) as writer:
        await writer.write(body)
    assert (await report(200, **done, object_key=key))["bytes"] == len(body)
    assert await content(analyst, (await analyst.get(place)).json()) == body
    await report(200, from_status="completed", to_status="expired")
    assert (await expire_exports(resources.database, resources.storage)).exports == 1
    assert await objects() == []
    assert (await analyst.get(f"{place}/download")).status_code == 409


@pytest.mark.usefixtures("numbers")
async def test_an_outside_worker_hands_over_no_object_of_another_export(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, resources: Resources
) -> None:
    others, shown = await export(admin, resources, **NUMBERS), await asked(analyst, **NUMBERS)
    place = shown["links"]["self"]
    begun = await admin.post(f"{place}/status", json={"from_status": "pending", "to_status": "running"})
    assert begun.status_code == 200, begun.text
    file = {name: others[name] for name in ("object_key", "checksum", "rows")}
    answer = await admin.post(f"{place}/status", json={"from_status": "running", "to_status": "completed"} | file)
    assert (answer.status_code, answer.json()["faults"][0]["code"]) == (422, "no-such-object")
    assert (await analyst.get(f"{place}/download")).json()["code"] == "export-not-ready"


@pytest.mark.usefixtures("numbers")
async def test_the_service_does_not_share_what_it_makes(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    shown = await asked(analyst, **NUMBERS)
    await owner.execute("UPDATE spyne.export_jobs SET status = 'running'")
    body = {"from_status": "running", "to_status": "failed", "error_message": "mine"}
    answer = await admin.post(f"{shown['links']['self']}/status", json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "wrong-transition")


@pytest.mark.usefixtures("numbers")
async def test_files_go_when_their_time_is_over(
    analyst: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection, objects: Any
) -> None:
    old, young = await export(analyst, resources, **NUMBERS), await export(analyst, resources, **NUMBERS)
    await owner.execute("UPDATE spyne.export_jobs SET expires_at = now() - interval '1 s' WHERE id = $1", old["id"])
    removed = await expire_exports(resources.database, resources.storage)
    assert (removed.exports, removed.bytes) == (1, old["bytes"])
    assert (await expire_exports(resources.database, resources.storage)).exports == 0
    found = (await analyst.get(old["links"]["self"])).json()
    assert (found["status"], found["object_key"]) == ("expired", None)
    assert (await analyst.get(f"{old['links']['self']}/download")).json()["code"] == "export-not-ready"
    assert await objects() == [young["object_key"]]
    # A run that died between its two halves is finished by the next one.
    await owner.execute("UPDATE spyne.export_jobs SET status = 'expired' WHERE id = $1", young["id"])
    assert (await expire_exports(resources.database, resources.storage)).exports == 1
    assert await objects() == []


@pytest.mark.usefixtures("numbers")
async def test_who_wants_too_much_waits(analyst: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    shown = await asked(analyst, **NUMBERS)
    await owner.execute(
        f"INSERT INTO spyne.export_jobs ({COPIED}) SELECT {COPIED} FROM spyne.export_jobs, generate_series(1, 199)"
    )
    assert (await asked(analyst, status=409, **NUMBERS))["code"] == "too-many-exports"
    await analyst.post(f"{shown['links']['self']}/cancel")
    await asked(analyst, **NUMBERS)
