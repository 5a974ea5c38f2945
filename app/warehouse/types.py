"""The column types that governed relations are made of: parsed once, spelled one way, with what each may be used for.

Pure: no I/O. Contracts, DDL, ingestion and the query plane all read a type through `parse_type`, so that `int8` and
`bigint` are one.
"""

import difflib
import re
from dataclasses import dataclass
from enum import StrEnum

MAX_NUMERIC_PRECISION = 1000
"""Largest precision that numeric(p,s) may declare (PostgreSQL manual 8.1.2)."""

MAX_VARCHAR_LENGTH = 10_485_760
"""Largest n of varchar(n) (PostgreSQL manual 8.3)."""

MAX_TYPE_LENGTH = 64
"""The longest spelling of an accepted type is far below; longer text is not looked at."""


class TypeKind(StrEnum):
    """The base types a contract may name, in their canonical spelling."""

    TEXT = "text"
    VARCHAR = "varchar"
    SMALLINT = "smallint"
    INTEGER = "integer"
    BIGINT = "bigint"
    NUMERIC = "numeric"
    REAL = "real"
    DOUBLE = "double precision"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    UUID = "uuid"
    JSONB = "jsonb"
    BYTEA = "bytea"


ALIASES: dict[str, TypeKind] = {
    "character varying": TypeKind.VARCHAR,
    "int2": TypeKind.SMALLINT,
    "int": TypeKind.INTEGER,
    "int4": TypeKind.INTEGER,
    "int8": TypeKind.BIGINT,
    "decimal": TypeKind.NUMERIC,
    "float4": TypeKind.REAL,
    "float8": TypeKind.DOUBLE,
    "bool": TypeKind.BOOLEAN,
    "time without time zone": TypeKind.TIME,
    "timestamp without time zone": TypeKind.TIMESTAMP,
    "timestamp with time zone": TypeKind.TIMESTAMPTZ,
}
"""PostgreSQL's own other names (manual 8, table 8.1), and no others: `string` or `float` differ elsewhere."""

TEXT_KINDS = frozenset({TypeKind.TEXT, TypeKind.VARCHAR})
INTEGER_KINDS = frozenset({TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.BIGINT})
FLOAT_KINDS = frozenset({TypeKind.REAL, TypeKind.DOUBLE})
NUMBER_KINDS = INTEGER_KINDS | FLOAT_KINDS | {TypeKind.NUMERIC}
TEMPORAL_KINDS = frozenset({TypeKind.DATE, TypeKind.TIME, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ})
EVENT_TIME_KINDS = frozenset({TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ})
"""What can say when something happened, on a line that a dedupe window can be laid on."""

PROCESSING_TIME_KINDS = frozenset({TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ})
"""What can hold the moment of ingestion."""

KEY_KINDS = frozenset(TypeKind) - FLOAT_KINDS - {TypeKind.JSONB}
"""What can be an idempotency key: exact equality and a B-tree. Floats are not exact, documents are too large."""

ORDERED_KINDS = NUMBER_KINDS | TEMPORAL_KINDS
"""What `min` and `max` checks compare."""

_KINDS = {kind.value: kind for kind in TypeKind}
_INTEGER_BITS = {TypeKind.SMALLINT: 16, TypeKind.INTEGER: 32, TypeKind.BIGINT: 64}
_SPELLED = re.compile(r"([a-z][a-z0-9 ]*?)\s*(?:\(\s*([0-9]{1,9})\s*(?:,\s*([0-9]{1,9})\s*)?\))?")


class UnknownTypeError(ValueError):
    """The text is no column type that a contract may name; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type in canonical form. `str()` and `sql` give the one spelling, as in `numeric(12,2)`."""

    kind: TypeKind
    length: int | None = None
    """Most characters of varchar; None is unbounded."""
    precision: int | None = None
    """Most decimal digits of numeric; None is unconstrained."""
    scale: int | None = None
    """Digits of numeric after the point; None only when the precision is None."""

    @property
    def sql(self) -> str:
        """The type as PostgreSQL reads it."""
        if self.length is not None:
            return f"{self.kind.value}({self.length})"
        if self.precision is not None:
            return f"{self.kind.value}({self.precision},{self.scale})"
        return self.kind.value

    def __str__(self) -> str:
        return self.sql

    @property
    def integer_range(self) -> tuple[int, int] | None:
        """Smallest and largest value of an integer type; None for every other."""
        bits = _INTEGER_BITS.get(self.kind)
        return None if bits is None else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def parse_type(text: str) -> ColumnType:
    """The type that the text names, in any case and spacing PostgreSQL would read.

    Raises:
        UnknownTypeError: not an accepted type, or its arguments are out of range.
    """
    match = _SPELLED.fullmatch(" ".join(text.split()).lower()) if len(text) <= MAX_TYPE_LENGTH else None
    kind = _kind(match.group(1)) if match else None
    if match is None or kind is None:
        raise UnknownTypeError(_unknown(text))
    first, second = (int(part) if part else None for part in match.group(2, 3))
    if kind is TypeKind.VARCHAR and second is None:
        return _varchar(first)
    if kind is TypeKind.NUMERIC:
        return _numeric(first, second)
    if first is not None:
        raise UnknownTypeError(f"The type {kind.value} takes no arguments like these.")
    return ColumnType(kind)


def _kind(name: str) -> TypeKind | None:
    return ALIASES.get(name) or _KINDS.get(name)


def _varchar(length: int | None) -> ColumnType:
    if length is not None and not 1 <= length <= MAX_VARCHAR_LENGTH:
        raise UnknownTypeError(f"The length of varchar is between 1 and {MAX_VARCHAR_LENGTH}.")
    return ColumnType(TypeKind.VARCHAR, length=length)


def _numeric(precision: int | None, scale: int | None) -> ColumnType:
    if precision is None:
        return ColumnType(TypeKind.NUMERIC)
    digits = scale or 0
    if not 1 <= precision <= MAX_NUMERIC_PRECISION or digits > precision:
        raise UnknownTypeError(
            f"numeric(p,s) has a precision p between 1 and {MAX_NUMERIC_PRECISION} and a scale s between 0 and p."
        )
    return ColumnType(TypeKind.NUMERIC, precision=precision, scale=digits)


def _unknown(text: str) -> str:
    names = sorted({*TypeKind, *ALIASES})
    shown = text[:MAX_TYPE_LENGTH]
    near = difflib.get_close_matches(shown.lower(), names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(kind.value for kind in TypeKind)}."
    return f"{shown!r} is no column type. {hint}"
