"""The content hash is a property of the values: columns may come in any order, and a column may be added."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.warehouse.naming import quote
from app.warehouse.plan import Column, Mode, RelationPlan, Resolution
from app.warehouse.types import TypeKind, parse_type
from tests.warehouse.relations import START, Relation, content_hash, plan_of

NULLABLE = [Column(f"n {place}", parse_type(kind.value)) for place, kind in enumerate(TypeKind)]
"""A column of every type."""

VALUES: dict[TypeKind, tuple[str, str]] = {
    TypeKind.TEXT: ("'a'", "'b'"),
    TypeKind.VARCHAR: ("'a'", "'A'"),
    TypeKind.SMALLINT: ("1", "-1"),
    TypeKind.INTEGER: ("1", "256"),
    TypeKind.BIGINT: ("1", "4294967297"),
    TypeKind.NUMERIC: ("1", "1.01"),
    TypeKind.REAL: ("1", "1.5"),
    TypeKind.DOUBLE: ("1", "'NaN'"),
    TypeKind.BOOLEAN: ("true", "false"),
    TypeKind.DATE: ("'2026-01-01'", "'infinity'"),
    TypeKind.TIME: ("'00:00'", "'23:59:59.999999'"),
    TypeKind.TIMESTAMP: ("'2026-01-01'", "'2026-01-01 00:00:00.000001'"),
    TypeKind.TIMESTAMPTZ: ("'2026-01-01 00:00Z'", "'2026-01-01 00:00+01'"),
    TypeKind.UUID: ("'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000002'"),
    TypeKind.JSONB: ("""'{"a": 1}'""", """'{"a": [1]}'"""),
    TypeKind.BYTEA: (r"'\x00'", r"'\x0000'"),
}
EQUAL = [
    (("smallint", 7), ("bigint", 7)),
    (("integer", -7), ("bigint", -7)),
    (("real", 0.5), ("double precision", 0.5)),
    (("real", 0.0), ("double precision", -0.0)),
    (("varchar(5)", "abc"), ("text", "abc")),
    (("numeric(5,2)", 1), ("numeric", 1)),
    (("jsonb", '{"a": 1, "b": 2}'), ("jsonb", '{"b": 2, "a": 1.0}')),
]
"""What is equal has one hash: so types may be widened."""


@pytest.mark.parametrize("kind", TypeKind)
async def test_values_of_every_type_are_told_apart(connection: asyncpg.Connection, kind: TypeKind) -> None:
    one, other = VALUES[kind]
    column = Column("v", parse_type(kind.value))
    found = {
        await content_hash(connection, ("v", column.type.sql, value))
        for value in [await connection.fetchval(f"SELECT {text}::{kind.value}") for text in (one, other, "NULL")]
    }
    assert len(found) == 3


@pytest.mark.parametrize(("one", "other"), EQUAL)
async def test_equal_values_have_one_hash(
    connection: asyncpg.Connection, one: tuple[str, Any], other: tuple[str, Any]
) -> None:
    assert await content_hash(connection, ("v", *one)) == await content_hash(connection, ("v", *other))


async def test_the_same_values_in_other_columns_are_other_content(connection: asyncpg.Connection) -> None:
    there = await content_hash(connection, ("a", "integer", 1), ("b", "integer", 2))
    swapped = await content_hash(connection, ("a", "integer", 2), ("b", "integer", 1))
    equal = await content_hash(connection, ("a", "integer", 1), ("b", "integer", 1))
    assert len({there, swapped, equal, 0}) == 4


Fact = tuple[str, int, int | None]
facts = st.tuples(st.sampled_from("abc"), st.integers(0, 20), st.sampled_from((None, 1, 2)))


@pytest.mark.parametrize(("mode", "resolution"), list(product(Mode, Resolution)))
@settings(max_examples=2, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    batches=st.lists(st.lists(facts, min_size=1, max_size=8), min_size=2, max_size=3),
    added=st.lists(st.sampled_from(NULLABLE), unique=True, min_size=1, max_size=3),
    data=st.data(),
)
async def test_an_added_column_and_another_order_change_no_hash_no_verdict_and_no_tie(
    connection: asyncpg.Connection,
    mode: Mode,
    resolution: Resolution,
    batches: list[list[Fact]],
    added: list[Column],
    data: st.DataObject,
) -> None:
    plain = await Relation(connection, plan_of(mode, resolution)).make()
    counts = [(await plain.put(rows)).counts for rows in map(_rows, batches)]
    expected = await plain.rows("k, at, v, _spyne_hash")

    changing = await Relation(connection, plan_of(mode, resolution)).make()
    found = [(await changing.put(_rows(batches[0]))).counts]
    stored = await changing.rows("k, at, v, _spyne_hash")
    changing.plan = await _evolved(connection, changing.plan, added, data.draw(st.permutations(range(3 + len(added)))))
    assert await changing.rows("k, at, v, _spyne_hash") == stored
    names = [column.name for column in changing.plan.record_columns]
    for batch in batches[1:]:
        records = [dict(zip(("k", "at", "v"), row, strict=True)) for row in _rows(batch)]
        found.append((await changing.put([tuple(record.get(name) for name in names) for record in records])).counts)
    assert found == counts
    assert await changing.rows("k, at, v, _spyne_hash") == expected


def _rows(batch: list[Fact]) -> list[tuple[Any, ...]]:
    return [(key, START + timedelta(hours=hour), value) for key, hour, value in batch]


async def _evolved(
    connection: asyncpg.Connection, plan: RelationPlan, added: list[Column], order: list[int]
) -> RelationPlan:
    for column in added:
        for relation in (plan.relation, plan.before):
            await connection.execute(f"ALTER TABLE {relation.sql} ADD COLUMN {quote(column.name)} {column.type.sql}")
    received = plan.column(plan.processing_time)
    sent = [*plan.record_columns, *added]
    return replace(plan, columns=(*(sent[place] for place in order), received))
