"""Conditions: values, comparisons, ranges, texts, dates, absence. Each rule returns the place behind it. Pure."""

from app.query.language.algebra.model import (
    Aggregate,
    Bucket,
    CannotWriteError,
    Compare,
    Condition,
    Duration,
    Empty,
    Expression,
    Field,
    Function,
    Like,
    OneOf,
)
from app.query.language.linking.marks import Link, Mark, MarkKind
from app.query.language.parsing.against import OPPOSITE, against_all
from app.query.language.parsing.known.state import Mode, State
from app.query.language.parsing.known.subjects import CURRENCIES, by_verb, compared, field_of, taken
from app.query.language.parsing.known.units import fits, unit_behind
from app.query.language.parsing.phrases.deeds import times
from app.query.language.parsing.phrases.ordinals import PEOPLE, of_people
from app.query.language.reading.lexicon import Role
from app.query.language.reading.numbers import number_in_digits
from app.query.language.reading.stems import lemma
from app.query.language.vocabulary.model import Kind

_UNITS = CURRENCIES | frozenset(
    ("percent", "units", "points", "stars", "seconds", "minutes", "hours", "days", "years", "km", "kilometers", "miles",
     "meters", "kg", "pounds", "grams", "mb", "gb", "cm")
)  # fmt: skip
"""Words behind a number that say in what it is counted, and nothing that its column does not say."""


def condition_of(state: State, link: Link, *, negated: bool) -> Condition:
    """That the column has the value, or does not."""
    field = state.context.field(link.table, str(link.column))
    value = str(link.value)
    if link.part:
        return Like(field, "contains", value, negated)
    if field.kind is Kind.BOOLEAN:
        return Compare(field, "=", (value == "true") != negated)
    if field.kind is Kind.NUMBER:
        return Compare(field, "<>" if negated else "=", _number(value))
    if link.also:
        return OneOf(field, (value, *link.also), negated)
    return Compare(field, "<>" if negated else "=", value)


def _number(value: str) -> int | float:
    """The number that a value stands for. Raises `CannotWriteError`."""
    try:
        return number_in_digits(value)[0]
    except ArithmeticError:
        raise CannotWriteError(f"{value!r} is no number.") from None


def value_condition(state: State, place: int) -> int:
    """The place behind a value, which becomes a condition."""
    mark = state.marks[place]
    link = mark.link
    if link.part:
        state.note(f"Any {link.column} that holds {link.value!r}.", 0.05)
    before = state.peek(place - 1)
    if link.table == state.entity and before is not None and before.role is Role.PREPOSITION and \
            before.text.lower() not in {"of", "of the", "for", "about"} and \
            field_of(state, mark) in state.context.shown(link.table):  # fmt: skip
        state.doubts += 0.45  # rivers through a river: the place is meant
    state.add(condition_of(state, link, negated=state.negated), place)
    if link.table != state.focus:
        state.touch(link.table, move=False)
    after = state.skip(place + 1)
    beside = state.peek(after)
    named = beside is not None and beside.is_column and after == place + 1
    if named and beside is not None and (beside.link.table, beside.link.column) == (link.table, link.column):
        return after + 1  # New York City, Italian food: the noun says what the value is of
    return place + 1


def compare(state: State, place: int) -> int | None:
    """The place behind a comparison with a number or text; what it compares stands before or behind it."""
    mark = state.marks[place]
    operator = mark.detail
    at = state.skip(place + 1)
    number = state.peek(at)
    if number is None:
        return None
    if number.role is Role.AGGREGATE:
        return against_all(state, place, at)
    if number.is_column:
        return _compare_column(state, place, at, operator)
    if number.kind is MarkKind.WHEN and number.when is not None and number.when.bare:
        number = _year_as_number(number)
    if number.kind is MarkKind.NUMBER and number.number is not None:
        if operator == "=" and state.pending is not None and _is_text(state.pending[1]):
            state.add(Compare(taken(state), "=", number.text), place)  # type: ignore[arg-type]
            return at + 1
        return times(state, place, at) or _compare_number(state, place, at, operator, number.number)
    said = number.kind in {MarkKind.QUOTED, MarkKind.NAME, MarkKind.VALUE} and operator in {"=", "<>"}
    return _compare_text(state, place, at, operator) if said else None


def _is_text(expression: Expression | None) -> bool:
    return isinstance(expression, Field) and expression.kind is Kind.TEXT


def _compare_text(state: State, place: int, at: int, operator: str) -> int | None:
    """The place behind a text that a column is, or is not."""
    said = state.marks[at]
    subject = taken(state)
    if isinstance(subject, Field) and subject.kind is Kind.TEXT:
        text = said.link.value if said.links and said.link.value is not None else said.text
        state.add(Compare(subject, operator, text), place)
        return at + 1
    if said.kind is not MarkKind.VALUE:
        return None
    state.negated = operator == "<>"
    return value_condition(state, at)


