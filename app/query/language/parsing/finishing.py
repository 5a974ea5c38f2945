"""From the state to the query: what is shown, what is grouped, what is counted of what. Pure."""

from app.query.language.algebra.model import (
    Aggregate,
    Beside,
    Bucket,
    CannotWriteError,
    Compare,
    Condition,
    Expression,
    Field,
    Function,
    Mention,
    Order,
    Query,
    Ranked,
    Ratio,
    Related,
    aggregates_of,
    condition_tables,
    tables_of,
)
from app.query.language.linking.keys import is_of_people
from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.counting import count_rows, rank_by_rows
from app.query.language.parsing.known.periods import refuse_apart
from app.query.language.parsing.known.state import Absence, State
from app.query.language.parsing.phrases.firsts import counted_with, first_of_each, offset, refuse_aside, settle_average
from app.query.language.parsing.turns import settle
from app.query.language.reading.stems import lemma
from app.query.language.vocabulary.model import Kind

_MOST_COLUMNS = 12


def finish(state: State) -> Query:
    """The query that was read. Raises `CannotWriteError` when the parts do not make one."""
    _place_loose(state)
    _ask_who(state)
    _ask_when(state)
    settle_average(state)
    refuse_aside(state)
    _refuse_contradictions(state)
    if state.wants_order:
        _order_by_measure(state)
    focus = _focus(state)
    _lift(state)
    groups = _groups(state)
    window = first_of_each(state, groups) or state.beside
    groups = _settled(state, groups, focus, window)
    settle(state, groups)
    if state.limit is not None and not state.order:
        state.note("Any of the rows, as many as asked for.", 0.05)
    aggregated = bool(state.measures or state.having) or any(aggregates_of(each.by) for each in state.order)
    if aggregated:
        groups = _all_groups(state, groups or _entity_groups(state, focus))
    select = list(dict.fromkeys(_shown(state, groups, focus, aggregated=aggregated, ranked=window is not None)))
    if not select:
        raise CannotWriteError("Nothing is asked for.")
    base = _base(state, focus, select)
    where = (*state.conditions, *(_related(each) for each in state.absences))
    if state.per_group is not None:
        return _per_group(state, base, groups, where)
    if aggregated and window is None and (owners := counted_with(state, groups)):
        return Query(
            tables_of(owners[0])[0], (*owners, state.having[0].left), where, owners, tuple(state.having),
            mentions=_mentions(state, tables_of(owners[0])[0]), average_of_groups=Function.COUNT,
        )  # fmt: skip
    return Query(
        base, tuple(select), where, tuple(groups) if aggregated else (), tuple(state.having),
        () if window else _order(state, groups if aggregated else []), None if window else state.limit,
        _distinct(state, select, aggregated=aggregated), _mentions(state, base), offset=offset(state), window=window,
    )  # fmt: skip


def _ask_who(state: State) -> None:
    """Ask for the only people that are near where nobody is named. Raises `CannotWriteError`."""
    if not state.asks_who or state.entity is not None or state.select or state.group_tables or state.focus is None:
        return
    if is_of_people(state.context.index.words[state.focus]):
        return
    graph, people = state.context.graph, {}
    for table, words in state.context.index.words.items():
        if is_of_people(words) and (paths := graph.shortest([state.focus], table)):
            people[table] = len(paths[0])
    nearest = [table for table, length in people.items() if length == min(people.values())]
    if len(nearest) != 1:
        raise CannotWriteError("It is not said who is meant.", "who")
    state.entity, state.entity_plural = nearest[0], True
    state.touch(nearest[0], move=False)
    state.note(f"Who: rows of {nearest[0]}.", 0.08)


def _ask_when(state: State) -> None:
    """Show the column of dates of what is asked about. Raises `CannotWriteError` where there is none."""
    if not state.asks_when or state.measures:
        return
    table = state.entity or state.focus
    field, doubtful = state.context.when(table, state.near_words(len(state.marks))) if table else (None, False)
    ordered = next((each.by for each in state.order if isinstance(each.by, Field)), field)
    if ordered is None or not isinstance(ordered, Field) or ordered.kind not in {Kind.DATE, Kind.MOMENT}:
        raise CannotWriteError("Nothing says when.", "when")
    if ordered not in state.select:
        state.select.append(ordered)
    state.note(f"The date is that of {ordered.table}.{ordered.column}.", 0.1 if doubtful else 0.0)


