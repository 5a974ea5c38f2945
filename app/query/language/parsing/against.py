"""Comparisons with a number made of all rows: `above the average price`, `more pages than the average`. Pure."""

from app.query.language.algebra.model import AgainstAll, Aggregate, Beside, CannotWriteError, Field, Function
from app.query.language.parsing.known.state import State
from app.query.language.parsing.known.subjects import compared, field_of
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
_THEIR = frozenset(("their", "its", "his", "her", "same", "the same"))


def against_all(state: State, place: int, at: int) -> int | None:
    """The place behind `above the average price`: the number is of all rows of the table, whatever else is asked."""
    held = (*state.measures, *(pending[1] for pending in (state.pending,) if pending is not None))
    if any(isinstance(each, Aggregate) and each.function is not Function.COUNT for each in held):
        raise CannotWriteError("A number of each group beside one of all rows is not read yet.")
    noun_at = state.skip(at + 1, Role.PREPOSITION)
    noun = state.peek(noun_at)
    whose = _whose(state, at + 1)
    named = field_of(state, noun) if noun is not None and noun.is_column and whose is None else None
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
    after = noun_at + 1 if named is not None else at + 1
    if (whose := _whose(state, after)) is not None:
        return _beside(state, subject, operator, function, whose)
    state.add(AgainstAll(subject, operator, function), place)
    state.touch(subject.table, move=False)
    state.note(f"The {function} is that of all rows of {subject.table}.", 0.12 if len(state.conditions) > 1 else 0.02)
    of_at = state.skip(after, Role.PREPOSITION, Role.EACH)
    of = state.peek(of_at)
    whole = of is not None and of.is_table and of.link.table == subject.table
    return of_at + 1 if whole else after


def _whose(state: State, place: int) -> int | None:
    """The place of the column that groups are made of: of their category, in the same city."""
    at = state.skip(place, Role.PREPOSITION, Role.SAME)
    noun = state.peek(at)
    said = {mark.text.lower() for mark in state.marks[place:at]}
    return at if noun is not None and noun.is_column and said & _THEIR else None


def _beside(state: State, subject: Field, operator: str, function: Function, at: int) -> int | None:
    """The place behind the column that groups are made of; None where its groups are not those of the subject."""
    per = field_of(state, state.marks[at])
    if state.beside is not None or per.table != subject.table or state.context.is_quantity(per):
        return None
    state.beside, state.pending = Beside((per,), subject, operator, function), None
    state.loose = [each for each in state.loose if each[1] != subject]
    state.note(f"The {function} is that of the rows with the same {per.column}.", 0.02)
    return at + 1


def more_than(state: State, place: int) -> int | None:
    """The place behind `more pages than the average`, `a higher price than the average`."""
    operator = _MORE.get(state.marks[place].text.lower())
    noun, number_at = state.peek(place + 1), state.skip(place + 2)
    number = state.peek(number_at)
    if operator is None or noun is None or not noun.is_column or number is None or number.role is not Role.AGGREGATE:
        return None
    field, function = field_of(state, noun), Function(number.detail)
    if (whose := _whose(state, number_at + 1)) is not None:
        return _beside(state, field, operator, function, whose)
    if number_at == place + 2 or not state.context.is_quantity(field) or function is Function.SUM:
        return None
    state.add(AgainstAll(field, operator, function), place)
    state.touch(field.table, move=False)
    state.note(f"The {function} is that of all rows of {field.table}.", 0.04)
    again = state.peek(number_at + 1)
    return number_at + 2 if again is not None and again.is_column and again.link == noun.link else number_at + 1
