"""The index of values follows the data: what cannot be read is tried again, what may not be shown is dropped."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest

from app.catalog.vocabulary.service import held_columns
from app.kernel.runtime.resources import Resources
from app.query.language.vocabulary.model import OF_A_WORD
from app.query.values import building
from app.query.values.building import AGAIN, UNTOLD, ValueIndexing, ValuesNotIndexed
from app.query.values.repository import ValueReads
from app.query.values.rules import IndexedColumn, Room, indexed_column
from tests.catalog.joins.steps import adopted
from tests.catalog.steps import promoted
from tests.ingestion.drift.steps import good, merged
from tests.ingestion.steps import register
from tests.waiting import eventually

STAYS = """
CREATE SCHEMA shop;
CREATE TABLE shop.load AS SELECT false AS heavy;
CREATE TABLE shop.rooms (id int PRIMARY KEY, kind text, wing text);
INSERT INTO shop.rooms VALUES (1, 'single', 'north'), (2, 'double', 'south');
CREATE VIEW shop.stays AS SELECT g AS id, 'guest ' || g AS guest,
  CASE WHEN (SELECT heavy FROM shop.load) THEN (SELECT count(*)::text FROM generate_series(1, 1000000000))
       ELSE 'paid' END AS status
  FROM generate_series(1, 3) g;
