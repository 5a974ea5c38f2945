"""Baselines of adopted and governed relations, from adoption to acceptance."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.catalog.baselines import look as looking
from app.catalog.baselines.comparison import Comparison
from app.catalog.baselines.documents import schema_of
from app.catalog.baselines.jobs import LOOK_JOB, SCHEDULES, look_job
from app.catalog.baselines.look import look
from app.catalog.baselines.service import Baselines, Look, RelationBusy
from app.kernel.clock import utc_now
from app.kernel.db.database import Database, WriteSession
from app.kernel.runtime.resources import Resources
from app.warehouse.inspection import RelationKind
from app.warehouse.naming import RelationName
from app.warehouse.publishing import RelationGone
from tests.catalog.steps import registered
from tests.queries import recorded

WORLD = """
CREATE SCHEMA shop;
CREATE TABLE shop.orders
  (id bigint PRIMARY KEY, amount numeric(12,2) DEFAULT 0, gone int, code varchar(8), _spyne_x int);
ALTER TABLE shop.orders DROP COLUMN gone;
CREATE TABLE shop.clients (id int, name text, area int);
CREATE VIEW shop.areas AS SELECT id, area, name FROM shop.clients;
"""


@pytest.fixture
async def world(owner: asyncpg.Connection) -> None:
    await owner.execute(WORLD)


@pytest.fixture
def database(app: FastAPI) -> Database:
    resources: Resources = app.state.resources
    return resources.database


async def adopted(admin: httpx.AsyncClient, *relations: str) -> dict[str, UUID]:
    """The tables by their relations."""
    answer = await admin.post("/api/tables/adopt", json={"relations": list(relations)})
    assert answer.status_code == 200, answer.text
    return {item["relation"]: UUID(item["table_id"]) for item in answer.json()["relations"]}


async def looked(database: Database, *table_ids: UUID) -> Look:
    """A look at these tables."""
    async with database.write() as session:
        return await Baselines(session).look_at(table_ids)


async def compared(database: Database, *table_ids: UUID) -> list[Comparison]:
    """The tables beside their relations."""
    async with database.write() as session:
        return await Baselines(session).compare(table_ids)


async def accepted(database: Database, table_id: UUID) -> None:
    """What the relation looks like is the baseline."""
    async with database.write() as session:
        await Baselines(session).accept(table_id)


def rules(look: Look) -> list[tuple[str, list[tuple[str, str]]]]:
    """What was found, by the label of each table."""
    return [(finding.label, [(change.rule, change.path) for change in finding.changes]) for finding in look.findings]


@pytest.mark.usefixtures("world")
async def test_adoption_takes_a_baseline_and_a_look_finds_what_changed_until_that_is_accepted(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    orders = (await adopted(admin, "shop.orders"))["shop.orders"]
    kept = await owner.fetchrow("SELECT * FROM spyne.drift_baselines")
    assert kept is not None
    assert kept["table_id"] == orders
    assert kept["relation_oid"] == await owner.fetchval("SELECT 'shop.orders'::regclass::oid::bigint")
    assert await looked(database, orders) == Look((), (orders,), ())
    assert await owner.fetchval("SELECT checked_at > taken_at FROM spyne.drift_baselines")
    await owner.execute(
        "ALTER TABLE shop.orders RENAME amount TO price; ALTER TABLE shop.orders ALTER id TYPE int, DROP _spyne_x"
    )
    expected = [("orders@1", [("narrowed", "/columns/id/type"), ("column-renamed", "/columns/amount")])]
    assert rules(await looked(database, orders)) == expected
    assert rules(await looked(database, orders)) == expected
    (comparison,) = await compared(database, orders)
    assert comparison.table.label == "orders@1"
    assert [field.name for field in comparison.old.fields] == ["id", "amount", "code"]
    assert comparison.new is not None
    assert [field.name for field in comparison.new.fields] == ["id", "price", "code"]
    await accepted(database, orders)
    assert rules(await looked(database, orders)) == []


@pytest.mark.usefixtures("world")
async def test_a_dry_run_takes_none(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    answer = await admin.post("/api/tables/adopt", json={"relations": ["shop.*"], "dry_run": True})
    assert answer.status_code == 200
    assert await owner.fetchval("SELECT count(*) FROM spyne.drift_baselines") == 0


@pytest.mark.usefixtures("world")
async def test_what_is_gone_is_one_finding_and_cannot_be_accepted(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    tables = await adopted(admin, "shop.clients", "shop.areas", "shop.orders")
    await owner.execute("DROP TABLE shop.clients CASCADE")
    look = await looked(database, *tables.values())
    assert sorted(rules(look)) == [("areas@1", [("relation-gone", "")]), ("clients@1", [("relation-gone", "")])]
    assert look.unchanged == (tables["shop.orders"],)
    with pytest.raises(RelationGone):
        await accepted(database, tables["shop.clients"])
    (comparison,) = await compared(database, tables["shop.clients"])
    assert comparison.new is None
    assert [field.name for field in comparison.old.fields] == ["id", "name", "area"]


@pytest.mark.usefixtures("world")
async def test_a_relation_under_another_name_is_found_and_said_so(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    clients = (await adopted(admin, "shop.clients"))["shop.clients"]
    await owner.execute("ALTER TABLE shop.clients RENAME TO people; ALTER TABLE shop.people RENAME name TO called")
    look = await looked(database, clients)
    assert rules(look) == [("clients@1", [("relation-renamed", ""), ("column-renamed", "/columns/name")])]
    first = look.findings[0].changes[0]
    assert (first.old, first.new) == ("shop.clients", "shop.people")
    with pytest.raises(RelationGone):
        await accepted(database, clients)
    await owner.execute("CREATE VIEW shop.clients AS SELECT id, called AS name, area FROM shop.people")
    look = await looked(database, clients)
    assert (look.findings, look.renewed) == ((), (clients,))


@pytest.mark.usefixtures("world")
async def test_a_view_made_anew_is_compared_by_name(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    areas = (await adopted(admin, "shop.areas"))["shop.areas"]
    await owner.execute("CREATE OR REPLACE VIEW shop.areas AS SELECT id, area, name, 1 AS one FROM shop.clients")
    assert rules(await looked(database, areas)) == [("areas@1", [("column-added", "/columns/one")])]
    await owner.execute("ALTER VIEW shop.areas RENAME COLUMN name TO label")
    assert ("column-renamed", "/columns/name") in rules(await looked(database, areas))[0][1]
    await owner.execute("DROP VIEW shop.areas; CREATE VIEW shop.areas AS SELECT name, id, area FROM shop.clients")
    assert rules(await looked(database, areas)) == [("areas@1", [("reordered", "/columns")])]
    await owner.execute("DROP VIEW shop.areas; CREATE VIEW shop.areas AS SELECT id, area, name FROM shop.clients")
    assert await looked(database, areas) == Look((), (areas,), (areas,))
    assert await looked(database, areas) == Look((), (areas,), ())


@pytest.mark.usefixtures("world")
async def test_after_a_restore_a_rename_is_not_guessed(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    """`code` has number 4 in the baseline; in what was restored that is nobody's, and 3 is that of `code`."""
    orders = (await adopted(admin, "shop.orders"))["shop.orders"]
    await owner.execute(
        "CREATE TABLE shop.again (LIKE shop.orders INCLUDING ALL); DROP TABLE shop.orders; "
        "ALTER TABLE shop.again RENAME TO orders; ALTER TABLE shop.orders RENAME code TO label"
    )
    assert rules(await looked(database, orders)) == [
        ("orders@1", [("column-removed", "/columns/code"), ("column-added", "/columns/label")])
    ]
    await owner.execute("ALTER TABLE shop.orders RENAME label TO code")
    assert (await looked(database, orders)).renewed == (orders,)
    await owner.execute("ALTER TABLE shop.orders RENAME code TO label")
    assert rules(await looked(database, orders)) == [("orders@1", [("column-renamed", "/columns/code")])]


