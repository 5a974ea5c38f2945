"""Which rule of `policy.py` a change of type falls under, and whether what came in fits a declared type. Pure.

A type is widened when every value of the old type is the same value under the new type, whatever queries do with it.
"""

from collections.abc import Callable, Mapping
from typing import Final

from app.catalog.drift.policy import RuleId
from app.catalog.drift.types import CLOCKED, DriftType, Family

_MANTISSA: Final = {32: 24, 64: 53}
"""Bits of an integer that a float of so many bits holds exactly (IEEE 754)."""

_ZONED: Final = {Family.TIMETZ, Family.TIMESTAMPTZ}
_MOMENTS: Final = {Family.DATE, Family.TIMESTAMP, Family.TIMESTAMPTZ}
_CLOCK_TIMES: Final = {Family.TIME, Family.TIMETZ}
_NUMBERS: Final = {Family.INTEGER, Family.NUMERIC, Family.FLOAT}
_NESTED: Final = frozenset({Family.JSON, Family.ARRAY, Family.RECORD, Family.MAP})
_AS_TEXT: Final = frozenset({Family.TEXT, Family.JSON})
_UNKNOWN: Final = {Family.UNSTATED, Family.OTHER}
"""Families of which nothing is known: neither what they take, nor what they are taken for."""

_READ_AS: Final[Mapping[Family, frozenset[Family]]] = {
    Family.INTEGER: _AS_TEXT | {Family.NUMERIC, Family.FLOAT},
    Family.NUMERIC: _AS_TEXT | {Family.FLOAT},
    Family.FLOAT: _AS_TEXT | {Family.NUMERIC},
    Family.DATE: _AS_TEXT | {Family.TIMESTAMP},
    **dict.fromkeys((Family.BOOLEAN, Family.UUID, Family.TIME, Family.TIMESTAMP, Family.TIMESTAMPTZ), _AS_TEXT),
    # Their values come as text that nothing marks, and are inferred as text: that says nothing against them.
    Family.TEXT: frozenset({Family.JSON, Family.TIME, Family.TIMETZ, Family.INTERVAL, Family.BYTES, Family.ENUM}),
    **dict.fromkeys(_NESTED, _NESTED),
}
"""By family inferred from rows, what else its values can be declared as."""


def type_rule(old: DriftType, new: DriftType) -> RuleId | None:
    """The rule that grades the change from the one type to the other; None when both are the same type."""
    if old == new:
        return None
    if old.family is Family.UNSTATED:
        return RuleId.TYPE_STATED
    if new.family is Family.UNSTATED:
        return RuleId.TYPE_UNSTATED
    if old.family is not new.family:
        return _between_families(old, new)
    if old.family is Family.ARRAY and old.element and new.element:
        return type_rule(old.element, new.element)
    return _within_family(old, new)


def fits(inferred: DriftType, declared: DriftType) -> bool:
    """Whether values of the type inferred from rows can be read as the declared type.

    Integers are inferred without their width, texts without their length and decimals without their digits: whether a
    value is too large is found value by value, where rows are read, and not here.
    """
    if inferred.family is declared.family or {inferred.family, declared.family} & _UNKNOWN:
        return True
    return declared.family in _READ_AS.get(inferred.family, frozenset())


def _within_family(old: DriftType, new: DriftType) -> RuleId:
    compare = _WITHIN.get(old.family)
    return RuleId.OTHER_FAMILY if compare is None else compare(old, new)


def _bits(old: DriftType, new: DriftType) -> RuleId:
    return RuleId.WIDENED if (new.bits or 0) > (old.bits or 0) else RuleId.NARROWED


def _decimals(old: DriftType, new: DriftType) -> RuleId:
    return RuleId.TIME_PRECISION_UP if (new.precision or 0) > (old.precision or 0) else RuleId.TIME_PRECISION_DOWN


def _numeric(old: DriftType, new: DriftType) -> RuleId:
    if new.precision is None:  # any digits before and after the point: every value stays as it is
        return RuleId.WIDENED
    if old.precision is None:
        return RuleId.NUMERIC_PRECISION_DOWN
    if old.scale != new.scale:
        return RuleId.NUMERIC_SCALE_CHANGED
    return RuleId.NUMERIC_PRECISION_UP if new.precision > old.precision else RuleId.NUMERIC_PRECISION_DOWN


def _text(old: DriftType, new: DriftType) -> RuleId:
    if new.length is not None and (old.length is None or new.length < old.length):
        return RuleId.LENGTH_SHRUNK
    if old.ignores_case != new.ignores_case:
        return RuleId.TEXT_COMPARISON_CHANGED
    # Of `char(n)` the length itself is in the values: `char(3)` to `char(5)` adds spaces.
    return RuleId.PADDING_CHANGED if old.padded or new.padded else RuleId.WIDENED


def _enum(old: DriftType, new: DriftType) -> RuleId:
    if set(old.labels) - set(new.labels):
        return RuleId.ENUM_LABELS_REMOVED
    kept = tuple(label for label in new.labels if label in set(old.labels))
    return RuleId.ENUM_LABELS_ADDED if kept == old.labels else RuleId.ENUM_LABELS_REORDERED


def _between_families(old: DriftType, new: DriftType) -> RuleId:
    families = {old.family, new.family}
    if families <= _MOMENTS or families <= _CLOCK_TIMES:
        if (old.family in _ZONED) != (new.family in _ZONED):
            return RuleId.ZONE_CHANGED
        return RuleId.WIDENED if old.family is Family.DATE else RuleId.NARROWED
    if families <= _NUMBERS:
        return _between_numbers(old, new)
    return RuleId.OTHER_FAMILY


def _between_numbers(old: DriftType, new: DriftType) -> RuleId:
    if old.family is Family.INTEGER and old.bits:
        if new.family is Family.FLOAT:
            exact = old.bits - 1 <= _MANTISSA[new.bits or 64]
            return RuleId.WIDENED if exact else RuleId.WIDENED_INEXACTLY
        digits = len(str(1 << (old.bits - 1)))
        room = None if new.precision is None else new.precision - (new.scale or 0)
        return RuleId.WIDENED if room is None or (room >= digits and (new.scale or 0) >= 0) else RuleId.NARROWED
    if new.family is Family.NUMERIC:  # from a float: other arithmetic, other text, though every finite value is kept
        return RuleId.OTHER_FAMILY
    return RuleId.NARROWED


_WITHIN: Final[Mapping[Family, Callable[[DriftType, DriftType], RuleId]]] = {
    Family.INTEGER: _bits,
    Family.FLOAT: _bits,
    Family.NUMERIC: _numeric,
    Family.TEXT: _text,
    Family.BYTES: _text,
    Family.ENUM: _enum,
    Family.JSON: lambda _old, _new: RuleId.JSON_FORM_CHANGED,
    Family.RECORD: lambda _old, _new: RuleId.RECORD_CHANGED,
    Family.MAP: lambda _old, _new: RuleId.RECORD_CHANGED,
    **dict.fromkeys(CLOCKED, _decimals),
}
"""How two types of one family are compared; those of other families only are equal or not."""
