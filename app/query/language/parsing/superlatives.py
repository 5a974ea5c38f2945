"""Superlatives: `the most orders`, `cheapest product`, `top 5`, `most common status`. Pure."""

from typing import Final

from app.query.language.algebra.model import Aggregate, Bucket, Expression, Extreme, Field, Function, Order
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.conditions import value_condition
from app.query.language.parsing.counting import calls_rows, happenings
from app.query.language.parsing.dates import unit_group
from app.query.language.parsing.known.state import Mode, State
from app.query.language.parsing.known.subjects import field_of
from app.query.language.parsing.measures import measure, several
from app.query.language.parsing.ranking import SIZED, about, judges, much_is_meant, names_row
from app.query.language.reading.lexicon import Role
from app.query.language.reading.stems import is_participle, is_plural
from app.query.language.vocabulary.model import Kind

DEFAULT_TOP: Final = 10
"""Rows of a top without a number."""
_ORDERED: Final = frozenset((Kind.NUMBER, Kind.DATE, Kind.MOMENT))


def superlative(state: State, place: int) -> int | None:
    """The place behind `the highest price`, `most orders`, `latest order`."""
    if (numbers := several(state, place)) is not None:
        return numbers  # the lowest and highest price
    mark = state.marks[place]
    descending = mark.detail in {"desc", "late", "dear"}
    at, values = _values(state, _behind_number(state, state.skip(place + 1, Role.DISTINCT, verbs=True)))
    noun = state.peek(at)
    called = bool(values) and calls_rows(state, values[-1]) and (noun is None or noun.kind is not MarkKind.NOUN)
    if called or noun is None or noun.kind is MarkKind.STOP:
        return _of_values(state, place, values, at) if called else _of_itself(state, place)
    if mark.detail in {"late", "early", "dear", "cheap"}:
        return _hinted(state, place, at, descending=descending)
    if noun.is_table and mark.text.lower() in {"most", "least"} and _by_use(state, place, at):
        return common(state, place)
    return _of_noun(state, place, at, values, descending=descending)


def _of_noun(state: State, place: int, at: int, values: list[int], *, descending: bool) -> int | None:
    """The place behind the number, table or column that the superlative stands before, and the values before that."""
    noun, found = state.marks[at], measure(state, at)
    for each in (*values, *(found.values if found is not None else ())):
        value_condition(state, each)
    if found is not None:
        return by(state, found.expression, found.after, descending=descending)
    if noun.is_table:
        return _of_table(state, place, at, noun, descending=descending)
    if noun.is_column and judges(state, place):
        much = much_is_meant(state, place, field_of(state, noun))
        return None if much is None else _of_column(state, at, noun, descending=much)
    return _of_column(state, at, noun, descending=descending) if noun.is_column else None


def _of_values(state: State, place: int, values: list[int], after: int) -> int | None:
    """The place behind `heaviest tanker`: the rows that are called by a value."""
    for each in values:
        value_condition(state, each)
    last = state.marks[values[-1]]
    if state.entity is None:
        state.entity, state.entity_plural = last.link.table, is_plural(last.text)
        state.focus = state.focus or last.link.table
    return after if _of_itself(state, place) is not None else None


def _behind_number(state: State, at: int) -> int:
    """The place behind a number of rows: the youngest 5 players."""
    number = state.peek(at)
    if number is None or number.kind is not MarkKind.NUMBER or not number.number or number.number != int(number.number):
        return at
    state.limit, state.wants_order = int(number.number), True
    return state.skip(at + 1)


def _by_use(state: State, place: int, at: int) -> bool:
    """Whether rows are ranked by how often something is done to them: the most visited customers."""
    return _done_to(state, at) or any(each.kind is MarkKind.VERB for each in state.marks[place:at])


def _done_to(state: State, at: int) -> bool:
    """Whether a table that is called like a participle stands before another one."""
    following = state.peek(at + 1)
    return is_participle(state.marks[at].text) and following is not None and following.is_table


