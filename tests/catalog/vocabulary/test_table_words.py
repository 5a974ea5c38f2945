"""What tables are called is read before every question: the same objects while nothing changes, others when it does."""

import asyncpg
import httpx
import pytest

from app.catalog.vocabulary.service import table_words
from app.catalog.vocabulary.words import TableWords
from app.kernel.runtime.resources import Resources
from app.warehouse.live import live_relations, live_words
from app.warehouse.naming import RelationName
from tests.catalog.joins.steps import adopted
from tests.catalog.steps import promoted
from tests.ingestion.drift.steps import good, merged
from tests.ingestion.steps import register

SAID = """
CREATE SCHEMA shop;
CREATE TABLE shop.rooms (hotel int, number int, "odd ""name" text UNIQUE, gone text, code text, wing text,
  PRIMARY KEY (hotel, number), UNIQUE (wing) INCLUDE (code));
ALTER TABLE shop.rooms DROP COLUMN gone;
CREATE UNIQUE INDEX ON shop.rooms (code) WHERE code <> '';
CREATE UNIQUE INDEX ON shop.rooms (lower(code));
COMMENT ON TABLE shop.rooms IS 'Where guests "sleep"';
COMMENT ON COLUMN shop.rooms.code IS 'As on the door';
CREATE VIEW shop.wings AS SELECT DISTINCT wing FROM shop.rooms;
"""


async def words(resources: Resources) -> dict[str, TableWords]:
    """The words of every table."""
    async with resources.database.read() as session:
        return {table.name: table for table in await table_words(session)}


async def test_the_words_of_live_relations_are_those_of_the_whole_look(
    owner: asyncpg.Connection, resources: Resources
) -> None:
    await owner.execute(SAID)
    names = [RelationName("shop", name) for name in ("rooms", "wings", "none")]
    async with resources.database.read() as session:
        found, whole = await live_words(session, names), (await live_relations(session, names)).by_name
    assert found.keys() == whole.keys()
    for name, relation in whole.items():
        said = tuple((column.name, column.comment) for column in relation.columns if column.comment is not None)
        everything = [column.name for column in relation.columns]
        assert (found[name].comment, found[name].comments) == (relation.comment, said)
        assert found[name].keys_within(everything) == relation.keys_within(everything)
        assert found[name].keys_within(everything[1:]) == relation.keys_within(everything[1:])


@pytest.mark.usefixtures("open_for_data")
async def test_words_are_the_same_objects_until_something_else_is_said(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    contract_id = await register(engineer, "members")
    await merged(engineer, contract_id, [good(1, 1)])
    await promoted(admin, "members")
    await adopted(admin, owner, SAID)
    before = await words(resources)
    assert await words(resources) == before
    said = {"columns": {"v": {"description": "How many", "sensitivity": "private"}}}
    assert (await engineer.patch(f"/api/contracts/{contract_id}", json=said)).status_code == 200
    after = await words(resources)
    assert after["rooms"] is before["rooms"]
    assert [(each.description, each.private) for each in after["members"].columns if each.name == "v"] == [
        ("How many", True)
    ]
    await owner.execute("COMMENT ON COLUMN shop.rooms.wing IS 'North or south'")
    rooms = (await words(resources))["rooms"]
    assert {each.name: each.description for each in rooms.columns}["wing"] == "North or south"
    assert rooms.key == ("hotel", "number")
