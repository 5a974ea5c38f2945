"""Numbers that are asked for: `how many orders`, `average price`, `total number of distinct users`. Pure."""

from dataclasses import dataclass

from app.query.language.algebra.model import Aggregate, Bucket, Compare, Duration, Expression, Field, Function
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.arithmetic import calculated, explained
from app.query.language.parsing.conditions import value_condition
from app.query.language.parsing.counting import called_by_value, count_of
from app.query.language.parsing.known.state import Mode, State
from app.query.language.parsing.phrases.firsts import on_average
from app.query.language.parsing.ratios import divide, end_of
from app.query.language.reading.lexicon import PHRASES, Role
from app.query.language.reading.stems import is_participle, lemma
from app.query.language.vocabulary.model import Kind

_WHOLE = 0.95
"""Worth of a column of which the whole name is said."""
_DURATIONS = frozenset(("duration", "durations", "length", "time"))
_SECONDS = {"second": "second", "seconds": "second", "minute": "minute", "minutes": "minute", "hour": "hour",
            "hours": "hour", "days": "day"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that was read, and the place behind it."""

    expression: Expression
    after: int
    values: tuple[int, ...] = ()
    """Places of values before the noun, which are conditions."""


def measure(state: State, place: int) -> Measure | None:
    """The number that the marks from here on ask for."""
    mark = state.peek(place)
    if mark is None:
        return None
    if mark.role is Role.COUNT:
        return _count(state, place, bare=mark.detail == "bare")
    if mark.role is Role.AGGREGATE:
        made = explained(state, place + 1)
        if made is not None:
            return Measure(Aggregate(Function(mark.detail), made[0].left.table, made[0]), made[1])
        return _aggregate(state, place, Function(mark.detail))
    return None


def _noun(state: State, place: int) -> tuple[int, tuple[int, ...], bool]:
    """The place of the noun, those of values before it, and whether distinct ones are meant."""
    values: list[int] = []
    distinct = False
    while True:
        place = state.skip(place)
        mark = state.peek(place)
        if mark is None:
            break
        if mark.role is Role.DISTINCT:
            distinct = True
        elif mark.kind is MarkKind.VALUE:
            values.append(place)
        elif _qualifies(mark, state.peek(place + 1)):
            state.touch(mark.link.table)  # business categories: the last noun is meant
        elif not (mark.role in {Role.AND, Role.OR} and values and _is_value(state.peek(place + 1))):
            break
        place += 1
    return place, tuple(values), distinct


def _qualifies(mark: Mark, following: Mark | None) -> bool:
    """Whether a table only says of which table the next one is."""
    return mark.is_table and following is not None and following.is_table and following.link.table != mark.link.table


def _is_value(mark: Mark | None) -> bool:
    return mark is not None and mark.kind is MarkKind.VALUE


def _count(state: State, place: int, *, bare: bool) -> Measure | None:
    at, values, distinct = _noun(state, place + 1)
    mark = state.peek(at)
    if mark is not None and mark.role is Role.COUNT and not bare:
        return _count(state, at, bare=False)
    if mark is not None and mark.is_table:
        return Measure(count_of(state, mark.link.table, distinct=distinct), _behind_table(state, at), values)
    called = called_by_value(state, values)
    if mark is not None and mark.is_column and not (called and (is_participle(mark.text) or _is_told(state, mark))):
        return _count_column(state, mark, at, values, distinct=distinct)
    if mark is not None and mark.role is Role.UNIT:
        home = state.home()
        moment = state.context.when(home, ())[0] if home else None
        if home and moment:
            return Measure(Aggregate(Function.COUNT, home, Bucket(mark.detail, moment), distinct=True), at + 1, values)  # type: ignore[arg-type]
    home = called or state.focus
    if home is None:
        home = next((each.link.table for each in state.marks if each.is_table), None)
    if home is None and values:
        home = state.marks[values[-1]].link.table
    if home is None or (not bare and mark is not None and mark.kind in {MarkKind.UNKNOWN, MarkKind.NAME}):
        return None
    return Measure(Aggregate(Function.COUNT, home), place + 1 if bare else at, values)


def _behind_table(state: State, place: int) -> int:
    """The place behind a table and a word beside it that names the same table again (`order records`)."""
    after = state.peek(place + 1)
    if after is not None and after.is_table and after.link.table == state.marks[place].link.table:
        return place + 2
    return place + 1


def _is_told(state: State, mark: Mark) -> bool:
    """Whether the column says when or whether, of which nobody counts different ones without saying so."""
    field = state.context.field(mark.link.table, str(mark.link.column))
    words = state.context.words(field)
    flag = words[-1] in {"flag", "indicator"} or words[0] in {"is", "has", "was"}
    return flag or field.kind in {Kind.BOOLEAN, Kind.DATE, Kind.MOMENT}


def _count_column(state: State, mark: Mark, at: int, values: tuple[int, ...], *, distinct: bool) -> Measure | None:
    if _is_told(state, mark) and not distinct and mark.link.worth < _WHOLE:
        return None
    field = state.context.field(mark.link.table, str(mark.link.column))
    if state.context.is_key(field):
        return Measure(Aggregate(Function.COUNT, field.table), at + 1, values)
    if state.context.counts(field) and not distinct:
        state.note(f"{field.column} counts them already: its numbers are added up.", 0.08)
        return Measure(Aggregate(Function.SUM, field.table, field), at + 1, values)
    return Measure(Aggregate(Function.COUNT, field.table, field, distinct=True), at + 1, values)


def _aggregate(state: State, place: int, function: Function) -> Measure | None:
    at, values, distinct = _noun(state, place + 1)
    mark = state.peek(at)
    if mark is not None and mark.kind is MarkKind.COMMA and state.marks[place].text.lower() == "on average":
        at, values, distinct = _noun(state, at + 1)
        mark = state.peek(at)
    if mark is not None and mark.role is Role.PREPOSITION and mark.text.lower() in {"of", "for", "of the"}:
        at, values, distinct = _noun(state, at + 1)
        mark = state.peek(at)
    if mark is None:
        return None
    if mark.role in {Role.AGGREGATE, Role.COUNT}:
        return _over(state, function, measure(state, at))
    if (made := calculated(state, at)) is not None:
        return Measure(Aggregate(function, made[0].left.table, made[0]), made[1], values)
    if mark.is_column:
        return _of_column(state, function, at, values, distinct=distinct)
    return _of_table(state, function, at, values) if mark.is_table else _of_duration(state, function, at, state.home())


def _over(state: State, function: Function, inner: Measure | None) -> Measure | None:
    """A number of numbers: of a column that counts, `average number of citations`, or else over groups."""
    number = inner.expression if inner is not None else None
    counted = isinstance(number, Aggregate) and isinstance(number.of, Field) and number.function is Function.SUM
    if inner is not None and isinstance(number, Aggregate) and counted and function is not Function.SUM:
        return Measure(Aggregate(function, number.table, number.of), inner.after, inner.values)
    return _nested(state, function, inner)


def _nested(state: State, function: Function, inner: Measure | None) -> Measure | None:
    """A number over the numbers of groups: the average number of orders per customer."""
    if inner is None or function is Function.SUM:
        return inner
    if isinstance(inner.expression, Aggregate) and inner.expression.function is function:
        return None
    state.per_group = function
    return inner


def _of_column(state: State, function: Function, at: int, values: tuple[int, ...], *, distinct: bool) -> Measure | None:
    mark = state.marks[at]
    field = state.context.field(mark.link.table, str(mark.link.column))
    after = state.peek(at + 1)
    if after is not None and after.is_column and after.link.table == mark.link.table:
        # `total order amount` where both words are columns: the last one is meant.
        other = state.context.field(after.link.table, str(after.link.column))
        if state.context.is_quantity(other) and not state.context.is_quantity(field):
            return Measure(Aggregate(function, other.table, other), at + 2, values)
    if function is Function.SUM and not state.context.is_quantity(field):
        if field.kind is Kind.NUMBER and not state.context.is_key(field):
            return None
        return _count_column(state, mark, at, values, distinct=True)
    if function in {Function.MIN, Function.MAX} and field.kind in {Kind.DATE, Kind.MOMENT, Kind.NUMBER}:
        return Measure(Aggregate(function, field.table, field), at + 1, values)
    if not state.context.is_quantity(field):
        return None
    return Measure(Aggregate(function, field.table, field, distinct), at + 1, values)


def _of_table(state: State, function: Function, at: int, values: tuple[int, ...]) -> Measure | None:
    table = state.marks[at].link.table
    after, more, _ = _noun(state, at + 1)
    mark = state.peek(after)
    if mark is not None and mark.is_column and after == at + 1 and mark.link.table == table:
        field = state.context.field(table, str(mark.link.column))
        if state.context.is_quantity(field):
            state.touch(table)
            return Measure(Aggregate(function, table, field), after + 1, (*values, *more))
    own = state.context.number_column(
        table, state.marks[at].text.lower().split()[-1], lemma(state.marks[at].text.split()[-1])
    )
    if own is not None and len(state.marks[at].text.split()) > 1:
        return Measure(Aggregate(function, table, own), at + 1, values)
    found = _of_duration(state, function, at + 1, table)
    if found is not None:
        return Measure(found.expression, found.after, values)
    if function is Function.SUM:
        return Measure(Aggregate(Function.COUNT, table), at + 1, values)
    if function in {Function.AVG, Function.MEDIAN}:
        return _nested(state, function, Measure(Aggregate(Function.COUNT, table), at + 1, values))
    return None


def _of_duration(state: State, function: Function, at: int, table: str | None) -> Measure | None:
    mark = state.peek(at)
    if mark is None or table is None or mark.text.lower() not in _DURATIONS:
        return None
    duration = state.context.duration(table)
    if duration is None:
        return None
    after = state.skip(at + 1, Role.PREPOSITION)
    unit = state.peek(after)
    if unit is not None and unit.text.lower() in _SECONDS:
        duration = Duration(duration.low, duration.high, _SECONDS[unit.text.lower()])
        after += 1
    else:
        after = at + 1
    state.note(f"The duration goes from {duration.low.column} to {duration.high.column}, in {duration.unit}s.", 0.05)
    return Measure(Aggregate(function, table, duration), after)


def take_measure(state: State, place: int) -> int | None:
    """The place behind a number, which is taken as one to show or, with a comparison behind it, as a condition."""
    slash = _slash(state, place)
    if slash is not None:
        return _divided(state, place, slash)
    numbers = several(state, place)
    if numbers is not None:
        return numbers
    found = measure(state, place)
    if found is None:
        return on_average(state, place)
    tables = [each.table for each in _aggregates(found.expression)]
    for table in tables:
        state.touch(table)
    for at in found.values:
        value_condition(state, at)
    behind = state.skip(found.after, verbs=True)
    mark = state.peek(behind)
    compares = mark is not None and (mark.role is Role.COMPARE or mark.role is Role.BETWEEN)
    home = state.home()
    hinted = mark is not None and home is not None and state.context.hinted(home, mark.text) is not None
    said = state.marks[place].text.lower().startswith("how")
    deed = said and any(each.kind is MarkKind.VERB for each in state.marks[found.after : behind])
    if compares and not hinted and not deed and _number_behind(state, behind):
        state.pending = (place, found.expression)
        return behind
    if found.expression not in state.measures:
        state.measures.append(found.expression)
    if state.mode is Mode.FILTER:
        state.mode = Mode.HEAD
    state.pending = None
    return _further_tables(state, found)


def several(state: State, place: int) -> int | None:
    """The place behind several numbers of one column: maximum, average and minimum price; lowest and highest price."""
    functions, at, last = list[Function](), place, place
    while (mark := state.peek(at)) is not None:
        function = _function(mark)
        if function is not None:
            functions.append(function)
            last = at
        elif not (mark.role in {Role.AND, Role.FILLER} or mark.kind is MarkKind.COMMA):
            break
        at += 1
    shared = _shared(mark) if mark is not None and mark.is_column and at > last + 1 else None
    if shared is not None:  # average and total amount, of a column `total_amount`
        found = _of_column(state, shared, at, (), distinct=False)
        functions.append(shared)
        last = at
    else:
        found = _aggregate(state, last, functions[-1]) if len(functions) > 1 else None
    if len(functions) < 2 or len(set(functions)) != len(functions) or last == place + len(functions) - 1:  # noqa: PLR2004
        return None
    number = found.expression if found is not None else None
    if found is None or not isinstance(number, Aggregate) or number.of is None or number.function is not functions[-1]:
        return None
    state.touch(number.table)
    for each in found.values:
        value_condition(state, each)
    state.measures += [Aggregate(function, number.table, number.of) for function in functions]
    return found.after


def _shared(mark: Mark) -> Function | None:
    """The function that the first word of a column's name says."""
    said = PHRASES.get(mark.text.lower().split()[0])
    return Function(said[1]) if said is not None and said[0] is Role.AGGREGATE else None


def _function(mark: Mark) -> Function | None:
    """The number that a word asks for in a row of them: mean, lowest, dearest; most and best ask for none."""
    if mark.role is Role.AGGREGATE:
        return Function(mark.detail)
    words = mark.text.lower().split()
    if mark.role is not Role.SUPERLATIVE or words[-1] in {"most", "least", "best", "worst", "of", "number"}:
        return None
    return Function.MAX if mark.detail in {"desc", "late", "dear"} else Function.MIN


def _slash(state: State, place: int) -> int | None:
    """The place of a slash that divides what begins here by what follows."""
    at = place
    while (mark := state.peek(at)) is not None and mark.kind not in {MarkKind.STOP, MarkKind.COMMA}:
        if mark.role is Role.OUT_OF and mark.detail == "/":
            return at
        at += 1
    return None


def _divided(state: State, place: int, slash: int) -> int | None:
    end = end_of(state, slash + 1)
    times = next((at for at in range(slash, end) if state.marks[at].detail == "*"), end)
    hundred = state.peek(times + 1)
    percent = times < end and hundred is not None and hundred.number == 100  # noqa: PLR2004
    if times < end and not percent:
        return None
    after = divide(state, (place, slash), (slash + 1, times), out_of=True, percent=percent)
    return None if after is None else times + 2 if percent else after


def _further_tables(state: State, found: Measure) -> int:
    """The place behind further tables that are counted as well: the number of orders and customers."""
    after, expression = found.after, found.expression
    while isinstance(expression, Aggregate) and expression.function is Function.COUNT and expression.of is None:
        joint = state.peek(after)
        at = state.skip(after + 1)
        noun, behind = state.peek(at), state.peek(at + 1)
        if joint is None or joint.role is not Role.AND or noun is None or not noun.is_table:
            break
        if behind is not None and behind.kind not in {MarkKind.STOP, MarkKind.COMMA} and behind.role not in {
            Role.FILLER, Role.EACH, Role.PREPOSITION, Role.BY, Role.AND
        }:  # fmt: skip
            break
        state.measures.append(Aggregate(Function.COUNT, noun.link.table))
        state.touch(noun.link.table, move=False)
        after = at + 1
    return after


def _number_behind(state: State, place: int) -> bool:
    at = state.skip(place + 1)
    mark = state.peek(at)
    return mark is not None and mark.kind is MarkKind.NUMBER


def _aggregates(expression: Expression) -> list[Aggregate]:
    return [expression] if isinstance(expression, Aggregate) else []


def having(state: State, expression: Expression, operator: str, number: float) -> None:
    """Add a condition on groups, or on rows where the expression is a column."""
    state.having.append(Compare(expression, operator, number))
