"""What a change of a column's type means for stored rows. Pure.

Do values stay what they are, does PostgreSQL rewrite the table, do content hashes change, which values go back.
"""

from typing import Final

from app.warehouse.types import FLOAT_KINDS, INTEGER_KINDS, TEXT_KINDS, ColumnType, TypeKind

_DIGITS: Final = {TypeKind.SMALLINT: 5, TypeKind.INTEGER: 10, TypeKind.BIGINT: 19}
"""Decimal digits of the largest values: 32767, 2147483647, 9223372036854775807."""

_EXACT: Final = {
    TypeKind.REAL: {TypeKind.SMALLINT},
    TypeKind.DOUBLE: {TypeKind.SMALLINT, TypeKind.INTEGER, TypeKind.REAL},
}
"""What each float type holds without rounding: 24 and 53 binary digits (IEEE 754)."""

_HASH_FAMILIES: Final = (TEXT_KINDS, INTEGER_KINDS, FLOAT_KINDS)
"""Types whose equal values have equal hashes (PostgreSQL's operator families of hash functions)."""


def holds_all_of(new: ColumnType, old: ColumnType) -> bool:
    """Whether every value of the old type is one of the new type, to the last digit."""
    if new == old:
        return True
    if old.kind in TEXT_KINDS and new.kind in TEXT_KINDS:
        return new.length is None or (old.length is not None and old.length <= new.length)
    if old.kind in INTEGER_KINDS and new.kind in INTEGER_KINDS:
        return _DIGITS[old.kind] <= _DIGITS[new.kind]
    if new.kind is TypeKind.NUMERIC:
        return _fits_numeric(new, old)
    return old.kind in _EXACT.get(new.kind, ()) or (old.kind is TypeKind.DATE and new.kind is TypeKind.TIMESTAMP)


def _fits_numeric(new: ColumnType, old: ColumnType) -> bool:
    if old.kind is TypeKind.NUMERIC:
        if new.precision is None:
            return True
        return old.precision is not None and old.precision <= new.precision and old.scale == new.scale
    if old.kind not in INTEGER_KINDS:
        return False
    return new.precision is None or new.precision - (new.scale or 0) >= _DIGITS[old.kind]


def rewrites_table(new: ColumnType, old: ColumnType) -> bool:
    """Whether PostgreSQL writes every row anew when the column's type changes.

    Rows stay where the stored form is the same and no value needs a look: a longer varchar, text, a numeric of the same
    scale and a larger precision or without any (PostgreSQL manual, ALTER TABLE, notes; varchar_support and
    numeric_support in its source). A test holds every pair of types against PostgreSQL.
    """
    same_form = {old.kind, new.kind} <= TEXT_KINDS or old.kind is new.kind is TypeKind.NUMERIC
    return new != old and not (same_form and holds_all_of(new, old))


def changes_hash(new: ColumnType, old: ColumnType) -> bool:
    """Whether equal values of the two types have other hashes, so that content hashes must be made anew."""
    return old.kind is not new.kind and not any({old.kind, new.kind} <= family for family in _HASH_FAMILIES)


def fits(narrow: ColumnType, wide: ColumnType, value: str) -> str:
    """SQL condition: the value, of the wide type, is one of the narrow type too; NULL for NULL. `value` is SQL.

    The narrow type is one whose values the wide type holds (see `holds_all_of`).
    """
    if narrow.kind in TEXT_KINDS:
        return "true" if narrow.length is None else f"char_length({value}) <= {narrow.length}"
    bounds = narrow.integer_range
    if bounds is not None:
        whole = "" if wide.kind in INTEGER_KINDS else f" AND {value} = trunc({value})"
        return f"({value} BETWEEN {bounds[0]} AND {bounds[1]}{whole})"
    if narrow.kind is TypeKind.NUMERIC and narrow.precision is not None and narrow.scale is not None:
        whole_digits = narrow.precision - narrow.scale
        within = f"abs({value}) < 1e{whole_digits}::numeric AND {value} = round({value}, {narrow.scale})"
        return f"({value} = 'NaN' OR {within})"
    if narrow.kind is TypeKind.REAL:  # a cast beyond the range of real is an error, so it is asked first
        same = f"{value}::real::double precision = {value}"
        return f"CASE WHEN pg_input_is_valid({value}::text, 'real') THEN {same} ELSE {value} IS NULL END"
    if narrow.kind is TypeKind.DATE:
        return f"{value} = date_trunc('day', {value})"
    return "true"
