"""Blocks over HTTP: in force in every process within a second, never by mistake, kept as history."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from tests.identities import PASSWORD, Identities
from tests.operations.security.conftest import ROOT, At, client_at, settled, within_a_second
from tests.waiting import eventually

BLOCKS = f"{ROOT}/blocks"
ADDRESS = "93.184.216.34"


async def block(admin: httpx.AsyncClient, kind: str, target: str, **more: Any) -> httpx.Response:
    return await admin.post(BLOCKS, json={"kind": kind, "target": target, "reason": "guesses passwords"} | more)


async def made(admin: httpx.AsyncClient, kind: str, target: str, **more: Any) -> dict[str, Any]:
    answer = await block(admin, kind, target, **more)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


def status_of(client: httpx.AsyncClient, wanted: int, path: str = "/api/tables") -> Any:
    async def asked() -> bool:
        return (await client.get(path)).status_code == wanted

    return asked


@pytest.mark.parametrize(
    ("kind", "target", "blocked", "free"),
    [
        ("address", ADDRESS, [ADDRESS], ["93.184.216.35", "2001:db8::1"]),
        ("network", "93.184.216.0/24", [ADDRESS, "93.184.216.0"], ["93.184.217.1"]),
        ("network", "2001:db8:1::/48", ["2001:db8:1::1", "2001:db8:1:ffff::1"], ["2001:db8:2::1"]),
        ("address", "::ffff:93.184.216.34", [ADDRESS, "::ffff:93.184.216.34"], ["93.184.216.35"]),
    ],
)
async def test_an_address_is_shut_out_everywhere_within_a_second(
    kind: str, target: str, blocked: list[str], free: list[str], second: FastAPI, admin: httpx.AsyncClient
) -> None:
    document = await made(admin, kind, target)
    async with client_at(second, blocked[0]) as client:
        await within_a_second(status_of(client, 403))
    for address in blocked:
        async with client_at(second, address) as client:
            answer = await client.get("/api/tables")
            assert (answer.status_code, answer.json()["code"]) == (403, "blocked")
            assert "guesses" not in answer.text, "the reason is not told"
            assert (await client.get("/health/live")).status_code == 200
    for address in free:
        async with client_at(second, address) as client:
            assert (await client.get("/api/tables")).status_code == 401
    ended = await admin.delete(f"{BLOCKS}/{document['id']}")
    assert (ended.status_code, ended.json()["ended_by"] is not None) == (200, True)
    async with client_at(second, blocked[0]) as client:
        await within_a_second(status_of(client, 401))


@pytest.mark.parametrize("kind", ["user", "client"])
async def test_a_caller_is_shut_out_everywhere_within_a_second(
    kind: str, app: FastAPI, second: FastAPI, admin: httpx.AsyncClient, identities: Identities
) -> None:
    if kind == "user":
        headers = {"Authorization": f"Bearer {await identities.token('VIEWER')}"}
        async with client_at(app, **headers) as somebody:
            subject = UUID((await somebody.get("/api/auth/me")).json()["id"])
    else:
        headers = {"X-API-Key": await identities.api_key("VIEWER")}
        subject = UUID((await admin.get("/api/clients")).json()["items"][0]["id"])
    async with client_at(app, **headers) as here, client_at(second, **headers) as there:
        assert {(await here.get("/api/tables")).status_code, (await there.get("/api/tables")).status_code} == {200}
        document = await made(admin, kind, str(subject))
        await within_a_second(status_of(here, 403))
        await within_a_second(status_of(there, 403))
        assert (await there.get("/api/tables")).json()["code"] == "blocked"
        assert (await admin.delete(f"{BLOCKS}/{document['id']}")).status_code == 200
        await within_a_second(status_of(there, 200))


async def test_a_block_expires_by_itself(admin: httpx.AsyncClient, owner: asyncpg.Connection, at: At) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    document = await made(admin, "address", ADDRESS, expires_at=later.isoformat())
    client = at(ADDRESS)
    await within_a_second(status_of(client, 403))
    until = datetime.now(UTC) + timedelta(seconds=1)  # not before the door was seen closed, however long that took
    await owner.execute("UPDATE spyne.security_blocks SET expires_at = $2 WHERE id = $1", UUID(document["id"]), until)
    await owner.execute("UPDATE spyne.system_config SET version = version + 1 WHERE key = 'security_revision'")
    await eventually(status_of(client, 401), what="the end of the block")
    assert until <= datetime.now(UTC)
    assert (await admin.delete(f"{BLOCKS}/{document['id']}")).json()["code"] == "not-blocked"
    again = await made(admin, "address", ADDRESS)
    past = (await admin.get(BLOCKS, params={"state": "past"})).json()["items"]
    assert [(each["id"], each["ended_by"]) for each in past] == [(document["id"], "expiry")]
    active = (await admin.get(BLOCKS, params={"state": "active"})).json()["items"]
    assert [each["id"] for each in active] == [again["id"]]


@pytest.mark.parametrize(
    ("kind", "target", "status", "code"),
    [
        ("address", "127.0.0.2", 409, "protected-target"),
        ("network", "127.0.0.0/16", 409, "own-block"),
        ("address", "::1", 409, "protected-target"),
        ("address", "198.51.100.7", 409, "protected-target"),
        ("network", "198.51.0.0/16", 409, "protected-target"),
        ("address", "127.0.0.1", 409, "own-block"),
        ("address", "everywhere", 422, "invalid-target"),
        ("network", "0.0.0.0/0", 422, "invalid-target"),
        ("network", "93.184.216.34/24", 422, "invalid-target"),
        ("user", "ada", 422, "invalid-target"),
    ],
)
async def test_nobody_is_blocked_by_mistake(
    kind: str, target: str, status: int, code: str, admin: httpx.AsyncClient
) -> None:
    policy = (await admin.get(f"{ROOT}/policy")).json()
    await admin.put(f"{ROOT}/policy", json=policy | {"never_blocked": ["198.51.100.0/24"]})
    await settled(admin)
    answer = await block(admin, kind, target)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if code == "protected-target":
        assert (await block(admin, kind, target, force=True)).status_code == 201
    else:
        assert (await block(admin, kind, target, force=True)).status_code == status, "not even by force"


async def test_nobody_blocks_themselves_or_the_last_admin(
    admin: httpx.AsyncClient, identities: Identities, app: FastAPI
) -> None:
    me = (await admin.get("/api/auth/me")).json()["id"]
    assert (await block(admin, "user", me, force=True)).json()["code"] == "own-block"
    key = await identities.api_key("ADMIN")
    async with client_at(app, **{"X-API-Key": key}) as service:
        answer = await block(service, "user", me, force=True)
        assert (answer.status_code, answer.json()["code"]) == (409, "last-admin")
        _, other = await identities.user("ADMIN")
        assert (await block(service, "user", me)).status_code == 201
        assert (await block(service, "user", str(other))).json()["code"] == "last-admin"


async def test_a_target_is_blocked_once(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    answers = await asyncio.gather(*(block(admin, "address", ADDRESS) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
    (entry,) = await owner.fetch("SELECT * FROM spyne.audit_log WHERE action = 'block:create'")
    assert entry["entity_label"] == ADDRESS
    document = next(answer for answer in answers if answer.status_code == 201).json()
    ends = await asyncio.gather(*(admin.delete(f"{BLOCKS}/{document['id']}") for _ in range(4)))
    assert sorted(answer.status_code for answer in ends) == [200, 409, 409, 409]
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'block:remove'") == 1


async def test_a_time_that_is_over_is_refused(admin: httpx.AsyncClient) -> None:
    answer = await block(admin, "address", ADDRESS, expires_at="2020-01-01T00:00:00Z")
    assert (answer.status_code, answer.json()["faults"][0]["pointer"]) == (422, "/expires_at")


async def test_blocks_are_listed_page_by_page(admin: httpx.AsyncClient) -> None:
    for number in range(5):
        await made(admin, "address", f"93.184.216.{number}")
    await made(admin, "network", "93.185.0.0/16")
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = (await admin.get(BLOCKS, params={"limit": "2", "kind": "address"} | cursor)).json()
        seen += [each["target"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert seen == [f"93.184.216.{number}" for number in reversed(range(5))]


async def test_blocks_are_made_in_every_mode(admin: httpx.AsyncClient) -> None:
    await admin.put("/system/maintenance", json={"mode": "maintenance", "reason": "a larger disk"})
    document = await made(admin, "address", ADDRESS)
    assert (await admin.delete(f"{BLOCKS}/{document['id']}")).status_code == 200


async def test_actions_tell_of_blocks_and_are_undone_once(
    admin: httpx.AsyncClient, at: At, owner: asyncpg.Connection
) -> None:
    wanted = {"kind": "block", "target": "93.184.216.0/24", "reason": "scans", "event_kind": "honeypot-hit"}
    action = (await admin.post(f"{ROOT}/actions", json=wanted)).json()
    assert (action["kind"], action["target"], action["made_by"]) == ("block", "93.184.216.0/24", "admin")
    client = at(ADDRESS)
    await within_a_second(status_of(client, 403))
    path = f"{ROOT}/actions/{action['id']}/undo"
    answers = await asyncio.gather(*(admin.post(path) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert next(a for a in answers if a.status_code == 409).json()["code"] == "already-undone"
    await within_a_second(status_of(client, 401))
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'security-action:undo'") == 1
    by_hand = await made(admin, "address", ADDRESS)
    await admin.delete(f"{BLOCKS}/{by_hand['id']}")
    undone = (await admin.get(f"{ROOT}/actions", params={"undone": "true"})).json()["items"]
    assert [each["block_id"] for each in undone] == [by_hand["id"], action["block_id"]]
    assert (await admin.get(f"{ROOT}/actions", params={"undone": "false"})).json()["items"] == []


async def test_a_user_is_disabled_and_enabled_again(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, identities: Identities
) -> None:
    name, id_ = await identities.user("VIEWER")

    async def log_in() -> int:
        form = {"grant_type": "password", "username": name, "password": PASSWORD}
        return (await anonymous.post("/api/auth/token", data=form)).status_code

    assert await log_in() == 200
    wanted = {"kind": "disable-user", "target": f"user:{id_}", "reason": "stolen password"}
    action = await admin.post(f"{ROOT}/actions", json=wanted)
    assert action.status_code == 201, action.text
    assert await log_in() == 400
    assert (await admin.post(f"{ROOT}/actions/{action.json()['id']}/undo")).status_code == 200
    assert await log_in() == 200
    me = (await admin.get("/api/auth/me")).json()["id"]
    assert (await admin.post(f"{ROOT}/actions", json=wanted | {"target": f"user:{me}"})).json()["code"] == "own-block"
    for target in ("93.184.216.34", "user:ada", f"client:{id_}"):
        assert (await admin.post(f"{ROOT}/actions", json=wanted | {"target": target})).status_code == 422
    nobody = wanted | {"target": "user:01890000-0000-7000-8000-000000000000"}
    assert (await admin.post(f"{ROOT}/actions", json=nobody)).status_code == 404


async def test_thousands_of_blocks_are_in_force_within_a_second(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, at: At
) -> None:
    await owner.execute(
        "INSERT INTO spyne.security_blocks (kind, target, reason, made_by, created_by) "
        "SELECT 'address', host('11.0.0.0'::inet + n), 'x', 'admin', 'x' FROM generate_series(1, 3000) AS n"
    )
    await made(admin, "address", ADDRESS)
    await within_a_second(status_of(at("11.0.11.184"), 403))
    assert (await at(ADDRESS).get("/api/tables")).status_code == 403
    assert (await at("93.184.216.35").get("/api/tables")).status_code == 401
