"""The log in the database: append-only, part of the change's transaction, readable by admins."""

from enum import StrEnum
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.access.users.service import UserService
from app.audit.log.repository import AuditReads, AuditWrites
from app.audit.log.service import AuditTrail, AuditUnavailable
from app.kernel import correlation
from app.kernel.db.database import MAX_ATTEMPTS, WriteSession
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM, Actor, ActorKind
from tests.conftest import ClientOf

ADA = Actor(ActorKind.USER, uuid4(), "ada")


class ThingAction(StrEnum):
    CREATE = "thing:create"
    CHANGE = "thing:change"
    REMOVE = "thing:remove"


async def _tell(resources: Resources, *actions: ThingAction, actor: Actor = ADA, **more: Any) -> None:
    async with resources.database.write() as session:
        trail = AuditTrail(session, resources.secret)
        for action in actions:
            await trail.append(actor, action, "thing", "t1", "Thing", **more)


async def test_a_row_tells_who_did_what_in_which_request(resources: Resources, owner: asyncpg.Connection) -> None:
    bound = correlation.bind("corr-1", f"00-{'a' * 32}-{'b' * 16}-01")
    await _tell(resources, ThingAction.CHANGE, ThingAction.REMOVE, before={"a": 1}, after={"a": 2})
    correlation.unbind(bound)
    first, second = await owner.fetch("SELECT *, now() - time AS age FROM spyne.audit_log ORDER BY id")
    assert first["transaction_id"] == second["transaction_id"]
    assert 0 <= first["age"].total_seconds() < 60
    assert {name: first[name] for name in ("actor_kind", "actor_id", "actor_label", "action", "verb", "outcome")} == {
        "actor_kind": "user",
        "actor_id": ADA.id,
        "actor_label": "ada",
        "action": "thing:change",
        "verb": "UPDATE",
        "outcome": "success",
    }
    assert (first["before"], first["after"]) == ('{"a": 1}', '{"a": 2}')
    assert (first["correlation_id"], first["trace_id"]) == ("corr-1", "a" * 32)
    assert (first["entity_type"], first["entity_id"], first["entity_label"]) == ("thing", "t1", "Thing")
    assert second["verb"] == "DELETE"


CHANGES = (
    "UPDATE spyne.audit_log SET actor_label = 'eve'",
    "UPDATE spyne.audit_log SET actor_label = 'eve' WHERE false",
    "DELETE FROM spyne.audit_log",
    "TRUNCATE spyne.audit_log",
    "TRUNCATE spyne.audit_log CASCADE",
    "INSERT INTO spyne.audit_log SELECT * FROM spyne.audit_log ON CONFLICT (id) DO UPDATE SET actor_label = 'eve'",
    "MERGE INTO spyne.audit_log a USING (SELECT 1) ON true WHEN MATCHED THEN DELETE",
    "SET session_replication_role = replica; DELETE FROM spyne.audit_log",
)


@pytest.mark.parametrize("login", ["owner", "runtime"])
async def test_nobody_changes_a_row(resources: Resources, owner: asyncpg.Connection, login: str) -> None:
    await _tell(resources, ThingAction.CREATE)
    kept = await owner.fetch("SELECT * FROM spyne.audit_log")
    connection = owner
    if login == "runtime":
        connection = await asyncpg.connect(resources.database.url.replace("+asyncpg", ""))
    for statement in CHANGES:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    if login == "runtime":
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("ALTER TABLE spyne.audit_log DISABLE TRIGGER ALL")
        await connection.close()
    assert await owner.fetch("SELECT * FROM spyne.audit_log") == kept


async def test_the_runtime_role_may_add_and_read_only(owner: asyncpg.Connection) -> None:
    granted = await owner.fetch(
        "SELECT privilege_type FROM information_schema.role_table_grants "
        "WHERE grantee = 'spyne_app' AND table_schema = 'spyne' AND table_name = 'audit_log'"
    )
    assert {privilege for (privilege,) in granted} == {"INSERT", "SELECT"}


def test_the_repository_cannot_change_a_row() -> None:
    for kind in (AuditWrites, AuditReads):
        offered = {name for name in dir(kind) if not name.startswith("_")}
        assert not {name for name in offered if "update" in name or "delete" in name or "remove" in name}
    assert {name for name in dir(AuditWrites) if not name.startswith("_")} == {"append"}


async def test_a_rolled_back_change_leaves_no_row(resources: Resources, owner: asyncpg.Connection) -> None:
    async def fail() -> None:
        async with resources.database.write() as session:
            await AuditTrail(session).append(ADA, ThingAction.CREATE, "thing")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log") == 0


async def test_without_its_row_there_is_no_change(resources: Resources, owner: asyncpg.Connection) -> None:
    await owner.execute("REVOKE INSERT ON spyne.audit_log FROM spyne_app")

    async def create(session: WriteSession) -> None:
        await resources.build(UserService, session).create(SYSTEM, "ada", "correct horse battery", ["VIEWER"])

    with pytest.raises(AuditUnavailable) as refused:
        await resources.database.run(create)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (503, "1")
    assert await owner.fetchval("SELECT count(*) FROM spyne.users") == 0


