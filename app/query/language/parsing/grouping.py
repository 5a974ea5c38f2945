"""Groups: `per month`, `by country`, `for each customer`. Each rule returns the place behind what it read. Pure."""

from app.query.language.algebra.model import Aggregate, Bucket, Expression, Field, Function
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.dates import unit_group, unit_in
from app.query.language.parsing.known.state import Mode, State
from app.query.language.parsing.known.subjects import field_of
from app.query.language.parsing.ordering import order_by
from app.query.language.parsing.turns import turn_at
from app.query.language.reading.lexicon import PHRASES, Role

_RATES = frozenset(
    """
    price rate rating score age percent percentage share ratio average mean temperature grade level rank stars margin
    speed discount gpa latitude longitude
    """.split()  # noqa: SIM905 - a list of two dozen quoted words is read by nobody
)
"""Quantities of which a sum says nothing."""
_WHOLE = 0.9
"""Worth of a column of which the whole name is said."""


def group(state: State, place: int) -> int | None:
    """The place behind `per month`, `by country`, `for each customer`."""
    at = state.skip(place + 1, Role.DISTINCT)
    noun = state.peek(at)
    if noun is None:
        return None
    if state.marks[place].text.lower() == "ranked by":
        state.descending = state.descending is not False
        return order_by(state, at)
    if state.marks[place].role is Role.BY:
        directed = noun.is_column and not state.measures and _directed(state, at, noun)
        if state.wants_order or directed or noun.role in {Role.COUNT, Role.AGGREGATE, Role.SUPERLATIVE}:
            return order_by(state, at)
        if noun.kind is MarkKind.VALUE or _says_who(state, at, noun):
            return at
    after = _one_group(state, at)
    if after is not None:
        _add_up(state)
    while after is not None:
        more = _one_group(state, following) if (following := _further(state, after)) is not None else None
        if more is None:
            break
        after = more
    return after


def _add_up(state: State) -> None:
    """Add up the only column that is asked for, of quantities, where groups follow: billed amount by region."""
    field = state.select[0] if len(state.select) == 1 and not state.measures and not state.order else None
    if not isinstance(field, Field) or not state.context.is_quantity(field) or state.entity not in {None, field.table}:
        return
    own = field in state.groups or field.table in state.group_tables or state.context.counts(field)
    if own or state.listed or state.limit is not None or state.wants_order:
        return
    state.select.clear()
    state.measures.append(Aggregate(Function.SUM, field.table, field))
    rated = bool(_RATES & set(state.context.words(field)))
    state.note(f"{field.column} is added up in each group.", 0.4 if rated else 0.08)


def _directed(state: State, at: int, noun: Mark) -> bool:
    """Whether a direction follows: by name descending; of a quantity behind a comma, too: by length, longest first."""
    behind = state.skip(at + 1)
    mark = state.peek(behind)
    if mark is not None and mark.kind is MarkKind.COMMA and state.context.is_quantity(field_of(state, noun)):
        behind = state.skip(behind + 1)
        mark = state.peek(behind)
    said = mark is not None and mark.role is Role.SUPERLATIVE and turn_at(state, behind) is not None
    return said or (mark is not None and mark.role is Role.DIRECTION)


def _says_who(state: State, at: int, noun: Mark) -> bool:
    """Whether `by` names who did it, and no group: made by users, by users who joined."""
    clause = state.peek(at + 1)
    relative = clause is not None and (clause.role is Role.RELATIVE or clause.text.lower() == "who")
    return noun.is_table and (state.verb or relative)


def _further(state: State, after: int) -> int | None:
    """The place of a further group behind `and`."""
    joint = state.skip(after)
    both, at = state.peek(joint), state.skip(joint + 1)
    following = state.peek(at)
    if both is None or both.role is not Role.AND or following is None:
        return None
    if following.kind is not MarkKind.NOUN and following.role is not Role.UNIT:
        return None
    period = following.text.lower() in PHRASES and PHRASES[following.text.lower()][0] is Role.UNIT
    if following.is_column and not period and state.context.is_quantity(field_of(state, following)):
        return None
    return at


def _one_group(state: State, at: int) -> int | None:
    noun = state.marks[at]
    if noun.role is Role.UNIT:
        return _period(state, noun, at)
    if noun.kind is MarkKind.WHEN:
        unit = unit_in(noun.when)
        said = Mark(MarkKind.WORD, noun.text, noun.start, noun.end, role=Role.UNIT, detail=unit or "")
        bucket = unit_group_at(state, said) if unit is not None else None
        if bucket is not None:
            state.groups.append(bucket)
        return at if bucket is not None else None
    if noun.kind is not MarkKind.NOUN:
        return None
    if (period := _own_period(state, noun)) is not None:
        state.groups.append(period)
        return at + 1
    state.touch(noun.link.table, move=False)
    following = state.peek(at + 1)
    if noun.is_column:
        state.groups.append(field_of(state, noun))
    elif following is not None and following.kind is MarkKind.NOUN and following.link != noun.link:
        return _one_group(state, at + 1)  # each business category: the last noun is meant
    else:
        state.group_tables.append(noun.link.table)
        state.mode = Mode.HEAD if state.mode is Mode.FILTER else state.mode
    return at + 1


def _own_period(state: State, noun: Mark) -> Expression | None:
    """The period of what is counted, where `year` is a part of the name of a column: build_year, year of birth."""
    said = PHRASES.get(noun.text.lower())
    if said is None or said[0] is not Role.UNIT or not noun.is_column or noun.link.worth >= _WHOLE:
        return None
    asked = [each for each in (*state.select, *state.measures) if isinstance(each, (Field, Aggregate))]
    counted = state.entity or (asked[0].table if asked else None)
    if counted is None or state.context.when(counted, ())[0] is None:
        return None
    unit = Mark(MarkKind.WORD, noun.text, noun.start, noun.end, role=Role.UNIT, detail=said[1])
    alone = unit_group_at(state, unit)
    return alone if isinstance(alone, Bucket) and alone.of.table == counted else None


def _period(state: State, noun: Mark, at: int) -> int | None:
    week = state.peek(at + 1)
    if noun.detail == "day" and week is not None and week.detail == "week":
        return None  # the day of the week is no day
    found = unit_group(state, noun)
    if found is not None:
        state.groups.append(found)
    return at + 1 if found is not None else None


def unit_group_at(state: State, mark: Mark) -> Expression | None:
    """The period of a mark that is none of the question's own."""
    alone = State(
        state.context,
        [*state.marks, mark],
        state.read,
        focus=state.focus,
        anchor=state.anchor,
        mentions=state.mentions,
        measures=state.measures,
    )
    return unit_group(alone, mark)
