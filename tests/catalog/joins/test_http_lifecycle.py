"""Joins follow their tables: data that no longer fits, promotions, schemas that change, tables that nobody may see."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import httpx
import pytest

from app.catalog.joins import refreshing
from app.catalog.joins.evidence.repository import EvidenceReads
from app.catalog.joins.evidence.subjects import Depth
from app.catalog.joins.policy import Estimates
from app.catalog.joins.remeasuring import COLUMN_GONE, JoinRemeasuring
from app.catalog.joins.repository import JoinReads
from app.kernel.runtime.resources import Resources
from app.warehouse.naming import RelationName
from tests.catalog.joins.steps import (
    CUSTOMERS,
    LINES,
    MANAGERS,
    SHOP,
    accept,
    accepted,
    adopted,
    candidates,
    configured,
    deprecated,
    refreshed,
)
from tests.catalog.steps import deprecated as table_deprecated
from tests.catalog.steps import promoted
from tests.ingestion.drift.steps import good, merged
from tests.ingestion.steps import register
from tests.query.asking import execute, preview

RETURNS = "customers__returns__customer_id"
JOINED = "SELECT count(*) AS n FROM orders o JOIN customers c ON c.customer_id = o.customer_id"
COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "type": "bigint"},
    {"name": "at", "type": "timestamptz"},
    {"name": "v", "type": "integer"},
    {"name": "customer_id", "type": "bigint", "nullable": True},
]


@pytest.fixture
async def shop(admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources) -> None:
    await adopted(admin, owner)
    await refreshed(resources)


async def join(client: httpx.AsyncClient, join_id: str) -> dict[str, Any]:
    answer = await client.get(f"/api/joins/{join_id}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


@pytest.mark.usefixtures("shop")
async def test_a_join_decays_is_flagged_and_recovers(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await accepted(admin, CUSTOMERS)
    assert (await refreshed(resources)).decayed == 0
    await owner.execute("INSERT INTO shop.customers SELECT * FROM shop.customers WHERE customer_id < 1004")
    found = await refreshed(resources)
    assert (found.remeasured, found.decayed) == (1, 1)
    now = await join(admin, CUSTOMERS)
    assert "now has several: a row of the left meets up to 2." in now["decay"][0]
    assert (now["at_acceptance"]["cardinality"], now["now"]["cardinality"]) == ("n:1", "n:m")
    shown = await preview(analyst, JOINED)
    assert shown["joins"][0]["cardinality"] == "n:m"
    assert any("does not hold as it was accepted" in warning for warning in shown["warnings"])
    counted = JOINED.replace("count(*) AS n", "sum(o.total) AS total")
    validated = (await analyst.post("/api/query/validate", json={"sql": counted})).json()
    assert validated["warnings"] == (await preview(analyst, counted))["warnings"]
    assert len(validated["warnings"]) == 2, "it does not hold, and totals are counted twice"
    announced = await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'join:measure'")
    assert announced == 1
    await refreshed(resources)
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'join:measure'") == 1, "told once"
    await owner.execute(ONCE)
    assert (await refreshed(resources)).decayed == 0
    assert (await join(admin, CUSTOMERS))["decay"] == []


ONCE = "DELETE FROM shop.customers WHERE ctid NOT IN (SELECT min(ctid) FROM shop.customers GROUP BY customer_id)"


@pytest.mark.usefixtures("shop")
async def test_a_join_whose_key_repeats_is_still_a_candidate_and_can_be_accepted_again(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    before = (await candidates(admin))[CUSTOMERS]
    await accepted(admin, CUSTOMERS)
    await owner.execute("INSERT INTO shop.customers SELECT * FROM shop.customers WHERE customer_id < 1004")
    await refreshed(resources)
    now = (await candidates(admin, min_score=0))[CUSTOMERS]
    assert 0 < now["score"] < 0.5 < before["score"]
    assert (now["cardinality"], now["multiplication"]["max"], now["accepted_version"]) == ("n:m", 2, 1)
    refused = await accept(admin, CUSTOMERS)
    assert [fault["code"] for fault in refused.json()["faults"]] == ["multiplication"]
    await owner.execute(ONCE)
    again = await accepted(admin, CUSTOMERS)
    assert (again["version"], again["decay"], again["now"]["cardinality"]) == (2, [], "n:1")
    await owner.execute("INSERT INTO shop.customers SELECT c.* FROM shop.customers c, generate_series(1, 3)")
    assert (await refreshed(resources)).decayed == 1
    now = (await candidates(admin, min_score=0))[CUSTOMERS]
    assert (now["score"], now["multiplication"]["mean"]) == (0.15, 4), "no evidence is left, but a decision"
    await owner.execute("DROP TABLE shop.customers")
    await refreshed(resources)
    assert (await candidates(admin, min_score=0))[CUSTOMERS]["accepted_version"] == 2, "of what cannot be read, too"
    await deprecated(admin, CUSTOMERS)
    await refreshed(resources)
    assert CUSTOMERS not in await candidates(admin, min_score=0)


@pytest.mark.usefixtures("shop")
async def test_a_decayed_join_is_accepted_again_as_it_is_or_loses_its_column(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await accepted(admin, CUSTOMERS)
    await owner.execute("DELETE FROM shop.customers WHERE customer_id % 3 = 0")
    await refreshed(resources)
    assert "33" in (await join(admin, CUSTOMERS))["decay"][0]
    again = await accepted(admin, CUSTOMERS, override_rationale="A third of the customers left.")
    assert (again["version"], again["decay"]) == (2, [])
    await owner.execute("ALTER TABLE shop.orders RENAME COLUMN customer_id TO buyer_id")
    await refreshed(resources)
    assert (await join(admin, CUSTOMERS))["decay"] == [COLUMN_GONE]


@pytest.mark.usefixtures("shop")
async def test_dry_runs_and_plans_name_the_joins_that_rest_on_a_table(admin: httpx.AsyncClient) -> None:
    before = (await table_deprecated(admin, "customers", dry_run=True)).json()
    await accepted(admin, CUSTOMERS)
    after = (await table_deprecated(admin, "customers", dry_run=True)).json()
    named = [each for each in after["dependants"] if each["kind"] == "join"]
    assert [each["id"] for each in named] == [CUSTOMERS]
    assert before["plan_hash"] != after["plan_hash"]


async def governed(engineer: httpx.AsyncClient, rows: int = 60, **more: Any) -> str:
    """A contract `orders` of a shop's customers, with rows."""
    contract_id = await register(engineer, "orders", columns=COLUMNS, **more)
    await merged(engineer, contract_id, [good(n, 1, customer_id=1001 + n % 20) for n in range(rows)])
    return contract_id


