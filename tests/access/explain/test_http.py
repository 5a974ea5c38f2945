"""`GET /api/auth/me?explain=` over HTTP: what it says is what happens."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.kernel.security.authorization import Permission, needed_permissions
from tests.conftest import ClientOf
from tests.identities import PASSWORD, Identities
from tests.waiting import known_at_the_door


async def explained(client: httpx.AsyncClient, operation: str, **headers: str) -> dict[str, Any]:
    answer = await client.get("/api/auth/me", params={"explain": operation}, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["explanation"]
    return found


async def test_an_analyst_is_told_why(analyst: httpx.AsyncClient) -> None:
    assert (await analyst.get("/api/auth/me")).json()["explanation"] is None
    allowed = await explained(analyst, "execute_query")
    assert (allowed["allowed"], allowed["obstacles"]) == (True, [])
    (check,) = allowed["permissions"]
    assert (check["permission"], check["held"], check["roles"], check["narrowed_by"]) == (
        "query:run",
        True,
        ["ANALYST"],
        [],
    )
    denied = await explained(analyst, "promote_table")
    assert (denied["method"], denied["path"]) == ("POST", "/api/tables/{table}/promote")
    assert [each["code"] for each in denied["obstacles"]] == ["permission-missing"]
    assert denied["permissions"][0]["roles"] == []


async def test_a_narrowed_token_and_a_narrowed_key_are_told_apart(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, identities: Identities
) -> None:
    name, _ = await identities.user("ADMIN")
    form = {"grant_type": "password", "username": name, "password": PASSWORD, "scope": "query:run"}
    token = (await anonymous.post("/api/auth/token", data=form)).json()["access_token"]
    found = await explained(anonymous, "promote_table", Authorization=f"Bearer {token}")
    assert [each["code"] for each in found["obstacles"]] == ["token-scope"]
    assert found["permissions"][0]["roles"] == ["ADMIN"]
    client = (await admin.post("/api/clients", json={"name": "loader", "roles": ["ENGINEER", "ADMIN"]})).json()
    body = {"scopes": ["query:run", "tables:promote"]}
    key = (await admin.post(f"/api/clients/{client['id']}/keys", json=body)).json()["key"]
    found = await explained(anonymous, "register_contract", **{"X-API-Key": key})
    assert [each["code"] for each in found["obstacles"]] == ["key-scope"]
    assert found["permissions"][0]["roles"] == ["ADMIN", "ENGINEER"]
    form = {"grant_type": "client_credentials", "client_id": "loader", "client_secret": key, "scope": "query:run"}
    token = (await anonymous.post("/api/auth/token", data=form)).json()["access_token"]
    found = await explained(anonymous, "register_contract", Authorization=f"Bearer {token}")
    assert found["permissions"][0]["narrowed_by"] == ["token-scope", "key-scope"]
    found = await explained(anonymous, "promote_table", Authorization=f"Bearer {token}")
    assert found["permissions"][0]["narrowed_by"] == ["token-scope"]


@pytest.mark.parametrize(
    ("mode", "stopped"),
    [
        ("read_only", {"create_user": "read-only", "promote_table": "read-only", "execute_query": None}),
        ("maintenance", {"create_user": "maintenance", "execute_query": "maintenance", "set_maintenance": None}),
    ],
)
async def test_the_mode_is_told(
    app: FastAPI, admin: httpx.AsyncClient, mode: str, stopped: dict[str, str | None]
) -> None:
    await admin.put("/system/maintenance", json={"mode": mode, "reason": "a disk is changed"})
    await known_at_the_door(app, mode)
    for operation, code in {**stopped, "list_users": None}.items():
        found = await explained(admin, operation)
        assert [each["code"] for each in found["obstacles"]] == ([code] if code else []), operation
        assert not code or found["obstacles"][0]["message"] == "a disk is changed"


async def test_a_one_time_password_is_told(admin: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    person = (await admin.post("/api/users", json={"username": "ada", "roles": ["ADMIN"]})).json()
    form = {"grant_type": "password", "username": "ada", "password": person["one_time_password"]}
    token = (await anonymous.post("/api/auth/token", data=form)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert [each["code"] for each in (await explained(anonymous, "list_users", **headers))["obstacles"]] == [
        "password-change-needed"
    ]
    for operation in ("set_user_password", "get_caller"):
        assert (await explained(anonymous, operation, **headers))["allowed"], operation


async def test_an_unknown_operation_is_refused_with_the_nearest(analyst: httpx.AsyncClient) -> None:
    answer = await analyst.get("/api/auth/me?explain=promote_tabel")
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-operation")
    assert answer.json()["nearest"][0] == "promote_table"
    assert [fault["pointer"] for fault in answer.json()["faults"]] == ["query/explain"]


async def test_every_operation_is_explained_as_it_is_declared(as_role: ClientOf, document: dict[str, Any]) -> None:
    """Each operation of the document: its permissions are those of its route, and nobody without roles has one."""
    nobody = await as_role()
    wrong = []
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            found = await explained(nobody, described["operationId"])
            scopes = [scope for each in described.get("security", ()) for scope in each.get("oauth2", ())]
            told = (found["method"], found["path"], [each["permission"] for each in found["permissions"]])
            if told != (method.upper(), path, sorted(scopes)) or found["allowed"] == bool(scopes):
                wrong.append((described["operationId"], told, scopes))
            assert found["needs_credential"] == bool(described.get("security"))
    assert wrong == []


def test_what_a_route_needs_is_read_from_its_dependencies(app: FastAPI) -> None:
    routes = {route.operation_id: route for route in app.routes if isinstance(route, APIRoute)}
    assert needed_permissions(routes["list_users"].dependant) == (Permission.USERS_ADMIN,)
    assert needed_permissions(routes["get_caller"].dependant) == ()
    assert needed_permissions(routes["issue_token"].dependant) is None
