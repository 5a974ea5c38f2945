"""Dates as conditions: on the column that says when, or on columns of years and months. Pure."""

from app.query.language.algebra.model import Bucket, Compare, Expression, Field, OneOf, Within, aggregates_of
from app.query.language.linking.marks import Mark
from app.query.language.parsing.known.periods import GUESS, holds_years, is_whole_years, year_conditions, year_said
from app.query.language.parsing.known.state import Mode, State
from app.query.language.parsing.phrases.predicates import dates_of, names_event, says_what_became
from app.query.language.reading.calendar import MONTH_NAMES, UNITS
from app.query.language.reading.dates import DateRange
from app.query.language.reading.lexicon import Role
from app.query.language.reading.stems import is_participle, stem
from app.query.language.vocabulary.model import Kind

_MADE = frozenset(("created", "recorded", "inserted", "updated", "logged", "added"))
"""Participles of when a row was written, which is when most things happen."""


def when_condition(state: State, place: int) -> int | None:
    """The place behind a date or range of dates; None where nothing says when."""
    mark = state.marks[place]
    when = mark.when
    if when is None:
        return None
    if _of_pending(state, when, place):
        return place + 1
    for table in _tables(state):
        if _on(state, table, when, place):
            state.touch(table, move=False)
            return place + 1
    for table in _parents(state):
        if _on(state, table, when, place):
            state.touch(table, move=False)
            state.note(f"The date is that of {table}.", 0.12)
            return place + 1
    return None


def _of_pending(state: State, when: DateRange, place: int) -> bool:
    """Whether the column named just before says when: a date, a year as a number, or any number beside a bare one."""
    subject = state.pending[1] if state.pending is not None else None
    if not isinstance(subject, Field):
        return False
    if subject.kind in {Kind.DATE, Kind.MOMENT}:
        _take(state)
        _within(state, subject, when, place)
        return True
    if subject.kind is Kind.NUMBER and when.bare and when.low is not None:
        _take(state)
        state.add(Compare(subject, "=", when.low.year), place)
        return True
    if not (is_whole_years(when) and holds_years(state.context, subject)):
        return False
    if subject in state.select and (state.measures or state.entity is not None):
        state.select.remove(subject)
    _take(state)
    _in_years(state, subject, when, place)
    return True


def _parents(state: State) -> list[str]:
    """The tables that what is counted belongs to, where only one of them says when."""
    tables = _measured(state) or ([state.focus] if state.focus else [])
    found = [step.target for table in tables for step in state.context.graph.steps(table) if not step.multiplies]
    dated = [table for table in dict.fromkeys(found) if state.context.moments(table)]
    return dated if len(dated) == 1 else []


def _take(state: State) -> None:
    if state.pending is not None:
        place, subject = state.pending
        state.loose = [each for each in state.loose if each[0] != place]
        if isinstance(subject, Field) and state.mode is Mode.HEAD and subject in state.select and len(state.select) > 1:
            state.select.remove(subject)
    state.pending = None


def _tables(state: State) -> list[str]:
    """The tables that the date may be of: the one named last, the counted ones, the one asked about, the others."""
    absent = [each.table for each in state.absences]
    measured = _measured(state)
    later = state.clause or (state.anchor is not None and measured and _has_many(state, measured[0], state.anchor))
    found = [*absent, state.anchor, *measured] if later else [*absent, *measured, *_events(state), state.anchor]
    found.append(state.focus)
    found += [each.table for each in reversed(state.mentions)]
    found += [mark.link.table for mark in state.marks if mark.links]
    return list(dict.fromkeys(table for table in found if table is not None))


def _events(state: State) -> list[str]:
    """The table asked about, where many of its rows belong to the one named last: orders of customers in 2024."""
    focus, anchor = state.focus, state.anchor
    if focus is None or anchor is None or focus == anchor or not _has_many(state, anchor, focus):
        return []
    if state.context.moments(focus) and state.context.moments(anchor):
        state.note(f"The date is that of {focus}.", 0.1)
    return [focus]


def _has_many(state: State, one: str, other: str) -> bool:
    """Whether many rows of the other table belong to one: then the other one is what happens at a time."""
    paths = state.context.graph.shortest([one], other, [each.table for each in state.mentions])
    return bool(paths) and one != other and any(step.multiplies for step in paths[0])


def _measured(state: State) -> list[str]:
    numbers = [*state.measures, *(each.by for each in state.order)]
    return [aggregate.table for each in numbers for aggregate in aggregates_of(each)]