def _refuse_contradictions(state: State) -> None:
    """Refuse two equalities of one column, of which no row has both. Raises `CannotWriteError`."""
    for conditions in (state.conditions, *(each.conditions for each in state.absences)):
        refuse_apart(conditions)
    compared = [each for each in dict.fromkeys(state.conditions) if isinstance(each, Compare)]
    equal = [each.left for each in compared if each.operator == "="]
    others = [each.left for each in compared if each.operator == "<>"]
    for each in equal:
        if isinstance(each, Field) and (equal.count(each) > 1 or each in others):
            raise CannotWriteError(f"{each.column} cannot have several values at once.", each.column)


def _all_groups(state: State, groups: list[Expression]) -> list[Expression]:
    """The groups with the columns that are shown beside numbers. Raises `CannotWriteError` where they make no sense."""
    found = [*groups, *(each for each in state.select if each not in groups)] if groups else _selected(state)
    state.measures = _telling(state, found)
    _check_groups(state, found)
    if any(isinstance(each.by, Field) and each.by not in found for each in state.order):
        raise CannotWriteError("Groups cannot be ordered by a column that has many values in each.")
    return found


def _settled(state: State, groups: list[Expression], focus: str, window: Ranked | Beside | None) -> list[Expression]:
    """The groups, with what is counted in each of them settled."""
    if isinstance(window, Beside):
        _check_beside(state, window)
    elif window is not None and isinstance(window.order.by, Aggregate):
        return list(dict.fromkeys((*groups, *state.context.entity(state.entity or focus))))
    elif groups:
        _sum_counts(state)
        count_rows(state, groups)
    elif not state.measures:
        _sum_total(state)
    return groups


def _check_beside(state: State, window: Beside) -> None:
    """Refuse what a comparison within groups cannot be said of. Raises `CannotWriteError`."""
    counted = [*state.measures] == [Aggregate(Function.COUNT, window.left.table)]
    if state.groups or state.group_tables or state.having or state.order or (state.measures and not counted):
        raise CannotWriteError("A comparison within groups is read of rows alone.")
    if state.conditions or state.absences:
        state.note("The number of each group is that of the rows that the other conditions leave.", 0.25)


def _shown(
    state: State, groups: list[Expression], focus: str, *, aggregated: bool, ranked: bool = False
) -> list[Expression]:
    """What is shown, in order."""
    if aggregated:
        numbers = (*state.measures, *(each.by for each in state.order), *(each.left for each in state.having))
        return [*groups, *numbers]
    if ranked:
        return [*groups, *_rows(state, focus)]
    if groups and (state.order or state.limit is not None):
        raise CannotWriteError("The first row of each group is not read yet.")
    if any(isinstance(each, Bucket) for each in groups):
        raise CannotWriteError("It is not said what is counted in each period.")
    return [*groups, *state.select] if groups else _rows(state, focus)


def _sum_counts(state: State) -> None:
    """Columns that count, shown per group, are added up: the number of citations for each author."""
    for each in [each for each in state.select if isinstance(each, Field) and state.context.counts(each)]:
        added = Aggregate(Function.SUM, each.table, each)
        state.select.remove(each)
        state.measures.append(added)
        state.order = [Order(added, old.descending) if old.by == each else old for old in state.order]
        state.note(f"{each.column} counts them already: its numbers are added up.", 0.08)


def _sum_total(state: State) -> None:
    """Add up the only column that is asked for where the question says total: the total amount of paid orders."""
    field = state.select[0] if len(state.select) == 1 else None
    if not isinstance(field, Field) or state.order or state.limit is not None or state.distinct or state.listed:
        return
    own = [mark for mark in state.marks if mark.is_column and mark.link.column == field.column]
    first = next((mark for mark in state.marks if mark.kind is MarkKind.NOUN), None)
    words = own[0].text.lower().partition(" of ")[0].split() if own and own[0] is first else [""]
    said = words[0] == "total" and words[-1] == lemma(words[-1])
    if not said or state.entity not in {None, field.table} or not state.context.is_quantity(field):
        return
    state.select.clear()
    state.measures.append(Aggregate(Function.SUM, field.table, field))
    state.entity = None
    state.note(f"{field.column} is added up over all of these rows.", 0.06)


