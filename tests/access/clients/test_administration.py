"""`/api/clients`: changes, scopes, rotation and limits over HTTP on the real database."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from app.kernel.runtime.resources import Resources
from app.kernel.security.credential_headers import CredentialKind, ShownCredential
from tests.access.ends import PROMISED_SECONDS, shut_out
from tests.promises import promised

PAST = "2020-01-01T00:00:00Z"


async def _made(admin: httpx.AsyncClient, *roles: str, **more: Any) -> httpx.Response:
    answer = await admin.post("/api/clients", json={"name": "loader", "roles": list(roles) or ["ENGINEER"], **more})
    assert answer.status_code == 201, answer.text
    return answer


async def _issued(admin: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await admin.post(f"{path}/keys", json=body)
    assert answer.status_code == 201, answer.text
    issued: dict[str, Any] = answer.json()
    return issued


async def _permissions(client: httpx.AsyncClient, **headers: str) -> list[str] | int:
    answer = await client.get("/api/auth/me", headers=headers)
    return answer.json()["permissions"] if answer.status_code == 200 else answer.status_code


async def _token(client: httpx.AsyncClient, key: str, **more: str) -> dict[str, Any]:
    form = {"grant_type": "client_credentials", "client_id": "loader", "client_secret": key} | more
    body: dict[str, Any] = (await client.post("/api/auth/token", data=form)).json()
    return body


async def test_a_client_is_read_and_changed(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    answer = await _made(admin, "VIEWER", description="loads", requests_per_minute=30)
    path, tag = answer.headers["location"], answer.headers["etag"]
    read = await admin.get(path)
    assert (read.json(), read.headers["etag"]) == (answer.json(), tag)
    key = (await _issued(admin, path, label="host 7"))["key"]
    assert "tables:read-shadow" not in (await _permissions(anonymous, **{"X-API-Key": key}))  # type: ignore[operator]  # a list
    body = {"roles": ["ENGINEER"], "description": "", "requests_per_minute": None}
    changed = await admin.patch(path, json=body, headers={"If-Match": tag})
    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in body} == body
    assert [each["label"] for each in changed.json()["keys"]] == ["host 7"]
    row = await owner.fetchrow("SELECT * FROM spyne.audit_log ORDER BY id DESC LIMIT 1")
    assert (row["action"], json.loads(row["before"]), json.loads(row["after"])) == (
        "client:update",
        {"roles": ["VIEWER"], "description": "loads", "requests_per_minute": 30},
        body,
    )
    stale = await admin.patch(path, json={"status": "disabled"}, headers={"If-Match": tag})
    assert (stale.status_code, stale.headers["etag"]) == (412, changed.headers["etag"])

    async def wider() -> bool:
        return "tables:read-shadow" in (await _permissions(anonymous, **{"X-API-Key": key}))  # type: ignore[operator]  # a list

    await promised(wider, PROMISED_SECONDS)
    assert (await admin.patch(path, json={"status": "disabled"})).json()["status"] == "disabled"
    await shut_out(anonymous, {"X-API-Key": key})


async def test_of_many_changes_of_one_version_one_is_made(admin: httpx.AsyncClient) -> None:
    answer = await _made(admin)
    path, tag = answer.headers["location"], {"If-Match": answer.headers["etag"]}
    answers = await asyncio.gather(
        *(admin.patch(path, json={"description": str(number)}, headers=tag) for number in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5


async def test_a_narrowed_key_gives_no_more_than_its_scopes(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    path = (await _made(admin, "ENGINEER")).headers["location"]
    issued = await _issued(admin, path, scopes=["tables:read", "ingestion:write", "tables:read"])
    assert issued["scopes"] == ["ingestion:write", "tables:read"]
    key = issued["key"]
    assert await _permissions(anonymous, **{"X-API-Key": key}) == ["ingestion:write", "tables:read"]
    refused = await anonymous.get("/api/contracts", headers={"X-API-Key": key})
    assert (refused.status_code, refused.json()["missing"]) == (403, ["contracts:read"])
    token = await _token(anonymous, key)
    assert token["scope"] == "ingestion:write tables:read"
    bearer = {"Authorization": f"Bearer {token['access_token']}"}
    assert await _permissions(anonymous, **bearer) == ["ingestion:write", "tables:read"]
    assert (await _token(anonymous, key, scope="tables:read query:run"))["scope"] == "tables:read"
    assert (await _token(anonymous, key, scope="query:run"))["error"] == "invalid_scope"
    await admin.patch(path, json={"roles": ["VIEWER"]})

    async def narrower() -> bool:
        for headers in ({"X-API-Key": key}, bearer):
            assert await _permissions(anonymous, **headers) == ["tables:read"], "what the roles lost, the key has lost"
        return True

    await promised(narrower, PROMISED_SECONDS)


async def test_a_rotation_replaces_a_key_with_a_grace(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    path = (await _made(admin)).headers["location"]
    old = await _issued(admin, path, scopes=["query:run"], label="host 7")
    answer = await admin.post(f"{path}/keys/{old['id']}/rotate", json={})
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    new = answer.json()
    assert (new["scopes"], new["label"], new["expires_at"]) == (["query:run"], "host 7", None)
    assert new["replaces"]["id"] == old["id"]
    left = datetime.fromisoformat(new["replaces"]["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    for key in (old["key"], new["key"]):
        assert await _permissions(anonymous, **{"X-API-Key": key}) == ["query:run"]
    keys = {key["id"]: key for key in (await admin.get(path)).json()["keys"]}
    assert (keys[old["id"]]["rotated_to"], keys[new["id"]]["rotated_to"]) == (new["id"], None)
    actions = [row[0] for row in await owner.fetch("SELECT action FROM spyne.audit_log ORDER BY id DESC LIMIT 2")]
    assert actions == ["key:issue", "key:rotate"]
    again = await admin.post(f"{path}/keys/{old['id']}/rotate", json={})
    assert (again.status_code, again.json()["code"]) == (409, "key-rotated")
    assert (await admin.delete(f"{path}/keys/{new['id']}")).status_code == 204
    revoked = await admin.post(f"{path}/keys/{new['id']}/rotate", json={})
    assert (revoked.status_code, revoked.json()["code"]) == (409, "key-revoked")


async def test_without_a_grace_the_old_key_and_its_tokens_end_within_a_second(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    path = (await _made(admin)).headers["location"]
    old = await _issued(admin, path)
    token = {"Authorization": f"Bearer {(await _token(anonymous, old['key']))['access_token']}"}
    for headers in ({"X-API-Key": old["key"]}, token):
        assert await _permissions(anonymous, **headers) != 401
    new = (await admin.post(f"{path}/keys/{old['id']}/rotate", json={"grace_seconds": 0})).json()
    await shut_out(anonymous, {"X-API-Key": old["key"]}, token)
    assert await _permissions(anonymous, **{"X-API-Key": new["key"]}) != 401


async def test_the_old_key_never_outlives_its_own_expiry(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    path = (await _made(admin)).headers["location"]
    soon = datetime.now(UTC) + timedelta(hours=1)
    old = await _issued(admin, path, expires_at=soon.isoformat())
    new = (await admin.post(f"{path}/keys/{old['id']}/rotate", json={"grace_seconds": 7200})).json()
    assert datetime.fromisoformat(new["replaces"]["expires_at"]) == soon
    assert soon <= datetime.fromisoformat(new["expires_at"]) <= datetime.now(UTC) + timedelta(hours=1)
    await owner.execute("UPDATE spyne.api_keys SET expires_at = now() - interval '1 s' WHERE id = $1", new["id"])
    expired = await admin.post(f"{path}/keys/{new['id']}/rotate", json={})
    assert (expired.status_code, expired.json()["code"]) == (409, "key-expired")


async def test_of_many_rotations_at_once_one_is_made(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    path = (await _made(admin)).headers["location"]
    old = await _issued(admin, path)
    answers = await asyncio.gather(*(admin.post(f"{path}/keys/{old['id']}/rotate", json={}) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    assert await owner.fetchval("SELECT count(*) FROM spyne.api_keys") == 2


async def test_every_fault_of_a_key_is_told(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    path = (await _made(admin, "VIEWER")).headers["location"]
    key = await _issued(admin, path)
    rotate = f"/keys/{key['id']}/rotate"
    cases: list[tuple[str, str, Any, list[str]]] = [
        ("POST", "/keys", {"scopes": ["tables:read", "audit:read", "users:admin"]}, ["/scopes/1", "/scopes/2"]),
        (
            "POST",
            "/keys",
            {"scopes": ["audit:read"], "expires_at": "2020-01-01T00:00:00Z"},
            ["/expires_at", "/scopes/0"],
        ),
        ("POST", "/keys", {"scopes": ["nothing:known", "x"]}, ["/scopes/0", "/scopes/1"]),
        ("POST", "/keys", {"scopes": []}, ["/scopes"]),
        ("POST", "/keys", {"label": "x" * 101}, ["/label"]),
        ("POST", rotate, {"grace_seconds": -1}, ["/grace_seconds"]),
        ("POST", rotate, {"grace_seconds": 2_592_001}, ["/grace_seconds"]),
        ("POST", rotate, {"expires_at": PAST}, ["/expires_at"]),
        ("PATCH", "", {"requests_per_minute": 0, "roles": ["ROOT"]}, ["/roles/0", "/requests_per_minute"]),
        ("PATCH", "", {"requests_per_minute": 10**30}, ["/requests_per_minute"]),
        ("PATCH", "", {"name": "other"}, ["/name"]),
        ("PATCH", "", {}, [""]),
    ]
    before = await owner.fetchval("SELECT count(*) FROM spyne.audit_log")
    for method, where, body, pointers in cases:
        answer = await admin.request(method, path + where, json=body)
        assert answer.status_code == 422, (where, body, answer.text)
        assert [fault["pointer"] for fault in answer.json()["faults"]] == pointers, answer.text
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log") == before


async def test_the_clients_own_rate_limit_is_known_to_whoever_counts(
    app: FastAPI, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    resources: Resources = app.state.resources
    answer = await _made(admin, requests_per_minute=700)
    path = answer.headers["location"]
    key = (await _issued(admin, path))["key"]
    shown = ShownCredential(CredentialKind.API_KEY, key.encode())
    assert resources.authenticator.recognised(shown) is None
    await _permissions(anonymous, **{"X-API-Key": key})
    found = resources.authenticator.recognised(shown)
    assert found is not None
    assert (found.subject, found.requests_per_minute) == (f"client:{answer.json()['id']}", 700)
    await admin.patch(path, json={"requests_per_minute": None})

    async def without_a_limit() -> bool:
        await _permissions(anonymous, **{"X-API-Key": key})
        found = resources.authenticator.recognised(shown)
        return found is not None and found.requests_per_minute is None

    await promised(without_a_limit, PROMISED_SECONDS)
