"""SQL of the hash of a value: the same for equal values of a family of types, whatever type holds them. Pure.

The functions are those by which PostgreSQL partitions relations: immutable, and never changed. Integers and integral
numbers of any type share the hash of bigint, so that 1 = 1.0 = 1e0; other numbers the hash of numeric; texts that of
their characters; dates that of the timestamp at their midnight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.warehouse.evidence.samples import HASHES, Family

FAMILIES: Final = {
    "int2": Family.NUMBER,
    "int4": Family.NUMBER,
    "int8": Family.NUMBER,
    "numeric": Family.NUMBER,
    "float4": Family.NUMBER,
    "float8": Family.NUMBER,
    "text": Family.TEXT,
    "varchar": Family.TEXT,
    "bpchar": Family.TEXT,
    "name": Family.TEXT,
    "citext": Family.TEXT,
    "uuid": Family.UUID,
    "date": Family.DATE,
    "timestamp": Family.DATE,
    "timestamptz": Family.INSTANT,
}
"""By PostgreSQL's name of the type below all domains; an enum is a text. What is not here joins nothing: documents,
arrays, truth values, lengths of time and bytes are no references."""

_OFFSET: Final = HASHES // 2
"""PostgreSQL's hashes are signed; ours are these plus 2**63, which keeps their order."""


@dataclass(frozen=True, slots=True)
class ComparedColumn:
    """A column whose values can be compared with those of another table."""

    name: str
    type: str
    """As `format_type` spells it."""
    base: str
    """PostgreSQL's name of the type below all domains; `enum` of any enum."""
    family: Family
    seed: int = 0
    """Of its hashes; columns that are compared by hashes have the same."""


_INTEGRAL = "CASE WHEN {n} = trunc({n}) AND abs({n}) < 9e18 THEN hashint8extended({n}::int8, {seed}) ELSE {else_} END"
"""9e18 is below 2**63: an integral number of this size fits bigint."""

_OF_TEXT: Final = 'hashtextextended({value}::text COLLATE "C", {seed})'
_HASHES: Final = {
    "int2": "hashint8extended({value}::int8, {seed})",
    "int4": "hashint8extended({value}::int8, {seed})",
    "int8": "hashint8extended({value}, {seed})",
    "numeric": _INTEGRAL.replace("{n}", "{value}").replace("{else_}", "hash_numeric_extended({value}, {seed})"),
    "float4": _INTEGRAL.replace("{n}", "{value}::float8").replace(
        "{else_}", "hash_numeric_extended({value}::float8::numeric, {seed})"
    ),
    "float8": _INTEGRAL.replace("{n}", "{value}").replace("{else_}", "hash_numeric_extended({value}::numeric, {seed})"),
    "uuid": "uuid_hash_extended({value}, {seed})",
    "date": "CASE WHEN {value} < date '294277-01-01' OR {value} = 'infinity' "
    "THEN timestamp_hash_extended({value}::timestamp, {seed}) ELSE hashdateextended({value}, {seed}) END",
    "timestamp": "timestamp_hash_extended({value}, {seed})",
    "timestamptz": "timestamptz_hash_extended({value}, {seed})",
    "citext": 'hashtextextended(lower({value}::text) COLLATE "C", {seed})',
}
"""By the base type; texts and enums have the hash of their characters."""


def value_hash(column: ComparedColumn, expression: str) -> str:
    """SQL of the signed 64-bit hash of a value of the column; NULL of NULL."""
    return _HASHES.get(column.base, _OF_TEXT).replace("{seed}", str(column.seed)).replace("{value}", expression)


def row_hash(columns: Sequence[tuple[ComparedColumn, str]]) -> str:
    """SQL of the hash of several values together: that of each is hashed with those before it as the seed."""
    found = value_hash(*columns[0])
    for column, expression in columns[1:]:
        found = f"hashint8extended({value_hash(column, expression)}, {found})"
    return found


def size_of(column: ComparedColumn, expression: str) -> str:
    """SQL of a value as float8, for the smallest and largest of a column; NULL for what has no place on a line."""
    match column.family:
        case Family.NUMBER if column.base == "numeric":
            held = f"abs({expression}) >= 1e-300"  # smaller ones are 0: casting them would be an error
            return f"CASE WHEN {held} THEN ({expression})::float8 WHEN {expression} IS NOT NULL THEN 0::float8 END"
        case Family.NUMBER:
            return f"({expression})::float8"
        case Family.DATE | Family.INSTANT:
            return f"extract(epoch FROM {expression})::float8"
        case _:
            return "NULL::float8"


def on_a_line(column: ComparedColumn, expression: str) -> str:
    """SQL condition: the value is finite, and float8 can hold it."""
    match column.family:
        case Family.NUMBER if column.base in {"numeric", "float4", "float8"}:
            return f"{expression} BETWEEN -1e300 AND 1e300"
        case Family.DATE | Family.INSTANT:
            return f"isfinite({expression})"
        case _:
            return "true"


def bound(threshold: int) -> int:
    """The largest signed hash below a threshold of unsigned ones."""
    return threshold - 1 - _OFFSET


def unsigned(signed: int) -> int:
    """The hash, from 0 to `HASHES`, of PostgreSQL's signed one."""
    return signed + _OFFSET


def comparable(column: ComparedColumn, expression: str) -> str:
    """SQL of a value as it is compared in an exact statement, and as its hash is made: texts by their characters."""
    if column.family is not Family.TEXT:
        return expression
    text = f"lower({expression}::text)" if column.base == "citext" else f"{expression}::text"
    return f'{text} COLLATE "C"'