def _compare_column(state: State, place: int, at: int, operator: str) -> int | None:
    """The place behind `above age 20`."""
    field, behind = field_of(state, state.marks[at]), state.peek(at + 1)
    if behind is None or behind.kind is not MarkKind.NUMBER or behind.number is None:
        return None
    if state.pending is not None or not state.context.is_quantity(field):
        return None
    state.pending = (at, field)
    return _compare_number(state, place, at + 1, operator, behind.number)


def _year_as_number(mark: Mark) -> Mark:
    year = int(mark.when.said[-4:]) if mark.when is not None and mark.when.said[-4:].isdigit() else None
    return Mark(MarkKind.NUMBER, mark.text, mark.start, mark.end, number=year)


def _compare_number(state: State, place: int, at: int, operator: str, number: float) -> int | None:
    more = state.peek(at + 1)
    after = at + 1
    factor = state.peek(state.skip(after))
    if factor is not None and factor.role is Role.AGGREGATE and not state.marks[at].text[:1].isdigit():
        raise CannotWriteError(f"{state.marks[at].text!r} a number of all rows is not read yet.")
    if more is not None and more.role is Role.OR_MORE:
        operator, after = more.detail, at + 2
    if state.negated:
        operator, state.negated = OPPOSITE[operator], False
    noun_at = state.skip(after, Role.DISTINCT, Role.AGGREGATE)
    noun = state.peek(noun_at)
    waiting = state.pending[1] if state.pending is not None else None
    adjacent = waiting is not None and not (isinstance(waiting, Field) and waiting.kind is not Kind.NUMBER)
    noun_at = noun_at if adjacent else _behind_values(state, noun_at)
    noun = state.peek(noun_at)
    if not adjacent and noun is not None and noun.is_table:
        state.touch(noun.link.table)
        state.having.append(Compare(Aggregate(Function.COUNT, noun.link.table), operator, number))
        return noun_at + 1
    if not adjacent and noun is not None and noun.is_column:
        field = field_of(state, noun)
        if state.context.is_quantity(field):
            state.add(Compare(field, operator, number), place)
            state.touch(field.table, move=False)
            return noun_at + 1
        if field.kind is Kind.TEXT or state.context.is_reference(field):
            counted = Aggregate(Function.COUNT, field.table, None if state.context.is_key(field) else field,
                                not state.context.is_key(field))  # fmt: skip
            state.having.append(Compare(counted, operator, number))
            return noun_at + 1
    subject = (None if adjacent else of_people(state, after, state.home())) or compared(state, place)
    if subject is None:
        return None
    _add_comparison(state, subject, operator, number, place)
    return _behind_unit(state, after, subject)


def _behind_values(state: State, place: int) -> int:
    """The place of the table behind values of its own, which become conditions: more than 3 paid orders."""
    values = []
    at = place
    while (mark := state.peek(at)) is not None and mark.kind is MarkKind.VALUE:
        values.append(at)
        at = state.skip(at + 1)
    if mark is None or not mark.is_table or any(state.marks[each].link.table != mark.link.table for each in values):
        return place
    for each in values:
        value_condition(state, each)
    return at


def _behind_unit(state: State, place: int, subject: Expression) -> int:
    """The place behind a unit that says nothing new: dollars, percent, the column again."""
    mark = state.peek(place)
    if mark is None:
        return place
    said = mark.kind is MarkKind.UNKNOWN and mark.text.lower() in PEOPLE
    if mark.text.lower() in _UNITS or unit_behind(mark) or said:
        if not said and not fits(state, mark.text, subject):
            return place
        old = state.peek(place + 1)
        return place + 2 if old is not None and old.text.lower() == "old" else place + 1
    if mark.is_column and isinstance(subject, Field) and field_of(state, mark) == subject:
        return place + 1
    return place


def _add_comparison(state: State, subject: Expression, operator: str, number: float, place: int) -> None:
    if isinstance(subject, (Field, Bucket, Duration)):
        state.add(Compare(subject, operator, number), place)
        for table in {subject.table} if isinstance(subject, Field) else set():
            state.touch(table, move=False)
    else:
        state.having.append(Compare(subject, operator, number))


def number(state: State, place: int) -> int | None:
    """The place behind a number: of rows wanted, of a comparison that follows it, or as the value of a column."""
    mark, after = state.marks[place], state.peek(place + 1)
    if mark.number is None:
        return None
    if after is not None and after.role is Role.OR_MORE:
        return _compare_number(state, place, place, after.detail, mark.number)
    if after is not None and after.role in {Role.SUPERLATIVE, Role.COMMON} and mark.number >= 1:
        state.limit, state.wants_order = int(mark.number), True
        return place + 1
    if (table := named_row(state, state.peek(place - 1))) is not None:
        return _numbered(state, place, table)
    return _equal(state, place, mark.number)


def _equal(state: State, place: int, said: float) -> int | None:
    """The place behind a number that the column named before it has, or that its verb speaks of."""
    subject = state.pending[1] if state.pending is not None else None
    if isinstance(subject, Field) and subject.kind is Kind.NUMBER:
        taken(state)
        state.add(Compare(subject, "<>" if state.negated else "=", said), place)
        return place + 1
    own = by_verb(state, place, state.home())
    if own is not None:
        state.add(Compare(own, "=", said), place)
        return _behind_unit(state, place + 1, own)
    return _number_of(state, place, said)


