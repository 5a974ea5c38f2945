"""What decisions about joins and looks leave behind: announcements, audit, tiles, rows that are written, locks."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from ipaddress import ip_network
from typing import Any

import asyncpg
import httpx
import pytest

from app.catalog.joins.jobs import DEPTH, SCHEDULES
from app.kernel.runtime.resources import Resources
from app.settings import NotifySettings, Settings
from tests.catalog.joins.steps import (
    CUSTOMERS,
    LINES,
    MANAGERS,
    PRODUCTS,
    accept,
    accepted,
    adopted,
    candidates,
    deprecated,
    refreshed,
)
from tests.operations.notifications.conftest import NOTIFY, make_channel
from tests.query.asking import ask, preview
from tests.waiting import eventually

JOINED = "SELECT count(*) AS n FROM orders o JOIN customers c ON c.customer_id = o.customer_id"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Channels may call this machine."""
    notify = NotifySettings(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
    return settings.model_copy(update={"notify": notify})


@pytest.fixture(autouse=True)
async def shop(admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources) -> None:
    await adopted(admin, owner)
    await refreshed(resources)


async def announced(admin: httpx.AsyncClient) -> list[tuple[str, str, dict[str, Any]]]:
    """Event, channel and payload of every message about joins, in their order."""
    items = (await admin.get(NOTIFY, params={"limit": 100})).json()["items"]
    whole = [(await admin.get(f"{NOTIFY}{each['id']}")).json() for each in items]
    found = [(each["event"], each["channel_id"], each["payload"]) for each in whole]
    return [each for each in reversed(found) if each[0].startswith("join:")]


async def test_decisions_and_decay_are_announced_once_to_the_channels_that_ask_for_them(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    every = await make_channel(admin, "http://127.0.0.1:9/", event_filter=["join:*"])
    decays = await make_channel(admin, "http://127.0.0.1:9/decays", event_filter=["join:decayed"])
    await make_channel(admin, "http://127.0.0.1:9/drift", event_filter=["drift:*"])
    by = (await accepted(admin, CUSTOMERS))["accepted_by"]
    await owner.execute("INSERT INTO shop.customers SELECT * FROM shop.customers WHERE customer_id < 1004")
    for _ in range(2):
        await refreshed(resources)
    decay = (await admin.get(f"/api/joins/{CUSTOMERS}")).json()["decay"]
    await deprecated(admin, CUSTOMERS)
    join: dict[str, Any] = {"join_id": CUSTOMERS, "version": 1}
    told = [("join:accepted", join | {"by": by}), ("join:decayed", join | {"decay": decay})]
    told.append(("join:deprecated", join | {"by": by, "reason": "as the test wants"}))
    found = await announced(admin)
    assert [(event, payload) for event, channel, payload in found if channel == every["id"]] == told
    assert [(event, payload) for event, channel, payload in found if channel == decays["id"]] == told[1:2]
    assert len(found) == 4


async def test_a_rejection_is_audited_with_who_said_it_and_why(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    body = {"reason": "bad-data", "note": "Numbers of two systems."}
    answer = await engineer.post(f"/api/joins/candidates/{PRODUCTS}/reject", json=body)
    assert answer.status_code == 200, answer.text
    row = await owner.fetchrow("SELECT * FROM spyne.audit_log WHERE action = 'join-candidate:reject'")
    assert row is not None
    assert (row["entity_type"], row["entity_id"]) == ("join-candidate", PRODUCTS)
    assert row["actor_label"] == answer.json()["rejection"]["by"]
    assert all(each in row["after"] for each in body.values())


async def test_the_tile_counts_joins_candidates_uses_and_what_was_not_seen(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    suggested = len(await candidates(admin))
    await accepted(admin, CUSTOMERS)
    await accepted(admin, LINES)
    await admin.post(f"/api/joins/candidates/{PRODUCTS}/reject", json={"reason": "other"})
    assert (await ask(analyst, JOINED)).status_code == 200
    await owner.execute("INSERT INTO shop.customers SELECT * FROM shop.customers WHERE customer_id < 1004")
    await owner.execute("DROP TABLE shop.employees")
    await refreshed(resources)
    tile = (await admin.get("/system/dashboard")).json()["tiles"]["joins"]["data"]
    left = len(await candidates(admin, status="suggested", accepted=False))
    assert left < suggested - 3, "employees are gone as well"
    assert tile == {"accepted": 2, "decayed": 1, "suggested": left, "used_last_day": 1, "not_looked_at": 1}


async def test_a_look_writes_the_candidates_that_changed_alone(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    versions = "SELECT id, xmin::text AS written FROM spyne.join_candidates"
    before, shown = dict(await owner.fetch(versions)), await candidates(admin)
    await refreshed(resources)
    assert dict(await owner.fetch(versions)) == before
    now = await candidates(admin)
    assert all(now[id_]["measured_at"] > shown[id_]["measured_at"] for id_ in shown), "looked at anew all the same"
    assert all(now[id_] | {"measured_at": None} == shown[id_] | {"measured_at": None} for id_ in shown)
    await owner.execute("DELETE FROM shop.employees WHERE employee_id = 40")
    await refreshed(resources)
    after = dict(await owner.fetch(versions))
    assert MANAGERS in {id_ for id_ in after if after[id_] != before.get(id_)}
    assert after[LINES] == before[LINES]


async def _waits(owner: asyncpg.Connection) -> bool:
    return bool(await owner.fetchval("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))


async def test_nobody_decides_about_a_join_while_somebody_else_does(
    admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await accepted(admin, LINES)
    reject = admin.post(f"/api/joins/candidates/{PRODUCTS}/reject", json={"reason": "other"})
    deprecate = admin.post(f"/api/joins/{LINES}/deprecate", json={"reason": "as the test wants"})
    decisions: list[tuple[str, Awaitable[httpx.Response], int]] = [
        (CUSTOMERS, accept(admin, CUSTOMERS), 201),
        (PRODUCTS, reject, 200),
        (LINES, deprecate, 200),
    ]
    for join_id, decision, status in decisions:
        place = f"hashtextextended('spyne.joins:{join_id}', 0)"
        await owner.execute(f"SELECT pg_advisory_lock({place})")
        deciding = asyncio.ensure_future(decision)
        await eventually(partial(_waits, owner), what=f"a decision about {join_id} that waits")
        assert not deciding.done()
        await owner.execute(f"SELECT pg_advisory_unlock({place})")
        assert (await deciding).status_code == status, join_id


async def test_of_several_acceptances_at_once_one_is_made(admin: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(accept(admin, CUSTOMERS) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert len((await admin.get(f"/api/joins/{CUSTOMERS}")).json()["versions"]) == 1


async def test_candidate_join_and_preview_tell_of_one_cardinality(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await accepted(admin, CUSTOMERS)
    await owner.execute("INSERT INTO shop.customers SELECT * FROM shop.customers WHERE customer_id = 1200")
    for sql, wanted in (("SELECT 1", "n:m"), ("DELETE FROM shop.orders WHERE order_id > 50150", "1:n")):
        await owner.execute(sql)
        await refreshed(resources)
        told = [(await candidates(admin, min_score=0))[CUSTOMERS]["cardinality"]]
        told.append((await admin.get(f"/api/joins/{CUSTOMERS}")).json()["now"]["cardinality"])
        told.append((await preview(analyst, JOINED))["joins"][0]["cardinality"])
        assert told == [wanted] * 3, "a customer without orders is there twice"


async def test_a_table_that_there_is_not_has_no_joins(admin: httpx.AsyncClient) -> None:
    await accepted(admin, CUSTOMERS)
    for path in ("/api/joins?table=nothing", "/api/joins/candidates?table1=nothing"):
        answer = await admin.get(path)
        assert (answer.status_code, answer.json()["items"]) == (200, []), "as of batches, contracts and drift"


async def test_conditions_are_sql_whatever_tables_are_called(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await owner.execute(
        'CREATE TABLE shop."user" AS SELECT g AS user_id, g AS "order", 1 + g / 4 AS boss_user_id '
        "FROM generate_series(501, 600) g; "
        'CREATE TABLE shop."order" AS SELECT g AS order_id, 501 + g % 90 AS user_id FROM generate_series(9001, 9300) g'
    )
    await admin.post("/api/tables/adopt", json={"relations": ["shop.user", "shop.order"]})
    await refreshed(resources)
    found = (await candidates(admin, min_score=0, table1="user", table2="order"))["user__order__user_id"]
    assert found["condition"] == '"order".user_id = "user".user_id'
    itself = (await candidates(admin))[MANAGERS]["condition"]
    assert itself == "employees.manager_id = employees_2.employee_id"
    for tables, condition in (
        ('shop."order", shop."user"', found["condition"]),
        ("shop.employees, shop.employees AS employees_2", itself),
    ):
        assert await owner.fetchval(f"SELECT count(*) FROM {tables} WHERE {condition}")


def test_tables_are_looked_at_anew_at_night_and_followed_every_five_minutes() -> None:
    looks = {each.payload[DEPTH]: each.cron for each in SCHEDULES}
    assert looks == {"ANEW": "47 3 * * *", "TOUCHED": "*/5 * * * *"}
