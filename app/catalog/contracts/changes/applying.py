"""Which columns a contract has once changes are applied, and which changes can be. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from app.catalog.contracts.columns import MAX_COLUMNS
from app.catalog.contracts.definition import ChangePolicy, Policy
from app.catalog.drift.change import Change, ChangeKind, Severity
from app.catalog.names import column_name_fault, column_reading, snake_case
from app.warehouse.evolution.types import holds_all_of
from app.warehouse.plan import Column
from app.warehouse.sources import FieldPath, InvalidSourceError, clashes, source_path, written_source
from app.warehouse.types import ColumnType, UnknownTypeError, parse_type

_WORDS = frozenset({ChangeKind.REORDER, ChangeKind.DESCRIPTION})
"""Changes that leave the columns as they are."""


class Inapplicable(ValueError):  # noqa: N818 - says what a change is, and is answered as a problem
    """A change cannot become a column: its name or its type is none that a contract may have."""


def automatic(changes: Iterable[Change], policy: Policy) -> list[Change]:
    """The changes that a contract's policies take on by themselves: compatible ones, of columns and of types."""
    chosen = []
    for change in changes:
        if change.severity is not Severity.COMPATIBLE or _type_of(change) is None:
            continue
        of_kind = {ChangeKind.ADD: policy.unknown_columns, ChangeKind.TYPE_CHANGE: policy.type_changes}
        if of_kind.get(change.kind) is ChangePolicy.EVOLVE:
            chosen.append(change)
    return chosen


def evolved(columns: Sequence[Column], changes: Iterable[Change]) -> tuple[Column, ...]:
    """The columns after changes: wider types, null where there was none, other sources, and new columns at the end.

    A column whose field has another name by now keeps its own, so that queries go on: it is read from the new field.

    Raises:
        Inapplicable: a change is none of these, or leads to a column that no contract may have.
    """
    found = {column.name: column for column in columns}
    for change in changes:
        column = found.get(change.column or "")
        if change.kind is ChangeKind.ADD:
            added = added_column(change)
            found.setdefault(added.name, added)
        elif column is not None:
            found[column.name] = _changed(column, change)
        elif change.kind not in _WORDS:
            raise _inapplicable(change)
    result = tuple(found.values())
    if len(result) > max(MAX_COLUMNS, len(columns)):
        raise Inapplicable(f"A schema has at most {MAX_COLUMNS} columns.")
    if clashes([column.path for column in result]):
        raise Inapplicable("Two columns would read the same value.")
    return result


def _changed(column: Column, change: Change) -> Column:
    """The column after a change of it. Raises `Inapplicable`."""
    if change.kind is ChangeKind.TYPE_CHANGE:
        wider = _required_type(change)
        return column if holds_all_of(column.type, wider) else replace(column, type=wider)  # or one was taken on since
    if change.kind is ChangeKind.NULLABILITY and change.new is True:
        return replace(column, nullable=True)
    if change.kind is ChangeKind.RENAME:
        return replace(column, source=_source_for(column, str(change.new)))
    if change.kind in _WORDS:
        return column
    raise _inapplicable(change)


def _inapplicable(change: Change) -> Inapplicable:
    return Inapplicable(f"{change.kind.value} of {change.path} cannot be applied to the table as it is.")


def added_column(change: Change) -> Column:
    """The nullable column that an ADD is about: its name, or one that can read the field of that name.

    Raises:
        Inapplicable: no column can bear such a name, or the type is not known or none that a contract may have.
    """
    document: Any = change.new if isinstance(change.new, dict) else {}
    field = str(document.get("source") or document.get("name") or change.column or "")
    name, source = column_for(field)
    return Column(name, _required_type(change), nullable=True, source=source)


def column_for(field: str) -> tuple[str, str | None]:
    """Name and source of the column that reads a field: `customer_vip` and `/customer/vip`; no source for its own name.

    Raises:
        Inapplicable: no column can read a field of that name.
    """
    try:
        path: FieldPath = source_path(field)
    except InvalidSourceError as error:
        raise Inapplicable(f"No column can read the field {field!r}: {error}") from error
    if len(path) == 1 and column_name_fault(path[0]) is None:
        return path[0], None
    if len(path) == 1:
        reading = column_reading(path[0])
        if reading is not None:
            return reading
    name = snake_case("_".join(path))
    if name is None or column_name_fault(name) is not None:
        raise Inapplicable(f"No column can bear a name like that of the field {field!r}.")
    return name, written_source(path)


def _source_for(column: Column, field: str) -> str | None:
    """The source by which the column reads a field: none where that has the column's own name."""
    try:
        path = source_path(field)
    except InvalidSourceError as error:
        raise Inapplicable(f"No column can read the field {field!r}: {error}") from error
    return None if path == (column.name,) else written_source(path)


def _type_of(change: Change) -> ColumnType | None:
    try:
        return _required_type(change)
    except Inapplicable:
        return None


def _required_type(change: Change) -> ColumnType:
    written = change.new.get("type") if isinstance(change.new, dict) else change.new
    if not isinstance(written, str):
        raise Inapplicable(f"No value says yet what type {change.path} has.")
    try:
        return parse_type(written)
    except UnknownTypeError as error:
        raise Inapplicable(str(error)) from error