def _number_of(state: State, place: int, said: float) -> int | None:
    """The place behind a number of rows, or behind one that is the key of a row."""
    noun_at = state.skip(place + 1, Role.DISTINCT)
    noun, before = state.peek(noun_at), state.peek(place - 1)
    if before is not None and before.role is Role.HAVE and noun is not None and noun.is_table:
        state.touch(noun.link.table, move=False)
        state.having.append(Compare(Aggregate(Function.COUNT, noun.link.table), "=", said))
        return noun_at + 1
    first = state.mode is Mode.HEAD and state.focus is None
    if first and noun is not None and noun.is_table and said >= 1 and said == int(said):
        state.limit = int(said)
        return place + 1
    return None


def named_row(state: State, before: Mark | None) -> str | None:
    """The table of which a number behind the mark is a row's: `order` 17, `price of product` 12, and no `age` 30."""
    if before is None or before.plural:
        return None
    if before.is_table:
        return before.link.table
    said = before.text.lower().rpartition(" of ")
    own = said[1] and lemma(said[2].split()[-1]) == state.context.index.words[before.link.table][-1]
    return before.link.table if before.is_column and own else None


def _numbered(state: State, place: int, table: str) -> int | None:
    """The place behind `order 17`: the number is the key of the table's row."""
    key = state.context.key(table)
    if len(key) != 1 or key[0].kind is not Kind.NUMBER:
        return None
    state.add(Compare(key[0], "=", state.marks[place].number or 0), place)
    state.note(f"{state.marks[place].text} is the {key[0].column} of {table}.", 0.08)
    return place + 1


def between(state: State, place: int) -> int | None:
    """The place behind `between 10 and 20`."""
    first_at = state.skip(place + 1)
    first = state.peek(first_at)
    joint_at = state.skip(first_at + 1)
    joint, second = state.peek(joint_at), state.peek(state.skip(joint_at + 1))
    if first is None or joint is None or second is None or joint.role not in {Role.AND, Role.TO}:
        return None
    if first.number is None or second.number is None:
        return None
    end = state.skip(joint_at + 1) + 1
    noun = state.peek(state.skip(end))
    subject = compared(state, place)
    if subject is None and noun is not None and noun.is_column and state.context.is_quantity(field_of(state, noun)):
        subject, end = field_of(state, noun), state.skip(end) + 1  # between 200 and 300 pages
    if subject is None:
        return None
    low, high = sorted((first.number, second.number))
    _add_comparison(state, subject, ">=", low, place)
    _add_comparison(state, subject, "<=", high, place)
    state.note("Both ends of the range count.", 0.0)
    return _behind_unit(state, end, subject)


def like(state: State, place: int) -> int | None:
    """The place behind `contains 'x'`, `starts with J`."""
    at = place + 1 if _is_letter(state, place + 1) else state.skip(place + 1)
    mark = state.peek(at)
    if mark is None or mark.kind in {MarkKind.STOP, MarkKind.COMMA} or (mark.role is not None and len(mark.text) > 1):
        return None
    subject = state.pending[1] if state.pending is not None else None
    if subject is None and state.marks[place].text.lower() == "like":
        return None  # customers who like jazz
    if subject is None and state.focus is not None:
        shown = state.context.shown(state.anchor or state.focus)
        subject = shown[0] if shown else None
    if not isinstance(subject, Field) or subject.kind is not Kind.TEXT:
        return None
    taken(state)
    state.add(Like(subject, state.marks[place].detail, mark.text, state.negated), place)
    state.touch(subject.table, move=False)
    return at + 1


def _is_letter(state: State, place: int) -> bool:
    """Whether the mark is a single letter that the texts begin or end with: `a` is no article there."""
    mark, following = state.peek(place), state.peek(place + 1)
    if mark is None or len(mark.text) != 1 or not mark.text.isalnum():
        return False
    said = following is not None and (following.kind is MarkKind.UNKNOWN or len(following.text) == 1)
    return not (said and following is not None and following.text.isalnum())


def empty(state: State, place: int) -> int | None:
    """The place behind `is null`, `unknown`."""
    subject = taken(state)
    if not isinstance(subject, Field):
        return None
    state.add(Empty(subject, (state.marks[place].detail == "not null") != state.negated), place)
    return place + 1


def named(state: State, place: int) -> int | None:
    """The place behind a text in quotes or with capitals that is no known value: of the column before it alone."""
    mark = state.marks[place]
    subject = state.pending[1] if state.pending is not None else None
    if not isinstance(subject, Field) or subject.kind is not Kind.TEXT:
        return None
    taken(state)
    state.add(Compare(subject, "<>" if state.negated else "=", mark.text), place)
    state.touch(subject.table, move=False)
    state.note(f"{mark.text!r} is no value that is known of {subject.column}.", 0.25)
    return place + 1