async def test_over_http_an_unaudited_change_is_503(
    app: FastAPI, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await owner.execute("REVOKE INSERT ON spyne.audit_log FROM spyne_app")
    answer = await admin.put("/system/mode", json={"mode": "INGESTION_READY"})
    assert (answer.status_code, answer.json()["code"]) == (503, "audit-unavailable")
    assert (await admin.get("/system/mode")).json()["mode"] == "READ_ONLY"
    assert app is not None


_FAIL_AT_FIRST = """
CREATE SEQUENCE public.tries;
CREATE FUNCTION public.fail_at_first() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE state text := (string_to_array('{states}', ','))[nextval('public.tries')];
BEGIN
    IF state IS NOT NULL THEN RAISE EXCEPTION 'told to' USING ERRCODE = state; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fail_at_first BEFORE INSERT ON spyne.audit_log
    FOR EACH ROW WHEN (NEW.action = 'client:create') EXECUTE FUNCTION public.fail_at_first();
"""
"""Refuses the row of a new client with these SQLSTATEs, one a try, then takes it."""
_TAKE_AGAIN = (
    "DROP TRIGGER fail_at_first ON spyne.audit_log; DROP FUNCTION public.fail_at_first; DROP SEQUENCE public.tries"
)

LOST, DEADLOCK, DISK_FULL = "40001", "40P01", "53100"
LOST_ROWS: list[tuple[list[str], int, str | None, int]] = [
    ([LOST], 201, None, 2),
    ([DEADLOCK, LOST], 201, None, 3),
    ([LOST] * MAX_ATTEMPTS, 503, "unavailable", MAX_ATTEMPTS),
    ([DISK_FULL], 503, "audit-unavailable", 1),
    ([LOST, DISK_FULL], 503, "audit-unavailable", 2),
]


async def test_a_change_whose_row_loses_against_another_is_made_anew(
    admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    for number, (states, status, code, tries) in enumerate(LOST_ROWS):
        await owner.execute(_FAIL_AT_FIRST.format(states=",".join(states)))
        name = f"loader-{number}"
        answer = await admin.post("/api/clients", json={"name": name, "roles": []})
        assert (answer.status_code, answer.json().get("code")) == (status, code), (states, answer.text)
        assert await owner.fetchval("SELECT last_value FROM public.tries") == tries, states
        made = await owner.fetchval("SELECT count(*) FROM spyne.api_clients WHERE name = $1", name)
        rows = await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE entity_label = $1", name)
        assert (made, rows) == ((1, 1) if status == 201 else (0, 0)), states
        await owner.execute(_TAKE_AGAIN)


@pytest.fixture
def told(app: FastAPI) -> Resources:
    resources: Resources = app.state.resources
    return resources


async def test_admins_read_and_nobody_else(as_role: ClientOf, anonymous: httpx.AsyncClient) -> None:
    assert (await (await as_role("ADMIN")).get("/api/audit")).status_code == 200
    for role in ("VIEWER", "ANALYST", "ENGINEER", "APPROVER"):
        answer = await (await as_role(role)).get("/api/audit")
        assert (answer.status_code, answer.json()["missing"]) == (403, ["audit:read"])
    assert (await anonymous.get("/api/audit")).status_code == 401


async def test_pages_follow_one_another_without_gap_or_repetition(admin: httpx.AsyncClient, told: Resources) -> None:
    await _tell(told, *[ThingAction.CHANGE] * 7)
    seen: list[str] = []
    url: str | None = "/api/audit?entity_type=thing&limit=3"
    pages = 0
    while url is not None:
        answer = await admin.get(url)
        body = answer.json()
        seen += [item["id"] for item in body["items"]]
        url = answer.links["next"]["url"] if "next" in answer.links else None
        assert (url is None) == (body["next_cursor"] is None)
        pages += 1
    assert (pages, len(seen)) == (3, 7)
    assert seen == sorted(set(seen), reverse=True)


async def test_filters_narrow(admin: httpx.AsyncClient, told: Resources) -> None:
    bob = Actor(ActorKind.CLIENT, uuid4(), "bob")
    bound = correlation.bind("corr-7")
    await _tell(told, ThingAction.CREATE)
    correlation.unbind(bound)
    await _tell(told, ThingAction.REMOVE, actor=bob, outcome="failure")
    things = (await admin.get("/api/audit?entity_type=thing")).json()["items"]
    (by_bob, by_ada), moment = things, things[0]["time"]
    cases = {
        "actor=bob": [by_bob],
        f"actor_id={ADA.id}": [by_ada],
        "action=thing:create": [by_ada],
        "verb=DELETE": [by_bob],
        "entity_id=t1": [by_bob, by_ada],
        "entity_id=t2": [],
        "correlation_id=corr-7": [by_ada],
        "outcome=failure": [by_bob],
        f"from={moment.replace('+', '%2B')}": [by_bob],
        f"to={moment.replace('+', '%2B')}": [by_ada],
        "verb=CREATE&actor=bob": [],
    }
    for query, expected in cases.items():
        answer = await admin.get(f"/api/audit?entity_type=thing&{query}")
        assert answer.json()["items"] == expected, query
    assert by_bob["actor"] == {"kind": "api_client", "id": str(bob.id), "label": "bob"}
    assert by_bob["entity"] == {"type": "thing", "id": "t1", "label": "Thing"}


BAD_FILTERS = (
    "actor_id=x",
    "verb=EAT",
    "outcome=maybe",
    "action=promote",
    "entity_id=" + "x" * 300,
    "from=yesterday",
    "from=2026-05-04T00:00:00",
    "to=0001-01-01T00:00:00%2B14:00",
    "limit=0",
    "limit=501",
    "limit=99999999999999999999",
    "cursor=!",
    "cursor=eA",
    "cursor=IngiAAA",
)


async def test_bad_filters_are_told_with_their_place(admin: httpx.AsyncClient) -> None:
    for query in BAD_FILTERS:
        answer = await admin.get(f"/api/audit?{query}")
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert [fault["pointer"] for fault in answer.json()["faults"]] == ["query/" + query.partition("=")[0]]
