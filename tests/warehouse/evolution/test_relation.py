"""Changing a relation that holds rows, and taking that back, on a real PostgreSQL."""

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from app.kernel.embedded import ServerAddress
from app.warehouse.evolution import (
    CannotUndo,
    NeedsNewVersion,
    Obstacle,
    ObstacleKind,
    RelationBusy,
    apply,
    obstacles,
    relation,
    size,
    undo,
)
from app.warehouse.plan import Checks, Column, Mode, RelationPlan
from app.warehouse.types import parse_type
from tests.waiting import eventually
from tests.warehouse.evolution.evolving import Evolving, at, changed, evolving
from tests.warehouse.relations import plan_of

PLAN = plan_of()
WITH_W = changed(PLAN, "w", "varchar(3)")
STRICT = changed(PLAN, "v", "integer", nullable=False)
"""Column v may not be empty."""


@pytest.fixture
async def other(server: ServerAddress, bare_database: str) -> Any:
    connection = await asyncpg.connect(**server.connect_kwargs(bare_database))
    yield connection
    await connection.close()


async def filled(connection: asyncpg.Connection, plan: RelationPlan = PLAN) -> Evolving:
    """Three rows, and two before-images."""
    found = await evolving(connection, plan)
    await found.put([{"k": key, "at": at(1), "v": 1} for key in "abc"])
    await found.put([{"k": key, "at": at(2), "v": 2} for key in "ab"])
    return found


@pytest.mark.parametrize("mode", Mode)
async def test_an_added_column_is_empty_and_takes_values(connection: asyncpg.Connection, mode: Mode) -> None:
    found = await filled(connection, plan_of(mode))
    before, shapes = await found.everything(), await found.shapes()
    await found.evolve(changed(found.plan, "w", "varchar(3)"))
    assert [shape for shape in await found.shapes() if ("w", "character varying(3)", True) in shape] == (
        await found.shapes()
    )
    assert await found.wrong_hashes() == 0
    await found.put([{"k": "a", "at": at(9), "v": 3, "w": "abc"}])
    assert await found.wrong_hashes() == 0
    assert ("abc",) in await found.relation.rows("w")
    await found.take_back(3)
    await found.undo(losing=["w"])
    assert await found.shapes() == shapes
    assert (await found.everything())[0] == before[0]


@pytest.mark.parametrize("mode", Mode)
async def test_values_that_may_go_leave_rows_and_images_with_the_hash_that_they_have_without(
    connection: asyncpg.Connection, mode: Mode
) -> None:
    found = await evolving(connection, plan_of(mode))
    await found.put([{"k": key, "at": at(1), "v": 1} for key in "abc"])
    never = await found.relation.rows("k, at, v, _spyne_hash")
    await found.evolve(changed(found.plan, "w", "text"))
    await found.put([{"k": key, "at": at(1), "v": 1, "w": "x"} for key in "ab"] + [{"k": "c", "at": at(1), "v": 1}])
    await found.put([{"k": key, "at": at(2), "v": 2, "w": "y"} for key in "abc"])
    counted = await connection.fetchrow(
        f"SELECT (SELECT count(w) FROM {found.plan.relation.sql}), (SELECT count(w) FROM {found.plan.before.sql})"
    )
    assert 0 not in counted
    await found.undo(losing=["w"])
    assert await found.wrong_hashes() == 0
    await found.take_back(3)
    await found.take_back(2)
    assert await found.relation.rows("k, at, v, _spyne_hash") == never


@pytest.mark.parametrize(
    ("old", "new", "values"),
    [
        ("varchar(3)", "text", ["abc", "b"]),
        ("varchar(3)", "varchar(9)", ["abc", "b"]),
        ("numeric(5,2)", "numeric(9,2)", [1, 2]),
        ("smallint", "bigint", [1, -2]),
        ("integer", "numeric", [1, -2]),
        ("smallint", "real", [1, -2]),
        ("integer", "double precision", [1, -2]),
        ("real", "double precision", [0.5, 0.1]),
        ("date", "timestamp", ["2026-01-01", "infinity"]),
    ],
)
@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.APPEND])
async def test_a_wider_type_keeps_values_and_hashes_and_goes_back(
    connection: asyncpg.Connection, mode: Mode, old: str, new: str, values: list[Any]
) -> None:
    found = await evolving(connection, changed(plan_of(mode), "w", old))
    await found.put([{"k": key, "at": at(1), "v": 1, "w": value} for key, value in zip("ab", values, strict=True)])
    await found.put([{"k": "a", "at": at(2), "v": 2, "w": values[1]}, {"k": "c", "at": at(2), "v": 2}])
    before, shapes = await found.everything(), await found.shapes()
    compared = f"SELECT k, w::{old}::text FROM {found.plan.relation.sql} ORDER BY k"
    texts = await connection.fetch(compared)
    await found.evolve(changed(found.plan, "w", new))
    assert {kind for shape in await found.shapes() for name, kind, _ in shape if name == "w"} == {
        await connection.fetchval("SELECT format_type(to_regtype($1), to_regtypemod($1))", new)
    }
    assert await connection.fetch(compared) == texts
    assert await found.wrong_hashes() == 0
    await found.undo()
    assert (await found.everything(), await found.shapes()) == (before, shapes)


