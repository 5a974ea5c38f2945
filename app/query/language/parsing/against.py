"""Comparisons with a number made of all rows: `above the average price`, `more pages than the average`. Pure."""

from app.query.language.algebra.model import AgainstAll, Field, Function
from app.query.language.parsing.state import State
from app.query.language.parsing.subjects import compared, field_of
from app.query.language.reading.lexicon import Role

OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MORE = {
    "more": ">",
    "higher": ">",
    "greater": ">",
    "larger": ">",
    "less": "<",
    "fewer": "<",
    "lower": "<",
    "smaller": "<",
}


def against_all(state: State, place: int, at: int) -> int | None:
    """The place behind `above the average price`: the number is of all rows of the table, whatever else is asked."""
    noun_at = state.skip(at + 1, Role.PREPOSITION)
    noun = state.peek(noun_at)
    named = field_of(state, noun) if noun is not None and noun.is_column else None
    subject = named if named is not None and state.pending is None else compared(state, place)
    if not isinstance(subject, Field) or not state.context.is_quantity(subject):
        return None
    if named is not None and named != subject and state.context.words(named) != state.context.words(subject):
        return None
    operator = OPPOSITE[state.marks[place].detail] if state.negated else state.marks[place].detail
    function = Function(state.marks[at].detail)
    if function is Function.SUM:
        return None
    state.negated = False
    state.add(AgainstAll(subject, operator, function), place)
    state.touch(subject.table, move=False)
    state.note(f"The {function} is that of all rows of {subject.table}.", 0.12 if len(state.conditions) > 1 else 0.02)
    after = noun_at + 1 if named is not None else at + 1
    of_at = state.skip(after, Role.PREPOSITION, Role.EACH)
    of = state.peek(of_at)
    whole = of is not None and of.is_table and of.link.table == subject.table
    return of_at + 1 if whole else after


def more_than(state: State, place: int) -> int | None:
    """The place behind `more pages than the average`, `a higher price than the average`."""
    operator = _MORE.get(state.marks[place].text.lower())
    noun, number_at = state.peek(place + 1), state.skip(place + 2)
    number = state.peek(number_at)
    if operator is None or noun is None or not noun.is_column or number is None or number.role is not Role.AGGREGATE:
        return None
    field, function = field_of(state, noun), Function(number.detail)
    if number_at == place + 2 or not state.context.is_quantity(field) or function is Function.SUM:
        return None
    state.add(AgainstAll(field, operator, function), place)
    state.touch(field.table, move=False)
    state.note(f"The {function} is that of all rows of {field.table}.", 0.04)
    again = state.peek(number_at + 1)
    return number_at + 2 if again is not None and again.is_column and again.link == noun.link else number_at + 1
