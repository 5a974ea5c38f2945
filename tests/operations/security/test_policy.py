"""The security policy and the tables of rules over HTTP: versioned, checked, audited, in force within a second."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.security.policy import SecurityPolicy
from app.operations.security.documents import PolicyDocument
from app.wiring import worker_background
from tests.conftest import ClientOf
from tests.operations.security.conftest import ROOT, At, client_at, settled, within_a_second

PATH = f"{ROOT}/policy"
TABLES = {"rate-limits": "security:rate-limits-change", "responses": "security:responses-change"}


async def read(client: httpx.AsyncClient, path: str = PATH) -> tuple[dict[str, Any], str]:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json(), answer.headers["ETag"]


async def put(client: httpx.AsyncClient, document: dict[str, Any], **params: str) -> httpx.Response:
    return await client.put(PATH, json=document, params=params)


def test_the_defaults_are_within_their_own_bounds() -> None:
    assert PolicyDocument.of(SecurityPolicy()).policy() == SecurityPolicy()


def test_a_policy_of_another_version_is_read() -> None:
    told = {"passwords": {"min_length": 20, "of_the_future": 1}, "allowed_networks": ["203.0.113.0/24"], "more": {}}
    policy = PolicyDocument.stored(told).policy()
    assert (policy.passwords.min_length, policy.passwords.refuse_common) == (20, True)
    assert [str(network) for network in policy.allowed_networks] == ["203.0.113.0/24"]
    assert policy.sessions == SecurityPolicy().sessions
    assert PolicyDocument.stored({}).policy() == SecurityPolicy()


async def test_a_policy_is_versioned_and_audited(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    document, tag = await read(admin)
    document["passwords"]["min_length"] = 16
    document["never_blocked"] = ["198.51.100.0/24", "2001:DB8::/32", "198.51.100.0/24"]
    answer = await admin.put(PATH, json=document, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    document["never_blocked"] = ["198.51.100.0/24", "2001:db8::/32"]
    assert answer.json() == document
    assert await read(admin) == (document, answer.headers["ETag"])
    assert (await admin.put(PATH, json=document, headers={"If-Match": tag})).status_code == 412
    (entry,) = await owner.fetch("SELECT * FROM spyne.audit_log WHERE action = 'security:policy-change'")
    assert "16" in entry["after"]
    assert "198.51.100.0/24" in entry["after"]


async def test_of_changes_at_once_one_wins(admin: httpx.AsyncClient) -> None:
    document, tag = await read(admin)
    answers = await asyncio.gather(*(admin.put(PATH, json=document, headers={"If-Match": tag}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]


async def test_every_fault_is_listed(admin: httpx.AsyncClient) -> None:
    document, tag = await read(admin)
    wrong = document | {
        "passwords": {"min_length": 0, "refuse_common": "perhaps"},
        "uploads": {"max_body_bytes": 1, "max_batch_bytes": -1},
        "allowed_networks": ["203.0.113.9/24", "everywhere", "203.0.113.0/24"],
        "more": 1,
    }
    answer = await put(admin, wrong)
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["faults"]} == {
        "/passwords/min_length", "/passwords/refuse_common", "/uploads/max_body_bytes", "/uploads/max_batch_bytes",
        "/allowed_networks/0", "/allowed_networks/1", "/more",
    }  # fmt: skip
    document["sessions"] |= {"idle_seconds": 7200, "absolute_seconds": 3600}
    document["lockout"] |= {"failures": 50, "failures_per_name": 3, "window_seconds": 600, "wide_window_seconds": 60}
    answer = await put(admin, document)
    assert (answer.status_code, [fault["pointer"] for fault in answer.json()["faults"]]) == (
        422,
        ["/sessions/idle_seconds", "/lockout/failures_per_name", "/lockout/wide_window_seconds"],
    )
    assert (await read(admin))[1] == tag, "nothing was changed"


async def test_a_policy_that_would_lock_its_author_out_is_refused(app: FastAPI, admin: httpx.AsyncClient) -> None:
    document, _ = await read(admin)
    document["allowed_networks"] = ["203.0.113.0/24"]
    bearer = {"Authorization": admin.headers["Authorization"]}
    async with client_at(app, "198.51.100.7", **bearer) as elsewhere, client_at(app, "203.0.113.7", **bearer) as inside:
        refused = await put(elsewhere, document)
        assert (refused.status_code, refused.json()["code"]) == (409, "would-lock-out")
        proxied = client_at(app, "127.0.0.1", **bearer, **{"X-Forwarded-For": "203.0.113.7"})
        assert (await put(proxied, document)).status_code == 409, "a proxy that nobody has told us to trust"
        assert (await put(inside, document)).status_code == 200
        assert (await put(admin, document)).status_code == 200, "this machine itself is always let in"
        assert (await put(elsewhere, document)).status_code in {403, 409}
        await settled(admin)
        assert (await put(elsewhere, document | {"allowed_networks": []})).status_code == 403
        forced = await put(inside, document | {"allowed_networks": ["192.0.2.0/24"]}, force="true")
        assert forced.status_code == 200


async def test_allowed_networks_hold_everywhere_within_a_second(
    app: FastAPI, second: FastAPI, admin: httpx.AsyncClient, at: At
) -> None:
    document, _ = await read(admin)
    document["allowed_networks"] = ["203.0.113.0/24"]
    async with client_at(second, "198.51.100.7") as stranger, client_at(second, "203.0.113.7") as friend:
        assert (await stranger.get("/api/tables")).status_code == 401
        assert (await put(admin, document)).status_code == 200

        async def refused() -> bool:
            return (await stranger.get("/api/tables")).status_code == 403

        await within_a_second(refused)
        answer = await stranger.get("/api/tables")
        assert answer.json()["code"] == "network-refused"
        assert (await stranger.get("/health/live")).status_code == 200, "load balancers ask from anywhere"
        assert (await friend.get("/api/tables")).status_code == 401
        await settled(admin)
        assert (await at("127.0.0.1").get("/api/tables")).status_code == 401, "this machine itself"
        assert (await at("127.0.0.1", **{"X-Forwarded-For": "1.2.3.4"}).get("/api/tables")).status_code == 403
    assert app.state.resources.policy.current() == second.state.resources.policy.current()


async def test_upload_bounds_are_lowered_and_never_raised(
    app: FastAPI,
    admin: httpx.AsyncClient,
    open_for_data: None,  # noqa: ARG001 - for what it does
) -> None:
    document, _ = await read(admin)
    document["uploads"] = {"max_body_bytes": 65_536, "max_batch_bytes": 1_024}
    assert (await put(admin, document)).status_code == 200

    async def body(size: int, path: str = "/api/contracts/register") -> int:
        return (await admin.post(path, content=b" " * size, headers={"Content-Type": "application/json"})).status_code

    async def in_force() -> bool:
        return await body(70_000) == 413

    await within_a_second(in_force)
    assert await body(60_000) != 413
    assert await body(2_000, "/api/ingestion/none_v1/batches") == 413
    assert await body(1_000, "/api/ingestion/none_v1/batches") != 413
    document["uploads"] = {"max_body_bytes": 2**40, "max_batch_bytes": None}
    assert (await put(admin, document)).status_code == 200

    async def back() -> bool:
        return await body(70_000) != 413

    await within_a_second(back)
    assert await body(app.state.resources.settings.server.max_body_bytes + 1) == 413


async def test_a_worker_knows_the_policy_too(app: FastAPI, admin: httpx.AsyncClient) -> None:
    resources = app.state.resources
    task = next(each for each in worker_background() if each.name == "decisions")
    document, _ = await read(admin)
    document["passwords"]["min_length"] = 20
    assert (await put(admin, document)).status_code == 200
    resources.policy.replace(SecurityPolicy())
    async with task.run(resources):
        assert resources.policy.current().passwords.min_length == 20, "at its start"
        document["passwords"]["min_length"] = 30
        await put(admin, document)

        async def known() -> bool:
            return bool(resources.policy.current().passwords.min_length == 30)

        await within_a_second(known)


@pytest.mark.parametrize("table", TABLES)
async def test_tables_of_rules_are_replaced_as_a_whole(
    table: str, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    path = f"{ROOT}/{table}"
    document, tag = await read(admin, path)
    assert document["rules"]
    document["rules"][0]["enabled"] = not document["rules"][0]["enabled"]
    answer = await admin.put(path, json=document, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()) == (200, document)
    assert await read(admin, path) == (document, answer.headers["ETag"])
    answers = await asyncio.gather(
        *(admin.put(path, json=document, headers={"If-Match": answer.headers["ETag"]}) for _ in range(4))
    )
    assert sorted(each.status_code for each in answers) == [200, 412, 412, 412]
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = $1", TABLES[table]) == 2


async def test_faulty_tables_are_refused(admin: httpx.AsyncClient) -> None:
    limits, _ = await read(admin, f"{ROOT}/rate-limits")
    few = {"rules": limits["rules"][1:] + limits["rules"][2:3]}
    answer = await admin.put(f"{ROOT}/rate-limits", json=few)
    assert answer.status_code == 422
    assert {fault["code"] for fault in answer.json()["faults"]} == {"missing-rule", "repeated-rule"}
    responses, _ = await read(admin, f"{ROOT}/responses")
    twice = {"rules": [responses["rules"][0], responses["rules"][0]]}
    answer = await admin.put(f"{ROOT}/responses", json=twice)
    assert (answer.status_code, answer.json()["faults"][0]["pointer"]) == (422, "/rules/1")
    assert (await admin.put(f"{ROOT}/responses", json={"rules": []})).json() == {"rules": []}


async def test_the_permission_is_needed(as_role: ClientOf, anonymous: httpx.AsyncClient) -> None:
    engineer = await as_role("ENGINEER")
    for path in ("policy", "rate-limits", "responses", "blocks", "events", "actions", "honeypots"):
        assert (await anonymous.get(f"{ROOT}/{path}")).status_code == 401
        answer = await engineer.get(f"{ROOT}/{path}")
        assert (answer.status_code, answer.json()["missing"]) == (403, ["security:admin"])
