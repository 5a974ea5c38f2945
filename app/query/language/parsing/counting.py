"""How many rows there are of a table: by counting them, or by a column that says how many each stands for. Pure."""

from typing import Final

from app.query.language.algebra.model import Aggregate, Empty, Expression, Field, Function, Order, Within
from app.query.language.linking.keys import is_of_people
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.known.state import State
from app.query.language.reading.stems import is_plural, lemma, normalized, stem
from app.query.language.vocabulary.model import Kind

_COLLECTIVE: Final = frozenset(("crew", "staff", "personnel", "inventory", "equipment", "stock", "traffic"))
"""Singulars that mean many."""
_DATES: Final = frozenset(("date", "time", "day", "timestamp", "moment", "year", "month"))
"""Nouns for when something happened, and not for what happened."""


def count_of(state: State, table: str, *, distinct: bool = False) -> Aggregate:
    """How many there are of a table's rows: by a column that says how many each stands for, else by counting."""
    tally = state.context.tally(table)
    if tally is None or distinct:
        return Aggregate(Function.COUNT, table)
    state.note(f"{tally.column} of {table} says how many: its numbers are added up.", 0.06)
    return Aggregate(Function.SUM, table, tally)


def calls_rows(state: State, place: int) -> bool:
    """Whether a value is the noun for the rows that have it: tankers, singles; not `delayed` for delay."""
    mark = state.marks[place]
    if mark.kind is not MarkKind.VALUE or mark.link.part:
        return False
    said, value = (normalized(text).split() for text in (mark.text, mark.link.value or ""))
    return said == value or [lemma(word) for word in said] == [lemma(word) for word in value]


def called_by_value(state: State, values: tuple[int, ...]) -> str | None:
    """The table of rows that are called by a value alone, in the plural: how many tankers, how many singles."""
    if not values or not calls_rows(state, values[-1]):
        return None
    last = state.marks[values[-1]]
    return last.link.table if is_plural(last.text) else None


def count_rows(state: State, groups: list[Expression]) -> None:
    """Count what is asked for in each group where no number is named: orders by month, signups by country."""
    if state.measures or state.order or state.limit is not None or state.absences:
        return
    if state.select:
        _count_events(state)
        return
    table = state.entity
    if table is None or table in state.group_tables or not _many(state, table):
        return
    state.measures.append(count_of(state, table))
    state.note(f"How many {table} there are in each group: no number is named.", 0.12 if len(groups) > 1 else 0.08)


def _many(state: State, table: str) -> bool:
    """Whether many rows are asked for: the noun is a plural, or means many."""
    return state.entity_plural or state.context.index.words[table][-1] in _COLLECTIVE


def _count_events(state: State) -> None:
    """Count the rows that have a date where the date's column is all that is asked for: signups, departures."""
    field = state.select[0] if len(state.select) == 1 else None
    if not isinstance(field, Field) or field.kind not in {Kind.DATE, Kind.MOMENT}:
        return
    named = [mark for mark in state.marks if mark.is_column and _is(mark, field) and is_plural(mark.text)]
    if not named or lemma(named[0].text.split()[-1]) in _DATES or state.entity not in {None, field.table}:
        return
    told = stem(named[0].text.split()[-1]) in {stem(word) for word in state.context.words(field)}
    if not told and not is_of_people(state.context.index.words[field.table]):
        return  # signups are of people, and no other thing that was created
    state.select.clear()
    state.measures.append(Aggregate(Function.COUNT, field.table))
    state.touch(field.table, move=False)
    if all(not (isinstance(each, Within) and each.left == field) for each in state.conditions):
        state.conditions.append(Empty(field, negated=True))
    state.note(f"{named[0].text!r} are the rows of {field.table} that have a {field.column}.", 0.08)


def _is(mark: Mark, field: Field) -> bool:
    return (mark.link.table, mark.link.column) == (field.table, field.column)


def happens(state: State, table: str) -> bool:
    """Whether rows of the table happen at a time; people are there, whenever they were born or registered."""
    if is_of_people(state.context.index.words[table]) or state.context.index.words[table][-1] in _COLLECTIVE:
        return False
    return any("birth" not in state.context.words(each) for each in state.context.moments(table))


def happenings(state: State, table: str) -> list[str]:
    """The tables of what happens with rows of the table: voyages of vessels, and not their crew."""
    return [each for each in state.context.children(table) if happens(state, each)]


def rank_by_rows(state: State) -> bool:
    """Whether the top rows were ranked by how many rows of the only table of what happens belong to each."""
    shown = state.select[0] if len(state.select) == 1 else None
    table = state.entity
    if table is None and isinstance(shown, Field):
        if shown.kind is not Kind.TEXT or shown in state.context.shown(shown.table) or not happens(state, shown.table):
            return False
        state.select.clear()
        state.groups.append(shown)
        found = [shown.table]
    else:
        found = happenings(state, table) if table is not None and not state.select else []
    if len(found) != 1 or state.groups[1:] or state.group_tables:
        return False
    state.order.append(Order(Aggregate(Function.COUNT, found[0]), state.descending is not False))
    state.touch(found[0], move=False)
    state.wants_order = False
    state.note(f"By what the top rows are ranked is not said: by the number of {found[0]}.", 0.28)
    return True
