"""How values are written in JSON, where a compiled decoder does not look: spelling of numerics, decimals of seconds.

msgspec reads `"1_000"` as a Decimal and rounds nanoseconds. Both would have to be seen in the text, which is gone when
a block is decoded, so a block is asked cheaply whether such a thing may be in it, and looked into when it may.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from app.ingestion.decoding.checks import exact_columns
from app.ingestion.decoding.values import NUMBER
from app.warehouse.plan import RelationPlan
from app.warehouse.types import TypeKind

_SOUND_NUMERIC = re.compile(f'(?:null|{NUMBER}|"{NUMBER}")?'.encode())
"""As `values.is_number` has it, in quotes or not."""
_FINE_TIME = re.compile(rb"\.[0-9]{6}[0-9]*[1-9]")
"""As `values.finer_than_microseconds` has it."""

_TIMES = frozenset({TypeKind.TIME, TypeKind.TIMESTAMP, TypeKind.TIMESTAMPTZ})
_astuple = msgspec.structs.astuple


class WrittenValues:
    """Looks at how the values of some columns are written."""

    def __init__(self, plan: RelationPlan) -> None:
        columns = plan.record_columns
        exact = exact_columns(plan)
        numerics = [column.name for column in columns if column.type.kind is TypeKind.NUMERIC]
        times = [column.name for column in columns if column.type.kind in _TIMES and column.name in exact]
        self._numerics = _Columns(numerics)
        self._times = _Columns(times)
        self._requoted = [
            index
            for index, column in enumerate(columns, start=1)
            if column.type.kind in {TypeKind.NUMERIC, TypeKind.JSONB}
        ]

    def sound_block(
        self, data: bytes, rows: Sequence[tuple[Any, ...]], fields: int, payload: bytes, *, plain: bool
    ) -> bool:
        """Whether every value of a block of rows is written as it should be.

        Args:
            data: the text: lines of objects, or an array.
            rows: as they were decoded, the line number first.
            fields: how many fields of the contract are set in them.
            payload: the rows as they will be stored.
            plain: whether no text was escaped, and no row refused.
        """
        if self._times.names and _FINE_TIME.search(data) and not self._times.sound(data, _is_coarse):
            return False
        if not self._numerics.names or (plain and self._all_unquoted(data, rows, fields, payload)):
            return True
        return self._numerics.sound(data, _is_spelled_well)

    def sound_fields(self, fields: Mapping[str, msgspec.Raw]) -> bool:
        """Whether the fields of a row are written as they should be."""
        numerics = (bytes(fields[name]) for name in self._numerics.names if name in fields)
        times = (bytes(fields[name]) for name in self._times.names if name in fields)
        return all(map(_is_spelled_well, numerics)) and all(map(_is_coarse, times))

    def _all_unquoted(self, data: bytes, rows: Sequence[tuple[Any, ...]], fields: int, payload: bytes) -> bool:
        """Whether no numeric came in quotes.

        Names have two quotes each. Values have as many when they are stored as when they came, but for numerics and
        documents, which get two: a numeric that came in quotes makes two too many in the text.
        """
        requoted = sum(1 for index in self._requoted for row in rows if row[index] is not None)
        return data.count(b'"') + 2 * requoted == payload.count(b'"') + 2 * fields


class _Columns:
    """Reads the text of the values of some columns, and passes over all others."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        renamed = {f"f{number}": name for number, name in enumerate(names)}
        fields = [(field, msgspec.Raw, msgspec.Raw(b"")) for field in renamed]
        row = msgspec.defstruct("Row", fields, rename=renamed, kw_only=True, gc=False)
        self._lines = msgspec.json.Decoder(row)
        self._array = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]  # a type made at run time

    def sound(self, data: bytes, is_sound: Any) -> bool:
        """Whether all values of a valid text are sound."""
        rows = self._array.decode(data) if data.startswith(b"[") else self._lines.decode_lines(data)
        return all(is_sound(bytes(value)) for row in rows for value in _astuple(row))


def _is_spelled_well(value: bytes) -> bool:
    return _SOUND_NUMERIC.fullmatch(value) is not None


def _is_coarse(value: bytes) -> bool:
    return _FINE_TIME.search(value) is None
