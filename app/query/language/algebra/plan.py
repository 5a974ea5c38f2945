"""Which tables a query joins, which it only looks into (EXISTS), and what would be counted several times. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from app.query.language.algebra.model import (
    Aggregate,
    Beside,
    CannotWriteError,
    Condition,
    Either,
    Function,
    Query,
    Ranked,
    aggregates_of,
    condition_tables,
    tables_of,
)
from app.query.language.algebra.paths import JoinGraph, JoinTree, Step
from app.query.language.reading.stems import stem
from app.query.language.vocabulary.model import Vocabulary

_SAY_NOTHING = frozenset(("id", "key", "by", "to", "from", "of", "in", "at", "on"))


@dataclass(slots=True)
class Plan:
    """How a query is joined."""

    tree: JoinTree
    core: list[str]
    """Tables that are joined, in order."""
    looked_into: list[tuple[Step, list[Step]]]
    """Steps to tables that rows must have, with the steps further on."""
    where: list[Condition]
    """Conditions over joined tables."""
    inner: dict[str, list[Condition]]
    """Conditions over tables that are looked into, by the first of these tables."""
    notes: list[str] = field(default_factory=list)
    ambiguous: list[tuple[str, str]] = field(default_factory=list)


class Planner:
    """Makes plans over the accepted joins."""

    def __init__(self, vocabulary: Vocabulary, graph: JoinGraph, words: Iterable[str] = (), turn: int = 0) -> None:
        """Takes which of several ways to go where they are as short: the question does not say."""
        self._tables = {table.name: table for table in vocabulary.tables}
        self._graph = graph
        self._stems = frozenset(stem(word) for word in words)
        self._turn = turn
        self.ambiguous: list[tuple[str, str]] = []
        self.ways = 1
        """How many ways there are where most are as short."""
        self.taken: list[str] = []
        """The columns by which such a way leads."""
        self.junctions: list[str] = []
        """Tables on the way that nobody mentioned, and that relate others as rows of their own."""
        self.detours: list[str] = []
        """Tables on the way that nobody mentioned, and that are more than bridges."""

    def plan(self, query: Query) -> Plan:
        """The plan of the query. Raises `CannotWriteError`."""
        needed = dict.fromkeys(
            table
            for expression in (
                *query.select, *query.group, *(each.left for each in query.having), *(each.by for each in query.order),
                *(query.window.per if query.window else ()),
                *((query.window.left,) if isinstance(query.window, Beside) else ()),
                *((query.window.order.by,) if isinstance(query.window, Ranked) else ()),
            )
            for table in tables_of(expression)
        )  # fmt: skip
        tree = JoinTree(query.base)
        mentioned = {query.base, *(each.table for each in query.mentions), *needed}
        for mention in query.mentions:
            self.reach(tree, mention.table, mention.anchor, mentioned)
        for table in (*needed, *(table for each in query.where for table in condition_tables(each))):
            self.reach(tree, table, None, mentioned)
        core = {query.base}
        for table in needed:
            core.update(tree.up(table))
        return self._split(query, tree, core, frozenset(needed))

    def reach(self, tree: JoinTree, table: str, anchor: str | None, mentioned: Iterable[str]) -> None:
        """Join the table to the tree, from its anchor if that is in it."""
        if table in tree.tables:
            return
        sources = [anchor] if anchor in tree.tables and anchor is not None else list(tree.tables)
        paths = self._graph.shortest(sources, table, mentioned)
        if not paths and len(sources) < len(tree.tables):
            paths = self._graph.shortest(tree.tables, table, mentioned)
        if not paths:
            raise CannotWriteError(f"No accepted join leads from {sources[0]} to {table}.", table)
        if len(paths) > 1:
            paths = self._by_words(paths)
        if len(paths) > 1:
            paths = [path for path in paths if path[0].source == tree.base] or paths
        if len(paths) > 1:
            self.ambiguous.append((paths[0][0].source, table))
            self.ways = max(self.ways, len(paths))
            paths = [paths[self._turn % len(paths)]]
            self.taken.append(", ".join(_by(step) for step in paths[0]))
        tree.add(paths[0])

    def _by_words(self, paths: Sequence[tuple[Step, ...]]) -> list[tuple[Step, ...]]:
        """The paths whose columns the question names: `sent` is of `sender_id`."""
        worths = [self._said(path) for path in paths]
        best = max(worths)
        return [path for path, worth in zip(paths, worths, strict=True) if worth == best]

    def _said(self, path: Sequence[Step]) -> int:
        columns = {name for step in path for pair in step.pairs for name in pair}
        return sum(
            any(stem(part) in self._stems for part in name.lower().split("_") if part not in _SAY_NOTHING)
            for name in columns
        )

    def _is_bridge(self, table: str) -> bool:
        """Whether the table does nothing but relate others."""
        referring = {pair[0] for step in self._graph.steps(table) if not step.multiplies for pair in step.pairs}
        return len(self._tables[table].columns) - len(referring) <= 1

    def _split(self, query: Query, tree: JoinTree, core: set[str], core_needed: frozenset[str]) -> Plan:
        looked_into: list[tuple[Step, list[Step]]] = []
        inside: dict[str, str] = {}
        for step in tree.steps:
            if step.target in core or step.target in inside:
                continue
            below = tree.below(step.target)
            steps = [each for each in tree.steps if each.target in below and each.target != step.target]
            if step.multiplies or any(each.multiplies for each in steps):
                looked_into.append((step, steps))
                inside.update(dict.fromkeys(below, step.target))
            else:
                core.add(step.target)
        where: list[Condition] = []
        inner: dict[str, list[Condition]] = {}
        for condition in query.where:
            homes = {inside.get(table) for table in condition_tables(condition)}
            if homes == {None}:
                where.append(condition)
            elif len(homes) == 1:
                inner.setdefault(str(homes.pop()), []).append(condition)
            else:
                raise CannotWriteError("Conditions on several tables cannot be alternatives of each other here.")
        named = {
            query.base,
            *(each.table for each in query.mentions),
            *(t for each in query.where for t in condition_tables(each)),
        }
        for step in tree.steps:
            if step.target not in named and step.target not in core_needed and not self._is_bridge(step.target):
                after = next((each for each in tree.steps if each.source == step.target), None)
                junction = step.multiplies and after is not None and not after.multiplies
                (self.junctions if junction else self.detours).append(step.target)
        joined = [table for table in tree.tables if table in core]
        plan = Plan(tree, joined, looked_into, where, inner, ambiguous=self.ambiguous)
        self._check_fan_out(query, plan)
        return plan

    def _check_fan_out(self, query: Query, plan: Plan) -> None:
        groups = {table for each in query.group for table in tables_of(each)}
        for expression in (*query.select, *(each.left for each in query.having), *(each.by for each in query.order)):
            for aggregate in aggregates_of(expression):
                self._check_aggregate(aggregate, groups, plan)

    def _check_aggregate(self, aggregate: Aggregate, groups: set[str], plan: Plan) -> None:
        """Refuse numbers that a join would count several times, but for rows that belong to several groups."""
        if aggregate.function in {Function.MIN, Function.MAX} or aggregate.distinct:
            return
        table, tree = aggregate.table, plan.tree
        if not tree.multiplied(table, plan.core):
            return
        if aggregate.function is Function.COUNT and aggregate.of is None:
            if not self._tables[table].key:
                raise CannotWriteError(f"Rows of {table} would be counted several times, and it has no key.", table)
            return
        between = {table} | {place for group in groups for place, _ in tree.route(table, group)}
        aside = [each for each in plan.core if each not in between]
        if not groups or any(many for each in aside for place, many in tree.route(table, each) if place not in between):
            raise CannotWriteError(f"Values of {table} would be counted several times by this join.", table)
        plan.notes.append(f"A row of {table} counts once in every group that it belongs to.")


def _by(step: Step) -> str:
    return " and ".join(f"{step.source}.{one} = {step.target}.{other}" for one, other in step.pairs)


def either_tables(conditions: Iterable[Condition]) -> set[str]:
    """The tables that alternatives look at."""
    return {table for each in conditions if isinstance(each, Either) for table in condition_tables(each)}