"""

COLUMNS = [
    {"name": "id", "type": "bigint"},
    {"name": "at", "type": "timestamptz"},
    {"name": "v", "type": "integer"},
    {"name": "kind", "type": "text"},
    {"name": "mail", "type": "text"},
]

Heads = dict[str, tuple[str | None, dict[str, list[str]]]]


async def known(owner: asyncpg.Connection) -> Heads:
    """By table what stands in its way, and by column its values."""
    found: Heads = {}
    for name, failure, column, value in await owner.fetch(
        "SELECT DISTINCT t.name, i.failure, c.column_name, v.value FROM spyne.value_index AS i "
        "JOIN spyne.tables AS t ON t.id = i.table_id LEFT JOIN spyne.value_columns AS c USING (table_id) "
        "LEFT JOIN spyne.value_terms AS v ON v.column_id = c.id ORDER BY 1, 3, 4"
    ):
        columns = found.setdefault(name, (failure, {}))[1]
        if column is not None:
            columns.setdefault(column, []).append(value)
    return found


async def written(owner: asyncpg.Connection) -> dict[tuple[str, str], int]:
    """By table and column the number of the row that stands for it: another when the column is written anew."""
    rows = await owner.fetch(
        "SELECT t.name, c.column_name, c.id FROM spyne.value_columns c JOIN spyne.tables t ON t.id = table_id"
    )
    return {(row[0], row[1]): row[2] for row in rows}


def at(resources: Resources, moment: datetime, seconds: float = 30.0) -> ValueIndexing:
    """Indexing at a moment, with so many seconds for each column."""
    return ValueIndexing(resources.database, lambda: moment, seconds)


async def members(engineer: httpx.AsyncClient, admin: httpx.AsyncClient) -> str:
    """The contract of a governed table with rows."""
    contract_id = await register(engineer, "members", columns=COLUMNS)
    sent = [good(n, 1, kind="gold" if n % 2 else "silver", mail=f"m{n}@example.org") for n in range(4)]
    await merged(engineer, contract_id, sent)
    await promoted(admin, "members")
    return contract_id


async def test_a_slow_column_leaves_the_others_and_what_was_known_and_is_read_again(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await adopted(admin, owner, STAYS)
    now, guests = resources.clock(), ["guest 1", "guest 2", "guest 3"]
    await owner.execute("UPDATE shop.load SET heavy = true")
    await at(resources, now, 1.0).build()
    failure, columns = (await known(owner))["stays"]
    assert failure is not None
    assert failure.startswith("status: ")
    assert "guest" not in failure
    assert columns == {"guest": guests}
    assert (await known(owner))["rooms"] == (None, {"kind": ["double", "single"], "wing": ["north", "south"]})

    await owner.execute("UPDATE shop.load SET heavy = false")
    assert await at(resources, now + AGAIN / 2).build() == 0, "tried a moment ago"
    await at(resources, now + AGAIN).build()
    assert (await known(owner))["stays"] == (None, {"guest": guests, "status": ["paid"]})

    await owner.execute("UPDATE shop.load SET heavy = true")
    later = now + AGAIN + UNTOLD
    await at(resources, later, 1.0).build()
    failure, columns = (await known(owner))["stays"]
    assert failure is not None
    assert columns == {"guest": guests, "status": ["paid"]}, "what was known is kept"

    await owner.execute("DROP VIEW shop.stays")
    await at(resources, later + AGAIN).build()
    failure, columns = (await known(owner))["stays"]
    assert failure is not None
    assert columns == {}, "what is gone is known no more"


@pytest.mark.usefixtures("open_for_data")
async def test_a_governed_table_that_could_not_be_read_is_read_when_it_can_be_though_nothing_was_written(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await members(engineer, admin)

    async def counted() -> bool:
        return bool(await owner.fetchval("SELECT pg_stat_get_tuples_inserted('data.members__v1'::regclass) = 4"))

    await eventually(counted, what="PostgreSQL counts what was written")
    now = resources.clock()
    async with owner.transaction():
        await owner.execute("LOCK TABLE data.members__v1 IN ACCESS EXCLUSIVE MODE")
        await at(resources, now, 0.2).build()
    assert (await known(owner))["members"][1] == {}
    await at(resources, now + AGAIN).build()
    assert (await known(owner))["members"][1]["kind"] == ["gold", "silver"]


async def test_a_table_that_fails_stops_no_other_and_the_job_names_it(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    await adopted(
        admin, owner, STAYS + "CREATE TABLE shop.beds (id int, size text); INSERT INTO shop.beds VALUES (1, 'king');"
    )
    await resources.build(ValueIndexing).build()
    retired = await admin.post("/api/tables/load/deprecate", json={"reason": "as the test wants"})
    assert retired.status_code == 200, retired.text

    def failing(values: list[str], room: Room) -> IndexedColumn:
        if "king" in values:
            raise RuntimeError("as the test wants")
        return indexed_column(values, room)

    monkeypatch.setattr(building, "indexed_column", failing)
    await owner.execute("INSERT INTO shop.rooms VALUES (3, 'suite', 'north')")
    later = resources.clock() + UNTOLD + AGAIN
    with pytest.raises(ValuesNotIndexed, match=r"beds"):
        await at(resources, later).build()
    found = await known(owner)
    assert found["rooms"][1]["kind"] == ["double", "single", "suite"]
    assert found["beds"][1] == {"size": ["king"]}, "what was known is kept"
    assert "load" not in found, "and what is gone is forgotten"
    with pytest.raises(ValuesNotIndexed, match=r"beds"):
        await at(resources, later + AGAIN).build()


@pytest.mark.usefixtures("open_for_data")
async def test_a_column_that_becomes_private_while_it_is_read_is_not_put(
    admin: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contract_id = await members(engineer, admin)
    read: Callable[..., Any] = building._values

    async def read_slowly(session: Any, table: Any, name: str) -> list[str]:
        found: list[str] = await read(session, table, name)
        if name == "mail":
            said = {"columns": {"mail": {"sensitivity": "private"}}}
            assert (await engineer.patch(f"/api/contracts/{contract_id}", json=said)).status_code == 200
        return found

    monkeypatch.setattr(building, "_values", read_slowly)
    await resources.build(ValueIndexing).build()
    assert (await known(owner))["members"][1] == {"kind": ["gold", "silver"]}


@pytest.mark.usefixtures("open_for_data")
async def test_nothing_becomes_private_between_the_look_and_the_end_of_the_transaction(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await members(engineer, admin)
    table_id = await owner.fetchval("SELECT id FROM spyne.tables WHERE name = 'members'")
    await owner.execute("SET lock_timeout = '50ms'")
    async with resources.database.write() as session:
        assert "mail" in {column.name for column in await held_columns(session, table_id)}
        with pytest.raises(asyncpg.LockNotAvailableError):
            await owner.execute("UPDATE spyne.contracts SET column_words = '{}'")


@pytest.mark.usefixtures("open_for_data")
async def test_only_columns_whose_values_changed_are_written(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    contract_id = await members(engineer, admin)
    begun = resources.clock()
    await at(resources, begun).build()
    before = await written(owner)
    await merged(engineer, contract_id, [good(9, 1, kind="gold", mail="m9@example.org")])
    looks = 0

    async def read_again() -> bool:
        nonlocal looks
        looks += 1
        await at(resources, begun + looks * AGAIN).build()
        return (await written(owner))["members", "mail"] != before["members", "mail"]

    await eventually(read_again, what="PostgreSQL counts what was written")
    assert (await written(owner))["members", "kind"] == before["members", "kind"]


async def test_other_rules_index_every_table_anew(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    await adopted(admin, owner, STAYS)
    indexing = resources.build(ValueIndexing)
    tables = await indexing.build()
    assert (tables > 0, await indexing.build()) == (True, 0)
    monkeypatch.setattr(building, "FORMAT", building.FORMAT + 1)
    assert await indexing.build() == tables


async def test_one_column_with_many_values_pushes_out_no_other_and_what_is_named_comes_first(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = [f"CREATE TABLE shop.t{n} AS SELECT 'yes' AS answer" for n in range(9)]
    spelt = "CREATE TABLE shop.a AS SELECT 'yes' || repeat('!', g) AS answer FROM generate_series(0, 60) g"
    named = "CREATE TABLE shop.zebras AS SELECT 'yes' AS answer, 'yes' AS striped, 'two words' AS motto"
    await adopted(admin, owner, ";".join(["CREATE SCHEMA shop", spelt, *tables, named]))
    await resources.build(ValueIndexing).build()
    monkeypatch.setattr("app.query.values.repository.MOST_OF_TEXT", 12)
    names = {row["id"]: row["name"] for row in await owner.fetch("SELECT id, name FROM spyne.tables")}

    async def hits(*texts: str) -> list[tuple[str, str, float]]:
        async with resources.database.read() as session:
            return [
                (names[hit.table_id], hit.column_name, hit.worth)
                for hit in await ValueReads(session).hits(names, texts)
            ]

    found = await hits("yes")
    assert {table for table, _, _ in found} == {"a", "zebras", *(f"t{n}" for n in range(9))}
    assert found == await hits("yes")
    assert all(worth == 1.0 for _, _, worth in found)
    assert await hits("words") == [("zebras", "motto", OF_A_WORD)]
    monkeypatch.setattr("app.query.values.repository.MOST_OF_TEXT", 2)
    assert [table for table, _, _ in await hits("yes", "zebra")] == ["zebras", "zebras"]
    assert (await hits("yes", "strip", "zebra"))[0][1] == "striped"
