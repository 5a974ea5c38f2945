"""What a PostgreSQL type is in Arrow, and the arrays that values become. Nothing is changed to fit: it is refused."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

SQL_NAMES: Final[Mapping[str, str]] = {
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "bool": "boolean",
    "bpchar": "char",
    "char": '"char"',
}
"""Types that SQL calls otherwise than PostgreSQL's catalogue does."""

_ARROW: Final[Mapping[str, Any]] = {
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "oid": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "bytea": pa.binary(),
    "date": pa.date32(),
    "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}
"""Types of Arrow by SQL's name. Every other type is a string, which keeps all that there is."""

MAX_DECIMAL: Final = 38
"""Digits of a decimal128."""

_DAY: Final = 86_400_000_000
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
"""0001-01-01 and 9999-12-31, in days since 1970-01-01."""
_BOUNDS: Final[Mapping[Any, tuple[Any, int, int]]] = {
    pa.date32(): (pa.int32(), _FIRST_DAY, _LAST_DAY),
    pa.time64("us"): (pa.int64(), 0, _DAY - 1),
    pa.timestamp("us"): (pa.int64(), _FIRST_DAY * _DAY, (_LAST_DAY + 1) * _DAY - 1),
    pa.timestamp("us", "UTC"): (pa.int64(), _FIRST_DAY * _DAY, (_LAST_DAY + 1) * _DAY - 1),
}
"""What readers of dates and times take: years from 1 to 9999, and no 24:00, which they read as 00:00."""


class NotRepresentableError(ValueError):
    """A value has no place in its Arrow type: infinity, years BC and 24:00 in times, NaN in decimals."""


MAX_NAME_BYTES: Final = 63
"""What PostgreSQL keeps of a name; it cuts the rest."""


def distinct(names: Iterable[str]) -> list[str]:
    """The names of columns, a number behind those that occur again; none is longer than PostgreSQL keeps names."""
    taken: dict[str, None] = {}
    for name in names:
        unique, number = name, 1
        while unique in taken:
            number += 1
            suffix = f"_{number}"
            unique = name.encode()[: MAX_NAME_BYTES - len(suffix)].decode(errors="ignore") + suffix
        taken[unique] = None
    return list(taken)


def field(name: str, type_: str, digits: tuple[int, int] | None = None) -> Any:
    """The Arrow field of a column; its metadata `spyne.type` is the type as SQL writes it.

    Args:
        name: of the column.
        type_: SQL's name of the type, with `[]` behind it for lists.
        digits: precision and scale of a numeric, where they are known: a decimal128 up to 38 digits. Without them a
            numeric is a string, since a decimal has one scale for all of its values.
    """
    if type_ == "numeric" and digits is not None:
        kind = pa.decimal128(*digits) if 0 < digits[0] <= MAX_DECIMAL else pa.string()
        type_ = f"numeric({digits[0]},{digits[1]})"
    else:
        kind = _ARROW.get(type_, pa.string())
    return pa.field(name, kind, metadata={"spyne.type": type_})


def array(wanted: Any, values: Sequence[Any], given: Any = None) -> Any:
    """The values of a column as an Arrow array of the field's type, cast from the type `given`; None is null.

    Raises `NotRepresentableError`: a value has no place in the type.
    """
    try:
        found = pa.array(values, wanted.type if given is None else given).cast(wanted.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OverflowError, UnicodeEncodeError) as error:
        raise _refused(wanted) from error
    if wanted.type in _BOUNDS:
        number, least, most = _BOUNDS[wanted.type]
        ends = pc.min_max(found.cast(number)).as_py()
        if ends["min"] is not None and (ends["min"] < least or ends["max"] > most):
            raise _refused(wanted)
    return found


def _refused(wanted: Any) -> NotRepresentableError:
    return NotRepresentableError(f"A value of {wanted.name} is outside of what Arrow's {wanted.type} can hold.")


def time_microseconds(text: str) -> int:
    """Microseconds since midnight of a time as PostgreSQL writes it, such as `05:00:00.25`."""
    seconds, _, fraction = text[6:].partition(".")
    whole = int(text[:2]) * 3600 + int(text[3:5]) * 60 + int(seconds)
    return whole * 1_000_000 + int(fraction.ljust(6, "0") or 0)
