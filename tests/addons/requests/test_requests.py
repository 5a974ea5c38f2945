"""Requests over HTTP: filed, seen, submitted, decided, cancelled; four eyes; what is recorded."""

import asyncio
from itertools import combinations
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.access.clients.service import ClientService
from app.access.roles import Role
from app.addons.package.names import addon_name
from app.addons.requests.tracking.workflow import RequestStatus
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from tests.addons.requests.steps import REASON, ROOT, approved, document, filed, sampled, shown, submitted
from tests.conftest import ClientOf
from tests.identities import Identities
from tests.queries import recorded

WANTED = {"title": "T", "source_description": "S"}


async def test_a_request_is_filed_and_shown_whole(requestor: httpx.AsyncClient) -> None:
    wanted = WANTED | {
        "addon_name": "TA-acme", "index": "net", "sourcetype": "acme:vpn", "metadata": {"ticket": "N-1"}
    }  # fmt: skip
    answer = await requestor.post(ROOT, json=wanted)
    made = document(answer, 201)
    assert answer.headers["Location"] == f"{ROOT}/{made['id']}"
    assert {name: made[name] for name in wanted} == wanted
    assert (made["status"], made["actions"]) == ("NEW", ["submit", "cancel"])
    again = await requestor.get(answer.headers["Location"])
    assert again.headers["ETag"] == answer.headers["ETag"]
    assert document(again, 200) == made | {"history": []}


