"""Whether all that was understood stands in the query: a value that no condition has was left out. Pure."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, Final

from app.query.language.algebra.model import Aggregate, CannotWriteError, Compare, Field, Function, Query
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.known.state import State
from app.query.language.reading.lexicon import PHRASES, Role
from app.query.language.vocabulary.model import Kind

_WHOLE: Final = 0.95
"""Worth of a column of which the whole name is said."""
_NAMES: Final = frozenset(("name", "title", "label"))


def check_used(state: State, query: Query) -> None:
    """Refuse a query without a value of the question, and doubt one that leaves out more. Raises `CannotWriteError`."""
    used = {(each.table, each.column) for each in _fields_of(query)}
    for place, mark in enumerate(state.marks):
        if mark.kind is MarkKind.VALUE and mark.link.column and not _stands(mark, used):
            raise CannotWriteError(f"{mark.text!r} has no place in this.", mark.text)
        if (
            mark.is_column
            and mark.link.worth >= _WHOLE
            and mark.text.lower() not in PHRASES
            and not _stands(mark, used)
        ):
            state.note(f"{mark.text!r} says no more than is said otherwise.", 0.3)
        if (owner := _owner(state, place, mark)) is not None:
            state.note(f"{mark.text!r} is {mark.link.table}.{mark.link.column}, and not of {owner}.", 0.3)
    _doubt_single(state, query)
    _doubt_many(state, query)


def _stands(mark: Mark, used: set[tuple[str, str]]) -> bool:
    """Whether a column that the value may be of stands in the query."""
    return any((link.table, link.column) in used for link in mark.links)


def _owner(state: State, place: int, mark: Mark) -> str | None:
    """The table whose names are asked for, where the column is that of another table: names of the subscribers."""
    if not mark.is_column or mark.link.worth >= _WHOLE or mark.text.lower().rstrip("s") not in _NAMES:
        return None
    of = state.peek(place + 1)
    if of is None or of.role is not Role.PREPOSITION or not of.text.lower().startswith("of"):
        return None
    for noun in state.marks[place + 2 :]:
        if noun.is_table:
            return noun.link.table if noun.link.table != mark.link.table else None
        if noun.kind is not MarkKind.VALUE and noun.role is not Role.FILLER:
            return None
    return None


def _doubt_single(state: State, query: Query) -> None:
    """Doubt a count of rows of which there is one at most: engineers are no job titles."""
    counted = query.select[0] if len(query.select) == 1 and not query.group else None
    if not isinstance(counted, Aggregate) or counted.function is not Function.COUNT or counted.of is not None:
        return
    for each in query.where:
        if not isinstance(each, Compare) or not isinstance(each.left, Field) or each.operator != "=":
            continue
        column = state.context.tables[each.left.table].column(each.left.column)
        if column is not None and column.unique and column.kind is Kind.TEXT and each.left.table == counted.table:
            state.note(f"Each {column.name} is in one row of {counted.table}.", 0.5)


def _doubt_many(state: State, query: Query) -> None:
    """Doubt a list of all the values of a quantity that is asked for as one: what is the price."""
    shown = query.select[0] if len(query.select) == 1 and not (query.where or query.order or query.limit) else None
    if not isinstance(shown, Field) or shown.kind is not Kind.NUMBER or state.entity is not None:
        return
    named = [mark for mark in state.marks if mark.is_column and mark.link.column == shown.column]
    if named and not named[0].plural:
        state.note(f"Each row of {shown.table} has a {shown.column} of its own.", 0.35)


def _fields_of(part: Any) -> Iterator[Field]:
    """Every column that stands anywhere in the part."""
    if isinstance(part, Field):
        yield part
    elif is_dataclass(part) and not isinstance(part, type):
        for each in fields(part):
            yield from _fields_of(getattr(part, each.name))
    elif isinstance(part, tuple | list):
        for each in part:
            yield from _fields_of(each)
