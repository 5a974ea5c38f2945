"""Evidence that is collected by one pass: every sampled count is that of the relation, and equal values meet."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import pytest

from app.kernel.runtime.resources import Resources
from app.warehouse.evidence.collecting import EvidenceTooSlow, RelationEvidence, collect
from app.warehouse.evidence.samples import HASHES, SAMPLE_SIZE, ColumnEvidence, Family
from app.warehouse.inspection import RelationUnreadable
from app.warehouse.naming import RelationName

SEED = 4711


async def evidence(resources: Resources, name: str, *columns: str, seconds: float = 30) -> RelationEvidence:
    """The evidence of a relation of the test's."""
    async with resources.database.snapshot() as session:
        return await collect(session, RelationName("shop", name), columns, governed=False, seed=SEED, seconds=seconds)


def by_name(found: RelationEvidence) -> Mapping[str, ColumnEvidence]:
    """The columns by name."""
    return {column.name: column for column in found.columns}


def overlap(one: ColumnEvidence, other: ColumnEvidence) -> float:
    """Share of the values of one, below both thresholds, that the other has."""
    threshold = min(one.sample.threshold, other.sample.threshold)
    mine = one.sample.hashes[: one.sample.below(threshold)]
    theirs = set(other.sample.hashes[: other.sample.below(threshold)])
    return sum(value in theirs for value in mine) / len(mine)


@pytest.fixture
async def shop(owner: asyncpg.Connection) -> asyncpg.Connection:
    await owner.execute("CREATE SCHEMA shop; GRANT USAGE ON SCHEMA shop TO PUBLIC")
    return owner


async def table(connection: asyncpg.Connection, name: str, body: str) -> None:
    """Make a table that everybody may read."""
    await connection.execute(f"CREATE TABLE shop.{name} {body}; GRANT SELECT ON shop.{name} TO PUBLIC")


SAME: Sequence[tuple[str, str, Any]] = [
    ("smallint", "7", Family.NUMBER),
    ("integer", "7", Family.NUMBER),
    ("bigint", "7", Family.NUMBER),
    ("numeric(12,2)", "7.00", Family.NUMBER),
    ("numeric", "7", Family.NUMBER),
    ("real", "7", Family.NUMBER),
    ("double precision", "7.0", Family.NUMBER),
    ("text", "'seven'", Family.TEXT),
    ("varchar(10)", "'seven'", Family.TEXT),
    ("char(9)", "'seven'", Family.TEXT),
    ("name", "'seven'", Family.TEXT),
    ("shop.word", "'seven'", Family.TEXT),
    ("shop.spelled", "'seven'", Family.TEXT),
    ("date", "'2026-02-03'", Family.DATE),
    ("timestamp", "'2026-02-03 00:00'", Family.DATE),
    ("timestamptz", "'2026-02-03 00:00+00'", Family.INSTANT),
    ("timestamptz(0)", "'2026-02-03 02:00+02'", Family.INSTANT),
    ("uuid", "'3f2504e0-4f89-11d3-9a0c-0305e82c3301'", Family.UUID),
]


async def test_equal_values_have_the_same_hash_whatever_type_holds_them(
    resources: Resources, shop: asyncpg.Connection
) -> None:
    await shop.execute("CREATE TYPE shop.word AS ENUM ('seven', 'eight'); CREATE DOMAIN shop.spelled AS varchar(20)")
    columns = ", ".join(f"c{number} {kind}" for number, (kind, _, _) in enumerate(SAME))
    await table(shop, "same", f"({columns})")
    await shop.execute(f"INSERT INTO shop.same VALUES ({', '.join(value for _, value, _ in SAME)})")
    found = await evidence(resources, "same", *(f"c{number}" for number in range(len(SAME))))
    assert [column.family for column in found.columns] == [family for _, _, family in SAME]
    hashes: dict[Family, set[int]] = {}
    for column in found.columns:
        hashes.setdefault(column.family, set()).add(column.sample.hashes[0])
    assert {family: len(values) for family, values in hashes.items()} == dict.fromkeys(Family, 1)


async def test_numbers_that_are_no_integers(resources: Resources, shop: asyncpg.Connection) -> None:
    await table(shop, "odd", "(n numeric, d double precision)")
    rows = "(1.5, 1.5), ('NaN', 'NaN'), ('Infinity', 'Infinity'), (1e30, 1e30), (-0.25, -0.25), (0, '-0'), (NULL, 1e-3)"
    await shop.execute(f"INSERT INTO shop.odd VALUES {rows}")
    found = by_name(await evidence(resources, "odd", "n", "d"))
    assert set(found["n"].sample.hashes) < set(found["d"].sample.hashes)
    assert (found["n"].nulls, found["d"].nulls) == (1, 0)


