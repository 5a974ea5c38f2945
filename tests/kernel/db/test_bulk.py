"""Many rows at once: whatever their number, the table holds what single statements would have left."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError

from app.kernel.db.bulk import COPY_ROWS, PORTION_ROWS, add_rows, change_rows, put_rows
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import Database
from app.settings import DatabaseSettings
from tests.queries import recorded

THINGS = Table(
    "things",
    MetaData(schema="data"),
    Column("id", Uuid, primary_key=True),
    Column("place", Integer),
    Column("name", Text),
    Column("at", DateTime(timezone=True)),
    Column("score", Float),
    Column("price", Numeric),
    Column("is_good", Boolean),
    Column("facts", JSONB),
    Column("raw", LargeBinary),
    Column("words", ARRAY(Text)),
)
AT = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


@pytest.fixture
async def database(urls: DatabaseUrls, owner: asyncpg.Connection) -> AsyncIterator[Database]:
    await owner.execute(
        """CREATE TABLE data.things (id uuid PRIMARY KEY, place int NOT NULL UNIQUE, name text, at timestamptz,
            score double precision, price numeric, is_good boolean DEFAULT true, facts jsonb, raw bytea,
            words text[] DEFAULT '{a}');
        GRANT ALL ON data.things TO spyne_app"""
    )
    database = Database(urls.app, DatabaseSettings())
    yield database
    await database.dispose()


def row(n: int) -> dict[str, Any]:
    """A row with awkward values; some of them NULL."""
    return {
        "id": UUID(int=n),
        "place": n,
        "name": [None, "", "a,b\"'\\\n{}", "\u00e9\U0001f600", "NULL"][n % 5],
        "at": None if n % 7 == 0 else AT + timedelta(microseconds=n),
        "score": [0.1, float("inf"), -0.0, None][n % 4],
        "price": None if n % 3 else Decimal(n) / 8,
        "facts": [{"a": [1, "x", None]}, [], None, "text", {"\u00e9": {"n": n}}][n % 5],
        "raw": bytes([n % 256, 0]),
    }


async def kept(database: Database) -> list[dict[str, Any]]:
    async with database.read() as session:
        found = await session.execute(select(THINGS).order_by(THINGS.c.place))
        return [dict(each._mapping) for each in found]


def as_kept(given: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"is_good": True, "words": ["a"], **given, **more}


@pytest.mark.parametrize("number", [0, 1, 3, PORTION_ROWS + 1, COPY_ROWS, COPY_ROWS + 1])
async def test_rows_are_made_and_read_back_the_same(database: Database, number: int) -> None:
    rows = [row(n) for n in range(number)]
    async with database.write() as session:
        assert await add_rows(session, THINGS, rows) == number
    assert await kept(database) == [as_kept(each) for each in rows]


@pytest.mark.parametrize("number", [3, COPY_ROWS + 1])
async def test_all_or_none_are_made(database: Database, number: int) -> None:
    rows = [row(n) for n in range(number)]
    with pytest.raises((IntegrityError, DBAPIError, asyncpg.UniqueViolationError)):
        async with database.write() as session:
            await add_rows(session, THINGS, [*rows, rows[0]])
    assert await kept(database) == []


async def test_rows_are_changed_by_their_key_and_no_others(database: Database) -> None:
    async with database.write() as session:
        await add_rows(session, THINGS, [row(n) for n in range(10)])
        changed = [{"id": UUID(int=n), "name": f"new {n}", "facts": None} for n in (2, 5, 99)]
        assert await change_rows(session, THINGS, changed) == 2
        assert await change_rows(session, THINGS, [{"place": 7, "score": 1.5}], key=["place"]) == 1
        assert await change_rows(session, THINGS, []) == 0
    expected = [as_kept(row(n)) for n in range(10)]
    for n in (2, 5):
        expected[n] |= {"name": f"new {n}", "facts": None}
    expected[7]["score"] = 1.5
    assert await kept(database) == expected


async def test_rows_are_put_in_the_place_of_those_with_their_key(database: Database) -> None:
    async with database.write() as session:
        await add_rows(session, THINGS, [row(n) for n in range(4)])
        put = [{"id": UUID(int=100 + n), "place": n, "name": f"put {n}"} for n in (1, 3, 8)]
        assert await put_rows(session, THINGS, put, key=["place"]) == 3
    found = {each["place"]: (each["id"].int, each["name"], each["score"]) for each in await kept(database)}
    assert found == {
        0: (0, row(0)["name"], row(0)["score"]),
        1: (101, "put 1", row(1)["score"]),
        2: (2, row(2)["name"], row(2)["score"]),
        3: (103, "put 3", row(3)["score"]),
        8: (108, "put 8", None),
    }


async def test_a_key_alone_is_put_where_it_is_not_yet(database: Database) -> None:
    async with database.write() as session:
        for _ in range(2):
            await put_rows(session, THINGS, [{"id": UUID(int=1), "place": 1}], key=["id", "place"][:1])
    assert [each["place"] for each in await kept(database)] == [1]


@pytest.mark.parametrize("change", [change_rows, put_rows])
async def test_two_rows_of_one_key_are_refused(database: Database, change: Any) -> None:
    async with database.write() as session:
        with pytest.raises(ValueError, match="two rows have one key"):
            await change(session, THINGS, [{"id": UUID(int=1), "place": 1}, {"id": UUID(int=1), "place": 2}])


@pytest.mark.parametrize("change", [add_rows, change_rows, put_rows])
@pytest.mark.parametrize("other", [{"id": UUID(int=2)}, {"id": UUID(int=2), "place": 2, "name": "x"}])
async def test_rows_of_different_columns_are_refused(database: Database, change: Any, other: dict[str, Any]) -> None:
    async with database.write() as session:
        with pytest.raises(ValueError, match="different columns"):
            await change(session, THINGS, [{"id": UUID(int=1), "place": 1}, other])


async def test_arrays_are_refused_where_they_would_be_taken_apart(database: Database) -> None:
    async with database.write() as session:
        with pytest.raises(TypeError, match="words"):
            await add_rows(session, THINGS, [{"id": UUID(int=1), "place": 1, "words": ["a", "b"]}])


async def test_a_portion_is_one_statement(database: Database) -> None:
    rows = [row(n) for n in range(PORTION_ROWS + 1)]
    with recorded(database) as statements:
        async with database.write() as session:
            await add_rows(session, THINGS, rows)
    made = [statement for statement in statements if "INSERT" in statement]
    assert len(made) == 2
    assert json.dumps(made).count("unnest") == 2
