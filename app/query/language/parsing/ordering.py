"""Order: `sorted by name`, `in descending order`. Each rule returns the place behind what it read. Pure."""

from app.query.language.algebra.model import Aggregate, Expression, Field, Function, Order, Ratio
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.dates import unit_group
from app.query.language.parsing.known.state import Mode, State
from app.query.language.parsing.known.subjects import field_of
from app.query.language.parsing.measures import measure
from app.query.language.parsing.ranking import added_up
from app.query.language.parsing.superlatives import superlative
from app.query.language.reading.lexicon import Role
from app.query.language.vocabulary.model import Kind


def order(state: State, place: int) -> int | None:
    """The place behind `ordered by name`, with its direction."""
    at = state.skip(place + 1, Role.BY, Role.PREPOSITION)
    mark = state.peek(at)
    if state.marks[place].text.lower() == "ordered by" and mark is not None and mark.is_table and \
            mark.link.table not in {state.entity, *state.group_tables}:  # fmt: skip
        state.mode = Mode.FILTER  # products ordered by customers
        return at
    if mark is not None and mark.role is Role.DIRECTION:
        return direction(state, at)
    if mark is not None and mark.kind is MarkKind.VERB:
        at = state.skip(at, Role.BY, verbs=True)
    return order_by(state, at)


def order_by(state: State, at: int) -> int | None:
    """The place behind what rows are ordered by, and its direction."""
    mark = state.peek(at)
    if mark is not None and mark.role is Role.SUPERLATIVE:
        if state.wants_order:
            return superlative(state, at)
        state.descending = mark.detail in {"desc", "late", "dear"}
        at = state.skip(at + 1)
        mark = state.peek(at)
    read = _key(state, at, mark) if mark is not None else None
    if read is None:
        return None
    by, after = read
    table = getattr(by, "table", None)
    if isinstance(table, str):
        state.touch(table, move=False)
    descending = state.descending if state.descending is not None else state.wants_order
    state.order = [*(each for each in state.order if each.by != by), Order(by, bool(descending))]
    state.wants_order = False
    return _behind(state, after)


def _key(state: State, at: int, mark: Mark) -> tuple[Expression, int] | None:
    """What rows are ordered by, and the place behind it."""
    if mark.role in {Role.RATIO, Role.PERCENT} and state.measures and isinstance(state.measures[-1], Ratio):
        return state.measures[-1], at + 1
    found = measure(state, at)
    if found is not None:
        return found.expression, found.after
    if mark.is_column:
        return added_up(state, _measured(state, field_of(state, mark))), at + 1
    if mark.is_table:
        counted = state.wants_order and mark.link.table not in {state.entity, state.focus}
        rows = Aggregate(Function.COUNT, mark.link.table)
        return rows if counted else state.context.entity(mark.link.table)[0], at + 1
    bucket = unit_group(state, mark) if mark.role is Role.UNIT else None
    return (bucket, at + 1) if bucket is not None else None


def _behind(state: State, after: int) -> int | None:
    """The place behind a direction, or a further column, that follows."""
    at = state.skip(after)
    mark, following = state.peek(at), state.peek(state.skip(at + 1))
    if mark is None:
        return after
    if mark.role is Role.TO and following is not None and following.role is Role.SUPERLATIVE:
        return state.skip(at + 1) + 1  # from the best to the lowest
    if mark.role is Role.TOP and mark.text.lower() in {"first", "last"}:
        return at + 1
    if mark.role is Role.DIRECTION:
        return direction(state, at)
    if mark.role is Role.AND and following is not None and following.is_column:
        more = state.skip(at + 1)
        last = state.peek(more + 1)
        if last is None or last.kind is MarkKind.STOP or last.role is Role.DIRECTION:
            return order_by(state, more)
    return after


def _measured(state: State, field: Field) -> Expression:
    """The number that is made of the field where one is asked for; else the field."""
    for each in state.measures:
        if isinstance(each, Aggregate) and each.of == field:
            return each
    return field


def direction(state: State, place: int) -> int:
    """The place behind `in descending order`: of the order before it, or of what follows `of`."""
    descending = _descends(state, state.marks[place].detail)
    at = state.skip(place + 1, Role.PREPOSITION, Role.BY)
    mark = state.peek(at)
    said = state.marks[place].text.lower().startswith(("from ", "highest ", "lowest "))
    if mark is not None and mark.role in {Role.RATIO, Role.PERCENT}:
        state.descending = descending
        return order_by(state, at) or place + 1
    if (
        (at > place + 1 or (said and mark is not None and mark.is_column))
        and mark is not None
        and (mark.kind is MarkKind.NOUN or mark.role in {Role.COUNT, Role.AGGREGATE})
    ):
        state.descending = descending
        after = order_by(state, at)
        if after is not None:
            return after
    if state.order and not (state.superlative and len(state.order) == 1 and state.limit is not None):
        last = state.order[-1]
        state.order[-1] = Order(last.by, descending)
    elif not state.order:
        state.descending, state.turned = descending, place
    return place + 1


def _descends(state: State, detail: str) -> bool:
    """Whether the highest values come first: the oldest have the most years, and the earliest dates."""
    last = state.order[-1].by if state.order else None
    dates = isinstance(last, Field) and last.kind in {Kind.DATE, Kind.MOMENT}
    if last is None:
        return detail in {"desc", "younger"}
    return {"older": not dates, "younger": dates}.get(detail, detail == "desc")


def is_top(state: State, place: int) -> bool:
    """Whether `first`, `last` cut rows: a number follows, or they are `top` and `bottom`."""
    mark, following = state.marks[place], state.peek(state.skip(place + 1))
    said = mark.text.lower()
    return said not in {"first", "last", "leading"} or (following is not None and following.kind is MarkKind.NUMBER)
