"""`/api/clients`: service clients and their keys over HTTP."""

import json
from typing import Any

import asyncpg
import httpx

from tests.access.ends import shut_out
from tests.conftest import ClientOf


async def _made(admin: httpx.AsyncClient, name: str = "loader", *roles: str) -> dict[str, Any]:
    answer = await admin.post("/api/clients", json={"name": name, "roles": list(roles) or ["ENGINEER"]})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_the_life_of_a_key(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    client = await _made(admin, "Nightly-Loader")
    assert (client["name"], client["roles"], client["keys"]) == ("nightly-loader", ["ENGINEER"], [])
    issued = await admin.post(f"/api/clients/{client['id']}/keys", json={"expires_at": "2999-01-01T00:00:00+02:00"})
    assert issued.status_code == 201, issued.text
    assert issued.headers["cache-control"] == "no-store"
    key = issued.json()
    headers = {"X-API-Key": key["key"]}
    me = (await anonymous.get("/api/auth/me", headers=headers)).json()
    assert (me["kind"], me["name"], me["credential"]["kind"]) == ("api_client", "nightly-loader", "api_key")
    assert me["credential"]["expires_at"] == key["expires_at"] == "2998-12-31T22:00:00Z"
    (listed,) = (await admin.get("/api/clients")).json()["items"]
    assert [shown["prefix"] for shown in listed["keys"]] == [key["prefix"]]
    assert key["key"] not in json.dumps(listed)
    revoked = await admin.delete(f"/api/clients/{client['id']}/keys/{key['id']}")
    assert (revoked.status_code, revoked.content) == (204, b"")
    await shut_out(anonymous, headers)
    again = await admin.delete(f"/api/clients/{client['id']}/keys/{key['id']}")
    assert (again.status_code, again.json()["code"]) == (409, "key-revoked")
    actions = [action for (action,) in await owner.fetch("SELECT action FROM spyne.audit_log ORDER BY id")]
    assert actions[-3:] == ["client:create", "key:issue", "key:revoke"]


async def test_only_admins_administer(as_role: ClientOf, admin: httpx.AsyncClient) -> None:
    client = await _made(admin)
    engineer = await as_role("ENGINEER")
    for method, path in (
        ("GET", "/api/clients"),
        ("POST", "/api/clients"),
        ("POST", f"/api/clients/{client['id']}/keys"),
        ("DELETE", f"/api/clients/{client['id']}/keys/{client['id']}"),
    ):
        answer = await engineer.request(method, path, json={"name": "x", "roles": []} if path == "/api/clients" else {})
        assert (answer.status_code, answer.json()["missing"]) == (403, ["users:admin"])


async def test_pages_of_clients(admin: httpx.AsyncClient) -> None:
    names = [(await _made(admin, f"client-{number}"))["name"] for number in range(5)]
    first = (await admin.get("/api/clients?limit=3")).json()
    second = (await admin.get(f"/api/clients?limit=3&cursor={first['next_cursor']}")).json()
    assert [item["name"] for item in first["items"] + second["items"]] == names[::-1]
    assert second["next_cursor"] is None


async def test_bad_requests_are_told(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    client = await _made(admin)
    keys = f"/api/clients/{client['id']}/keys"
    nobody = "/api/clients/01890a5d-ac96-774b-bcce-b302099a8057"
    cases: list[tuple[str, str, Any, int, str]] = [
        ("POST", "/api/clients", {"name": "a b", "roles": []}, 422, "/name"),
        ("POST", "/api/clients", {"name": "", "roles": []}, 422, "/name"),
        ("POST", "/api/clients", {"name": "x", "roles": ["ROOT"]}, 422, "/roles/0"),
        ("POST", "/api/clients", {"name": "x", "roles": [], "admin": True}, 422, "/admin"),
        ("POST", "/api/clients", {"name": "x"}, 422, "/roles"),
        ("POST", "/api/clients", {"name": "x", "roles": [], "description": "y" * 501}, 422, "/description"),
        ("POST", "/api/clients", {"name": "loader", "roles": []}, 409, ""),
        ("POST", keys, {"expires_at": "2020-01-01T00:00:00Z"}, 422, "/expires_at"),
        ("POST", keys, {"expires_at": "2020-01-01T00:00:00"}, 422, "/expires_at"),
        ("POST", keys, {"expires_at": "9999-12-31T23:59:59-14:00"}, 422, "/expires_at"),
        ("POST", keys, {"expires_at": 10**30}, 422, "/expires_at"),
        ("POST", f"{nobody}/keys", {}, 404, ""),
        ("POST", "/api/clients/1/keys", {}, 422, "path/client_id"),
        ("DELETE", f"{keys}/01890a5d-ac96-774b-bcce-b302099a8057", None, 404, ""),
        ("DELETE", f"{keys}/x", None, 422, "path/key_id"),
    ]
    before = await owner.fetchval("SELECT count(*) FROM spyne.audit_log")
    for method, path, body, status, pointer in cases:
        answer = await admin.request(method, path, json=body)
        assert answer.status_code == status, (path, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        pointers = [fault["pointer"] for fault in answer.json().get("faults", [])]
        assert pointers == ([pointer] if pointer else [])
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log") == before
    assert await owner.fetchval("SELECT count(*) FROM spyne.api_keys") == 0


async def test_a_fresh_key_works_at_once_beside_one_in_use(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    client = (await admin.post("/api/clients", json={"name": "loader", "roles": ["VIEWER"]})).json()["id"]
    for _ in range(3):
        key = (await admin.post(f"/api/clients/{client}/keys", json={})).json()["key"]
        headers = {"X-API-Key": key}
        assert (await anonymous.get("/api/auth/me", headers=headers)).status_code == 200
        form = {"grant_type": "client_credentials", "client_id": "loader", "client_secret": key}
        token = (await anonymous.post("/api/auth/token", data=form)).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        assert (await anonymous.get("/api/auth/me", headers=bearer)).status_code == 200
