"""How values are written in JSON, where a compiled decoder does not look: spelling of numerics, decimals of seconds.

msgspec reads `"1_000"` as a Decimal and rounds nanoseconds by a rule of its own. Both would have to be seen in the
text, which is gone when a block is decoded, so a block is asked cheaply whether such a thing may be in it, and looked
into when it may.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from app.ingestion.rows import temporal
from app.ingestion.rows.checks import exact_columns, values_of
from app.ingestion.rows.object_types import Leaf, ObjectType
from app.ingestion.rows.text_values import FINE_KINDS, reader_of
from app.ingestion.rows.values import NUMBER
from app.warehouse.plan import Column, RelationPlan
from app.warehouse.types import TypeKind

_SOUND_NUMERIC = re.compile(f'(?:null|{NUMBER}|"{NUMBER}")?'.encode())
"""As `values.is_number` has it, in quotes or not."""
_FINE_TIME = re.compile(rb"\.[0-9]{6}[0-9]*[1-9]")
"""As `values.finer_than_microseconds` has it."""
_MAYBE_FINE_TIME = re.compile(rb'\.[0-9]{6}[0-9]++[Zz+"-]')
"""Is found in every text with such a time: with what follows a time, and no number."""
_PLAIN = b'0123456789-."\n'
_ODD = re.compile(rb'"-?(?:0[0-9]|\.)|\."')
"""What plain characters can be written as and `Decimal` takes, though it is no number: `01`, `.5`, `5.`"""

_MAYBE_ODD = re.compile(temporal.MAYBE_ODD.encode())
_ODDLY_ROUNDED = re.compile(temporal.ODDLY_ROUNDED.encode())

_TEXT = msgspec.json.Decoder(str)


class WrittenValues:
    """Looks at how the values of some columns are written."""

    def __init__(self, plan: RelationPlan) -> None:
        columns = plan.record_columns
        exact = exact_columns(plan)
        numerics = [column for column in columns if column.type.kind is TypeKind.NUMERIC]
        times = [column for column in columns if column.type.kind in FINE_KINDS]
        rounded = [column for column in times if column.name not in exact]
        self._numerics = _Columns(numerics)
        self._times = _Columns([column for column in times if column.name in exact])
        self._rounded = _Columns(rounded)
        self._readers = [(columns.index(column) + 1, reader_of(column.type.kind).one) for column in rounded]
        kinds = [column.type.kind for column in columns]
        self._documents = [index for index, kind in enumerate(kinds, start=1) if kind is TypeKind.JSONB]
        self._seen_quoted = False
        """Whether numerics came in quotes. A sender writes them one way: counting quotes again would find the same."""

    def sound_block(
        self, data: bytes, rows: Sequence[tuple[Any, ...]], names: int, payload: bytes, *, plain: bool
    ) -> bool:
        """Whether every value of a block of rows is written as it should be.

        Args:
            data: the text: lines of objects, or an array.
            rows: as they were decoded, the line number first.
            names: how many fields there are, nested objects among them.
            payload: the rows as they will be stored.
            plain: whether no text was escaped, and no row refused.
        """
        if self._times.headers and _MAYBE_FINE_TIME.search(data) and not _is_coarse(self._times.texts(data)):
            return False
        if not self._numerics.headers:
            return True
        if plain and not self._seen_quoted:
            if self._all_unquoted(data, rows, names, payload):
                return True
            self._seen_quoted = True
        return _are_spelled_well(self._numerics.texts(data))

    def rounded(self, data: bytes, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The rows of a block, in which those times that msgspec rounds otherwise are rounded as PostgreSQL does.

        Raises:
            ValueError: one of them cannot be stored.
        """
        if not self._rounded.headers or not (_MAYBE_ODD.search(data) and _ODDLY_ROUNDED.search(data)):
            return rows
        for position, values in enumerate(self._rounded.rows(data)):
            for (index, read), value in zip(self._readers, values, strict=True):
                if _ODDLY_ROUNDED.search(value) is not None:
                    row = rows[position]
                    rows[position] = (*row[:index], read(_TEXT.decode(value)), *row[index + 1 :])
        return rows

    def sound_fields(self, given: Mapping[str, msgspec.Raw | None]) -> bool:
        """Whether the fields of a row, by the headers of their columns, are written as they should be."""
        numerics = [bytes(value) for name in self._numerics.headers if (value := given.get(name)) is not None]
        times = [bytes(value) for name in self._times.headers if (value := given.get(name)) is not None]
        halves = [bytes(value) for name in self._rounded.headers if (value := given.get(name)) is not None]
        if any(map(_ODDLY_ROUNDED.search, halves)):
            return False
        return all(map(_is_spelled_well, numerics)) and all(map(_is_coarse, times))

    def _all_unquoted(self, data: bytes, rows: Sequence[tuple[Any, ...]], names: int, payload: bytes) -> bool:
        """Whether no numeric came in quotes.

        Names have two quotes each. Values have as many when they are stored as when they came, but for documents, which
        get two: a numeric that came in quotes makes two too many in the text.
        """
        documents = sum(len(values_of(rows, index)) for index in self._documents)
        return data.count(b'"') + 2 * documents == payload.count(b'"') + 2 * names


class _Columns:
    """Reads the text of the values of some columns, and passes over all others."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns
        self.headers = [column.header for column in columns]

    @cached_property
    def _lines(self) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(self._of.type)

    @cached_property
    def _array(self) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(list[self._of.type])  # type: ignore[name-defined]  # a type made at run time

    @cached_property
    def _of(self) -> ObjectType:
        leaves = [Leaf(column.path, msgspec.Raw, required=False) for column in self._columns]
        return ObjectType(leaves, strict=False, absent=msgspec.Raw(b""))

    def texts(self, data: bytes) -> bytes:
        """The values of a valid text, a line each; empty where a field is absent."""
        return b"\n".join(self._values(data))

    def rows(self, data: bytes) -> Iterator[tuple[msgspec.Raw, ...]]:
        """The same values, row by row."""
        return zip(*[self._values(data)] * len(self.headers), strict=True)

    def _values(self, data: bytes) -> Iterator[msgspec.Raw]:
        rows = self._array.decode(data) if data.startswith(b"[") else self._lines.decode_lines(data)
        return self._of.fields(rows)


def _are_spelled_well(values: bytes) -> bool:
    """Whether these are numbers, in quotes or not, a line each, of which `Decimal` has taken every one."""
    if not values.translate(None, _PLAIN):
        return _ODD.search(values) is None
    return all(map(_is_spelled_well, values.split(b"\n")))


def _is_spelled_well(value: bytes) -> bool:
    return _SOUND_NUMERIC.fullmatch(value) is not None


def _is_coarse(value: bytes) -> bool:
    return _FINE_TIME.search(value) is None