async def test_what_cannot_be_compared_is_left_out(resources: Resources, shop: asyncpg.Connection) -> None:
    await table(shop, "mixed", "(a int, b jsonb, c int[], d boolean, e bytea, f interval, g text)")
    found = await evidence(resources, "mixed", "a", "b", "c", "d", "e", "f", "g")
    assert [column.name for column in found.columns] == ["a", "g"]
    assert found.rows == 0
    assert all(column.sample.complete and not column.sample.hashes for column in found.columns)


async def test_a_large_table_is_sampled_and_every_count_is_the_tables(
    resources: Resources, shop: asyncpg.Connection
) -> None:
    await table(
        shop,
        "large",
        "AS SELECT g AS id, g % 30000 AS key, g % 7 AS few, CASE WHEN g % 10 > 0 THEN 'x' || g % 5000 END AS code "
        "FROM generate_series(1, 120000) g",
    )
    await table(shop, "keys", "AS SELECT g AS id FROM generate_series(0, 29999) g WHERE g % 5 > 0")
    await shop.execute("ANALYZE shop.large, shop.keys")
    found = by_name(await evidence(resources, "large", "id", "key", "few", "code"))
    keys = by_name(await evidence(resources, "keys", "id"))
    assert found["few"].sample.complete
    assert list(found["few"].sample.counts).count(17143) + list(found["few"].sample.counts).count(17142) == 7
    assert set(found["key"].sample.counts) == {4}
    assert set(found["id"].sample.counts) == {1}
    assert found["code"].nulls == 12000
    for name, distinct in {"id": 120000, "key": 30000, "code": 4500}.items():
        sample = found[name].sample
        assert SAMPLE_SIZE * 0.7 < len(sample.hashes) <= SAMPLE_SIZE
        assert abs(sample.distinct - distinct) < 0.15 * distinct  # 1/sqrt(1,024) = 3 %, five times
        assert list(sample.hashes) == sorted(sample.hashes)
        assert sample.hashes[-1] < sample.threshold < HASHES
    assert abs(overlap(found["key"], keys["id"]) - 0.8) < 0.08
    assert overlap(keys["id"], found["key"]) == 1.0
    assert (found["few"].low, found["few"].high) == (0.0, 6.0)


async def test_a_relation_that_is_gone_or_closed_or_slow(resources: Resources, shop: asyncpg.Connection) -> None:
    with pytest.raises(RelationUnreadable):
        await evidence(resources, "absent", "id")
    await shop.execute("CREATE TABLE shop.closed (id int)")
    with pytest.raises(RelationUnreadable):
        await evidence(resources, "closed", "id")
    await table(shop, "parts", "AS SELECT 1 AS id")
    await shop.execute(
        "CREATE VIEW shop.slow AS SELECT g AS id FROM generate_series(1, 1000000000) g; "
        "GRANT SELECT ON shop.slow TO PUBLIC"
    )
    with pytest.raises(EvidenceTooSlow):
        await evidence(resources, "slow", "id", seconds=0.05)
    await shop.execute(
        "CREATE VIEW shop.broken AS SELECT 1 / (id - 1) AS id FROM shop.parts; GRANT SELECT ON shop.broken TO PUBLIC"
    )
    with pytest.raises(RelationUnreadable):
        await evidence(resources, "broken", "id")


async def test_numbers_beyond_float_and_endless_times_have_no_place_on_a_line(
    resources: Resources, shop: asyncpg.Connection
) -> None:
    await table(shop, "edges", "(n numeric, t timestamp, z timestamptz, d date)")
    await shop.execute(
        "INSERT INTO shop.edges VALUES (('1' || repeat('0', 400))::numeric, 'infinity', '-infinity', 'infinity'), "
        "(5, '2026-01-01', '2026-01-01Z', '2026-01-01'), ('NaN', NULL, NULL, NULL), (0, NULL, NULL, '-infinity'), "
        "(('0.' || repeat('0', 400) || '1')::numeric, NULL, NULL, NULL)"
    )
    found = by_name(await evidence(resources, "edges", "n", "t", "z", "d"))
    assert (found["n"].low, found["n"].high) == (0.0, 5.0)
    assert len(found["n"].sample.hashes) == 5
    assert (found["t"].nulls, found["d"].nulls) == (3, 2)


async def test_the_widest_table(resources: Resources, shop: asyncpg.Connection) -> None:
    names = [f"c{number}" for number in range(1, 1600)]
    await table(shop, "wide", f"({', '.join(f'{name} int2' for name in names)})")
    await shop.execute(f"INSERT INTO shop.wide VALUES ({', '.join(str(number % 100) for number in range(1, 1600))})")
    found = await evidence(resources, "wide", *names)
    assert [column.high for column in found.columns] == [number % 100 for number in range(1, 1600)]


async def test_a_locked_relation_is_given_up(resources: Resources, shop: asyncpg.Connection) -> None:
    await table(shop, "busy", "AS SELECT 1 AS id")
    async with shop.transaction():
        await shop.execute("LOCK TABLE shop.busy IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(EvidenceTooSlow):
            await evidence(resources, "busy", "id", seconds=0.3)
