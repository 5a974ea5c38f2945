"""Types of columns as drift compares them: in PostgreSQL's spelling, the data contract standard's, or others'. Pure.

Wider than `app/warehouse/types.py`, which has what a contract may declare: an adopted relation also has `char(3)`,
`timestamp(0)`, arrays and enums. What a change of type means: `app/catalog/drift/type_changes.py`.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

MAX_LENGTH: Final = 4_000
"""Characters of a spelling that is read; a longer one is a family of its own."""

MAX_NAME: Final = 100
"""Characters of a name with its arguments; what is longer is none that is known."""

MAX_DEPTH: Final = 16
"""Arrays within arrays that are followed."""

MICROSECONDS: Final = 6
"""Decimals of a second where a type names none (PostgreSQL manual 8.5)."""


class Family(StrEnum):
    """Types whose values are of one nature."""

    INTEGER = "integer"
    NUMERIC = "numeric"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TEXT = "text"
    BYTES = "bytes"
    DATE = "date"
    TIME = "time"
    TIMETZ = "timetz"
    TIMESTAMP = "timestamp"
    TIMESTAMPTZ = "timestamptz"
    INTERVAL = "interval"
    UUID = "uuid"
    JSON = "json"
    ENUM = "enum"
    ARRAY = "array"
    RECORD = "record"
    MAP = "map"
    OTHER = "other"
    """A spelling that is not known: domains, enums by name, types of extensions. Compared by its text."""
    UNSTATED = "unstated"
    """Nothing says what the type is."""


CLOCKED: Final = frozenset({Family.TIME, Family.TIMETZ, Family.TIMESTAMP, Family.TIMESTAMPTZ, Family.INTERVAL})
"""Families whose values have decimals of a second."""


@dataclass(frozen=True, slots=True)
class DriftType:
    """A type, in a form in which equal types are equal however they were spelled."""

    family: Family
    bits: int | None = None
    """Of integers: 16, 32, 64; of floats 32 or 64."""
    precision: int | None = None
    """Decimal digits of numeric, None for any number; decimals of a second of the clocked families."""
    scale: int | None = None
    """Digits of numeric after the point; None when the precision is None."""
    length: int | None = None
    """Most characters or bytes; None for any number."""
    padded: bool = False
    """`char(n)`: filled up with spaces, which comparisons pass over."""
    ignores_case: bool = False
    """`citext`: comparisons pass over case."""
    labels: tuple[str, ...] = ()
    """Of an enum, in their order."""
    element: "DriftType | None" = None
    """Of an array."""
    name: str = ""
    """What else tells types of one family apart: the text of an unknown spelling, the fields of a record, jsonb."""


UNSTATED: Final = DriftType(Family.UNSTATED)

_INTEGER_BITS: Final = {
    **dict.fromkeys(("tinyint", "byte"), 8),
    **dict.fromkeys(("smallint", "int2", "int16", "short", "smallserial", "serial2"), 16),
    "mediumint": 24,
    **dict.fromkeys(("integer", "int", "int4", "int32", "serial", "serial4"), 32),
    **dict.fromkeys(("bigint", "int8", "int64", "long", "bigserial", "serial8"), 64),
}
_FLOAT_BITS: Final = {
    **dict.fromkeys(("real", "float4", "float32"), 32),
    **dict.fromkeys(("double precision", "float8", "float64", "double", "float"), 64),
}
_NUMERICS: Final = {"numeric", "decimal", "dec", "number"}
_TEXTS: Final = {"text", "string", "varchar", "character varying", "char varying", "nvarchar", "varchar2"}
_PADDED: Final = {"char", "character", "nchar", "bpchar"}
_BYTES: Final = {"bytea", "bytes", "binary", "varbinary", "blob"}
_CLOCKS: Final = {
    **dict.fromkeys(("time", "time without time zone"), Family.TIME),
    **dict.fromkeys(("timetz", "time with time zone"), Family.TIMETZ),
    **dict.fromkeys(("timestamp", "timestamp without time zone", "datetime", "timestamp_ntz"), Family.TIMESTAMP),
    **dict.fromkeys(
        ("timestamptz", "timestamp with time zone", "timestamp_tz", "timestamp with local time zone"),
        Family.TIMESTAMPTZ,
    ),
    "interval": Family.INTERVAL,
}
_BARE: Final = {
    **dict.fromkeys(("boolean", "bool"), DriftType(Family.BOOLEAN)),
    "date": DriftType(Family.DATE),
    **dict.fromkeys(("uuid", "guid"), DriftType(Family.UUID)),
    "json": DriftType(Family.JSON, name="json"),
    "jsonb": DriftType(Family.JSON, name="jsonb"),
    "citext": DriftType(Family.TEXT, ignores_case=True),
    **dict.fromkeys(("array", "list"), DriftType(Family.ARRAY, element=UNSTATED)),
    **dict.fromkeys(("object", "record", "struct"), DriftType(Family.RECORD)),
    "map": DriftType(Family.MAP),
}
_REAL_DIGITS: Final = 24
"""`float(n)` with up to so many binary digits is `real` (PostgreSQL manual 8.1.3)."""

_SPELLED: Final = re.compile(
    r"([a-z_][a-z0-9_]*(?: [a-z][a-z0-9_]*)*) ?(?:\( ?([0-9]{1,9}) ?(?:, ?(-?[0-9]{1,9}) ?)?\))?((?: [a-z]+)*)"
)
_ENUM: Final = re.compile(r"enum ?\((.*)\)", re.IGNORECASE | re.DOTALL)
_LABEL: Final = re.compile(r"\s*(?:'((?:[^']|'')*)'|\"((?:[^\"]|\"\")*)\"|([^,'\"]*))\s*(?:,|$)")
_DIMENSIONS: Final = re.compile(r"(.*?)(?: ?\[[0-9]*\])+", re.DOTALL)
_NESTED: Final = re.compile(r"(array|list|struct|record|row|map|object) ?[<(](.*)[>)]", re.DOTALL)


@lru_cache(maxsize=4_096)
def parse(text: str | None) -> DriftType:
    """The type that the text spells. Never raises: an unknown spelling is of the family `OTHER`."""
    if text is None or not text.strip():
        return UNSTATED
    return _parsed(" ".join(text[: MAX_LENGTH + 1].split()), MAX_DEPTH)


def _parsed(text: str, depth: int) -> DriftType:
    if len(text) > MAX_LENGTH or depth == 0:
        return DriftType(Family.OTHER, name=_normal(text))
    listed = _ENUM.fullmatch(text)
    if listed:
        return DriftType(Family.ENUM, labels=_labels(listed.group(1)))
    dimensions = _DIMENSIONS.fullmatch(text)
    if dimensions:  # PostgreSQL keeps neither the number of dimensions nor their lengths
        return DriftType(Family.ARRAY, element=_parsed(dimensions.group(1), depth - 1))
    lowered = text.lower().removeprefix("pg_catalog.")
    nested = _NESTED.fullmatch(lowered)
    if nested:
        return _nested(nested.group(1), text, depth)
    element = _named(lowered.removeprefix("_")) if lowered.startswith("_") else None
    if element is not None:  # `_int4` is how PostgreSQL's catalog names `integer[]`
        return DriftType(Family.ARRAY, element=element)
    return _named(lowered) or DriftType(Family.OTHER, name=_normal(text))


def _nested(kind: str, text: str, depth: int) -> DriftType:
    inner = text[len(kind) :].strip()[1:-1].strip()
    if kind in {"array", "list"}:
        return DriftType(Family.ARRAY, element=_parsed(inner, depth - 1) if inner else UNSTATED)
    return DriftType(Family.MAP if kind == "map" else Family.RECORD, name=re.sub(r" ?([,:<>()]) ?", r"\1", inner))


def _named(text: str) -> DriftType | None:
    """The type of a name with its arguments, in lower case with single spaces; None when the name is not known."""
    spelled = _SPELLED.fullmatch(text) if len(text) <= MAX_NAME else None
    if spelled is None:
        return None
    name = f"{spelled.group(1)}{spelled.group(4)}"
    first, second = (int(part) if part else None for part in spelled.group(2, 3))
    if name in _NUMERICS:
        return DriftType(Family.NUMERIC, precision=first, scale=None if first is None else second or 0)
    if second is not None:
        return None
    return _of_length(name, first) or _of_number(name, first) or (_BARE.get(name) if first is None else None)


def _of_length(name: str, argument: int | None) -> DriftType | None:
    """The type that a length or a number of decimals belongs to."""
    if name in _CLOCKS:
        return DriftType(_CLOCKS[name], precision=MICROSECONDS if argument is None else argument)
    if name in _TEXTS:
        return DriftType(Family.TEXT, length=argument)
    if name in _PADDED:  # `char` is `char(1)`; `bpchar` alone has no length (PostgreSQL manual 8.3)
        return DriftType(Family.TEXT, length=1 if argument is None and name != "bpchar" else argument, padded=True)
    return DriftType(Family.BYTES, length=argument) if name in _BYTES else None


def _of_number(name: str, argument: int | None) -> DriftType | None:
    if name in _INTEGER_BITS:  # `int(11)` is a width of display in MySQL, and changes no value
        return DriftType(Family.INTEGER, bits=_INTEGER_BITS[name])
    if name in _FLOAT_BITS:
        short = name == "float" and argument is not None and argument <= _REAL_DIGITS
        return DriftType(Family.FLOAT, bits=32 if short else _FLOAT_BITS[name])
    return None


def _labels(listed: str) -> tuple[str, ...]:
    """The labels of an enum, with or without quotes."""
    found, position = [], 0
    while position < len(listed):
        label = _LABEL.match(listed, position)
        if label is None:  # quotes that do not close: the rest is taken as it stands
            found.append(listed[position:].strip())
            break
        single, double, bare = label.groups()
        if single is not None:
            found.append(single.replace("''", "'"))
        else:
            found.append(double.replace('""', '"') if double is not None else bare.strip())
        position = label.end()
    return tuple(found)


def _normal(text: str) -> str:
    """The text with lower case outside of double quotes, as PostgreSQL reads names."""
    parts = text.split('"')
    return '"'.join(part if quoted % 2 else part.lower() for quoted, part in enumerate(parts))
