"""Numbers made of two columns of a row said plainly: quantity times unit price, price minus cost. Pure."""

from typing import Final

from app.query.language.algebra.model import Aggregate, Arithmetic, Field, Function
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.known.state import Mode, State
from app.query.language.parsing.known.subjects import field_of
from app.query.language.reading.lexicon import Role

_LONGEST: Final = 4
"""Marks before the bracket that says what they mean."""


def calculated(state: State, at: int) -> tuple[Arithmetic, int] | None:
    """Two quantities of one table with the sign between them, and the place behind them."""
    left = _quantity(state, at)
    sign = state.peek(state.skip(at + 1))
    if left is None or sign is None or not (sign.role is Role.ARITHMETIC or sign.detail == "*"):
        return None
    behind = state.skip(state.skip(at + 1) + 1)
    right = _quantity(state, behind)
    if right is None or right.table != left.table or right == left:
        return None
    return Arithmetic(left, sign.detail, right), behind + 1


def explained(state: State, place: int) -> tuple[Arithmetic, int] | None:
    """What a bracket says that the words before it mean: order value (quantity times unit price)."""
    for at in range(place, place + _LONGEST + 1):
        mark = state.peek(at)
        if mark is None or not (mark.text == "(" or _names(mark)):
            return None
        if mark.text == "(":
            found = calculated(state, at + 1)
            closing = state.peek(found[1]) if found is not None else None
            return None if found is None or closing is None or closing.text != ")" else (found[0], found[1] + 1)
    return None


def take(state: State, place: int) -> int | None:
    """The place behind a number made of two columns: added up where groups are asked for, else of every row."""
    mark, following = state.marks[place], state.peek(place + 1)
    named = mark.kind is MarkKind.UNKNOWN or mark.is_column
    bracket = named and following is not None and following.text == "("
    found = explained(state, place) if bracket else calculated(state, place)
    if found is None or state.mode is Mode.FILTER:
        return None
    number, after = found
    state.touch(number.left.table)
    if any(each.role in {Role.EACH, Role.BY} for each in state.marks[after:]):
        state.measures.append(Aggregate(Function.SUM, number.left.table, number))
        state.note(f"{number.left.column} {number.sign} {number.right.column} is added up.", 0.05)
    else:
        state.select.append(number)
        state.listed = state.listed or state.entity == number.left.table
    return after


def _names(mark: Mark) -> bool:
    return mark.kind in {MarkKind.NOUN, MarkKind.UNKNOWN, MarkKind.VERB} or mark.role in {Role.FILLER, Role.PREPOSITION}


def _quantity(state: State, at: int) -> Field | None:
    mark = state.peek(at)
    field = field_of(state, mark) if mark is not None and mark.is_column else None
    return field if field is not None and state.context.is_quantity(field) else None
