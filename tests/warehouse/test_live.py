"""What live relations look like, read by the runtime login, which owns none of them."""

import asyncio
import time

import asyncpg
import pytest

from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.kernel.embedded import ServerAddress
from app.kernel.runtime.resources import Resources
from app.warehouse.inspection import RelationKind
from app.warehouse.live import LiveForeignKey, LiveKey, LiveRelation, live_relations
from app.warehouse.naming import RelationName
from app.warehouse.relations import run
from tests import owners
from tests.queries import recorded
from tests.waiting import eventually

WORLD = """
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('glad', 'sad');
CREATE TABLE shop.clients (area int, number int, mail text UNIQUE, PRIMARY KEY (number, area));
CREATE TABLE shop.orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone int, mood shop.mood DEFAULT 'sad',
  amount numeric(12,2) NOT NULL, twice numeric GENERATED ALWAYS AS (amount * 2) STORED,
  area int, client int, code varchar(8),
  CONSTRAINT of_client FOREIGN KEY (client, area) REFERENCES shop.clients (number, area), UNIQUE (code, area));
ALTER TABLE shop.orders DROP COLUMN gone;
CREATE UNIQUE INDEX some_codes ON shop.orders (code) WHERE amount > 0;
CREATE UNIQUE INDEX low_codes ON shop.orders (lower(code));
CREATE UNIQUE INDEX codes ON shop.orders (code) INCLUDE (amount);
COMMENT ON TABLE shop.orders IS 'What was bought';
COMMENT ON COLUMN shop.orders.amount IS 'In euro';
CREATE VIEW shop.large AS SELECT id, amount FROM shop.orders WHERE amount > 100;
CREATE MATERIALIZED VIEW shop.totals AS SELECT area, count(*) AS orders FROM shop.orders GROUP BY area;
CREATE UNIQUE INDEX areas ON shop.totals (area);
CREATE TABLE shop.events (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE shop.far (id int) SERVER elsewhere;
CREATE TABLE shop.nothing ();
CREATE SEQUENCE shop.numbers;
"""


def shop(name: str) -> RelationName:
    """A relation of the test's world."""
    return RelationName("shop", name)


@pytest.fixture
async def world(superuser: asyncpg.Connection) -> None:
    await superuser.execute(WORLD)


async def look(resources: Resources, *wanted: RelationName | int) -> dict[RelationName, LiveRelation]:
    """The relations by name."""
    async with resources.database.read() as session:
        return (await live_relations(session, wanted)).by_name


@pytest.mark.usefixtures("world")
async def test_a_table_with_everything(resources: Resources) -> None:
    orders = (await look(resources, shop("orders")))[shop("orders")]
    assert orders.kind is RelationKind.TABLE
    assert orders.comment == "What was bought"
    assert [(c.name, c.number, c.type, c.nullable) for c in orders.columns] == [
        ("id", 1, "bigint", False),
        ("mood", 3, "shop.mood", True),
        ("amount", 4, "numeric(12,2)", False),
        ("twice", 5, "numeric", True),
        ("area", 6, "integer", True),
        ("client", 7, "integer", True),
        ("code", 8, "character varying(8)", True),
    ]
    id_, mood, amount, twice, *_ = orders.columns
    assert (id_.identity, id_.generated, id_.default) == ("a", "", None)
    assert (mood.default, mood.labels) == ("'sad'::shop.mood", ("glad", "sad"))
    assert (amount.comment, amount.default, amount.labels) == ("In euro", None, None)
    assert (twice.generated, twice.default) == ("s", "(amount * (2)::numeric)")
    assert orders.primary_key == LiveKey("orders_pkey", ("id",))
    assert orders.unique_keys == (LiveKey("codes", ("code",)), LiveKey("orders_code_area_key", ("code", "area")))
    clients = (await look(resources, shop("clients")))[shop("clients")]
    assert clients.primary_key == LiveKey("clients_pkey", ("number", "area"))
    assert orders.foreign_keys == (
        LiveForeignKey("of_client", ("client", "area"), clients.name, clients.oid, ("number", "area"), (2, 1)),
    )


