"""Adopted relations that their owners alter: the daily look, its reports, and tables that take the changes on."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.catalog.drift_reports.jobs import JOBS, LOOK_JOB, SCHEDULES
from app.catalog.drift_reports.looking import OTHERWISE
from app.kernel.runtime.resources import Resources
from tests.operations.jobs.steps import caller, over, put, working
from tests.query.asking import ask, rows

ORDERS = """
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id bigint PRIMARY KEY, amount numeric(12,2), note text, _spyne_mine int);
INSERT INTO shop.orders VALUES (1, 10, 'first', 7);
"""
VIEW_OF_USERS = """
DROP TABLE shop.orders;
CREATE VIEW shop.orders AS SELECT 1::bigint AS id, 1::numeric(12,2) AS amount, username::text AS who FROM spyne.users;
"""


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    found: Resources = app.state.resources
    return found


@pytest.fixture
async def orders(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> str:
    """The id of an adopted table, READ_ONLY."""
    await owner.execute(ORDERS)
    answer = await admin.post("/api/tables/adopt", json={"relations": ["shop.orders"]})
    assert answer.status_code == 200, answer.text
    return str((await admin.get("/api/tables/orders")).json()["id"])


async def looked(resources: Resources, admin: httpx.AsyncClient) -> dict[str, Any]:
    """The job of a look at all adopted relations, run by a worker."""
    async with working(resources, JOBS):
        job = await over(admin, await put(resources, await caller(admin), LOOK_JOB))
    assert job["state"] == "succeeded", job
    return job


async def reports(client: httpx.AsyncClient, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("/api/drift", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def decided(client: httpx.AsyncClient, report: dict[str, Any], action: str = "accept") -> httpx.Response:
    body = {"action": action, "note": "as the owner says"}
    return await client.post(f"/api/drift/{report['id']}/resolve", json=body)


async def columns(client: httpx.AsyncClient) -> list[tuple[str, str]]:
    table = (await client.get("/api/tables/orders")).json()
    return [(column["name"], column["type"]) for column in table["columns"]]


def test_the_look_is_taken_every_day() -> None:
    (schedule,) = SCHEDULES
    assert (schedule.job, schedule.cron.split()[2:]) == (LOOK_JOB, ["*", "*", "*"])


async def test_the_daily_look_reports_once_and_closes_what_is_as_it_was(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, orders: str
) -> None:
    await looked(resources, admin)
    assert await reports(engineer) == [], "nothing changed"
    await owner.execute("ALTER TABLE shop.orders ADD COLUMN vip boolean")
    for _ in range(2):
        await looked(resources, admin)
    (report,) = await reports(engineer)
    assert (report["source"], report["status"], report["severity"]) == ("relation", "open", "COMPATIBLE")
    assert (report["table"], report["contract_id"], report["schema_version"]) == ("orders@1", None, 1)
    assert (report["times_seen"], report["links"]["table"]) == (2, f"/api/tables/{orders}")
    assert [(each["kind"], each["path"]) for each in report["changes"]] == [("ADD", "/columns/vip")]
    await owner.execute("ALTER TABLE shop.orders DROP COLUMN vip")
    await looked(resources, admin)
    (closed,) = await reports(engineer)
    assert (closed["id"], closed["status"], closed["resolution"]["by"]) == (report["id"], "undone", "system")
    assert "undo" not in closed["links"]
    audited = await owner.fetch(
        "SELECT action, actor_label FROM spyne.audit_log WHERE entity_type = 'drift' ORDER BY id"
    )
    assert [tuple(row) for row in audited] == [("drift:find", "system"), ("drift:close", "system")]


@pytest.mark.usefixtures("orders")
async def test_who_accepts_gets_the_columns_that_there_are(
    admin: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    analyst: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
) -> None:
    await owner.execute(
        "ALTER TABLE shop.orders ADD COLUMN vip boolean DEFAULT true, DROP COLUMN note, ADD COLUMN _spyne_other int"
    )
    await owner.execute("ALTER TABLE shop.orders RENAME COLUMN amount TO total")
    await looked(resources, admin)
    (report,) = await reports(engineer, status="open", table="orders")
    assert sorted((each["kind"], each["column"]) for each in report["changes"]) == [
        ("ADD", "vip"),
        ("REMOVE", "note"),
        ("RENAME", "amount"),
    ]
    refused = await ask(analyst, "SELECT id FROM orders")
    assert refused.status_code == 200, "what is still there can be asked for"
    forbidden = await decided(engineer, report)
    assert (forbidden.status_code, forbidden.json()["code"]) == (403, "forbidden"), "new columns could be read"
    answer = await decided(admin, report)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["status"], answer.json()["resolution"]["schema_version"]) == ("accepted", 2)
    assert await columns(analyst) == [("id", "bigint"), ("total", "numeric(12,2)"), ("vip", "boolean")]
    assert await rows(analyst, "SELECT id, total, vip FROM orders") == [[1, 10.0, True]]
    assert (await analyst.post("/api/query/validate", json={"sql": "SELECT note FROM orders"})).json()[
        "allowed"
    ] is False
    await looked(resources, admin)
    assert [each["status"] for each in await reports(engineer)] == ["accepted"], "the relation is as it was accepted"
    undone = await engineer.post(f"/api/drift/{report['id']}/undo", json={"note": "no"})
    assert (undone.status_code, undone.json()["code"]) == (409, "undo-impossible")
    assert (await decided(admin, report)).json()["code"] == "drift-decided"


@pytest.mark.usefixtures("orders")
async def test_what_only_reads_otherwise_makes_no_version_of_the_columns(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await owner.execute("COMMENT ON COLUMN shop.orders.amount IS 'In euros'")
    await looked(resources, admin)
    (report,) = await reports(engineer)
    assert [each["kind"] for each in report["changes"]] == ["DESCRIPTION"]
    answer = await decided(admin, report)
    assert (answer.status_code, answer.json()["resolution"]["schema_version"]) == (200, None)
    assert (await admin.get("/api/tables/orders")).json()["schema_version"] == 1


@pytest.mark.usefixtures("orders")
async def test_rejected_drift_is_told_to_nobody_again(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await owner.execute("ALTER TABLE shop.orders ALTER COLUMN id TYPE numeric(20,0)")
    await looked(resources, admin)
    (report,) = await reports(engineer)
    assert (await decided(engineer, report, "reject")).status_code == 200
    await looked(resources, admin)
    (known,) = await reports(engineer)
    assert (known["status"], known["times_seen"]) == ("rejected", 2)
    assert await columns(engineer) == [("id", "bigint"), ("amount", "numeric(12,2)"), ("note", "text")]


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize(
    ("change", "kinds", "code"),
    [
        ("DROP TABLE shop.orders", ["REMOVE"], "relation-gone"),
        ("ALTER TABLE shop.orders RENAME TO old_orders", ["RENAME"], "relation-gone"),
        (VIEW_OF_USERS, ["REMOVE", "KEY"], "relation-unusable"),
        (
            "ALTER TABLE shop.orders DROP COLUMN id, DROP COLUMN amount, DROP COLUMN note",
            ["REMOVE", "REMOVE", "REMOVE", "KEY"],
            "relation-unusable",
        ),
    ],
)
async def test_what_cannot_be_accepted_says_why(
    admin: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    change: str,
    kinds: list[str],
    code: str,
) -> None:
    await owner.execute(change)
    await looked(resources, admin)
    (report,) = await reports(engineer)
    assert [each["kind"] for each in report["changes"] if each["severity"] == "BREAKING"] == kinds
    answer = await decided(admin, report)
    assert (answer.status_code, answer.json()["code"]) == (409, code), answer.text
    assert [each["status"] for each in await reports(engineer)] == ["open"], "nothing was decided"
    version = await decided(engineer, report, "new_version")
    assert (version.status_code, version.json()["code"]) == (422, "invalid-decision"), (
        "an adopted table has no contract"
    )
    assert (await admin.get("/api/tables/orders")).json()["schema_version"] == 1


@pytest.mark.usefixtures("orders")
async def test_without_the_right_to_grant_the_grant_is_named(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, superuser: asyncpg.Connection, resources: Resources
) -> None:
    """The function that grants belongs to a login that owns nothing else, as where Spyne's owner is no superuser."""
    await superuser.execute(
        """
        DO $$ BEGIN CREATE ROLE tests_owner; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT USAGE, CREATE ON SCHEMA spyne TO tests_owner; GRANT SELECT ON spyne.tables TO tests_owner;
        GRANT EXECUTE ON FUNCTION pg_advisory_xact_lock(bigint) TO tests_owner;
        ALTER FUNCTION spyne.publish(regclass, text[]) OWNER TO tests_owner;
        ALTER TABLE shop.orders ADD COLUMN vip boolean;
        """
    )
    await looked(resources, admin)
    (report,) = await reports(engineer)
    answer = await decided(admin, report)
    assert (answer.status_code, answer.json()["code"]) == (409, "grant-needed"), answer.text
    await superuser.execute(answer.json()["grant"])
    assert (await decided(admin, report)).status_code == 200
    assert await rows(engineer, "SELECT vip FROM orders") == [[None]]


@pytest.mark.usefixtures("orders")
async def test_of_two_who_accept_at_once_the_second_is_told_so(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await owner.execute("ALTER TABLE shop.orders ADD COLUMN vip boolean")
    await looked(resources, admin)
    (report,) = await reports(engineer)
    answers = await asyncio.gather(*(decided(admin, report) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 409], [answer.text for answer in answers]
    assert (await admin.get("/api/tables/orders")).json()["schema_version"] == 2


@pytest.mark.usefixtures("orders")
async def test_a_relation_that_changes_further_has_one_open_report(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    for name in ("vip", "tier"):
        await owner.execute(f"ALTER TABLE shop.orders ADD COLUMN {name} text")
        made = await engineer.post("/api/contracts/orders/drift", json={"relation": True})
        assert made.status_code == 200, made.text
    newer, older = await reports(engineer)
    assert (newer["status"], [each["column"] for each in newer["changes"]]) == ("open", ["vip", "tier"])
    assert (older["status"], older["resolution"]["note"]) == ("undone", OTHERWISE)
    assert (await decided(admin, newer)).json()["resolution"]["schema_version"] == 2
    assert [name for name, _ in await columns(engineer)][-2:] == ["vip", "tier"]