def _values(state: State, at: int) -> tuple[int, list[int]]:
    """The place behind values, and theirs."""
    found = []
    while (value := state.peek(at)) is not None and value.kind is MarkKind.VALUE:
        found.append(at)
        at = state.skip(at + 1)
    return at, found


def _of_column(state: State, at: int, noun: Mark, *, descending: bool) -> int | None:
    """`the highest price` is a number where nothing else is asked for, else an order."""
    field = field_of(state, noun)
    if field.kind not in _ORDERED or state.context.names_row(field):
        return None
    behind = state.peek(at + 1)
    asked = state.entity or state.select or state.wants_order or (state.which and not _what_is(state))
    if not asked and state.nth == 1 and state.mode is Mode.HEAD and not (behind is not None and behind.is_table):
        return _extreme(state, field, at + 1, descending=descending)
    return by(state, field, at + 1, descending=descending)


def _what_is(state: State) -> bool:
    """Whether the question begins with `what is`: the value itself is asked for, and no row."""
    said = " ".join(mark.text.lower() for mark in state.marks[:2])
    return said.startswith(("what is", "what was", "what's", "whats", "what are"))


def _extreme(state: State, field: Field, after: int, *, descending: bool) -> int:
    state.measures.append(Aggregate(Function.MAX if descending else Function.MIN, field.table, field))
    state.touch(field.table)
    return after


def _of_table(state: State, place: int, at: int, noun: Mark, *, descending: bool) -> int | None:
    """`the most orders` counts orders; `the largest city` needs a column that says how large."""
    word = state.marks[place].text.lower().split()[-1]
    counting = word in {"most", "least", "fewest", "of"} or "number" in state.marks[place].text.lower()
    before = state.peek(place - 1)
    if counting or (before is not None and before.role is Role.HAVE):
        return by(state, Aggregate(Function.COUNT, noun.link.table), at + 1, descending=descending)
    following = state.peek(at + 1)
    if following is not None and following.role is Role.BY:
        _name_entity(state, noun)
        state.limit = state.limit if state.wants_order else None if noun.plural else 1
        state.wants_order, state.descending = True, descending
        return at + 1
    found = None if judges(state, place) else about(state, _last_word(state, place), noun.link.table)
    if found is None:
        return None
    _name_entity(state, noun)
    return _by_adjective(state, place, found, at + 1)


def _last_word(state: State, place: int) -> str:
    return state.marks[place].text.lower().split()[-1]


def _by_adjective(state: State, place: int, found: tuple[Expression, bool], after: int) -> int:
    """The place behind a superlative that is ordered by the column it is about."""
    expression, turned = found
    if isinstance(expression, Field):
        said = state.marks[place].text.lower()
        state.note(f"The {said} is meant by {expression.column}.", 0.12 if said in SIZED else 0.05)
    return by(state, expression, after, descending=(state.marks[place].detail == "desc") != turned)


def _name_entity(state: State, noun: Mark) -> None:
    state.touch(noun.link.table)
    if state.mode is not Mode.FILTER and state.entity is None:
        state.entity, state.entity_plural = noun.link.table, noun.plural


def _of_itself(state: State, place: int) -> int | None:
    """The place behind a superlative that is all that is said of the rows: which product is the cheapest."""
    table = state.entity or (None if state.select or state.measures else state.focus)
    if table is None:
        return None
    state.entity = table
    if state.marks[place].text.lower() in {"most", "least"}:
        return _by_verb(state, place, table)
    if state.marks[place].detail not in {"late", "early", "dear", "cheap"}:
        meant = None if judges(state, place) else about(state, _last_word(state, place), table)
        return None if meant is None else _by_adjective(state, place, meant, place + 1)
    found, turned = _hint(state, place, table)
    descending = state.marks[place].detail in {"late", "dear"}
    return None if found is None else by(state, found, place + 1, descending=descending != turned)


