"""Rows beside the others of their group: the first of each, the second highest, the average over owners. Pure."""

from typing import Final

from app.query.language.algebra.model import (
    Aggregate,
    CannotWriteError,
    Empty,
    Expression,
    Extreme,
    Field,
    Function,
    Order,
    Ranked,
)
from app.query.language.linking.marks import MarkKind
from app.query.language.parsing.known.state import State
from app.query.language.reading.lexicon import Role

_ORDINALS: Final = {
    "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5, "sixth": 6, "6th": 6,
    "seventh": 7, "7th": 7, "eighth": 8, "8th": 8, "ninth": 9, "9th": 9, "tenth": 10, "10th": 10,
}  # fmt: skip
_ALONE: Final = ("All of them, in this order: no number was said.", "Of several that tie, one is shown.")
"""Assumptions that hold of rows that are ranked among all."""


def nth(state: State, place: int) -> int | None:
    """The place behind `second` of `the second highest price`: that many rows stand before the one that is meant."""
    following = state.peek(place + 1)
    number = _ORDINALS.get(state.marks[place].text.lower())
    if number is None or following is None or following.role is not Role.SUPERLATIVE:
        return None
    state.nth = number
    return place + 1


def offset(state: State) -> int | None:
    """How many rows are left out before the one that is meant. Raises `CannotWriteError` where no row is ranked."""
    if state.nth == 1:
        return None
    if not (state.superlative and state.limit == 1 and state.order) or state.group_tables:
        raise CannotWriteError("It is not said among what the place is counted.", "second")
    state.note("Rows that tie have places of their own.", 0.05)
    return state.nth - 1


def first_of_each(state: State, groups: list[Expression]) -> Ranked | None:
    """The rank of rows within the groups, where a superlative and `each` are said of rows: the latest of each."""
    order = state.order[0] if len(state.order) == 1 else None
    cut = state.superlative or state.limit is not None
    if order is None or not groups or not cut or state.measures or state.having or state.nth > 1:
        return None
    if not isinstance(order.by, (Field, Aggregate)) or order.by in groups:
        return None
    entity = state.entity or state.focus
    if entity is None or entity in state.group_tables or (isinstance(order.by, Aggregate) and state.entity is None):
        return None
    state.notes = [each for each in state.notes if each not in _ALONE]
    if isinstance(order.by, Field):
        state.conditions.append(Empty(order.by, negated=True))
        state.condition_marks.append(0)
    state.note("Of several that tie in a group, all are shown.", 0.03)
    return Ranked(tuple(groups), Order(order.by, order.descending), state.limit or 1)


def refuse_aside(state: State) -> None:
    """Refuse the extreme of all rows where groups of its table are asked for: orders of the oldest in each city.

    Raises `CannotWriteError`.
    """
    for each in state.conditions:
        of = {group.table for group in state.groups if isinstance(group, Field)} | set(state.group_tables)
        if isinstance(each, Extreme) and each.left.table in of:
            raise CannotWriteError(f"Whether {each.left.column} is the extreme of all or of each group is not said.")


def settle_average(state: State) -> None:
    """Take the one thing that `on average` is said of as the groups: how many orders does a customer place."""
    if state.per_group is None or state.groups or state.group_tables or len(state.measures) != 1:
        return
    counted = state.measures[0]
    if not isinstance(counted, Aggregate) or counted.function is not Function.COUNT:
        return
    owners = {
        mark.link.table
        for mark in state.marks
        if mark.is_table and not mark.plural and mark.link.table != counted.table
    }
    if len(owners) != 1:
        return
    (owner,) = owners
    state.group_tables.append(owner)
    state.entity = None if state.entity == owner else state.entity
    state.note(f"The average is over the rows of {owner} that have any.", 0.08)


def counted_with(state: State, groups: list[Expression]) -> tuple[Expression, ...]:
    """The groups of rows that are counted by a number of their others: how many customers have more than 3 orders.

    Empty where nothing is compared. Raises `CannotWriteError` where a number is compared without groups otherwise.
    """
    if not state.having or groups:
        return ()
    counted = state.measures[0] if len(state.measures) == 1 else None
    plain = isinstance(counted, Aggregate) and counted.function is Function.COUNT and counted.of is None
    others = all(isinstance(each.left, Aggregate) for each in state.having)
    cut = state.order or state.limit is not None
    if not plain or not others or not isinstance(counted, Aggregate) or counted.distinct or cut:
        raise CannotWriteError("It is not said of what the number that is compared is made.")
    if any(isinstance(each.left, Aggregate) and each.left.table == counted.table for each in state.having):
        raise CannotWriteError("It is not said of what the number that is compared is made.")
    found = state.context.key(counted.table) or state.context.entity(counted.table)
    return tuple(found)


def on_average(state: State, place: int) -> int | None:
    """The place behind `on average` at the end, of a number that was asked for before: over what it is counted of."""
    ends = (mark := state.peek(state.skip(place + 1, verbs=True))) is None or mark.kind is MarkKind.STOP
    counted = state.measures[0] if len(state.measures) == 1 else None
    if state.marks[place].text.lower() != "on average" or not ends or state.per_group is not None:
        return None
    if not isinstance(counted, Aggregate) or counted.function is not Function.COUNT or counted.of is not None:
        return None
    state.per_group = Function.AVG
    return place + 1
