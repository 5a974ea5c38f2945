"""The column type of a property of the standard. Pure.

`physicalType` is the more exact word where a contract can have that type and it is of the property's logical family;
else `logicalType` and its options say what the column is. A property of objects, lists, maps or vectors is one column
of type jsonb. The other direction stands in `export.py` as `LOGICAL_TYPES`.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Final

from app.warehouse.types import (
    INTEGER_KINDS,
    MAX_TYPE_LENGTH,
    MAX_VARCHAR_LENGTH,
    NUMBER_KINDS,
    TEMPORAL_KINDS,
    TEXT_KINDS,
    ColumnType,
    TypeKind,
    UnknownTypeError,
    parse_type,
)

FAMILIES: Final[dict[str, frozenset[TypeKind]]] = {
    "string": TEXT_KINDS | {TypeKind.UUID, TypeKind.BYTEA},
    "integer": INTEGER_KINDS | {TypeKind.NUMERIC},
    "number": NUMBER_KINDS,
    "boolean": frozenset({TypeKind.BOOLEAN}),
    "date": TEMPORAL_KINDS,
    "timestamp": frozenset({TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ}),
    "time": frozenset({TypeKind.TIME}),
    "object": frozenset({TypeKind.JSONB}),
    "array": frozenset({TypeKind.JSONB}),
    "map": frozenset({TypeKind.JSONB}),
    "vector": frozenset({TypeKind.JSONB}),
}
"""Column types that a value of each logical type can have. Before 3.1 `date` was the only word for times."""

FOREIGN: Final[dict[str, str]] = {
    "string": "text",
    "clob": "text",
    "nvarchar": "varchar",
    "varchar2": "varchar",
    "tinyint": "smallint",
    "int32": "integer",
    "int64": "bigint",
    "long": "bigint",
    "number": "numeric",
    "bignumeric": "numeric",
    "float": "double precision",
    "float32": "real",
    "float64": "double precision",
    "double": "double precision",
    "datetime": "timestamp",
    "datetime2": "timestamp",
    "timestamp_ntz": "timestamp",
    "timestamp_tz": "timestamptz",
    "timestamp_ltz": "timestamptz",
    "binary": "bytea",
    "varbinary": "bytea",
    "bytes": "bytea",
    "blob": "bytea",
    "json": "jsonb",
    "variant": "jsonb",
    "struct": "jsonb",
    "record": "jsonb",
    "array": "jsonb",
    "map": "jsonb",
    "uniqueidentifier": "uuid",
}
"""Types of other databases that mean one of ours, and are looked at where no logical type says more."""

_STRINGS: Final = {"uuid": TypeKind.UUID, "binary": TypeKind.BYTEA, "byte": TypeKind.BYTEA}
_INTEGERS: Final = {
    "i8": ColumnType(TypeKind.SMALLINT),
    "i16": ColumnType(TypeKind.SMALLINT),
    "i32": ColumnType(TypeKind.INTEGER),
    "u8": ColumnType(TypeKind.SMALLINT),
    "u16": ColumnType(TypeKind.INTEGER),
    "u64": ColumnType(TypeKind.NUMERIC, precision=20, scale=0),
    "i128": ColumnType(TypeKind.NUMERIC, precision=39, scale=0),
    "u128": ColumnType(TypeKind.NUMERIC, precision=39, scale=0),
}
"""The smallest type that holds every value of the format; a signed or unsigned one of 32 bits or more is a bigint."""
_NUMBERS: Final = {"f32": TypeKind.REAL, "f64": TypeKind.DOUBLE}
_PLAIN: Final = {"boolean": TypeKind.BOOLEAN, "object": TypeKind.JSONB} | dict.fromkeys(
    ("array", "map", "vector"), TypeKind.JSONB
)


class UnfitPropertyError(ValueError):
    """No contract can have a column like this; the message names the nearest that it can have."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        """The field of the property that says so."""


def property_type(found: Mapping[str, Any]) -> ColumnType:
    """The type of the column for a property that the standard's schema accepts.

    Raises:
        UnfitPropertyError: no contract can have the type, or nothing says what it is.
    """
    physical, logical = found.get("physicalType"), found.get("logicalType")
    given = _physical(physical) if physical is not None else None
    if logical is not None:
        return given if given and given.kind in FAMILIES[logical] else _logical(logical, _options(found))
    if given is not None:
        return given
    if physical is None:
        raise UnfitPropertyError(
            "logicalType", 'The property says no type. It is written like "logicalType": "string".'
        )
    raise UnfitPropertyError("physicalType", _nearest(physical))


def _options(found: Mapping[str, Any]) -> Mapping[str, Any]:
    options = found.get("logicalTypeOptions")
    return options if isinstance(options, dict) else {}


def _physical(text: str) -> ColumnType | None:
    try:
        return parse_type(text)
    except UnknownTypeError:
        name, bracket, rest = text.strip().lower().partition("(")
        ours = FOREIGN.get(name.partition("<")[0].strip())
        kept = bracket + rest if ours in {"varchar", "numeric"} else ""
        return _parsed(ours + kept) if ours else None


def _parsed(text: str) -> ColumnType | None:
    try:
        return parse_type(text)
    except UnknownTypeError:
        return None


def _logical(logical: str, options: Mapping[str, Any]) -> ColumnType:
    form = options.get("format")
    form = form if isinstance(form, str) else ""
    if logical in _PLAIN:
        return ColumnType(_PLAIN[logical])
    if logical == "string":
        return _string(form, options.get("maxLength"))
    if logical == "integer":
        return _INTEGERS.get(form, ColumnType(TypeKind.BIGINT))
    if logical == "number":
        return ColumnType(_NUMBERS.get(form, TypeKind.NUMERIC))
    return ColumnType(_temporal(logical, form, zoned=options.get("timezone") is True))


def _string(form: str, longest: Any) -> ColumnType:
    if form in _STRINGS:
        return ColumnType(_STRINGS[form])
    if isinstance(longest, int) and not isinstance(longest, bool) and 1 <= longest <= MAX_VARCHAR_LENGTH:
        return ColumnType(TypeKind.VARCHAR, length=longest)
    return ColumnType(TypeKind.TEXT)


def _temporal(logical: str, form: str, *, zoned: bool) -> TypeKind:
    """The kind for `date`, `timestamp` or `time`; a date's format with hours in it is a time or a timestamp."""
    hours, days = any(mark in form for mark in "Hhk"), any(mark in form for mark in "ydDu")
    if logical == "time" or (logical == "date" and hours and not days):
        if zoned:
            raise UnfitPropertyError(
                "logicalTypeOptions", "No column holds a time of day with a zone; time is nearest."
            )
        return TypeKind.TIME
    if logical == "date" and not hours:
        return TypeKind.DATE
    return TypeKind.TIMESTAMPTZ if zoned else TypeKind.TIMESTAMP


def _nearest(physical: str) -> str:
    shown = physical[:MAX_TYPE_LENGTH]
    names = [*FOREIGN, *(kind.value for kind in TypeKind)]
    near = get_close_matches(shown.lower().partition("(")[0], names, n=1)
    nearest = FOREIGN.get(near[0], near[0]) if near else TypeKind.TEXT.value
    return (
        f"No column has the type {shown!r}; {nearest} is nearest. Write that as physicalType, or say the logicalType "
        "beside it."
    )
