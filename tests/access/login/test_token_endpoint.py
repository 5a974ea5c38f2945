"""`POST /api/auth/token` and `GET /api/auth/me` over HTTP on the real database."""

import asyncio
import base64
import json

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.access.clients.service import ClientService
from app.access.users.service import UserService
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from tests.identities import PASSWORD, Identities

TOKEN = "/api/auth/token"


async def _log_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
    return await client.post(TOKEN, data={"grant_type": "password", "username": name, "password": password, **more})


async def _me(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})


async def _audited(owner: asyncpg.Connection, action: str) -> list[asyncpg.Record]:
    return await owner.fetch("SELECT * FROM spyne.audit_log WHERE action = $1 ORDER BY id", action)


@pytest.fixture
def resources_of_app(app: FastAPI) -> Resources:
    resources: Resources = app.state.resources
    return resources


async def test_a_person_logs_in_and_is_told_who_they_are(
    anonymous: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, id_ = await identities.user("ENGINEER", "APPROVER")
    answer = await _log_in(anonymous, f"  {name.upper()} ")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    me = await _me(anonymous, body["access_token"])
    assert (me.status_code, me.headers["cache-control"]) == (200, "no-store")
    caller = me.json()
    assert (caller["id"], caller["name"], caller["kind"]) == (str(id_), name, "user")
    assert caller["roles"] == ["APPROVER", "ENGINEER"]
    assert caller["permissions"] == body["scope"].split(" ")
    assert caller["credential"]["kind"] == "access_token"
    (row,) = await _audited(owner, "user:login")
    assert (row["outcome"], row["verb"], row["actor_id"], row["actor_label"]) == ("success", "LOGIN", id_, name)
    assert row["client_address"] == "127.0.0.1"
    assert json.loads(row["after"])["jti"] == caller["credential"]["id"]
    assert await owner.fetchval("SELECT last_login_at IS NOT NULL FROM spyne.users WHERE id = $1", id_)


async def test_a_scope_narrows_the_token(anonymous: httpx.AsyncClient, identities: Identities) -> None:
    name, _ = await identities.user("ANALYST")
    answer = await _log_in(anonymous, name, scope="query:run users:admin")
    assert answer.json()["scope"] == "query:run"
    me = await _me(anonymous, answer.json()["access_token"])
    assert me.json()["permissions"] == ["query:run"]
    refused = await _log_in(anonymous, name, scope="users:admin")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


async def test_refusals_are_of_rfc_6749_and_never_a_server_error(anonymous: httpx.AsyncClient) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    cases: list[tuple[dict[str, str], bytes, int, str]] = [
        (form, b"", 400, "invalid_request"),
        ({"Content-Type": "application/json"}, b"{}", 400, "invalid_request"),
        (form, b"grant_type=password&username=a%00&password=b", 400, "invalid_request"),
        (form, b"grant_type=password&username=a&username=b&password=b", 400, "invalid_request"),
        (form, b"grant_type=magic", 400, "unsupported_grant_type"),
        (form, b"grant_type=password&username=nobody&password=wrong", 400, "invalid_grant"),
        (form, b"grant_type=client_credentials&client_id=x&client_secret=y", 401, "invalid_client"),
        (form | {"Authorization": "Basic !"}, b"grant_type=client_credentials", 401, "invalid_client"),
    ]
    for headers, body, status, error in cases:
        answer = await anonymous.post(TOKEN, content=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (status, error), (body, answer.text)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.json().keys() == {"error", "error_description"}
        if status == 401:
            assert answer.headers["www-authenticate"].startswith("Basic")


async def test_three_failures_lock_the_name_at_the_address_and_stay_though_the_log_in_is_refused(
    anonymous: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, id_ = await identities.user("VIEWER")
    other, _ = await identities.user("VIEWER")
    for _ in range(3):
        refused = await _log_in(anonymous, name, "wrong")
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert "retry-after" not in refused.headers
    locked = await _log_in(anonymous, name)
    assert (locked.status_code, locked.json()["error"]) == (400, "invalid_grant")
    assert 290 <= int(locked.headers["retry-after"]) <= 300
    assert (await _log_in(anonymous, other)).status_code == 200
    failures = await _audited(owner, "user:login")
    assert [(row["outcome"], row["actor_id"]) for row in failures[:3]] == [("failure", id_)] * 3
    await owner.execute("UPDATE spyne.login_attempts SET failed_at = failed_at - interval '5 minutes'")
    assert (await _log_in(anonymous, name)).status_code == 200
    for _ in range(2):
        assert (await _log_in(anonymous, name, "wrong")).status_code == 400
    assert (await _log_in(anonymous, name)).status_code == 200, "a success makes the pair's failures count no more"
    (lock,) = await _audited(owner, "user:lock-out")
    assert (lock["actor_id"], lock["outcome"], json.loads(lock["after"])["bound"]) == (id_, "failure", "pair")


async def test_guesses_at_once_are_no_more_than_guesses_in_turn(
    anonymous: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, _ = await identities.user("VIEWER")
    await asyncio.gather(*(_log_in(anonymous, name, f"guess {number}") for number in range(12)))
    assert await owner.fetchval("SELECT count(*) FROM spyne.login_attempts") == 3
    assert len(await _audited(owner, "user:login")) == 3


async def test_many_right_log_ins_at_once_all_succeed(anonymous: httpx.AsyncClient, identities: Identities) -> None:
    name, _ = await identities.user("VIEWER")
    answers = await asyncio.gather(*(_log_in(anonymous, name) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_disabled_user_and_an_unknown_name_are_told_the_same(
    anonymous: httpx.AsyncClient, identities: Identities, resources_of_app: Resources, owner: asyncpg.Connection
) -> None:
    name, id_ = await identities.user("VIEWER")
    async with resources_of_app.database.write() as session:
        await resources_of_app.build(UserService, session).disable(SYSTEM, id_)
    disabled, unknown = await _log_in(anonymous, name), await _log_in(anonymous, "hunter2-typed-as-name")
    assert disabled.status_code == unknown.status_code == 400
    assert disabled.json() == unknown.json()
    rows = await _audited(owner, "user:login")
    assert [json.loads(row["after"])["reason"] for row in rows] == ["disabled", "unknown name"]
    assert "hunter2" not in str([dict(row) for row in rows])


@pytest.mark.parametrize("by", ["form", "basic", "basic with the id"])
async def test_a_client_gets_a_token_for_its_key(
    anonymous: httpx.AsyncClient, resources_of_app: Resources, owner: asyncpg.Connection, by: str
) -> None:
    async with resources_of_app.database.write() as session:
        clients = resources_of_app.build(ClientService, session)
        client = await clients.create(SYSTEM, "loader", ["ENGINEER"])
        key, text = await clients.issue_key(SYSTEM, client.id)
    data, headers = {"grant_type": "client_credentials"}, {}
    if by == "form":
        data |= {"client_id": "loader", "client_secret": text}
    else:
        id_ = "loader" if by == "basic" else str(client.id)
        headers["Authorization"] = "Basic " + base64.b64encode(f"{id_}:{text}".encode()).decode()
    answer = await anonymous.post(TOKEN, data=data, headers=headers)
    assert answer.status_code == 200, answer.text
    caller = (await _me(anonymous, answer.json()["access_token"])).json()
    assert (caller["kind"], caller["name"], caller["roles"]) == ("api_client", "loader", ["ENGINEER"])
    (row,) = await _audited(owner, "client:login")
    assert (row["outcome"], json.loads(row["after"])["key"]) == ("success", str(key.id))


async def test_a_client_with_another_clients_key_or_a_dead_one_is_refused(
    anonymous: httpx.AsyncClient, resources_of_app: Resources, owner: asyncpg.Connection
) -> None:
    async with resources_of_app.database.write() as session:
        clients = resources_of_app.build(ClientService, session)
        one = await clients.create(SYSTEM, "one", ["ENGINEER"])
        await clients.create(SYSTEM, "two", ["ADMIN"])
        key, text = await clients.issue_key(SYSTEM, one.id)
        revoked, dead = await clients.issue_key(SYSTEM, one.id)
        await clients.revoke_key(SYSTEM, one.id, revoked.id)
    wrong = text[:-1] + ("x" if text[-1] != "x" else "y")
    for client_id, secret in (("two", text), ("one", dead), ("one", wrong), ("one", "nonsense")):
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        answer = await anonymous.post(TOKEN, data=form)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    rows = await _audited(owner, "client:login")
    assert [row["outcome"] for row in rows] == ["failure"] * 4
    assert key.prefix not in str([dict(row) for row in rows])


async def test_a_log_in_is_possible_in_maintenance(
    anonymous: httpx.AsyncClient, admin: httpx.AsyncClient, identities: Identities
) -> None:
    name, _ = await identities.user("ADMIN")
    switched = await admin.put("/system/maintenance", json={"mode": "maintenance", "reason": "test"})
    assert switched.status_code == 200, switched.text
    assert (await _log_in(anonymous, name)).status_code == 200


async def test_no_secret_is_kept_in_the_clear(
    anonymous: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    name, _ = await identities.user("ADMIN")
    key = await identities.api_key("ADMIN")
    token = (await _log_in(anonymous, name)).json()["access_token"]
    await _log_in(anonymous, name, "a wrong password")
    for (table,) in await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'spyne'"):
        stored = await owner.fetchval(f"SELECT string_agg(t::text, ' ') FROM spyne.{table} t") or ""
        for secret in (PASSWORD, "a wrong password", token, token.split(".")[2], key, key.split("_", 2)[2]):
            assert secret not in stored, table
