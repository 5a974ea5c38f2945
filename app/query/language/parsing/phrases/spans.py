"""Time from one date of a row to another: `how long does it take from order to delivery`, `days between`. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.query.language.algebra.model import Aggregate, Duration, Field, Function
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.known.state import Mode, State
from app.query.language.reading.lexicon import Role
from app.query.language.reading.stems import stem

_UNITS: Final = {
    "second": "second", "seconds": "second", "minute": "minute", "minutes": "minute", "hour": "hour", "hours": "hour",
    "day": "day", "days": "day",
}  # fmt: skip
_LASTS: Final = frozenset(("long", "time", "difference", "duration", "gap", "delay", "interval"))
"""Words that ask for a time between two dates, as a unit of time does."""
_EXTREMES: Final = {
    "maximum number of": Function.MAX, "highest number of": Function.MAX, "longest": Function.MAX,
    "minimum number of": Function.MIN, "lowest number of": Function.MIN, "shortest": Function.MIN,
}  # fmt: skip
_ASIDE: Final = frozenset(("how", "takes", "take", "took", "taken", "lie", "lies", "pass", "passes", "in", "of"))
_OF_DATES: Final = frozenset(stem(word) for word in ("date", "time", "day", "at", "on"))


@dataclass(slots=True)
class _Asked:
    """What is said of the time before its two ends."""

    function: Function | None = None
    unit: str | None = None
    lasts: bool = False
    long: bool = False


def span(state: State, place: int) -> int | None:
    """The place behind a time from one date to another, which is taken as a number to show, or shown of each row."""
    asked = _Asked()
    start = _asked(state, place, asked)
    if start is None:
        return None
    joint = next((at for at in range(start, len(state.marks)) if _joins(state.marks[at])), None)
    if joint is None or any(mark.kind is MarkKind.STOP for mark in state.marks[start:joint]):
        return None
    after = _end(state, joint + 1)
    found = _fields(state, state.marks[start:joint], state.marks[joint + 1 : after])
    if found is None:
        return None
    unit_at = state.skip(after, Role.PREPOSITION)
    unit = state.peek(unit_at)
    if unit is not None and unit.text.lower() in _UNITS:
        asked.unit, after = _UNITS[unit.text.lower()], unit_at + 1
    _take(state, Duration(*found, asked.unit or "day"), asked)
    return after


def _asked(state: State, place: int, asked: _Asked) -> int | None:
    """The place behind `between` or `from`, where nothing but a time is asked for before it."""
    for at in range(place, len(state.marks)):
        mark, said = state.marks[at], state.marks[at].text.lower()
        if mark.role is Role.BETWEEN or said in {"from", "from the"}:
            return at + 1 if asked.lasts else None
        if mark.role is Role.AGGREGATE and mark.detail != "sum" and asked.function is None:
            asked.function = Function(mark.detail)
        elif said in _EXTREMES and asked.function is None:
            asked.function = _EXTREMES[said]
        elif said in _UNITS:
            asked.unit, asked.lasts = _UNITS[said], True
        elif said in _LASTS:
            asked.lasts, asked.long = True, asked.long or said != "difference"
        elif not (mark.role is Role.FILLER or mark.kind is MarkKind.COMMA or said in _ASIDE or mark.role is Role.COUNT):
            return None
    return None


def _joins(mark: Mark) -> bool:
    return mark.role in {Role.AND, Role.TO} or mark.text.lower() in {"until", "till"}


def _end(state: State, place: int) -> int:
    """The place behind the second date: before what says more of the rows, or how the number is grouped."""
    at = place
    while (mark := state.peek(at)) is not None:
        ends = mark.kind in {MarkKind.STOP, MarkKind.COMMA, MarkKind.WHEN, MarkKind.VALUE}
        if ends or mark.role in {Role.EACH, Role.BY, Role.RELATIVE, Role.PREPOSITION, Role.WHICH, Role.HAVE}:
            break
        at += 1
    return at


def _fields(state: State, low: Sequence[Mark], high: Sequence[Mark]) -> tuple[Field, Field] | None:
    """The two dates of one table that the words name, of the table asked about first; None where several are."""
    near = [state.home(), *(link.table for mark in state.marks for link in mark.links)]
    found: list[tuple[Field, Field]] = []
    for table in dict.fromkeys((*(each for each in near if each), *state.context.tables)):
        first, last = _named(state, table, low), _named(state, table, high)
        if first is not None and last is not None and first != last and first.zoned == last.zoned:
            found.append((first, last))
    asked = [each for each in found if each[0].table in near]
    return found[0] if len(found) == 1 or len(asked) == 1 else None


def _named(state: State, table: str, marks: Sequence[Mark]) -> Field | None:
    """The only date of the table that the words name."""
    linked = {mark.link.column for mark in marks if mark.is_column and mark.link.table == table}
    if len(linked) == 1 and (column := str(linked.pop())) in {each.column for each in state.context.moments(table)}:
        return state.context.field(table, column)
    stems = {stem(word) for mark in marks for word in mark.text.lower().split()} - _OF_DATES
    moments = state.context.moments(table)
    found = [each for each in moments if stems & {stem(word) for word in state.context.words(each)} - _OF_DATES]
    return found[0] if len(found) == 1 else None


def _take(state: State, duration: Duration, asked: _Asked) -> None:
    table = duration.low.table
    state.touch(table)
    state.pending = None
    if any(mark.kind is MarkKind.WHEN for mark in state.marks):
        state.note("Which of the two dates the period is of is not said.", 0.27)
    state.note(f"The time goes from {duration.low.column} to {duration.high.column}, in {duration.unit}s.", 0.04)
    if asked.function is None and asked.long:
        state.note("The average over all of these rows.", 0.12)
        asked.function = Function.AVG
    if asked.function is None:
        state.select.append(duration)
        state.entity, state.entity_plural, state.listed = table, True, True
    else:
        state.measures.append(Aggregate(asked.function, table, duration))
    state.mode = Mode.HEAD