@pytest.mark.usefixtures("world")
async def test_every_kind_of_relation_with_rows_and_no_other(resources: Resources) -> None:
    names = ("orders", "large", "totals", "events", "far", "nothing", "numbers", "absent", "codes")
    found = await look(resources, *map(shop, names))
    assert {name.name: each.kind.name for name, each in found.items()} == {
        "orders": "TABLE",
        "large": "VIEW",
        "totals": "MATERIALIZED_VIEW",
        "events": "PARTITIONED",
        "far": "FOREIGN_TABLE",
        "nothing": "TABLE",
    }
    assert found[shop("totals")].unique_keys == (LiveKey("areas", ("area",)),)
    assert found[shop("nothing")].columns == ()
    assert await look(resources) == {}


@pytest.mark.usefixtures("world")
async def test_another_name_is_found_by_oid_and_another_relation_by_name(
    resources: Resources, superuser: asyncpg.Connection
) -> None:
    before = (await look(resources, shop("clients")))[shop("clients")]
    await superuser.execute('ALTER TABLE shop.clients RENAME TO "Clients: old"')
    found = await look(resources, shop("clients"), before.oid)
    assert {name: each.oid for name, each in found.items()} == {shop("Clients: old"): before.oid}
    await superuser.execute("CREATE TABLE shop.clients (LIKE shop.large)")
    found = await look(resources, shop("clients"), before.oid)
    assert found[shop("Clients: old")].oid == before.oid
    assert found[shop("clients")].oid != before.oid
    assert found[shop("clients")].lineage == before.lineage


@pytest.mark.usefixtures("world")
async def test_an_expression_stays_the_same_when_what_it_mentions_gets_another_name(
    resources: Resources, superuser: asyncpg.Connection
) -> None:
    before = (await look(resources, shop("orders")))[shop("orders")].columns[3]
    await superuser.execute("ALTER TABLE shop.orders RENAME amount TO price")
    after = (await look(resources, shop("orders")))[shop("orders")].columns[3]
    assert (before.default, after.default) == ("(amount * (2)::numeric)", "(price * (2)::numeric)")
    assert before.expression == after.expression is not None


async def test_two_hundred_relations_are_one_statement(resources: Resources, owner: asyncpg.Connection) -> None:
    await owner.execute("CREATE SCHEMA shop")
    columns = ", ".join(f"c{number} numeric(12,2) DEFAULT 0" for number in range(20))
    for number in range(200):
        await owner.execute(f"CREATE TABLE shop.t{number} (id bigint PRIMARY KEY, {columns}, UNIQUE (c0, c1))")
    names = [shop(f"t{number}") for number in range(200)]
    times = []
    with recorded(resources.database) as statements:
        for _ in range(5):
            began = time.perf_counter()
            found = await look(resources, *names)
            times.append(time.perf_counter() - began)
    assert set(found) == set(names)
    assert len([each for each in statements if "system_config" not in each]) == 5
    print(f"200 relations of 21 columns: {min(times) * 1000:.0f} ms, {max(times) * 1000:.0f} ms the first time")


@pytest.mark.usefixtures("world")
async def test_what_is_being_altered_is_named_and_not_waited_for(
    resources: Resources, superuser: asyncpg.Connection, server: ServerAddress, urls: DatabaseUrls
) -> None:
    transaction = superuser.transaction()
    await transaction.start()
    await superuser.execute("ALTER TABLE shop.orders DROP code")
    async with resources.database.read() as session:
        found = await live_relations(session, [shop("orders"), shop("clients")])
    oid = await superuser.fetchval("SELECT 'shop.orders'::regclass::oid::bigint")
    assert found.busy == {shop("orders"): oid}
    assert list(found.by_name) == [shop("clients")]
    await transaction.rollback()
    url = owners.superuser_url(server, urls.owner)
    reader, writer = await migrations.connect(url), await migrations.connect(url)
    try:
        async with reader.transaction():
            await reader.execute("SELECT FROM shop.orders")
            altering = asyncio.create_task(writer.execute("TRUNCATE shop.orders"))
            waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'shop.orders'::regclass AND NOT granted)"
            await eventually(lambda: superuser.fetchval(waits))
            assert shop("orders") not in await look(resources, shop("orders"))
        await altering
        assert shop("orders") in await look(resources, shop("orders"))
        async with resources.database.write() as session:
            await run(session, "CREATE TABLE data.own (a int)")
            assert RelationName("data", "own") in (await live_relations(session, [RelationName("data", "own")])).by_name
    finally:
        await reader.close()
        await writer.close()