def _on(state: State, table: str, when: DateRange, place: int) -> bool:
    called = year_said(state.context, table, state.near_words(place)) if is_whole_years(when) else None
    if called is not None:
        _in_years(state, called, when, place)
        return True
    year = state.context.year(table)
    field, doubtful = state.context.when(table, state.near_words(place))
    if field is None and year is not None:
        return _on_parts(state, table, year, when, place)
    if field is None:
        return False
    verb = _event_before(state, place)
    if verb is not None and not names_event(state, field, verb):
        dates = dates_of(state, table)
        named = [each for each in dates if names_event(state, each, verb)]
        if len(named) == 1 and named[0].kind is Kind.NUMBER:
            return _on_parts(state, table, named[0], when, place)
        state.note(f"No column says when it was {verb}.", 0.3 if len(dates) > 1 or _is_of_event(state, field) else 0.0)
    if doubtful:
        state.note(f"The date is that of {field.table}.{field.column}.", _doubt(state, field))
    _within(state, field, when, place)
    return True


def _is_of_event(state: State, field: Field) -> bool:
    """Whether the column is called after an event of its own: acquired on; not sold at, of a table of sales."""
    own = {stem(word) for word in state.context.index.words[field.table]}
    return any(
        is_participle(word) and stem(word) not in own for word in state.context.words(field) if word not in _MADE
    )


def _event_before(state: State, place: int) -> str | None:
    """The verb just before a date, if it says what happened then: built before 1980."""
    before = [mark for mark in state.marks[:place] if mark.role not in {Role.FILLER, Role.PREPOSITION}][-1:]
    return before[0].text if before and says_what_became(before[0]) else None


def _doubt(state: State, field: Field) -> float:
    """How doubtful it is that the date is meant, of several that no word tells apart."""
    return 0.08 if state.context.is_own_date(field) else GUESS


def _within(state: State, field: Field, when: DateRange, place: int) -> None:
    state.add(Within(field, when.low, when.high, state.negated), place)
    if when.relative:
        state.note(f"{when.said}: from {when.low or 'the beginning'} on"
                   f"{f', before {when.high}' if when.high else ''}.", GUESS if when.guessed else 0.02)  # fmt: skip


def _in_years(state: State, year: Field, when: DateRange, place: int) -> None:
    for condition in year_conditions(year, when):
        state.add(condition, place)


def _on_parts(state: State, table: str, year: Field, when: DateRange, place: int) -> bool:
    """Whether the range can be said with a column of years, and of months."""
    low, high = when.low, when.high
    if is_whole_years(when):
        _in_years(state, year, when, place)
        return True
    month = state.context.month(table)
    if month is not None and low is not None and when.relative and when.calendar == "month" and "last" not in when.said:
        state.add(_months(state, month, (low.month,)), place)
        state.note(f"{MONTH_NAMES[low.month - 1]} of any year.", 0.1)
        return True
    if month is None or low is None or high is None or low.day != 1 or high.day != 1:
        return False
    count = (high.year - low.year) * 12 + high.month - low.month
    if low.month - 1 + count > len(MONTH_NAMES):
        return False
    state.add(Compare(year, "=", low.year), place)
    state.add(_months(state, month, tuple(range(low.month, low.month + max(1, count)))), place)
    return True


def _months(state: State, month: Field, numbers: tuple[int, ...]) -> OneOf | Compare:
    """Being in one of the months, in a column of their numbers or names."""
    values: tuple[str | int, ...] = numbers
    if month.kind is Kind.TEXT:
        values = tuple(text for each in numbers for text in state.context.spellings(month, MONTH_NAMES[each - 1]))
    return Compare(month, "=", values[0]) if len(values) == 1 else OneOf(month, values)


def unit_group(state: State, mark: Mark) -> Expression | None:
    """The period that rows are grouped by: a column of that name where there is one, else part of a moment."""
    unit = mark.detail
    for table in _tables(state):
        column = {"year": state.context.year, "month": state.context.month}.get(unit)
        found = column(table) if column is not None else None
        if found is not None:
            return found
        field, doubtful = state.context.when(table, state.near_words(state.marks.index(mark)))
        if field is not None:
            if doubtful:
                state.note(f"The {unit} is that of {field.table}.{field.column}.", 0.08)
            return Bucket(unit, field)
    return None


def unit_in(when: DateRange | None) -> str | None:
    """The unit that a range is counted in: `weeks` of `the last 3 weeks`."""
    words = when.said.split() if when is not None else []
    return next((unit for word in words for unit in UNITS if word in {unit, f"{unit}s"}), None)


__all__ = ["Within", "unit_group", "unit_in", "when_condition"]