def _by_verb(state: State, place: int, table: str) -> int | None:
    """The place behind `borrowed the most`: how often it happened is the number of the only table of such rows."""
    children = state.context.children(table)
    before = [mark for mark in state.marks[:place] if mark.role is not Role.FILLER]
    verb = before[-1] if before else None
    if verb is not None and verb.is_table and is_participle(verb.text):
        children = [each for each in children if each == verb.link.table]
    elif verb is None or verb.kind is not MarkKind.VERB:
        return None
    if len(children) != 1:
        return None
    state.note(f"How often that was is the number of {children[0]}.", 0.12)
    return by(state, Aggregate(Function.COUNT, children[0]), place + 1, descending=state.marks[place].detail == "desc")


def _hinted(state: State, place: int, at: int, *, descending: bool) -> int | None:
    """The oldest customer, the latest order, the cheapest product: the column is one of dates or prices."""
    noun = state.marks[at]
    after = at + 1
    if noun.is_column:
        field = field_of(state, noun)
        if field.kind in {Kind.DATE, Kind.MOMENT} or state.context.is_quantity(field):
            if state.entity or state.select or state.which:
                return by(state, field, after, descending=descending)
            return _extreme(state, field, after, descending=descending)
        table, after = field.table, at
    elif noun.is_table:
        table = noun.link.table
    elif (home := state.entity or state.focus) is not None:
        table, after = home, place + 1
    else:
        return None
    found, turned = _hint(state, place, table)
    if found is None:
        return None
    if noun.is_table:
        _name_entity(state, noun)
    return by(state, found, after, descending=descending != turned)


def first_or_last(state: State, place: int) -> int | None:
    """The place behind `the last order`: the latest or earliest of the table; None where nothing says when."""
    noun = state.peek(place + 1)
    late = state.marks[place].text.lower() == "last"
    if noun is None or noun.kind is not MarkKind.NOUN or noun.plural:
        return None
    if noun.is_table and not state.context.moments(noun.link.table):
        return None
    if noun.is_column and field_of(state, noun).kind not in {Kind.DATE, Kind.MOMENT}:
        return None
    return _hinted(state, place, place + 1, descending=late)


def _hint(state: State, place: int, table: str) -> tuple[Field | None, bool]:
    """The column that the superlative is about, and whether its numbers go the other way: the oldest has most years."""
    mark = state.marks[place]
    if mark.detail in {"dear", "cheap"}:
        return state.context.price(table), False
    age = state.context.number_column(table, "age")
    if age is not None and mark.text.lower() in {"oldest", "youngest"}:
        return age, True
    found, doubtful = state.context.when(table, state.near_words(place))
    if found is not None and doubtful:
        state.note(f"The date is that of {found.table}.{found.column}.", 0.1)
    return found, False


def by(state: State, expression: Expression, after: int, *, descending: bool) -> int:
    """Order by the expression, and cut to as many rows as are asked for."""
    if isinstance(expression, Field) and _is_aside(state, expression):
        state.add(Extreme(expression, highest=descending), after - 1)
        state.touch(expression.table, move=False)
        state.note(
            f"The {'highest' if descending else 'lowest'} {expression.column} of all of {expression.table}.", 0.05
        )
        return after
    state.order.append(Order(expression, descending))
    for table in [expression.table] if isinstance(expression, (Aggregate, Field)) else []:
        state.touch(table, move=isinstance(expression, Aggregate))
    state.superlative = True
    if state.limit is None and not state.wants_order:
        plural = state.entity_plural
        if plural:
            state.note("All of them, in this order: no number was said.", 0.1)
        else:
            state.limit = 1
            state.note("Of several that tie, one is shown.", 0.0)
    state.wants_order = False
    return after


def _is_aside(state: State, field: Field) -> bool:
    """Whether the superlative only says which rows a number is made of: orders of the oldest customer."""
    if state.limit is not None or state.wants_order or state.groups or state.group_tables or not state.measures:
        return False
    return all(isinstance(each, Aggregate) and each.of != field for each in state.measures)


