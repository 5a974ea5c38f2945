"""Pages of lists on PostgreSQL: every row once, in order, whatever is sorted by; totals; cursors that are none."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, DateTime, Float, Integer, MetaData, SmallInteger, Table, Text, Uuid, select

from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import Database
from app.kernel.db.listing import EXACT_ROWS, Order, SortKey, listed, newest_first
from app.kernel.paging import InvalidCursor, Numbered, Page, PageRequest, Sort, encode_cursor
from app.settings import DatabaseSettings
from tests.queries import recorded

ROWS = 41
THINGS = Table(
    "things",
    MetaData(schema="data"),
    Column("id", Uuid, primary_key=True),
    Column("size", Integer),
    Column("small", SmallInteger),
    Column("large", BigInteger),
    Column("name", Text),
    Column("at", DateTime(timezone=True)),
    Column("score", Float),
)
C = THINGS.c
SORTS = {name: C[name] for name in ("size", "small", "large", "name", "at", "score")}
NEWEST = newest_first(C.id, SORTS)


@pytest.fixture
async def database(urls: DatabaseUrls, owner: asyncpg.Connection) -> AsyncIterator[Database]:
    await owner.execute(
        f"""CREATE TABLE data.things (id uuid PRIMARY KEY, size int, small int2, large int8, name text, at timestamptz,
            score double precision);
        INSERT INTO data.things SELECT uuidv7(), n % 5, n % 3, 9000000000000000000 - n % 4, 'n' || n % 7,
            '2026-01-01'::timestamptz + (n % 6) * interval '0.000001 s', (n % 4) / 3.0
            FROM generate_series(1, {ROWS}) n;
        GRANT SELECT ON data.things TO spyne_app"""
    )
    database = Database(urls.app, DatabaseSettings())
    yield database
    await database.dispose()


async def page_of(database: Database, request: PageRequest, order: Order = NEWEST) -> Page[Any]:
    async with database.read() as session:
        return await listed(session, select(THINGS), request, order, lambda row: row)


def parsed(sort: str) -> tuple[Sort, ...]:
    return tuple(Sort(name.removeprefix("-"), name.startswith("-")) for name in sort.split(",")) if sort else ()


def in_order(rows: Sequence[Any], sort: str) -> list[Any]:
    found = sorted(rows, key=lambda row: row.id, reverse=True)
    for each in reversed(parsed(sort)):
        found.sort(key=lambda row, name=each.name: getattr(row, name), reverse=each.is_descending)  # type: ignore[misc]
    return found


ASKED = ["", "size", "-size", "name,-size", "-at", "at,score", "-score,name", "small,-large", "-large,at,-name,size"]


@pytest.mark.parametrize("sort", ASKED)
async def test_every_row_comes_once_and_in_order(database: Database, sort: str) -> None:
    everything = in_order((await page_of(database, PageRequest(500))).items, sort)
    assert len(everything) == ROWS
    for limit in (1, 7, 40, 41, 42):
        by_cursor: list[Any] = []
        request = PageRequest(limit, sort=parsed(sort))
        while True:
            page = await page_of(database, request)
            by_cursor += page.items
            if page.next_cursor is None:
                break
            request = PageRequest(limit, page.next_cursor, sort=parsed(sort))
        by_number = [
            row
            for number in range(1, -(-ROWS // limit) + 1)
            for row in (await page_of(database, PageRequest(limit, number=number, sort=parsed(sort)))).items
        ]
        assert [row.id for row in by_cursor] == [row.id for row in by_number] == [row.id for row in everything]


@pytest.mark.parametrize(("number", "items", "has_next"), [(1, 20, True), (2, 20, True), (3, 1, False), (4, 0, False)])
async def test_a_page_with_a_number_says_how_many_there_are(
    database: Database, number: int, items: int, has_next: bool
) -> None:
    page = await page_of(database, PageRequest(20, number=number))
    assert (len(page.items), page.next_cursor is not None) == (items, has_next)
    assert page.numbered == Numbered(number, 20, ROWS)
    assert page.numbered.last == 3


async def test_a_page_is_one_statement(database: Database) -> None:
    for request in (PageRequest(5), PageRequest(5, number=2), PageRequest(5, number=2, sort=parsed("-size,name"))):
        with recorded(database) as statements:
            await page_of(database, request)
        assert len(statements) == 1


async def test_of_an_empty_list_the_total_is_none(database: Database) -> None:
    async with database.read() as session:
        nothing = select(THINGS).where(C.size > 99)
        page = await listed(session, nothing, PageRequest(5, number=1), NEWEST, lambda row: row)
    assert (page.items, page.next_cursor, page.numbered) == ([], None, Numbered(1, 5, 0))
    assert page.numbered is not None
    assert page.numbered.last == 1


async def test_a_long_list_is_estimated(database: Database, owner: asyncpg.Connection) -> None:
    await owner.execute(
        "INSERT INTO data.things SELECT uuidv7(), 1, 1, 1, 'x', now(), 1 FROM generate_series(1, 30000); "
        "ANALYZE data.things"
    )
    numbered = (await page_of(database, PageRequest(5, number=3))).numbered
    assert numbered is not None
    assert numbered.is_estimate
    assert 25_000 < numbered.total < 35_000
    async with database.read() as session:
        few = select(THINGS).where(C.size == 4)
        exact = (await listed(session, few, PageRequest(5, number=1), NEWEST, lambda row: row)).numbered
    assert exact == Numbered(1, 5, 8)
    assert EXACT_ROWS == 10_000


ID = "0190e8a6-3a4b-7c5d-8e9f-0a1b2c3d4e5f"
FORGED: dict[str, tuple[str, Any]] = {
    "no list": ("", "x"),
    "an object": ("", {}),
    "a number within": ("", [1]),
    "no id": ("", ["x"]),
    "too few": ("size", [ID]),
    "too many": ("", ["1", ID]),
    "of another order": ("name,size", ["1", "x", ID]),
    "beyond an integer": ("size", [str(2**31), ID]),
    "beyond a small one": ("small", [str(2**15), ID]),
    "beyond a large one": ("large", [str(-(2**63)), ID]),
    "a very long number": ("size", ["9" * 500, ID]),
    "no number": ("score", ["x", ID]),
    "no time": ("at", ["yesterday", ID]),
    "before all time": ("at", ["0001-01-01T00:00:00+14:00", ID]),
    "NUL": ("name", ["a\0b", ID]),
    "half a pair": ("name", ["\ud800", ID]),
    "deep": ("", None),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forged_cursor_is_refused(database: Database, name: str) -> None:
    sort, content = FORGED[name]
    cursor = "[" * 300 if content is None else json.dumps(content)
    with pytest.raises(InvalidCursor):
        await page_of(database, PageRequest(5, encode_cursor(cursor), sort=parsed(sort)))


@given(
    st.lists(st.text(max_size=20) | st.sampled_from([ID, "1", "nan", "-inf", "2026-01-01T00:00:00+00:00"]), max_size=4)
)
def test_no_texts_raise_anything_else(texts: list[str]) -> None:
    for sort in ASKED:
        order = NEWEST.sorted_by(parsed(sort))
        try:
            order.behind(json.dumps(texts))
        except (ValueError, OverflowError):
            continue


async def test_odd_values_that_a_column_can_hold_are_no_fault(database: Database) -> None:
    for value in ("nan", "inf", "-inf", "1e308"):
        await page_of(database, PageRequest(5, encode_cursor(json.dumps([value, ID])), sort=parsed("score")))
    for value in ("9999-12-31T23:59:59+00:00", "2026-01-01"):
        await page_of(database, PageRequest(5, encode_cursor(json.dumps([value, ID])), sort=parsed("at")))


async def test_a_list_may_be_ordered_by_more_than_its_id(database: Database) -> None:
    order = Order((SortKey(C.score, is_descending=True), SortKey(C.id)))
    first = await page_of(database, PageRequest(10), order)
    rest = await page_of(database, PageRequest(500, first.next_cursor), order)
    keys = [(-row.score, row.id) for row in [*first.items, *rest.items]]
    assert keys == sorted(keys)
    assert len(keys) == ROWS