CLIENTS = """
CREATE SCHEMA shop;
CREATE TABLE shop.customers AS SELECT g AS customer_id, 'name ' || g AS name FROM generate_series(1001, 1040) g;
"""


@pytest.mark.usefixtures("open_for_data")
async def test_what_is_in_shadow_is_seen_by_engineers_alone(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, as_role: Any, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner, CLIENTS)
    await governed(engineer)
    await refreshed(resources)
    viewer = await as_role("VIEWER")
    assert set(await candidates(engineer)) == {CUSTOMERS}
    assert await candidates(viewer, min_score=0) == {}
    assert (await viewer.get(f"/api/joins/candidates/{CUSTOMERS}")).status_code == 404
    await accepted(admin, CUSTOMERS)
    assert (await viewer.get(f"/api/joins/{CUSTOMERS}")).status_code == 404
    assert (await viewer.get("/api/joins")).json()["items"] == []
    await promoted(admin, "orders")
    assert set(await candidates(viewer)) == {CUSTOMERS}
    assert (await join(viewer, CUSTOMERS))["left"]["state"] == "ACTIVE"


@pytest.mark.usefixtures("open_for_data")
async def test_a_promotion_is_measured_again(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner, CLIENTS)
    await governed(engineer)
    await promoted(admin, "orders")
    await refreshed(resources)
    await accepted(admin, CUSTOMERS)
    contract_id = await register(engineer, "orders", columns=COLUMNS, max_rejected={"rows": 1})
    await merged(engineer, contract_id, [good(n, 1, customer_id=1001 + n % 60) for n in range(60)])
    found = await refreshed(resources, Depth.TOUCHED)
    assert (found.changed, found.remeasured) == (0, 0), "what stands for the name is as it was"
    await promoted(admin, "orders@2")
    early = await preview(engineer, JOINED)
    assert "another version of orders" in early["joins"][0]["decay"]
    assert early["joins"][0]["cardinality"] is None, "nothing is known of this version yet"
    found = await refreshed(resources, Depth.TOUCHED)
    assert (found.changed, found.remeasured, found.decayed) == (1, 1, 1)
    now = await join(admin, CUSTOMERS)
    assert (now["left"]["version"], now["version"]) == (2, 1)
    assert now["now"]["orphans"] == 20
    assert (await execute(engineer, early["preview_id"])).status_code == 200, "the join has the same version"


