"""`/api/users` and `/api/roles` over HTTP on the real database."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from tests.access.ends import shut_out
from tests.conftest import ClientOf
from tests.identities import PASSWORD, Identities
from tests.waiting import eventually


async def made(admin: httpx.AsyncClient, name: str, *roles: str, **more: Any) -> httpx.Response:
    answer = await admin.post("/api/users", json={"username": name, "roles": list(roles) or ["VIEWER"], **more})
    assert answer.status_code == 201, answer.text
    return answer


async def logged_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> httpx.Response:
    form = {"grant_type": "password", "username": name, "password": password}
    return await client.post("/api/auth/token", data=form)


async def bearer(client: httpx.AsyncClient, name: str, password: str = PASSWORD) -> dict[str, str]:
    answer = await logged_in(client, name, password)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def last_entry(owner: asyncpg.Connection) -> dict[str, Any]:
    row = dict(await owner.fetchrow("SELECT * FROM spyne.audit_log ORDER BY id DESC LIMIT 1"))
    return row | {side: json.loads(row[side]) if row[side] else None for side in ("before", "after")}


async def test_a_person_is_made_changed_and_removed(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    answer = await made(admin, " Ada ", "ANALYST", "VIEWER", email="ada@example.org", password=PASSWORD)
    person = answer.json()
    assert answer.headers["location"] == f"/api/users/{person['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert (person["username"], person["roles"], person["one_time_password"]) == ("ada", ["ANALYST", "VIEWER"], None)
    assert (person["status"], person["provider"], person["must_change_password"]) == ("active", "local", False)
    path = answer.headers["location"]
    read = await admin.get(path)
    assert (read.json(), read.headers["etag"]) == (
        {name: value for name, value in person.items() if name != "one_time_password"},
        answer.headers["etag"],
    )
    headers = await bearer(anonymous, "ada")
    changed = await admin.patch(path, json={"display_name": "Lady Ada", "email": None})
    assert (changed.status_code, changed.json()["display_name"], changed.json()["email"]) == (200, "Lady Ada", None)
    assert changed.headers["etag"] != read.headers["etag"]
    assert changed.json()["updated_at"] > person["updated_at"]
    entry = await last_entry(owner)
    assert (entry["action"], entry["before"], entry["after"]) == (
        "user:update",
        {"display_name": None, "email": "ada@example.org"},
        {"display_name": "Lady Ada", "email": None},
    )
    assert (await anonymous.get("/api/auth/me", headers=headers)).status_code == 200
    removed = await admin.delete(path)
    assert (removed.status_code, removed.content) == (204, b"")
    entry = await last_entry(owner)
    assert (entry["action"], entry["verb"], entry["entity_label"], entry["after"]) == (
        "user:delete",
        "DELETE",
        "ada",
        None,
    )
    await shut_out(anonymous, headers)
    assert (await logged_in(anonymous, "ada")).status_code == 400
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"status": "active"})):
        assert (await admin.request(method, path, json=body)).status_code == 404
    labels = await owner.fetch("SELECT actor_label FROM spyne.audit_log WHERE actor_id = $1", person["id"])
    assert {label for (label,) in labels} == {"ada"}


async def test_what_is_the_same_already_is_no_change(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    answer = await made(admin, "ada")
    path, tag = answer.headers["location"], answer.headers["etag"]
    before = await owner.fetchval("SELECT count(*) FROM spyne.audit_log")
    for change in (
        admin.patch(path, json={"status": "active"}),
        admin.put(f"{path}/roles", json={"roles": ["VIEWER"]}),
    ):
        same = await change
        assert (same.status_code, same.headers["etag"]) == (200, tag)
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log") == before


async def test_people_are_found(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    await made(admin, "ada", "ANALYST", email="ada@example.org", display_name="Ada Lovelace")
    await made(admin, "grace_h", "ENGINEER", "ANALYST", display_name="Grace Hopper")
    disabled = (await made(admin, "gracexh", "VIEWER", email="GH@EXAMPLE.ORG")).headers["location"]
    await admin.patch(disabled, json={"status": "disabled"})
    await owner.execute(
        "INSERT INTO spyne.users (username, auth_provider, provider_issuer, provider_subject) "
        "VALUES ('eve', 'oidc', 'i', 's')"
    )
    cases = {
        "q=LOVE": ["ada"],
        "q=example.org": ["gracexh", "ada"],
        "q=grace_h": ["grace_h"],
        "q=%25": [],
        "q=%5C": [],
        "role=ANALYST": ["grace_h", "ada"],
        "status=disabled": ["gracexh"],
        "provider=oidc": ["eve"],
        "q=grace&role=VIEWER&status=disabled": ["gracexh"],
        "q=nobody": [],
    }
    for query, names in cases.items():
        answer = await admin.get(f"/api/users?{query}")
        assert [item["username"] for item in answer.json()["items"]] == names, (query, answer.text)
    first = (await admin.get("/api/users?limit=2&provider=local")).json()
    second = (await admin.get(f"/api/users?limit=2&provider=local&cursor={first['next_cursor']}")).json()
    assert [item["username"] for item in first["items"] + second["items"]][:3] == ["gracexh", "grace_h", "ada"]


async def test_a_stale_etag_changes_nothing(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    answer = await made(admin, "ada")
    path, stale = answer.headers["location"], {"If-Match": answer.headers["etag"]}
    fresh = {"If-Match": (await admin.patch(path, json={"display_name": "A"}, headers=stale)).headers["etag"]}
    before = await owner.fetchval("SELECT count(*) FROM spyne.audit_log")
    for method, where, body in (
        ("PATCH", path, {"display_name": "B"}),
        ("PUT", f"{path}/roles", {"roles": ["ADMIN"]}),
        ("DELETE", path, None),
    ):
        refused = await admin.request(method, where, json=body, headers=stale)
        assert (refused.status_code, refused.json()["code"]) == (412, "precondition-failed")
        assert refused.headers["etag"] == fresh["If-Match"]
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log") == before
    assert (await admin.put(f"{path}/roles", json={"roles": []}, headers=fresh)).json()["roles"] == []


async def test_of_many_changes_of_one_version_one_is_made(admin: httpx.AsyncClient) -> None:
    answer = await made(admin, "ada")
    path, tag = answer.headers["location"], {"If-Match": answer.headers["etag"]}
    answers = await asyncio.gather(
        *(admin.patch(path, json={"display_name": f"Ada {n}"}, headers=tag) for n in range(6)),
        *(admin.put(f"{path}/roles", json={"roles": ["ANALYST"]}, headers=tag) for _ in range(2)),
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_a_disabled_person_is_out_within_a_second_and_for_good(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    path = (await made(admin, "ada", password=PASSWORD)).headers["location"]
    headers = await bearer(anonymous, "ada")
    assert (await anonymous.get("/api/auth/me", headers=headers)).status_code == 200
    assert (await admin.patch(path, json={"status": "disabled"})).json()["status"] == "disabled"
    assert (await last_entry(owner))["action"] == "user:disable"
    await shut_out(anonymous, headers)
    assert (await logged_in(anonymous, "ada")).status_code == 400
    assert (await admin.patch(path, json={"status": "active"})).status_code == 200
    fresh: dict[str, str] = {}

    async def let_in() -> bool:
        answer = await logged_in(anonymous, "ada")
        assert answer.status_code == 200
        fresh["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return (await anonymous.get("/api/auth/me", headers=fresh)).status_code == 200

    await eventually(let_in, what="what is new of an enabled person")
    assert (await anonymous.get("/api/auth/me", headers=headers)).status_code == 401, "what was ended stays so"
    assert (await logged_in(anonymous, "ada")).status_code == 200


async def test_bad_requests_tell_every_fault(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    path = (await made(admin, "taken")).headers["location"]
    nobody = f"/api/users/{uuid4()}"
    good: dict[str, Any] = {"username": "ada", "roles": ["VIEWER"]}
    cases: list[tuple[str, str, Any, int, list[str]]] = [
        ("POST", "/api/users", {}, 422, ["/username", "/roles"]),
        ("POST", "/api/users", good | {"username": "a b", "password": "short"}, 422, ["/username", "/password"]),
        (
            "POST",
            "/api/users",
            good | {"username": "ada lovelace", "password": "ada"},
            422,
            ["/username"] + ["/password"] * 2,
        ),
        ("POST", "/api/users", good | {"roles": ["ROOT", "VIEWER", "X"]}, 422, ["/roles/0", "/roles/2"]),
        ("POST", "/api/users", good | {"email": "no address", "display_name": ""}, 422, ["/email", "/display_name"]),
        ("POST", "/api/users", good | {"email": "a\nb@c"}, 422, ["/email"]),
        ("POST", "/api/users", good | {"admin": True}, 422, ["/admin"]),
        ("POST", "/api/users", good | {"username": "TAKEN"}, 409, []),
        ("POST", "/api/users", good | {"password": "x" * 1025}, 422, ["/password"]),
        ("PATCH", path, {}, 422, [""]),
        ("PATCH", path, {"status": "deleted"}, 422, ["/status"]),
        ("PATCH", path, {"username": "other"}, 422, ["/username"]),
        ("PATCH", nobody, {"status": "active"}, 404, []),
        ("PUT", f"{path}/roles", {}, 422, ["/roles"]),
        ("PUT", f"{nobody}/roles", {"roles": []}, 404, []),
        ("DELETE", nobody, None, 404, []),
        ("GET", "/api/users/1", None, 422, ["path/user_id"]),
        (
            "GET",
            "/api/users?role=ROOT&status=x&provider=y",
            None,
            422,
            ["query/role", "query/status", "query/provider"],
        ),
        ("POST", f"{nobody}/password", {}, 404, []),
        ("POST", f"{path}/password", {"password": "password1234"}, 422, ["/password"]),
        ("POST", f"{path}/password", {"password": "1234"}, 422, ["/password"] * 2),
    ]
    before = await owner.fetchval("SELECT count(*) FROM spyne.audit_log")
    for method, where, body, status, pointers in cases:
        answer = await admin.request(method, where, json=body)
        assert answer.status_code == status, (where, body, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert [fault["pointer"] for fault in answer.json().get("faults", [])] == pointers, (where, body, answer.text)
        assert "password1234" not in answer.text
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log") == before


async def test_the_matrix_is_everybodys_and_the_numbers_are_an_admins(
    admin: httpx.AsyncClient, as_role: ClientOf, identities: Identities
) -> None:
    viewer = await as_role("VIEWER", "ANALYST")
    await identities.api_key("ANALYST")
    shown = (await viewer.get("/api/roles")).json()["roles"]
    assert [role["name"] for role in shown] == sorted(role["name"] for role in shown)
    assert {role["holders"] for role in shown} == {None}
    (analyst,) = [role for role in shown if role["name"] == "ANALYST"]
    assert [permission["name"] for permission in analyst["permissions"]] == [
        "contracts:read",
        "exports:run",
        "flags:evaluate",
        "joins:read",
        "query:correct",
        "query:override-joins",
        "query:run",
        "tables:read",
    ]
    assert all(permission["description"] for permission in analyst["permissions"])
    numbers = {role["name"]: role["holders"] for role in (await admin.get("/api/roles")).json()["roles"]}
    assert numbers["ANALYST"] == {"users": 1, "clients": 1}
    assert numbers["ADMIN"] == {"users": 1, "clients": 0}
