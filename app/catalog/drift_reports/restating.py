"""What a report says of a new column once further rows have shown other values of it. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from app.catalog.drift.change import Change, ChangeKind
from app.warehouse.evolution.types import holds_all_of
from app.warehouse.types import FLOAT_KINDS, INTEGER_KINDS, ColumnType, TypeKind, UnknownTypeError, parse_type

AS_TEXT: Final = "as_text"
"""Key of a change's evidence: all values of the field came as text (CSV), so that a text column takes each of them."""

_NUMBERS: Final = INTEGER_KINDS | FLOAT_KINDS | {TypeKind.NUMERIC}
_WRITTEN: Final = {
    TypeKind.TEXT,
    TypeKind.VARCHAR,
    TypeKind.DATE,
    TypeKind.TIME,
    TypeKind.TIMESTAMP,
    TypeKind.TIMESTAMPTZ,
    TypeKind.UUID,
}
"""What JSON has no values of its own for: their values come as text, whatever the format."""


def restated(known: Change, seen: Change) -> Change | None:
    """The known change as all rows have shown it, with a type for the values of both; None when nothing is new.

    Args:
        known: an ADD that is reported.
        seen: the ADD of the same column that further rows have shown.
    """
    if known.kind is not ChangeKind.ADD or seen.kind is not ChangeKind.ADD:
        return None
    before, now = _type(known), _type(seen)
    if now is None:
        return None
    type_ = now if before is None else _of_both(before, now, as_text=_as_text(known) and _as_text(seen))
    if type_ == before or not isinstance(known.new, Mapping):
        return None
    return replace(known, new={**known.new, "type": type_.sql}, evidence={**known.evidence, **seen.evidence})


def _of_both(one: ColumnType, other: ColumnType, *, as_text: bool) -> ColumnType:
    """The narrowest type that holds values of both types, as `rows.inference.kind_of` infers it of one batch."""
    if holds_all_of(one, other):
        return one
    if holds_all_of(other, one):
        return other
    kinds = {one.kind, other.kind}
    if kinds <= _NUMBERS:
        return ColumnType(TypeKind.NUMERIC)
    return ColumnType(TypeKind.TEXT if as_text or kinds <= _WRITTEN else TypeKind.JSONB)


def _as_text(change: Change) -> bool:
    return bool(change.evidence.get(AS_TEXT))


def _type(change: Change) -> ColumnType | None:
    written: Any = change.new.get("type") if isinstance(change.new, Mapping) else None
    try:
        return parse_type(written) if isinstance(written, str) else None
    except UnknownTypeError:
        return None