def top(state: State, place: int) -> int | None:
    """The place behind `top 5`: so many rows, of an order that is still to come."""
    at = state.skip(place + 1)
    number = state.peek(at)
    if number is not None and number.kind is MarkKind.NUMBER and number.number is not None:
        if number.number != int(number.number) or number.number < 1:
            return None
        state.limit = int(number.number)
        after = at + 1
    elif state.marks[place].text.lower().removeprefix("the ") in {"top", "bottom", "leading"}:
        state.limit, after = DEFAULT_TOP, place + 1
        state.note(f"The first {DEFAULT_TOP}: no number was said.", 0.08)
    else:
        return None
    state.wants_order = True
    state.descending = state.marks[place].detail == "desc"
    return after


def common(state: State, place: int) -> int | None:
    """The place behind `most common status`: groups by how many rows they have."""
    descending = state.marks[place].detail == "desc"
    at, values = _values(state, state.skip(place + 1, verbs=True))
    for each in values:
        value_condition(state, each)
    noun = state.peek(at)
    if noun is not None and noun.role is Role.UNIT:
        return _common_period(state, at, descending=descending)
    if (noun is None or noun.kind is MarkKind.STOP) and not values:
        return _common_of_all(state, at, descending=descending)
    if noun is None or noun.kind is not MarkKind.NOUN:
        return None
    if noun.is_table and _done_to(state, at):
        return _by_deeds(state, at, descending=descending)
    plural = noun.plural or state.wants_order
    column = field_of(state, noun) if noun.is_column else None
    if column is not None and not state.context.is_key(column) and not names_row(state, column):
        state.groups.append(column)
        if state.context.refers(column) is None:
            state.touch(column.table)
        counted: str | None = column.table
    else:
        counted = _used(state, noun, column)
    if counted is None:
        return None
    state.entity_plural = plural
    return by(state, Aggregate(Function.COUNT, counted), at + 1, descending=descending)


def _common_period(state: State, at: int, *, descending: bool) -> int | None:
    """The place behind `busiest month`: the period with the most rows of the only table that is named."""
    named = {mark.link.table for mark in state.marks if mark.is_table}
    bucket = unit_group(state, state.marks[at]) if len(named) == 1 else None
    if not isinstance(bucket, Bucket) or {bucket.of.table} != named or state.select or state.measures:
        return None
    state.groups.append(bucket)
    state.touch(bucket.of.table)
    state.mode = Mode.FILTER
    return by(state, Aggregate(Function.COUNT, bucket.of.table), at + 1, descending=descending)


def _common_of_all(state: State, at: int, *, descending: bool) -> int | None:
    """The place behind `which status is the most common`: the column asked for is what is counted."""
    asked = state.select[0] if len(state.select) == 1 else None
    if not isinstance(asked, Field) or state.entity is not None or state.measures or names_row(state, asked):
        return None
    state.groups.append(asked)
    return by(state, Aggregate(Function.COUNT, asked.table), at, descending=descending)


def _by_deeds(state: State, at: int, *, descending: bool) -> int | None:
    """The place behind `visited customers`: ranked by how many visits they have."""
    deeds, noun = state.marks[at].link.table, state.marks[at + 1]
    if deeds not in state.context.children(noun.link.table):
        return None
    _name_entity(state, noun)
    state.entity_plural = noun.plural or state.wants_order
    return by(state, Aggregate(Function.COUNT, deeds), at + 2, descending=descending)


def _used(state: State, noun: Mark, column: Field | None) -> str | None:
    """The table whose rows say how often a row occurs: the only one of which many belong to it."""
    table = noun.link.table
    children = state.context.children(table)
    doubt = 0.15
    if len(children) != 1:
        children, doubt = happenings(state, table), 0.2
    if len(children) != 1:
        return None
    state.note(f"How often it occurs is the number of its {children[0]}.", doubt)
    if column is not None:
        state.groups.append(column)
    else:
        _name_entity(state, noun)
    state.touch(table)
    state.touch(children[0], move=False)
    return children[0]