def _check_groups(state: State, groups: list[Expression]) -> None:
    """Refuse to group by quantities and moments that nobody asked to group by."""
    keyed = {each.table for each in groups if isinstance(each, Field) and state.context.is_key(each)}
    for each in groups:
        if not isinstance(each, Field) or each in state.groups or each.table in keyed:
            continue
        if each.kind in {Kind.DATE, Kind.MOMENT} or state.context.is_quantity(each):
            raise CannotWriteError(f"{each.column} has many values beside one number.", each.column)


def _lift(state: State) -> None:
    """Order rows that are asked for by a number of their many others: customers by what their orders are worth."""
    shown = {each.table for each in state.select if isinstance(each, Field)}
    owner = state.entity or (shown.pop() if len(shown) == 1 else None)
    for place, each in enumerate(state.order):
        if not (isinstance(each.by, Field) and owner and each.by.table != owner):
            continue
        paths = state.context.graph.shortest([owner], each.by.table, [mention.table for mention in state.mentions])
        if not paths or not any(step.multiplies for step in paths[0]):
            continue
        if not state.context.is_quantity(each.by):
            raise CannotWriteError(f"Several {each.by.column} belong to one of {owner}.", each.by.column)
        total = "total" in state.context.words(each.by) or not state.superlative or state.context.counts(each.by)
        function = Function.SUM if total else Function.MAX if each.descending else Function.MIN
        doubt = 0.03 if "total" in state.context.words(each.by) else 0.12
        state.note(f"Several {each.by.column} belong to one of {owner}: their {function} counts.", doubt)
        state.order[place] = Order(Aggregate(function, each.by.table, each.by), each.descending)


def _telling(state: State, groups: list[Expression]) -> list[Expression]:
    """The numbers without counts of what each group has one of: merchants per merchant."""
    fields = [each for each in groups if isinstance(each, Field)]
    keys = {each.table for each in fields if state.context.is_key(each) or each in state.context.shown(each.table)}
    return [each for each in state.measures if not _counts_rows(each, keys)] or state.measures


def _counts_rows(expression: Expression, tables: set[str]) -> bool:
    counts = isinstance(expression, Aggregate) and expression.function is Function.COUNT and expression.of is None
    return counts and isinstance(expression, Aggregate) and expression.table in tables


def _order(state: State, groups: list[Expression]) -> tuple[Order, ...]:
    if state.order:
        return tuple(_in_calendar(state, each) for each in state.order)
    buckets = [each for each in groups if isinstance(each, Bucket)]
    return tuple(Order(each, descending=False) for each in buckets)


def _in_calendar(state: State, order: Order) -> Order:
    """Names of months and days in the order of the calendar, and not of the alphabet."""
    found = state.context.calendar(order.by) if isinstance(order.by, Field) else None
    return order if found is None else Order(found, order.descending)


def _place_loose(state: State) -> None:
    """Columns that nothing was said of are unplaced, unless they repeat what is shown or grouped by."""
    known: set[Expression] = {*state.select, *state.groups, *(each.by for each in state.order)}
    for condition in state.conditions:
        known |= {condition.left} if hasattr(condition, "left") else set()
    for each in state.measures:
        known |= {aggregate.of for aggregate in aggregates_of(each) if aggregate.of is not None}
    state.unplaced += [state.marks[place] for place, field in state.loose if field not in known]


def _order_by_measure(state: State) -> None:
    """The top rows by the only number that is asked for."""
    if len(state.measures) == 1 and not state.order:
        state.order.append(Order(state.measures[0], state.descending is not False))
        state.wants_order = False
    elif not state.order and (state.measures or not rank_by_rows(state)):
        raise CannotWriteError("It is not said what the top rows are ranked by.", "by …")


def _focus(state: State) -> str:
    focus = state.entity or state.focus
    if focus is None:
        for expression in (*state.select, *state.measures, *state.groups, *(each.by for each in state.order)):
            return tables_of(expression)[0]
        for condition in state.conditions:
            return condition_tables(condition)[0]
        raise CannotWriteError("No table is named.")
    return focus