async def test_a_column_that_may_be_empty_and_may_not_again(connection: asyncpg.Connection) -> None:
    found = await filled(connection, STRICT)
    shapes = await found.shapes()
    await found.evolve(PLAN)
    await found.put([{"k": "a", "at": at(3), "v": None}, {"k": "d", "at": at(3), "v": 1}])
    await found.put([{"k": "a", "at": at(4), "v": 4}, {"k": "c", "at": at(4), "v": None}])
    with pytest.raises(CannotUndo) as refused:
        await found.undo()
    assert refused.value.obstacles == (Obstacle("v", ObstacleKind.HAS_NULLS, 1, 1),)
    await found.take_back(4)
    await found.take_back(3)
    await connection.execute(f"DELETE FROM {PLAN.before.sql} WHERE v IS NULL")
    await found.undo()
    assert await found.shapes() == shapes


async def test_too_many_rows_are_not_read_for_empty_values_while_readers_wait(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await filled(connection, STRICT)
    shapes = await found.shapes()
    await found.evolve(PLAN)
    monkeypatch.setattr(size, "MOST_ROWS", 4)
    await found.undo()
    assert await found.shapes() == shapes
    with pytest.raises(asyncpg.NotNullViolationError):
        await found.put([{"k": "z", "at": at(3), "v": None}])
    await found.evolve(PLAN)
    await found.put([{"k": "z", "at": at(3), "v": None}])


async def test_all_that_stands_in_the_way_of_going_back_is_counted(connection: asyncpg.Connection) -> None:
    found = await filled(connection, changed(WITH_W, "v", "integer", nullable=False))
    wide = changed(changed(changed(found.plan, "v", "bigint"), "w", "text"), "new", "integer")
    await found.evolve(wide)
    await found.put([{"k": "a", "at": at(3), "v": 2**40, "w": "long", "new": 1}])
    await found.put([{"k": "a", "at": at(4), "v": None, "w": "long", "new": None}, {"k": "b", "at": at(4), "v": 1}])
    before = await found.everything()
    expected = {
        Obstacle("new", ObstacleKind.HAS_VALUES, 0, 1),
        Obstacle("w", ObstacleKind.DOES_NOT_FIT, 1, 1),
        Obstacle("v", ObstacleKind.DOES_NOT_FIT, 0, 1),
        Obstacle("v", ObstacleKind.HAS_NULLS, 1, 0),
    }
    assert set(await obstacles(connection, found.plans[0], wide)) == expected
    with pytest.raises(CannotUndo) as refused:
        await found.undo()
    assert set(refused.value.obstacles) == expected
    assert len(refused.value.document(None)["obstacles"]) == len(expected)
    assert await found.everything() == before
    assert {each.column for each in await obstacles(connection, found.plans[0], wide, losing=["new"])} == {"v", "w"}


async def test_too_many_rows_are_not_written_anew(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await filled(connection)
    wide, unique = changed(PLAN, "v", "bigint"), Column("w", parse_type("text"), checks=Checks(unique=True))
    for name, most in (("MOST_ROWS", 4), ("MOST_BYTES", 100)):
        with monkeypatch.context() as patch:
            patch.setattr(size, name, most)
            for after in (wide, replace(PLAN, columns=(*PLAN.columns, unique))):
                with pytest.raises(NeedsNewVersion, match=r"column [vw] asks for a look at every row"):
                    await found.evolve(after)
            await found.evolve(WITH_W)
            await found.undo()
    monkeypatch.setattr(size, "MOST_ROWS", 5)
    await found.evolve(wide)
    monkeypatch.setattr(size, "MOST_ROWS", 4)
    with pytest.raises(CannotUndo) as refused:
        await found.undo()
    assert refused.value.obstacles == (Obstacle("v", ObstacleKind.TOO_LARGE, 3, 2),)


async def test_rows_that_are_larger_than_they_look_are_not_held_in_memory(
    connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await filled(connection)
    monkeypatch.setattr(relation, "MOST_COPIED_BYTES", 50)
    with pytest.raises(NeedsNewVersion, match=r"written anew, which are [0-9]+ bytes"):
        await found.evolve(changed(PLAN, "v", "bigint"))
    assert await found.wrong_hashes() == 0
    monkeypatch.undo()
    await found.evolve(changed(PLAN, "v", "bigint"))


async def test_a_date_that_no_timestamp_can_be_needs_a_new_version(connection: asyncpg.Connection) -> None:
    found = await evolving(connection, changed(PLAN, "w", "date"))
    await found.put([{"k": "a", "at": at(1), "v": 1, "w": "300000-01-01"}])
    with pytest.raises(NeedsNewVersion, match="does not fit its new type"):
        await found.evolve(changed(PLAN, "w", "timestamp"))


async def test_new_unique_columns_have_an_index_whatever_their_place(connection: asyncpg.Connection) -> None:
    found = await evolving(connection, plan_of(unique=True))
    await found.put([{"k": "a", "at": at(1), "v": 1}, {"k": "b", "at": at(1), "v": 2}])
    unique = Column("w", parse_type("text"), checks=Checks(unique=True))
    after = replace(found.plan, columns=(*found.plan.columns[:2], unique, *found.plan.columns[2:]))
    await found.evolve(after)
    indexed = await connection.fetch(
        "SELECT attname::text FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0] "
        "WHERE indrelid = $1::regclass",
        after.relation.sql,
    )
    assert sorted(row[0] for row in indexed) == ["k", "v", "w"]
    outcome = await found.put([{"k": key, "at": at(2), "v": v, "w": "x"} for key, v in (("a", 1), ("c", 3))])
    assert outcome.counts.rejected == 1
    empty = await evolving(connection, plan_of(unique=True))
    await empty.evolve(after)
    await empty.put([{"k": "a", "at": at(1), "v": 1, "w": "x"}])
    await empty.undo(losing=["w"])


@pytest.mark.parametrize("type_", ["integer", "bigint"])
async def test_readers_with_an_older_snapshot_see_the_rows(
    connection: asyncpg.Connection, other: asyncpg.Connection, type_: str
) -> None:
    """Also when all rows were written anew, which PostgreSQL's own rewrite would hide from them."""
    found = await filled(connection)
    wide = changed(changed(PLAN, "v", type_), "w", "text")
    count = f"SELECT count(*) FROM {PLAN.relation.sql} WHERE v IS NOT NULL"

    async def waiting_reader() -> int:
        async with other.transaction(isolation="repeatable_read", readonly=True):
            return int(await other.fetchval(count))

    reader = other.transaction(isolation="repeatable_read", readonly=True)
    await reader.start()
    await other.execute("SELECT 1")
    await found.evolve(wide)
    assert await other.fetchval(count) == 3
    await reader.rollback()
    async with connection.transaction():
        await undo(connection, PLAN, wide)
        task = asyncio.create_task(waiting_reader())
        locked = "SELECT count(*) FROM pg_locks WHERE relation = $1::regclass AND NOT granted"
        await eventually(lambda: connection.fetchval(locked, PLAN.relation.sql))
    assert await task == 3


@pytest.mark.parametrize("held", ["a reader", "a batch", "a reader of images"])
async def test_locks_are_not_waited_for_longer_than_is_said(
    connection: asyncpg.Connection, other: asyncpg.Connection, held: str
) -> None:
    found = await filled(connection)
    statement = {
        "a reader": f"SELECT count(*) FROM {PLAN.relation.sql}",
        "a batch": f"SELECT pg_advisory_xact_lock(hashtextextended('{PLAN.relation}', 0))",
        "a reader of images": f"SELECT count(*) FROM {PLAN.before.sql}",
    }[held]
    wide = changed(WITH_W, "v", "bigint")
    async with other.transaction():
        await other.execute(statement)
        for work in (
            lambda: apply(connection, PLAN, wide, published=False, lock_timeout_ms=20, turn_timeout_ms=20),
            lambda: undo(connection, STRICT, PLAN, lock_timeout_ms=20, turn_timeout_ms=20),
        ):
            with pytest.raises(RelationBusy) as busy:
                async with connection.transaction():
                    await work()
            assert (busy.value.status, busy.value.headers["Retry-After"]) == (503, "5")
    await found.evolve(wide)


async def test_the_former_lock_timeout_holds_again(connection: asyncpg.Connection) -> None:
    await filled(connection)
    async with connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '7s'")
        await apply(connection, PLAN, WITH_W, published=False)
        await undo(connection, PLAN, WITH_W)
        assert await connection.fetchval("SHOW lock_timeout") == "7s"


async def test_nothing_is_locked_where_nothing_changes(
    connection: asyncpg.Connection, other: asyncpg.Connection
) -> None:
    found = await filled(connection)
    async with other.transaction():
        await other.execute(f"LOCK TABLE {PLAN.relation.sql}")
        await found.evolve(PLAN)
        await found.undo()
        assert await obstacles(connection, PLAN, PLAN) == ()
