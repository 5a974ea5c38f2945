"""Exact measures of joins, and uniqueness of sets of columns: as plain Python counts them."""

import math
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import asyncpg
import pytest

from app.kernel.problems import Problem
from app.kernel.runtime.resources import Resources
from app.warehouse.evidence.collecting import EvidenceTooSlow
from app.warehouse.evidence.measuring import is_unique, measure_join, share
from app.warehouse.evidence.samples import HASHES, JoinMeasure, Multiplicity
from app.warehouse.inspection import RelationUnreadable
from app.warehouse.naming import RelationName

Row = tuple[Any, ...]

KINDS = [("integer", "bigint"), ("numeric(8,2)", "double precision"), ("text", "varchar(9)"), ("date", "timestamp")]
"""Types of the two sides of a column."""


def reference(left: Sequence[Row], right: Sequence[Row]) -> JoinMeasure:
    """The measure of a join of rows that are their own keys."""
    mine = Counter(row for row in left if None not in row)
    theirs = Counter(row for row in right if None not in row)
    both = sorted(row for row in mine if row in theirs)
    return JoinMeasure(
        left_rows=len(left),
        left_nulls=len(left) - sum(mine.values()),
        left_distinct=len(mine),
        left_matched_distinct=len(both),
        left_orphans=sum(count for row, count in mine.items() if row not in theirs),
        right_rows=len(right),
        right_nulls=len(right) - sum(theirs.values()),
        right_distinct=len(theirs),
        fan_out=_multiplicity([mine[row] for row in both]),
        multiplication=_multiplicity([theirs[row] for row in both]),
        left_unique=max(mine.values(), default=0) <= 1,
        right_unique=max(theirs.values(), default=0) <= 1,
        values=len(mine),
        exact=True,
    )


def _multiplicity(counts: Sequence[int]) -> Multiplicity | None:
    if not counts:
        return None
    ranked = sorted(counts)
    mean = pytest.approx(sum(ranked) / len(ranked))
    return Multiplicity(mean, ranked[math.ceil(0.99 * len(ranked)) - 1], ranked[-1])


@pytest.fixture
async def shop(owner: asyncpg.Connection) -> asyncpg.Connection:
    await owner.execute("CREATE SCHEMA shop; GRANT USAGE ON SCHEMA shop TO PUBLIC")
    await owner.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO PUBLIC")
    return owner


def spelled(value: Any, kind: str) -> str:
    """A small number as a literal of the type."""
    if value is None:
        return "NULL"
    if kind in {"date", "timestamp"}:
        return f"date '2026-01-01' + {value}"
    return f"'{value}'::{kind}"


@pytest.mark.parametrize("seed", range(12))
async def test_a_measure_is_what_plain_python_counts(resources: Resources, shop: asyncpg.Connection, seed: int) -> None:
    random = Random(seed)
    kinds = random.sample(KINDS, random.choice([1, 1, 2, 3]))
    sides = []
    for name, place in (("left_side", 0), ("right_side", 1)):
        wide = random.choice([3, 8, 40])
        rows = [
            tuple(None if random.random() < 0.1 else random.randint(0, wide) for _ in kinds)
            for _ in range(random.choice([0, 1, 30, 80]))
        ]
        columns = ", ".join(f'"c {number}" {kind[place]}' for number, kind in enumerate(kinds))
        await shop.execute(f"CREATE TABLE shop.{name} ({columns})")
        for row in rows:
            values = ", ".join(spelled(value, kind[place]) for value, kind in zip(row, kinds, strict=True))
            await shop.execute(f"INSERT INTO shop.{name} VALUES ({values})")
        sides.append((RelationName("shop", name), rows))
    names = [f"c {number}" for number in range(len(kinds))]
    async with resources.database.snapshot() as session:
        (left, mine), (right, theirs) = sides
        found = await measure_join(session, (left, names), (right, names), seconds=30)
        itself = await measure_join(session, (left, names), (left, names), seconds=30)
        unique = await is_unique(session, left, names, by=names[0], rows=len(mine), seconds=30)
    assert found == reference(mine, theirs)
    assert itself == reference(mine, mine)
    assert unique == (bool(mine) and len(set(mine)) == len(mine) and not any(None in row for row in mine))


async def test_a_measure_of_some_values_estimates_all(resources: Resources, shop: asyncpg.Connection) -> None:
    await shop.execute(
        "CREATE TABLE shop.lines AS SELECT g % 20000 AS a, g % 3 AS b FROM generate_series(1, 60000) g; "
        "CREATE TABLE shop.keys AS SELECT g AS a, b FROM generate_series(0, 14999) g, generate_series(0, 2) b"
    )
    lines, keys = RelationName("shop", "lines"), RelationName("shop", "keys")
    async with resources.database.snapshot() as session:
        whole = await measure_join(session, (lines, ["a", "b"]), (keys, ["a", "b"]), seconds=30)
        some = await measure_join(session, (lines, ["a", "b"]), (keys, ["a", "b"]), seconds=30, threshold=HASHES // 8)
    assert whole.exact
    assert not some.exact
    assert some.values < whole.values / 6
    assert (some.left_rows, some.right_rows, some.right_unique) == (60_000, 45_000, True)
    assert some.containment == pytest.approx(whole.containment, abs=0.03)
    assert some.orphan_rate == pytest.approx(whole.orphan_rate, abs=0.03)
    assert some.left_distinct == pytest.approx(whole.left_distinct, rel=0.05)


async def test_what_cannot_be_measured(resources: Resources, shop: asyncpg.Connection) -> None:
    await shop.execute("CREATE TABLE shop.some (a int, j jsonb)")
    some = RelationName("shop", "some")
    for names in (["absent"], ["j"]):
        async with resources.database.snapshot() as session:
            with pytest.raises(RelationUnreadable):
                await measure_join(session, (some, names), (some, ["a"]), seconds=30)


@pytest.mark.parametrize(
    ("left", "right", "problem", "named"),
    [
        ("slow", "some", EvidenceTooSlow, r"shop\.slow"),
        ("some", "slow", EvidenceTooSlow, r"shop\.slow"),
        ("fails", "some", RelationUnreadable, r"shop\.fails"),
        ("some", "fails", RelationUnreadable, r"shop\.fails"),
        ("some", "absent", RelationUnreadable, r"shop\.absent"),
        ("some", "hidden", RelationUnreadable, r"shop\.hidden"),
    ],
)
async def test_a_problem_names_the_side_that_it_is_of(
    resources: Resources, shop: asyncpg.Connection, left: str, right: str, problem: type[Problem], named: str
) -> None:
    await shop.execute(
        "CREATE TABLE shop.some AS SELECT g % 2 AS a FROM generate_series(1, 9) g; "
        "CREATE VIEW shop.slow AS SELECT g AS a FROM generate_series(1, 1000000000) g; "
        "CREATE VIEW shop.fails AS SELECT 1 / (a - a) AS a FROM shop.some; "
        "CREATE TABLE shop.hidden (a int); REVOKE ALL ON shop.hidden FROM PUBLIC"
    )
    async with resources.database.snapshot() as session:
        with pytest.raises(problem, match=f"^{named} "):
            await measure_join(
                session, (RelationName("shop", left), ["a"]), (RelationName("shop", right), ["a"]), seconds=0.3
            )


def test_how_many_rows_are_looked_at() -> None:
    assert share(400_000) == HASHES
    assert share(4_000_000) == HASHES // 20
