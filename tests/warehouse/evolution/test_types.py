"""What is said of types is held against PostgreSQL: rewriting, hashes, values that go back."""

from itertools import product

import asyncpg
import pytest

from app.warehouse.evolution.types import changes_hash, fits, holds_all_of, rewrites_table
from app.warehouse.types import ColumnType, parse_type
from tests.warehouse.relations import content_hash

TYPES = [
    parse_type(text)
    for text in (
        "text",
        "varchar",
        "varchar(3)",
        "varchar(9)",
        "smallint",
        "integer",
        "bigint",
        "numeric",
        "numeric(5,2)",
        "numeric(9,2)",
        "numeric(12,0)",
        "real",
        "double precision",
        "date",
        "timestamp",
    )
]
PAIRS = [(old, new) for old, new in product(TYPES, TYPES) if holds_all_of(new, old) or holds_all_of(old, new)]
WIDER = [(old, new) for old, new in product(TYPES, TYPES) if old != new and holds_all_of(new, old)]
VALUES = {
    "varchar": ("abc", "", "äß€", "a  "),
    "text": ("abc", "", "äß€", "a  "),
    "smallint": ("0", "-7", "32767", "-32768"),
    "integer": ("0", "-7", "2147483647", "-2147483648"),
    "bigint": ("0", "-7", "9223372036854775807", "-9223372036854775808"),
    "numeric": ("0", "-7.5", "999.99", "NaN"),
    "real": ("0", "-0", "0.1", "3.4028235e38", "1e-45", "NaN", "Infinity"),
    "date": ("2026-01-01", "0001-01-01", "infinity", "-infinity"),
}
"""Values of types that can be widened; those of `numeric` fit each of them that is used here but numeric(12,0)."""


def values_of(old: ColumnType) -> tuple[str, ...]:
    return ("0", "-7", "123456789012") if old.sql == "numeric(12,0)" else VALUES[old.kind.value]


def name(pair: tuple[ColumnType, ColumnType]) -> str:
    return f"{pair[0]} to {pair[1]}"


@pytest.mark.parametrize("pair", PAIRS, ids=name)
async def test_postgresql_rewrites_what_is_said_to_be_rewritten(
    connection: asyncpg.Connection, pair: tuple[ColumnType, ColumnType]
) -> None:
    old, new = pair
    await connection.execute(f"DROP TABLE IF EXISTS data.typed; CREATE TABLE data.typed (c {old.sql})")
    await connection.execute("CREATE INDEX typed_c ON data.typed (c)")
    await connection.execute("INSERT INTO data.typed VALUES (NULL)")
    nodes = "SELECT pg_relation_filenode('data.typed'), pg_relation_filenode('data.typed_c')"
    before = tuple(await connection.fetchrow(nodes))
    await connection.execute(f"ALTER TABLE data.typed ALTER COLUMN c TYPE {new.sql}")
    after = tuple(await connection.fetchrow(nodes))
    assert (before[0] != after[0]) == rewrites_table(new, old)
    assert (before[1] != after[1]) == rewrites_table(new, old), "its index too"


@pytest.mark.parametrize("pair", WIDER, ids=name)
async def test_values_stay_what_they_are_and_their_hashes_are_as_said(
    connection: asyncpg.Connection, pair: tuple[ColumnType, ColumnType]
) -> None:
    old, new = pair
    hashes = []
    for text in values_of(old):
        value, widened, back = await connection.fetchrow(
            f"SELECT $1::text::{old.sql}, $1::text::{old.sql}::{new.sql}, "
            f"$1::text::{old.sql}::{new.sql}::{old.sql} IS NOT DISTINCT FROM $1::text::{old.sql}",
            text,
        )
        assert back, text
        hashes.append(
            await content_hash(connection, ("c", old.sql, value))
            == await content_hash(connection, ("c", new.sql, widened))
        )
    assert changes_hash(new, old) or all(hashes)
    assert all(hashes) is not changes_hash(new, old), "hashes are made anew only where they must be"


@pytest.mark.parametrize("pair", WIDER, ids=name)
async def test_every_value_of_the_former_type_fits_it_again(
    connection: asyncpg.Connection, pair: tuple[ColumnType, ColumnType]
) -> None:
    old, new = pair
    condition = fits(old, new, "c")
    for text in (*values_of(old), None):
        query = f"SELECT coalesce({condition}, true) FROM (SELECT $1::text::{old.sql}::{new.sql} AS c) v"
        assert await connection.fetchval(query, text), text


@pytest.mark.parametrize(
    ("narrow", "wide", "values"),
    [
        ("varchar(3)", "text", ["abcd", "abc "]),
        ("varchar(3)", "varchar(9)", ["abcd"]),
        ("smallint", "integer", ["32768", "-32769"]),
        ("integer", "bigint", ["2147483648", "-2147483649"]),
        ("bigint", "numeric", ["9223372036854775808", "0.5", "NaN", "Infinity"]),
        ("integer", "double precision", ["0.5", "2147483648", "NaN", "Infinity"]),
        ("smallint", "real", ["1.5", "-32769", "NaN"]),
        ("numeric(5,2)", "numeric", ["1000", "0.001", "Infinity", "-1e300"]),
        ("numeric(5,2)", "numeric(9,2)", ["1000"]),
        ("real", "double precision", ["0.1", "1e300", "1e-300", "16777217"]),
        ("date", "timestamp", ["2026-01-01 00:00:00.000001"]),
    ],
)
async def test_other_values_do_not_fit(
    connection: asyncpg.Connection, narrow: str, wide: str, values: list[str]
) -> None:
    condition = fits(parse_type(narrow), parse_type(wide), "c")
    for text in values:
        query = f"SELECT {condition} FROM (SELECT $1::text::{wide} AS c OFFSET 0) v"
        assert await connection.fetchval(query, text) is False, text
