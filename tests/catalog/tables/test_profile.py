"""Profiles: bounded, and right within their bounds."""

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.runtime.resources import Resources
from app.warehouse import profile as profiling
from app.warehouse.inspection import RelationColumn, RelationUnreadable
from app.warehouse.naming import RelationName
from app.warehouse.profile import (
    SAMPLE_ROWS,
    SKETCH_SIZE,
    Profile,
    estimated_distinct,
    profile,
    sample_clause,
    share_of,
)

RELATION = RelationName("shop", "orders")
COLUMNS = [
    RelationColumn("id", "bigint", nullable=False),
    RelationColumn("status", "text", nullable=True),
    RelationColumn("placed", "date", nullable=True),
    RelationColumn("note:x", "jsonb", nullable=True),
]


async def taken(resources: Resources, relation: RelationName = RELATION) -> Profile:
    async with resources.database.snapshot() as session:
        return await profile(session, relation, COLUMNS)


async def made(owner: asyncpg.Connection, rows: int) -> None:
    await owner.execute(
        f"""
        CREATE SCHEMA shop;
        CREATE TABLE shop.orders (id bigint, status text, placed date, "note:x" jsonb);
        INSERT INTO shop.orders
          SELECT i, (ARRAY['open', 'open', 'paid', NULL])[1 + i % 4], '2026-01-01'::date + i % 365, '{{}}'
          FROM generate_series(1, {rows}) i;
        ANALYZE shop.orders;
        GRANT USAGE ON SCHEMA shop TO spyne_app; GRANT SELECT ON shop.orders TO spyne_app;
        CREATE VIEW shop.slow AS
          SELECT max(i)::bigint AS id, 'x' AS status, NULL::date AS placed, NULL::jsonb AS "note:x"
            FROM generate_series(1, 200000000) i;
        CREATE VIEW shop.broken AS SELECT id / (id - id) AS id, status, placed, "note:x" FROM shop.orders;
        GRANT SELECT ON shop.broken TO spyne_app;
        GRANT SELECT ON shop.slow TO spyne_app;
        """
    )


async def test_a_small_relation_is_read_whole(resources: Resources, owner: asyncpg.Connection) -> None:
    await made(owner, 1_000)
    found = await taken(resources)
    assert (found.rows, found.sampled, found.complete) == (1_000, 1_000, True)
    key, status, placed, note = found.columns
    assert (key.distinct, key.minimum, key.maximum, key.nulls, key.top_values) == (1_000, "1", "1000", 0.0, ())
    assert (status.distinct, status.minimum, status.maximum, status.nulls) == (2, "open", "paid", 0.25)
    assert [(top.value, top.share) for top in status.top_values] == [("open", 0.5), ("paid", 0.25)]
    assert (placed.minimum, placed.maximum, placed.distinct) == ("2026-01-01", "2026-12-31", 365)
    assert (note.minimum, note.distinct) == (None, 1)
    assert len(key.sketch) == SKETCH_SIZE == len(set(key.sketch))
    assert list(key.sketch) == sorted(key.sketch)
    assert len(status.sketch) == 2


async def test_a_large_relation_is_sampled(resources: Resources, owner: asyncpg.Connection) -> None:
    await made(owner, 300_000)
    found = await taken(resources)
    assert not found.complete
    assert 0.5 * SAMPLE_ROWS < found.sampled <= 2 * SAMPLE_ROWS
    assert found.rows == pytest.approx(300_000, rel=0.05)
    key, status, *_ = found.columns
    assert key.distinct == pytest.approx(300_000, rel=0.1)
    assert (status.distinct, status.nulls) == (2, pytest.approx(0.25, abs=0.01))


async def test_an_unlucky_view_is_given_up(
    resources: Resources, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(owner, 100)
    monkeypatch.setattr(profiling, "PROFILE_SECONDS", 1)
    with pytest.raises(profiling.ProfileTooSlow):
        await taken(resources, RelationName("shop", "slow"))
    with pytest.raises(RelationUnreadable):
        await taken(resources, RelationName("shop", "broken"))
    assert (await taken(resources)).rows == 100


async def test_values_are_shown_to_whoever_sees_the_table(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await made(owner, 10)
    assert (await admin.post("/api/tables/adopt", json={"relations": ["shop.orders"]})).json()["adopted"] == 1
    shown = (await analyst.get("/api/tables/orders/profile")).json()
    assert shown["columns"][1]["top_values"][0] == {"value": "open", "share": 0.5}
    assert shown["columns"][3]["name"] == "note:x"
    assert [column["sketch"] for column in shown["columns"]] == [None] * 4
    asked = (await analyst.get("/api/tables/orders/profile", params={"sketch": "true"})).json()
    assert [len(column.pop("sketch")) for column in asked["columns"]] == [10, 2, 10, 1]
    assert asked["columns"] == [{k: v for k, v in column.items() if k != "sketch"} for column in shown["columns"]]


@pytest.mark.parametrize(
    ("part", "whole", "share"),
    [
        (0, 0, 0.0),
        (0, 400, 0.0),
        (1, 400, 0.0025),
        (399, 400, 0.9975),
        (1, 3, 0.333333),
        (2, 3, 0.666667),
        (1, 2 * SAMPLE_ROWS, 0.000025),
        (2 * SAMPLE_ROWS - 1, 2 * SAMPLE_ROWS, 0.999975),
        (7, 7, 1.0),
    ],
)
def test_shares_have_the_digits_that_they_can_have(part: int, whole: int, share: float) -> None:
    assert repr(share_of(part, whole)) == repr(share)


async def test_one_null_in_four_hundred_is_a_quarter_of_a_percent(
    resources: Resources, owner: asyncpg.Connection
) -> None:
    await made(owner, 400)
    await owner.execute("UPDATE shop.orders SET placed = NULL WHERE id = 7")
    assert (await taken(resources)).columns[2].nulls == 0.0025


@given(st.integers(0, 1000), st.data())
def test_estimates_keep_within_what_is_possible(sampled: int, data: st.DataObject) -> None:
    distinct = data.draw(st.integers(min(1, sampled), sampled))
    singletons = data.draw(st.integers(0, distinct))
    rows = data.draw(st.integers(sampled, 10**9))
    estimate = estimated_distinct(sampled, distinct, singletons, rows)
    assert distinct <= estimate <= max(rows, distinct)
    if rows == sampled or singletons == 0:
        assert estimate == distinct
    if singletons == distinct == sampled > 0:
        assert estimate == rows


def test_only_large_tables_are_sampled_by_pages() -> None:
    assert "TABLESAMPLE" not in sample_clause(RELATION, SAMPLE_ROWS, sampleable=True)
    assert "TABLESAMPLE" not in sample_clause(RELATION, 10**9, sampleable=False)
    assert "TABLESAMPLE" in sample_clause(RELATION, 10**9, sampleable=True)