async def test_the_name_is_made_of_the_title(requestor: httpx.AsyncClient) -> None:
    made = document(await requestor.post(ROOT, json=WANTED | {"title": "Acme VPN & Co."}), 201)
    assert made["addon_name"] == addon_name("Acme VPN & Co.")


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no title": ({"source_description": "S"}, "/title"),
    "a blank title": (WANTED | {"title": " \t"}, "/title"),
    "a long title": (WANTED | {"title": "x" * 201}, "/title"),
    "a folder as a name": (WANTED | {"addon_name": "a/b"}, "/addon_name"),
    "an index with capitals": (WANTED | {"index": "Net"}, "/index"),
    "a source type with spaces": (WANTED | {"sourcetype": "a b"}, "/sourcetype"),
    "much metadata": (WANTED | {"metadata": {"x": "y" * 9_000}}, "/metadata"),
    "an unknown field": (WANTED | {"nope": 1}, "/nope"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_every_fault_is_named(requestor: httpx.AsyncClient, name: str) -> None:
    body, pointer = FAULTS[name]
    problem = document(await requestor.post(ROOT, json=body), 422)
    assert [fault["pointer"] for fault in problem["faults"]] == [pointer]


async def test_a_request_goes_its_way_and_all_of_it_is_recorded(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    request_id = await approved(requestor, approver)
    found = await shown(requestor, request_id)
    assert found["status"] == "APPROVED"
    assert found["decided_by"].startswith("approver")
    assert [step["action"] for step in found["history"]] == ["submit", "approve"]
    assert [step["to_status"] for step in found["history"]] == ["PENDING_APPROVAL", "APPROVED"]
    assert found["history"][1]["reason"] == "a test"
    rows = await owner.fetch("SELECT action FROM spyne.audit_log WHERE action LIKE 'addon-%' ORDER BY id")
    assert [row["action"] for row in rows] == [
        "addon-request:create", "addon-sample:upload", "addon-request:submit", "addon-request:approve"
    ]  # fmt: skip
    job = await owner.fetchrow("SELECT * FROM spyne.job_runs WHERE name = 'addons:generate'")
    assert job is not None
    assert found["links"]["job"] == f"/system/jobs/{job['id']}"
    assert (await requestor.get(found["links"]["job"])).status_code == 200


async def test_without_a_sample_nothing_is_submitted(requestor: httpx.AsyncClient) -> None:
    request_id = await filed(requestor)
    problem = document(await requestor.post(f"{ROOT}/{request_id}/submit"), 409)
    assert problem["code"] == "no-samples"


async def test_the_admin_who_filed_a_request_does_not_approve_it(admin: httpx.AsyncClient, as_role: ClientOf) -> None:
    request_id = await submitted(admin)
    for action in ("approve", "reject"):
        problem = document(await admin.post(f"{ROOT}/{request_id}/{action}", json=REASON), 403)
        assert problem["code"] == "own-request"
    assert (await shown(admin, request_id))["actions"] == ["cancel"]
    document(await (await as_role("ADMIN")).post(f"{ROOT}/{request_id}/approve", json=REASON), 200)


async def test_no_union_of_roles_approves_an_own_request(
    app: FastAPI, identities: Identities, owner: asyncpg.Connection, running: Resources
) -> None:
    """Roles come and go between filing and deciding; the person stays."""
    _, user_id = await identities.user("REQUESTOR")
    from_user = {"Authorization": f"Bearer {token(identities, user_id, running)}"}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://spyne.test", headers=from_user) as client:
        request_id = await submitted(client)
        for size in range(1, len(Role) + 1):
            for roles in combinations(Role, size):
                if not {Role.APPROVER, Role.ADMIN} & set(roles) or size not in {1, 2, len(Role)}:
                    continue
                await owner.execute("DELETE FROM spyne.user_roles WHERE user_id = $1", user_id)
                await owner.executemany(
                    "INSERT INTO spyne.user_roles VALUES ($1, $2)", [(user_id, str(role)) for role in roles]
                )
                running.authenticator._directory.forget(f"user:{user_id}")  # type: ignore[attr-defined]
                problem = document(await client.post(f"{ROOT}/{request_id}/approve", json=REASON), 403)
                assert problem["code"] == "own-request", roles


def token(identities: Identities, user_id: Any, resources: Resources) -> str:
    return identities._tokens.issue(f"user:{user_id}", resources.clock()).text


async def test_a_client_that_the_requestor_made_does_not_decide(
    app: FastAPI, identities: Identities, running: Resources
) -> None:
    _, me = await identities.user("ADMIN")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    base = {"transport": transport, "base_url": "http://spyne.test"}
    mine = {"Authorization": f"Bearer {token(identities, me, running)}"}
    async with httpx.AsyncClient(**base, headers=mine) as person:  # type: ignore[arg-type]
        request_id = await submitted(person)
        made = document(await person.post("/api/clients", json={"name": "helper", "roles": ["APPROVER"]}), 201)
        key = document(await person.post(f"/api/clients/{made['id']}/keys", json={}), 201)["key"]
        async with httpx.AsyncClient(**base, headers={"X-API-Key": key}) as client:  # type: ignore[arg-type]
            problem = document(await client.post(f"{ROOT}/{request_id}/approve", json=REASON), 403)
            assert problem["code"] == "own-request"
        # A client of others, to which the person issues a key, is a way to act as well.
        async with running.database.write() as session:
            clients = running.build(ClientService, session)
            others = await clients.create(SYSTEM, "others", ["APPROVER", "REQUESTOR"])
        key = document(await person.post(f"/api/clients/{others.id}/keys", json={}), 201)["key"]
        async with httpx.AsyncClient(**base, headers={"X-API-Key": key}) as client:  # type: ignore[arg-type]
            problem = document(await client.post(f"{ROOT}/{request_id}/approve", json=REASON), 403)
            assert problem["code"] == "own-request"
            from_client = await submitted(client)
        problem = document(await person.post(f"{ROOT}/{from_client}/approve", json=REASON), 403)
        assert problem["code"] == "own-request"


async def test_two_approvals_at_once_are_one(
    requestor: httpx.AsyncClient, as_role: ClientOf, owner: asyncpg.Connection
) -> None:
    request_id = await submitted(requestor)
    approvers = [await as_role("APPROVER") for _ in range(4)]
    answers = await asyncio.gather(
        *(each.post(f"{ROOT}/{request_id}/approve", json=REASON) for each in approvers),
        approvers[0].post(f"{ROOT}/{request_id}/reject", json=REASON),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    refused = next(answer for answer in answers if answer.status_code == 409).json()
    assert refused["code"] == "wrong-status"
    assert refused["allowed"] == ["PENDING_APPROVAL"]
    jobs = await owner.fetchval("SELECT count(*) FROM spyne.job_runs WHERE name = 'addons:generate'")
    status = (await shown(requestor, request_id))["status"]
    assert jobs == (1 if status == "APPROVED" else 0)


async def test_a_stale_view_decides_nothing(requestor: httpx.AsyncClient, approver: httpx.AsyncClient) -> None:
    request_id = await filed(requestor)
    old = (await requestor.get(f"{ROOT}/{request_id}")).headers["ETag"]
    await sampled(requestor, request_id)
    assert (await requestor.post(f"{ROOT}/{request_id}/submit", headers={"If-Match": old})).status_code == 412
    document(await requestor.post(f"{ROOT}/{request_id}/submit"), 200)
    believed = REASON | {"from_status": "NEW"}
    assert document(await approver.post(f"{ROOT}/{request_id}/approve", json=believed), 409)["code"] == "wrong-status"
    assert (await shown(requestor, request_id))["status"] == "PENDING_APPROVAL"


async def test_a_request_is_seen_by_its_requestor_and_those_who_decide(
    requestor: httpx.AsyncClient, as_role: ClientOf, anonymous: httpx.AsyncClient
) -> None:
    request_id = await filed(requestor)
    seen = {"APPROVER": 200, "ADMIN": 200, "REQUESTOR": 404, "VIEWER": 403, "KNOWLEDGE_MANAGER": 403}
    for role, status in seen.items():
        client = await as_role(role)
        for path in ("", "/samples", "/revisions", "/validations"):
            assert (await client.get(f"{ROOT}/{request_id}{path}")).status_code == status, (role, path)
    assert (await anonymous.get(f"{ROOT}/{request_id}")).status_code == 401
    other = await as_role("REQUESTOR")
    for path in ("submit", "cancel", "retry"):
        assert (await other.post(f"{ROOT}/{request_id}/{path}", json=REASON)).status_code in {404, 422}
    assert document(await other.get(ROOT), 200)["items"] == []


async def test_who_may_not_cancel_is_told_who_may(requestor: httpx.AsyncClient, as_role: ClientOf) -> None:
    request_id = await submitted(requestor)
    both = await as_role("APPROVER", "REQUESTOR")
    problem = document(await both.post(f"{ROOT}/{request_id}/cancel", json=REASON), 403)
    assert problem["detail"] == "To cancel a request is for the requestor or an administrator."


@pytest.mark.parametrize(
    ("stage", "status", "code"),
    [
        ("NEW", "REJECTED", "withdrawn"),
        ("PENDING_APPROVAL", "REJECTED", "withdrawn"),
        ("APPROVED", "FAILED", "cancelled"),
    ],
)
async def test_cancelling_ends_a_request_by_where_it_stands(
    requestor: httpx.AsyncClient,
    approver: httpx.AsyncClient,
    owner: asyncpg.Connection,
    stage: str,
    status: str,
    code: str,
) -> None:
    match stage:
        case "NEW":
            request_id = await filed(requestor)
        case "PENDING_APPROVAL":
            request_id = await submitted(requestor)
        case _:
            request_id = await approved(requestor, approver)
    found = document(await requestor.post(f"{ROOT}/{request_id}/cancel", json={"reason": "no need"}), 200)
    assert (found["status"], found["reason_code"], found["reason"]) == (status, code, "no need")
    assert document(await requestor.post(f"{ROOT}/{request_id}/cancel", json=REASON), 409)["state"] == status
    if stage == "APPROVED":
        assert await owner.fetchval("SELECT cancel_requested_at FROM spyne.job_runs WHERE name = 'addons:generate'")
        again = document(await requestor.post(f"{ROOT}/{request_id}/retry", json=REASON), 200)
        assert (again["status"], again["reason_code"]) == ("APPROVED", None)
        assert await owner.fetchval("SELECT count(*) FROM spyne.job_runs WHERE name = 'addons:generate'") == 2


async def test_what_waits_for_approval_comes_first_for_approvers(
    requestor: httpx.AsyncClient, as_role: ClientOf
) -> None:
    first, second = await submitted(requestor), await submitted(requestor)
    new = [await filed(requestor) for _ in range(3)]
    third = await submitted(requestor)
    wanted = [first, second, third, *reversed(new)]
    approver = await as_role("APPROVER")
    found, place = [], f"{ROOT}?limit=2"
    while place:
        answer = await approver.get(place)
        found += [item["id"] for item in document(answer, 200)["items"]]
        link = answer.headers.get("Link")
        place = link.partition("<")[2].partition(">")[0] if link else ""
    assert found == wanted
    mine = document(await requestor.get(ROOT), 200)["items"]
    assert [item["id"] for item in mine] == [third, *reversed(new), second, first]
    waiting = document(await approver.get(f"{ROOT}?status=PENDING_APPROVAL"), 200)["items"]
    assert [item["id"] for item in waiting] == [first, second, third]
    assert document(await approver.get(f"{ROOT}?cursor=bm9wZQ"), 422)["code"] == "invalid-cursor"


async def test_statistics_count_what_is_seen(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, as_role: ClientOf
) -> None:
    empty = document(await requestor.get("/api/addons/statistics"), 200)
    assert empty["by_status"] == dict.fromkeys(RequestStatus, 0)
    assert (empty["oldest_waiting_seconds"], empty["time_by_status"]) == (None, {})
    await submitted(requestor)
    await approved(requestor, approver)
    for client in (requestor, approver):
        found = document(await client.get("/api/addons/statistics"), 200)
        assert found["by_status"] == dict.fromkeys(RequestStatus, 0) | {"PENDING_APPROVAL": 1, "APPROVED": 1}
        assert found["oldest_waiting_seconds"] > 0
        assert {status: each["requests"] for status, each in found["time_by_status"].items()} == {
            "NEW": 2, "PENDING_APPROVAL": 1
        }  # fmt: skip
    other = document(await (await as_role("REQUESTOR")).get("/api/addons/statistics"), 200)
    assert sum(other["by_status"].values()) == 0


async def test_how_many_statements_a_request_costs(
    requestor: httpx.AsyncClient, approver: httpx.AsyncClient, running: Resources
) -> None:
    request_id = await submitted(requestor)
    for _ in range(4):
        await submitted(requestor)
    await approver.get(ROOT)  # who asks is known by then
    costs = {}
    calls = (
        ("list", "GET", ROOT),
        ("get", "GET", f"{ROOT}/{request_id}"),
        ("samples", "GET", f"{ROOT}/{request_id}/samples"),
        ("statistics", "GET", "/api/addons/statistics"),
    )
    for name, method, path in calls:
        with recorded(running.database) as statements:
            assert (await approver.request(method, path)).status_code == 200
        costs[name] = len([each for each in statements if "spyne.addon" in each])
    assert costs == {"list": 1, "get": 2, "samples": 2, "statistics": 3}
    with recorded(running.database) as statements:
        document(await approver.post(f"{ROOT}/{request_id}/approve", json=REASON), 200)
    assert len(statements) <= 16, statements