def _groups(state: State) -> list[Expression]:
    found: list[Expression] = []
    for table in state.group_tables:
        found += state.context.entity(table)
    for each in state.groups:
        found.append(each)
        if isinstance(each, Field) and each in state.context.shown(each.table) and state.context.names_rows(each):
            found += [key for key in state.context.entity(each.table) if key not in found]
    return list(dict.fromkeys(found))


def _entity_groups(state: State, focus: str) -> list[Expression]:
    """The rows that are asked for, as groups, where a number is about others: customers by their orders."""
    entity = state.entity
    numbers = [*state.measures, *(each.left for each in state.having), *(each.by for each in state.order)]
    counted = {aggregate.table for each in numbers for aggregate in aggregates_of(each)}
    if entity is None:
        if state.having and not state.select and not state.measures:
            return list(state.context.entity(focus))
        return []
    if counted == {entity} and not state.having and not any(aggregates_of(each.by) for each in state.order):
        return []
    if state.select and entity in counted:
        return []
    if entity in counted and len(counted) == 1 and state.having:
        return []
    shown = list(state.context.entity(entity))
    return [*(each for each in state.select if each not in shown and _of(each, entity)), *shown]


def _of(expression: Expression, table: str) -> bool:
    return isinstance(expression, Field) and expression.table == table


def _selected(state: State) -> list[Expression]:
    """The columns that are shown beside numbers are what the numbers are grouped by."""
    found = list(state.select)
    for each in list(found):
        if isinstance(each, Field) and each in state.context.shown(each.table) and state.context.names_rows(each):
            found += [key for key in state.context.key(each.table) if key not in found]
    return list(dict.fromkeys(found))


def _rows(state: State, focus: str) -> list[Expression]:
    """What is shown of single rows: the columns that are named, else what stands for a row."""
    extra = [each.by for each in state.order if each.by not in state.select]
    shown = list(state.context.entity(focus))
    if state.select:
        mine = [each for each in shown if state.listed and state.entity == focus and each not in state.select]
        return [*mine, *state.select, *extra]
    conditions: list[Expression] = []
    for condition in state.conditions:
        left = getattr(condition, "left", None)
        if isinstance(left, Field) and left.table == focus:
            conditions.append(left)
    return [*shown, *conditions, *extra][:_MOST_COLUMNS]


def _base(state: State, focus: str, select: list[Expression]) -> str:
    tables = [table for each in select for table in tables_of(each)]
    for each in select:
        if isinstance(each, Ratio) and each.over.table != each.under.table and state.groups:
            return tables_of(select[0])[0]
    return focus if focus in tables or not tables else tables[0]


def _mentions(state: State, base: str) -> tuple[Mention, ...]:
    absent = {each.table for each in state.absences}
    return tuple(
        Mention(each.table, each.anchor if each.anchor not in absent else None)
        for each in state.mentions
        if each.table != base and each.table not in absent
    )


def _related(absence: Absence) -> Condition:
    return Related(absence.anchor, absence.table, tuple(absence.conditions), negated=True)


def _distinct(state: State, select: list[Expression], *, aggregated: bool) -> bool:
    if aggregated:
        return False
    keys = {key for each in select if isinstance(each, Field) for key in state.context.key(each.table)}
    has_key = bool(keys) and any(state.context.is_key(each) for each in select if isinstance(each, Field))
    if state.distinct:
        return True
    return state.which and state.entity is None and not has_key and not state.order


def _per_group(state: State, base: str, groups: list[Expression], where: tuple[Condition, ...]) -> Query:
    """The average (or the like) over groups of the number that each of them has."""
    if not (state.group_tables or state.groups) or len(state.measures) != 1 or state.order or state.having:
        raise CannotWriteError("It is not said over which groups the average goes.", "per …")
    return Query(
        base, (*groups, *state.measures), where, tuple(groups), mentions=_mentions(state, base),
        average_of_groups=state.per_group if state.per_group is not Function.MEDIAN else Function.AVG,
    )  # fmt: skip


def leftover(state: State) -> list[Mark]:
    """The marks that no part of the query stands for."""
    return sorted(set(state.unplaced), key=lambda mark: mark.start)