@pytest.mark.usefixtures("open_for_data")
async def test_batches_are_followed_and_measured_when_samples_speak_against_a_join(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner, CLIENTS)
    contract_id = await governed(engineer)
    await promoted(admin, "orders")
    await refreshed(resources)
    await accepted(admin, CUSTOMERS)
    await owner.execute("SELECT pg_stat_force_next_flush()")
    await merged(engineer, contract_id, [good(n, 1, customer_id=1001 + n % 20) for n in range(60, 70)])
    found = await refreshed(resources, Depth.TOUCHED)
    if found.changed == 0:  # PostgreSQL counts with a delay
        found = await refreshed(resources)
    assert (await candidates(admin, min_score=0))[CUSTOMERS]["left_rows"] == 70
    await merged(engineer, contract_id, [good(n, 1, customer_id=5000 + n) for n in range(70, 90)])
    await refreshed(resources)
    assert "22.2%" in (await join(admin, CUSTOMERS))["decay"][0]


@pytest.mark.usefixtures("open_for_data")
async def test_a_look_at_what_was_touched_reads_and_measures_nothing_else(
    admin: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counters = {"orders__v1": 1, "returns__v1": 1}

    async def counted(_session: object, relations: Sequence[RelationName]) -> dict[RelationName, str]:
        """What PostgreSQL's counters say once it has added up, which takes a second or so."""
        return {each: str(counters[each.name]) for each in relations if each.name in counters}

    monkeypatch.setattr(refreshing, "activity", counted)
    await adopted(admin, owner, CLIENTS)
    contract_id = await governed(engineer)
    await promoted(admin, "orders")
    still = await register(engineer, "returns", columns=COLUMNS)
    await merged(engineer, still, [good(n, 1, customer_id=1001 + n % 20) for n in range(60)])
    await promoted(admin, "returns")
    await refreshed(resources)
    await accepted(admin, CUSTOMERS)
    await accepted(admin, RETURNS)
    looks = "SELECT t.name, e.measured_at FROM spyne.join_evidence e JOIN spyne.tables t ON t.id = e.table_id"
    before = dict(await owner.fetch(looks))
    for first, customer, measured in ((100, 1001, 0), (110, 1002, 0), (120, 7777, 1), (130, 7778, 0)):
        sent = [good(n, 1, customer_id=customer) for n in range(first, first + 9)]
        await merged(engineer, contract_id, sent)
        counters["orders__v1"] += 1
        found = await refreshed(resources, Depth.TOUCHED)
        assert (found.changed, found.remeasured) == (1, measured)
    after = dict(await owner.fetch(looks))
    assert {name for name, at in after.items() if at != before[name]} == {"orders"}


@pytest.mark.usefixtures("shop")
async def test_joins_are_measured_of_tables_that_changed_where_samples_say_otherwise(
    admin: httpx.AsyncClient, resources: Resources
) -> None:
    await accepted(admin, CUSTOMERS)
    async with resources.database.read() as session:
        subjects = await EvidenceReads(session).subjects()
        known = (await JoinReads(session).active())[0].measure
    good, bad = Estimates(known, known), Estimates(known, replace(known, left_orphans=known.left_rows))
    for estimates, changed, measured in (
        ({}, {"orders"}, 0),
        ({CUSTOMERS: good}, {"orders"}, 0),
        ({CUSTOMERS: bad}, {"products"}, 0),
        ({CUSTOMERS: bad}, {"orders"}, 1),
        ({CUSTOMERS: bad}, {"customers"}, 1),
        ({}, None, 1),
    ):
        again = resources.build(JoinRemeasuring)
        assert await again.measure(subjects, estimates, changed) == (measured, 0), (estimates, changed)


@pytest.mark.usefixtures("shop")
async def test_a_table_that_cannot_be_looked_at_stops_no_other(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await owner.execute("DROP TABLE shop.products")
    await refreshed(resources)
    found = await candidates(admin)
    assert {CUSTOMERS, LINES, MANAGERS} <= set(found)
    assert not any("products" in each for each in found)
    assert await owner.fetchval("SELECT count(*) FROM spyne.join_evidence WHERE failure IS NOT NULL") == 1


@pytest.mark.usefixtures("shop")
async def test_declared_keys_are_strong_evidence(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await owner.execute(
        "CREATE TABLE shop.boxes (box int PRIMARY KEY); "
        "CREATE TABLE shop.parcels (parcel int PRIMARY KEY, lies_within int REFERENCES shop.boxes (box)); "
        "INSERT INTO shop.boxes SELECT generate_series(1, 9); "
        "INSERT INTO shop.parcels SELECT g, 1 + g % 9 FROM generate_series(1, 30) g"
    )
    answer = await admin.post("/api/tables/adopt", json={"relations": ["shop.boxes", "shop.parcels"]})
    assert answer.status_code == 200, answer.text
    await refreshed(resources)
    found = (await candidates(admin))["boxes__parcels__lies_within__box"]
    assert found["score"] >= 0.95
    assert any("foreign key" in reason for reason in found["reasons"])


async def test_adopted_views_are_looked_at_like_tables(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    views = """
    CREATE VIEW shop.late AS SELECT order_id, customer_id FROM shop.orders WHERE order_id % 3 = 0;
    CREATE MATERIALIZED VIEW shop.areas AS SELECT DISTINCT area FROM shop.customers;
    CREATE VIEW shop.endless AS SELECT g AS customer_id FROM generate_series(1, 1000000000) g;
    """
    await configured(admin, resources, {"joins.look-seconds": 0.5})
    await adopted(admin, owner, SHOP + views)
    await refreshed(resources)
    found = await candidates(admin)
    assert {CUSTOMERS, "orders__late__order_id", "customers__late__customer_id"} <= set(found)
    assert "areas__customers__area" in await candidates(admin, min_score=0)
    assert not any("endless" in each for each in found)
    failure = await owner.fetchval("SELECT failure FROM spyne.join_evidence WHERE failure IS NOT NULL")
    assert "could not be looked at within 0.5 s" in failure
    join = await accepted(admin, "orders__late__order_id")
    assert (join["now"]["cardinality"], join["now"]["exact"]) == ("1:1", True)


@pytest.mark.usefixtures("shop")
async def test_hashes_have_a_seed_and_of_another_seed_nothing_is_known(
    owner: asyncpg.Connection, resources: Resources
) -> None:
    hashes = await owner.fetchval("SELECT hashes FROM spyne.join_evidence_columns WHERE name = 'manager_id'")
    plain = await owner.fetchval("SELECT (hashint8extended(1, 0)::numeric + 2 ^ 63::numeric)::numeric")
    assert int(plain).to_bytes(8, "little") not in {hashes[n : n + 8] for n in range(0, len(hashes), 8)}
    assert (await refreshed(resources, Depth.TOUCHED)).changed == 0
    await owner.execute("UPDATE spyne.join_evidence SET seed = NULL")
    assert (await refreshed(resources, Depth.TOUCHED)).changed == 5
    assert await owner.fetchval("SELECT hashes FROM spyne.join_evidence_columns WHERE name = 'manager_id'") == hashes


@pytest.mark.usefixtures("open_for_data")
async def test_no_value_of_a_table_is_in_what_is_said_or_kept_of_a_candidate(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    columns = [*COLUMNS[:3], {"name": "mail", "type": "text"}, {"name": "pay", "type": "bigint"}]
    rows = [good(n, 1, mail=f"secret-{n % 30}@example.org", pay=31_000 + n) for n in range(60)]
    private: dict[str, Any] = {"sensitivity": "private"}
    words = {"mail": private | {"description": "Where to write to"}, "pay": private}
    for table in ("letters", "people"):
        contract_id = await register(engineer, table, columns=columns)
        changed = await engineer.patch(f"/api/contracts/{contract_id}", json={"columns": words})
        assert changed.status_code == 200, changed.text
        await merged(engineer, contract_id, rows if table == "letters" else rows[:30])
        await promoted(admin, table)
    await refreshed(resources)
    kept = "SELECT name FROM spyne.join_evidence_columns WHERE low IS NOT NULL OR high IS NOT NULL"
    assert {row["name"] for row in await owner.fetch(kept)} == {"id", "at", "v", "got"}
    await merged(engineer, "people_v1", [good(100, 1, mail="secret-1@example.org", pay=99_000)])
    await refreshed(resources)
    assert {row["name"] for row in await owner.fetch(kept)} == {"id", "at", "v", "got"}, "what batches add is followed"
    for contract_id in ("letters_v1", "people_v1"):
        changed = await engineer.patch(f"/api/contracts/{contract_id}", json={"columns": {"id": private}})
        assert changed.status_code == 200, changed.text
    await refreshed(resources, Depth.TOUCHED)
    assert "id" not in {row["name"] for row in await owner.fetch(kept)}, "known by no look, and private since"
    answers = [(await admin.get("/api/joins/candidates", params={"min_score": 0, "limit": 500})).text]
    for table in ("join_candidates", "join_answers", "join_evidence_columns", "join_evidence", "audit_log"):
        answers += [str(dict(row)) for row in await owner.fetch(f"SELECT * FROM spyne.{table}")]
    assert len(answers) > 5
    assert not any("secret-" in answer for answer in answers)