@pytest.mark.usefixtures("world")
async def test_tables_adopted_before_there_were_baselines_are_compared_with_their_shape(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    tables = await adopted(admin, "shop.orders", "shop.clients")
    await owner.execute("DELETE FROM spyne.drift_baselines")
    await owner.execute("ALTER TABLE shop.clients RENAME name TO called; COMMENT ON COLUMN shop.orders.id IS 'New'")
    look = await looked(database, *tables.values())
    assert rules(look) == [("clients@1", [("column-removed", "/columns/name"), ("column-added", "/columns/called")])]
    assert look.renewed == (tables["shop.orders"],)
    assert await owner.fetchval("SELECT table_id FROM spyne.drift_baselines") == tables["shop.orders"]
    await accepted(database, tables["shop.clients"])
    assert rules(await looked(database, *tables.values())) == []


@pytest.mark.usefixtures("open_for_data")
async def test_freezing_takes_a_baseline_that_rows_do_not_change(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    contract = await registered(engineer)
    table_id: UUID = await owner.fetchval("SELECT table_id FROM spyne.drift_baselines")
    rows = '{"api_id": "a", "event_id": 1, "event_time": "2026-01-01T00:00:00Z", "amount": 1}\n'
    answer = await engineer.post(
        f"/api/ingestion/{contract['id']}/batches", content=rows, headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 201, answer.text
    assert await looked(database, table_id) == Look((), (table_id,), ())
    await owner.execute("ALTER TABLE data.customers__v1 ALTER currency TYPE varchar(2)")
    assert rules(await looked(database, table_id)) == [("customers@1", [("length-shrunk", "/columns/currency/type")])]
    async with database.write() as session:
        await Baselines(session).take({table_id: RelationName("data", "customers__v1")})
    assert rules(await looked(database, table_id)) == []


@pytest.mark.usefixtures("world")
async def test_a_look_never_undoes_what_was_accepted_meanwhile(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    clients = (await adopted(admin, "shop.clients"))["shop.clients"]
    await owner.execute("CREATE TABLE shop.new (LIKE shop.clients); DROP TABLE shop.clients CASCADE")
    await owner.execute("ALTER TABLE shop.new RENAME TO clients")
    async with database.write() as session:
        (before,) = await Baselines(session).compare([clients])
        assert before.calls_for_renewal()
        assert before.live is not None
        await accepted(database, clients)
        taken = await owner.fetchval("SELECT taken_at FROM spyne.drift_baselines")
        await Baselines(session)._baselines.keep_unless_changed([(before.table, before.live)], utc_now())
    assert await owner.fetchval("SELECT taken_at FROM spyne.drift_baselines") == taken


async def test_all_adopted_tables_are_looked_at_batch_by_batch_and_what_is_found_is_recorded_with_it(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "BATCH", 3)
    await owner.execute("CREATE SCHEMA shop")
    await owner.execute(";".join(f"CREATE TABLE shop.t{number} (a int, b text)" for number in range(7)))
    tables = await adopted(admin, "shop.*")
    await owner.execute("ALTER TABLE shop.t1 DROP b; ALTER TABLE shop.t6 RENAME b TO c")
    found: list[tuple[int, list[str]]] = []

    async def record(session: WriteSession, look: Look) -> None:
        assert session.in_transaction()
        found.append((len(look.unchanged), [finding.label for finding in look.findings]))

    progress: dict[str, Any] = {}

    async def progressed(**facts: Any) -> None:
        progress.update(facts)

    job = look_job(record)
    await job.handler(SimpleNamespace(resources=app.state.resources, progress=progressed))  # type: ignore[arg-type]
    assert found == [(2, ["t1@1"]), (3, []), (0, ["t6@1"])]
    assert progress == {"changed": 2}
    assert (job.name, [schedule.job for schedule in SCHEDULES]) == (LOOK_JOB, [LOOK_JOB])
    assert len(tables) == 7


async def test_two_hundred_tables_are_a_few_statements(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    await owner.execute("CREATE SCHEMA shop")
    await owner.execute(";".join(f"CREATE TABLE shop.t{number} (a int PRIMARY KEY, b text)" for number in range(200)))
    assert len(await adopted(admin, "shop.*")) == 200

    async def record(_session: WriteSession, look: Look) -> None:
        assert len(look.unchanged) == (200 if len(counted) == 0 else 0)
        counted.append(look)

    counted: list[Look] = []
    later = utc_now() + timedelta(days=1)
    with recorded(database) as statements:
        assert await look(database, lambda: later, record) == []
    ours = [each for each in statements if "drift_baselines" in each or "pg_attribute" in each]
    assert sum("pg_attribute" in each for each in ours) == 1
    assert len(ours) <= 4, ours  # the tables, their relations, when they were looked at; and that there are no more
    assert await owner.fetchval("SELECT bool_and(checked_at = $1) FROM spyne.drift_baselines", later)


@pytest.mark.usefixtures("world")
async def test_what_is_being_altered_is_passed_over(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, database: Database
) -> None:
    tables = await adopted(admin, "shop.clients", "shop.orders")
    clients, orders = tables["shop.clients"], tables["shop.orders"]
    async with owner.transaction():
        await owner.execute("ALTER TABLE shop.clients DROP area CASCADE; ALTER TABLE shop.clients RENAME TO people")
        assert await looked(database, clients, orders) == Look((), (orders,), (), (clients,))
        with pytest.raises(RelationBusy):
            await accepted(database, clients)
        assert [each.table.id for each in await compared(database, clients, orders)] == [orders]
    async with owner.transaction():
        await owner.execute("TRUNCATE shop.people")
        assert (await looked(database, clients)).busy == (clients,)
    assert rules(await looked(database, clients))[0][1][0] == ("relation-renamed", "")


@pytest.mark.usefixtures("world")
async def test_a_baseline_is_what_postgresql_says(admin: httpx.AsyncClient, database: Database) -> None:
    orders = (await adopted(admin, "shop.orders"))["shop.orders"]
    (comparison,) = await compared(database, orders)
    assert comparison.live is not None
    assert comparison.live.kind is RelationKind.TABLE
    assert comparison.table.baseline.relation == comparison.live
    assert [(field.name, field.number, field.default) for field in schema_of(comparison.live).fields] == [
        ("id", 1, None),
        ("amount", 2, "0"),
        ("code", 4, None),
    ]
