"""Ratios and percentages: `ratio of A to B`, `percentage of orders that were paid`. Pure."""

from collections.abc import Sequence

from app.query.language.algebra.model import Aggregate, Condition, Function, Ratio, Related, condition_tables
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.counting import count_of
from app.query.language.parsing.known.state import Mode, State
from app.query.language.reading.lexicon import Role

_ENDS = frozenset((Role.EACH, Role.ORDER, Role.DIRECTION))


def end_of(state: State, place: int, *more: Role) -> int:
    """The place where an operand ends: a sentence, a group, an order, or one of the roles."""
    at = place
    while (mark := state.peek(at)) is not None:
        if mark.kind is MarkKind.STOP or mark.role in _ENDS or mark.role in more:
            break
        at += 1
    return at


def _operand(state: State, marks: Sequence[Mark]) -> State:
    """What a part of the question asks for, read on its own."""
    inner = State(state.context, marks, state.read)
    state.read(inner)
    return inner


def _number(operand: State, home: str | None) -> Aggregate | None:
    """The number that an operand is: what it asks for, else how many rows of its table."""
    measures = [each for each in operand.measures if isinstance(each, Aggregate)]
    if len(measures) == 1 and not operand.having and not operand.order:
        return measures[0]
    table = operand.focus or home
    if measures or operand.having or operand.order or operand.absences or table is None:
        return None
    columns = [each for each in operand.select if operand.context.is_key(each)] if operand.select else []  # type: ignore[arg-type]
    if operand.select and not columns:
        if len(operand.select) > 1:
            return None
        field = operand.select[0]
        if operand.context.is_quantity(field):  # type: ignore[arg-type]
            return Aggregate(Function.SUM, field.table, field)  # type: ignore[union-attr, arg-type]
        return Aggregate(Function.COUNT, field.table, field, distinct=True)  # type: ignore[union-attr, arg-type]
    return count_of(operand, table)


def ratio(state: State, place: int) -> int | None:
    """The place behind `ratio of A to B`."""
    begin = state.skip(place + 1, Role.PREPOSITION, Role.BETWEEN)
    joint = end_of(state, begin, Role.TO, Role.OUT_OF)
    mark = state.peek(joint)
    if mark is None or mark.role not in {Role.TO, Role.OUT_OF}:
        joint = end_of(state, begin, Role.AND)
        mark = state.peek(joint)
        if mark is None or mark.role is not Role.AND:
            return None
    end = end_of(state, joint + 1, Role.TO)
    return divide(state, (begin, joint), (joint + 1, end), out_of=mark.role is Role.OUT_OF)


def divide(
    state: State, over: tuple[int, int], under: tuple[int, int], *, out_of: bool, percent: bool = False
) -> int | None:
    """The place behind two operands, which become a ratio; conditions of the second one alone hold for both."""
    one, two = _operand(state, state.marks[slice(*over)]), _operand(state, state.marks[slice(*under)])
    if one.unplaced or two.unplaced:
        state.unplaced += [*one.unplaced, *two.unplaced]
    above = _number(one, two.focus)
    below = _number(two, one.focus)
    if above is None or below is None:
        return None
    own, shared = _split(one.conditions, two.conditions, out_of=out_of)
    above, below = _with_existence(one, above), _with_existence(two, below)
    if above.table == below.table and above.of is None and below.of is None and not one.conditions and not own \
            and not two.conditions and above == below:  # fmt: skip
        return None
    state.measures.append(Ratio(_where(above, one.conditions), _where(below, own), percent))
    _adopt(state, one, two)
    for condition in shared:
        state.add(condition, over[0])
    return under[1]


def _with_existence(operand: State, aggregate: Aggregate) -> Aggregate:
    """The number, of rows alone that have what the operand only mentions: publications presented in conferences."""
    used = {table for each in operand.conditions for table in condition_tables(each)}
    used |= {aggregate.table, *operand.group_tables}
    related = [Related(aggregate.table, each.table) for each in operand.mentions if each.table not in used]
    operand.mentions = [each for each in operand.mentions if each.table in used]
    return _where(aggregate, related)


