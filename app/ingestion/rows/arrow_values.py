"""Arrow arrays as Python values. What no row can store becomes an `Unfit` value in its place, and fails nothing else.

Instants come in UTC, whatever zone the file would show them in: a named zone has no offset of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta, timezone
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from app.ingestion.rows import temporal
from app.ingestion.rows.temporal import NotStorableError
from app.warehouse.rejections import RejectionCode

_IN_MICROSECONDS: Final = {"s": 1_000_000, "ms": 1000, "us": 1}
_PER_MICROSECOND = 1000
"""Nanoseconds."""
_DAY_MILLISECONDS = 86_400_000
_EPOCHS: Final = {None: temporal.EPOCH, UTC: temporal.EPOCH.replace(tzinfo=UTC)}


@dataclass(frozen=True, slots=True)
class Unfit:
    """Stands for a value that no column can store."""

    given: str
    """What came, as text."""
    code: RejectionCode
    message: str
    """What is said of it: the words follow the value."""

    def __str__(self) -> str:
        return self.given


@dataclass(frozen=True, slots=True)
class Int96:
    """A column of INT96 times: whole microseconds, and the nanoseconds beyond them, which need not fit into 64 bits."""

    microseconds: Any
    nanoseconds: Any
    """Of each value: from 0 to 999."""
    zone: timezone | None = None
    """The type has no zone. Who writes it counts in UTC, so it may be given that one."""

    @classmethod
    def of(cls, microseconds: Any, nanoseconds: Any) -> "Int96":
        """The column, of one that was cut to microseconds, and one of nanoseconds that went round at 2^64."""
        whole = pc.multiply(microseconds.view(pa.int64()), _PER_MICROSECOND)  # goes round at the same place
        return cls(microseconds, pc.subtract(nanoseconds.view(pa.int64()), whole))

    @property
    def type(self) -> Any:
        """The type of the whole microseconds."""
        return self.microseconds.type

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return int(self.microseconds.nbytes)

    def slice(self, start: int, rows: int) -> "Int96":
        """So many of the values, from that position on."""
        return replace(
            self, microseconds=self.microseconds.slice(start, rows), nanoseconds=self.nanoseconds.slice(start, rows)
        )


def python_values(array: Any, *, exact: bool = False) -> list[Any]:
    """The values of an Arrow array; None is null.

    Args:
        array: of any type that Parquet can hold, or an `Int96` column.
        exact: times that are finer than microseconds are unfit; else they are rounded.
    """
    kind = array.type
    for is_kind, read in _READERS:
        if is_kind(kind):
            return read(array)
    if pa.types.is_timestamp(kind):
        return _instants(array, exact=exact)
    if pa.types.is_time(kind):
        return _clocks(array, exact=exact)
    return _plain(array)


def _plain(array: Any) -> list[Any]:
    """The values as Arrow gives them; what it fails to give is unfit."""
    try:
        found: list[Any] = array.to_pylist()
    except (pa.ArrowException, ValueError, OverflowError):
        return [_single(array.slice(place, 1)) for place in range(len(array))]
    return found


def _single(array: Any) -> Any:
    try:
        return array.to_pylist()[0]
    except (pa.ArrowException, ValueError, OverflowError):
        return Unfit(f"({array.type})", RejectionCode.OUT_OF_RANGE, "cannot be read")


def _durations(array: Any) -> list[Any]:
    return [_storable(_duration, count, "{} µs".format) for count in _counted(array, pa.int64(), exact=False)]


def _duration(microseconds: int) -> timedelta:
    """The duration. Raises `NotStorableError`: Python has none as long."""
    try:
        return timedelta(microseconds=microseconds)
    except OverflowError:
        raise NotStorableError("is too long") from None


def _texts(array: Any) -> list[Any]:
    try:
        found: list[Any] = array.to_pylist()
    except UnicodeDecodeError:
        large = pa.types.is_large_string(array.type)
        return [_text(data) for data in array.cast(pa.large_binary() if large else pa.binary()).to_pylist()]
    return found


def _text(data: bytes | None) -> str | Unfit | None:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Unfit(data.decode("utf-8", "replace"), RejectionCode.INVALID_TEXT, "is not UTF-8")


def _dates(array: Any) -> list[Any]:
    return [_storable(temporal.date_of, days, temporal.day_text) for days in array.view(pa.int32()).to_pylist()]


def _long_dates(array: Any) -> list[Any]:
    return [_storable(_long_date, value, "{} ms after 1970".format) for value in array.view(pa.int64()).to_pylist()]


def _long_date(milliseconds: int) -> Any:
    days, rest = divmod(milliseconds, _DAY_MILLISECONDS)
    if rest:
        raise NotStorableError("is not a whole number of days")
    return temporal.date_of(days)


def _storable(read: Callable[[int], Any], value: int | None, text: Callable[[int], str]) -> Any:
    if value is None:
        return None
    try:
        return read(value)
    except NotStorableError as error:
        return Unfit(text(value), RejectionCode.OUT_OF_RANGE, str(error))


def _counted(array: Any, width: Any, *, exact: bool) -> list[Any]:
    """Microseconds of a column of times; what is unfit to be rounded stays, as `Unfit`."""
    if isinstance(array, Int96):
        both = zip(array.microseconds.view(pa.int64()).to_pylist(), array.nanoseconds.to_pylist(), strict=True)
        return [None if us is None else _from_nanoseconds(us * _PER_MICROSECOND + ns, exact=exact) for us, ns in both]
    unit = array.type.unit
    counts: list[Any] = array.view(width).to_pylist()
    if unit == "us":
        return counts
    if unit != "ns":
        step = _IN_MICROSECONDS[unit]
        return [None if count is None else count * step for count in counts]
    return [None if count is None else _from_nanoseconds(count, exact=exact) for count in counts]


def _from_nanoseconds(count: int, *, exact: bool) -> Any:
    whole, rest = divmod(count, _PER_MICROSECOND)
    if not rest:
        return whole
    if exact:
        message = "is finer than microseconds, and is not rounded, as it tells rows apart"
        return Unfit(f"{count} ns", RejectionCode.NOT_EXACT, message)
    return temporal.rounded_nanoseconds(count)


def _instants(array: Any, *, exact: bool) -> list[Any]:
    zone = array.zone if isinstance(array, Int96) else UTC if array.type.tz is not None else None
    counts = _counted(array, pa.int64(), exact=exact)
    epoch = _EPOCHS[zone]
    if not exact and _all_within(counts, temporal.FIRST_INSTANT, temporal.LAST_INSTANT):
        return [None if count is None else epoch + timedelta(microseconds=count) for count in counts]
    return [_instant(count, zone) for count in counts]


def _all_within(counts: Sequence[int | None], low: int, high: int) -> bool:
    present = [count for count in counts if count is not None]
    return not present or (min(present) >= low and max(present) <= high)


def _instant(count: Any, zone: timezone | None) -> Any:
    if isinstance(count, Unfit):
        return count
    return _storable(lambda value: temporal.instant_of(value, zone), count, temporal.instant_text)


def _clocks(array: Any, *, exact: bool) -> list[Any]:
    counts = _counted(array, pa.int32() if array.type.bit_width == 32 else pa.int64(), exact=exact)  # noqa: PLR2004
    return [
        count if isinstance(count, Unfit) else _storable(temporal.clock_of, count, "{} µs after midnight".format)
        for count in counts
    ]


def _structs(array: Any) -> list[Any]:
    names = [array.type.field(place).name for place in range(array.type.num_fields)]
    columns = [python_values(array.field(place)) for place in range(len(names))]
    there = array.is_valid().to_pylist()
    if len(set(names)) < len(names):
        twice = Unfit(f"({array.type})", RejectionCode.DUPLICATE_FIELD, "has two fields of one name")
        return [twice if valid else None for valid in there]
    rows = zip(*columns, strict=True) if columns else [()] * len(array)
    return [dict(zip(names, row, strict=True)) if valid else None for valid, row in zip(there, rows, strict=True)]


def _lists(array: Any) -> list[Any]:
    values = python_values(array.flatten())
    found: list[Any] = []
    start = 0
    for length in pc.list_value_length(array).to_pylist():
        found.append(None if length is None else values[start : start + length])
        start += length or 0
    return found


def map_entries(array: Any) -> Any:
    """A map as what it is in Parquet, a list of structs of `key` and `value`."""
    kind = array.type
    return array.cast(pa.list_(pa.struct([("key", kind.key_type), ("value", kind.item_type)])))


def _maps(array: Any) -> list[Any]:
    entries = _lists(map_entries(array))
    if not _is_text(array.type.key_type):
        return entries
    return [None if pairs is None else {str(pair["key"]): pair["value"] for pair in pairs} for pairs in entries]


def is_list(kind: Any) -> bool:
    """Whether the type is a list of any form."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def is_variable(kind: Any) -> bool:
    """Whether the type is text or binary of any length."""
    return bool(_is_text(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_text(kind: Any) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _half_floats(array: Any) -> list[Any]:
    found: list[Any] = array.cast(pa.float32()).to_pylist()
    return found


_READERS: Final[Sequence[tuple[Callable[[Any], bool], Callable[[Any], list[Any]]]]] = (
    (pa.types.is_dictionary, lambda array: python_values(array.dictionary_decode())),
    (_is_text, _texts),
    (pa.types.is_date32, _dates),
    (pa.types.is_date64, _long_dates),
    (pa.types.is_struct, _structs),
    (pa.types.is_map, _maps),
    (is_list, _lists),
    (pa.types.is_float16, _half_floats),
    (pa.types.is_duration, _durations),
)