def _adopt(state: State, *operands: State) -> None:
    for operand in operands:
        for mention in operand.mentions:
            state.touch(mention.table, move=False)
        state.notes += [each for each in operand.notes if each not in state.notes]
        state.doubts += operand.doubts
        state.groups += [each for each in operand.groups if each not in state.groups]
        state.group_tables += operand.group_tables
    state.mode = Mode.HEAD


def _where(aggregate: Aggregate, conditions: Sequence[Condition]) -> Aggregate:
    return Aggregate(aggregate.function, aggregate.table, aggregate.of, aggregate.distinct,
                     (*aggregate.where, *conditions))  # fmt: skip


def _split(
    one: Sequence[Condition], two: Sequence[Condition], *, out_of: bool
) -> tuple[list[Condition], list[Condition]]:
    """The conditions that are the second operand's own, on what the first one's are on; and those for both."""
    if out_of:
        return [], list(two)
    subjects = {_subject(each) for each in one}
    own = [each for each in two if _subject(each) in subjects]
    return own, [each for each in two if _subject(each) not in subjects]


def _subject(condition: Condition) -> object:
    return getattr(condition, "left", condition_tables(condition))


def percent(state: State, place: int) -> int | None:
    """The place behind `percentage of orders that were paid`, `percent of active users`."""
    begin = state.skip(place + 1, Role.PREPOSITION)
    end = end_of(state, begin)
    joint = end_of(state, begin, Role.OUT_OF)
    if joint < end:
        return divide(state, (begin, joint), (joint + 1, end), out_of=True, percent=True)
    operand = _operand(state, state.marks[begin:end])
    state.unplaced += operand.unplaced
    whole = _number(operand, state.focus)
    if whole is None or not operand.conditions or len(operand.conditions) != len(operand.condition_marks):
        return None
    part, shared = _part(operand)
    part = _existing(operand, whole, part)
    state.measures.append(Ratio(_where(whole, part), whole, percent=True))
    _adopt(state, operand)
    for condition in shared:
        state.add(condition, place)
    state.note("The share is of all rows that the other conditions leave.", 0.05)
    return end


def _existing(operand: State, whole: Aggregate, part: list[Condition]) -> list[Condition]:
    """The part's conditions; those on rows of which several belong to one of the whole, as their existence.

    A join would leave out what has none of them, and with it the most of the whole: customers who have ordered.
    """
    kept: list[Condition] = []
    apart: dict[str, list[Condition]] = {}
    for each in part:
        tables = set(condition_tables(each))
        many = tables if len(tables) == 1 and not tables <= {whole.table} else set()
        table = next((one for one in many if operand.context.graph.meets_several(whole.table, one)), None)
        if table is None:
            kept.append(each)
        else:
            apart.setdefault(table, []).append(each)
    operand.mentions = [each for each in operand.mentions if each.table not in apart]
    return [*kept, *(Related(whole.table, table, tuple(found)) for table, found in apart.items())]


def _part(operand: State) -> tuple[list[Condition], list[Condition]]:
    """The conditions that make the part, and those that hold for the whole."""
    pairs = list(zip(operand.conditions, operand.condition_marks, strict=True))
    split = next((at for at, mark in enumerate(operand.marks) if mark.role in {Role.RELATIVE, Role.HAVE}
                  or mark.text.lower() in {"are", "is", "were", "was"}), None)  # fmt: skip
    noun = next((at for at, mark in enumerate(operand.marks) if mark.kind is MarkKind.NOUN), 0)
    if split is not None and any(at > split for _, at in pairs):
        return [each for each, at in pairs if at > split], [each for each, at in pairs if at <= split]
    if any(at < noun for _, at in pairs):
        return [each for each, at in pairs if at < noun], [each for each, at in pairs if at >= noun]
    return [each for each, _ in pairs], []
