"""How many rows of one source of a SELECT meet a row of another: known from accepted joins, else not claimed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from app.query.guard.findings import GuardRefusal
from app.query.guard.functions import AGGREGATES, SETS
from app.query.guard.grammar import function_name
from app.query.guard.join_rules import conjuncts
from app.query.guard.naming import output_name
from app.query.guard.relations import ONE, AcceptedJoin, FanOut
from app.query.joins.fan_out.blocks import Block, Blocks, Place

MAX_PASSED: Final = 8
"""Most derived tables, one in the other, that a column is traced through."""


@dataclass(frozen=True, slots=True)
class End:
    """One side of an equality: a plain column of a source, and the governed column it passes on, if any."""

    alias: str
    column: str
    origin: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Link:
    """A join: the source it adds, all sources that its condition reads, and the columns that it makes equal."""

    alias: str
    node: exp.Join
    touched: frozenset[str]
    pairs: tuple[tuple[End, End], ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """An accepted join from one of its sides: the rows there that a row of the other side meets, and the reverse."""

    columns: frozenset[tuple[str, str]]
    near: FanOut | None
    far: FanOut | None


class Measurements:
    """The accepted joins by their tables, in both directions."""

    def __init__(self, accepted: Iterable[AcceptedJoin]) -> None:
        self._by_tables: dict[tuple[str, str], list[Measured]] = defaultdict(list)
        for join in accepted:
            forth = frozenset(zip(join.left_columns, join.right_columns, strict=True))
            back = frozenset((right, left) for left, right in forth)
            tables = join.left_table, join.right_table
            self._by_tables[tables].append(Measured(forth, join.left_rows, join.right_rows))
            self._by_tables[tables[::-1]].append(Measured(back, join.right_rows, join.left_rows))

    def met(self, tables: tuple[str, str], columns: set[tuple[str, str]]) -> Iterator[FanOut]:
        """The rows of the second table that a row of the first meets, by each join of which the columns are equal.

        Where more columns are equal than were measured, fewer rows meet: then only a join that meets at most one tells.
        """
        for join in self._by_tables.get(tables, ()):
            if join.far is None or not join.columns <= columns:
                continue
            if join.columns == columns or not join.far.multiplies:
                yield join.far


@dataclass(slots=True, eq=False)
class Graph:
    """The sources of a block and its joins. `steps[a, b]` are the rows of b that a row of a meets, where known."""

    block: Block
    links: list[Link] = field(default_factory=list)
    steps: dict[tuple[str, str], FanOut] = field(default_factory=dict)
    neighbours: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def fixed_by(self, sources: frozenset[str]) -> set[str]:
        """The sources of which each row of `sources` meets at most one row, as far as known."""
        reached, stack = set(sources), list(sources)
        while stack:
            here = stack.pop()
            for there in self.neighbours[here] - reached:
                step = self.steps.get((here, there))
                if step is not None and not step.multiplies:
                    reached.add(there)
                    stack.append(there)
        return reached

    def repeating(self, sources: frozenset[str]) -> tuple[dict[tuple[str, str], FanOut], bool]:
        """The joins that repeat the rows of `sources`; whether all other joins beside them are known not to."""
        reached = self.fixed_by(sources)
        found: dict[tuple[str, str], FanOut] = {}
        doubtful: set[str] = set()
        for here in sorted(reached):
            for there in sorted(self.neighbours[here] - reached):
                step = self.steps.get((here, there))
                if step is None:
                    doubtful.add(there)
                else:
                    found[here, there] = step
        return found, doubtful <= {there for _, there in found}


def graph_of(blocks: Blocks, block: Block, measurements: Measurements) -> Graph:
    """The graph of a block's FROM."""
    graph = Graph(block)
    assert block.select is not None
    merged: dict[str, End] = {}
    before: list[Place] = []
    by_node = {id(place.node): (alias, place) for alias, place in block.places.items()}
    first = block.select.args.get("from_")
    if first is not None and id(first.this) in by_node:
        before.append(by_node[id(first.this)][1])
    for join in block.select.args.get("joins") or []:
        if id(join.this) not in by_node:
            continue
        alias, place = by_node[id(join.this)]
        link = _link(blocks, block, join, place, before, merged)
        before.append(place)
        graph.links.append(link)
        for other in link.touched - {alias}:
            graph.neighbours[alias].add(other)
            graph.neighbours[other].add(alias)
        _measure(blocks, graph, link, measurements)
    _without_matches(graph)
    return graph


def _link(
    blocks: Blocks, block: Block, join: exp.Join, place: Place, before: list[Place], merged: dict[str, End]
) -> Link:
    on, alias = join.args.get("on"), place.source.alias
    pairs: list[tuple[End, End]] = []
    touched = {alias}
    for name in [identifier.name for identifier in join.args.get("using") or []]:
        ends = [merged[name]] if name in merged else [end for other in before if (end := _end(other, name))]
        right = _end(place, name)
        if ends and right is not None:
            pairs.append((ends[0], right))
            merged[name] = ends[0]
            touched.add(ends[0].alias)
    for part in (on, join.this if isinstance(join.this.this, exp.Anonymous) else None):
        if part is not None:
            touched.update(read for _, aliases in blocks.read_by(part, block) for read in aliases)
    for part in conjuncts(on):
        if isinstance(part, exp.EQ):
            for couple in couples(part.this, part.expression):
                one, other = (_plain(blocks, block, operand) for operand in couple)
                if one is not None and other is not None and one.alias != other.alias:
                    pairs.append((one, other))
    return Link(alias, join, frozenset(touched), tuple(pairs))


def _end(place: Place, name: str) -> End | None:
    try:
        column = place.source.column(name)
    except GuardRefusal:
        return None
    return End(place.source.alias, name, column.origin) if column is not None else None


def _plain(blocks: Blocks, block: Block, operand: exp.Expr) -> End | None:
    owner, aliases = blocks.meanings.get(id(operand), (None, ()))
    if owner is not block or not isinstance(operand, exp.Column):
        return None
    output = blocks.resolver.references[id(operand)].output
    return End(aliases[0], output.name, output.origin)


def couples(one: exp.Expr, other: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """What an equality makes equal, without brackets: (a, b) = (c, d) says a = c and b = d."""
    one, other = one.unnest(), other.unnest()
    if isinstance(one, exp.Tuple) and isinstance(other, exp.Tuple) and len(one.expressions) == len(other.expressions):
        for left, right in zip(one.expressions, other.expressions, strict=True):
            yield from couples(left, right)
    else:
        yield one, other


def _measure(blocks: Blocks, graph: Graph, link: Link, measurements: Measurements) -> None:
    """Notes what is known of the sources that a join relates."""
    grouped: dict[tuple[str, str], list[tuple[End, End]]] = defaultdict(list)
    for one, other in link.pairs:
        grouped[one.alias, other.alias].append((one, other))
        grouped[other.alias, one.alias].append((other, one))
    for (near, far), pairs in grouped.items():
        columns: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
        for one, other in pairs:
            if one.origin is not None and other.origin is not None:
                columns[one.origin[0], other.origin[0]].add((one.origin[1], other.origin[1]))
        place = graph.block.places[far]
        if place.query is not None and _one_row_for(blocks, place, {other.column for _, other in pairs}):
            graph.steps[near, far] = ONE
        if place.source.kind != "table" and not _passes_rows_on(place):
            continue
        for tables, equal in columns.items():
            met = _least([*measurements.met(tables, equal), graph.steps.get((near, far))])
            if met is not None:
                graph.steps[near, far] = met


def _least(known: Iterable[FanOut | None]) -> FanOut | None:
    """The tightest of what is known, if anything is."""
    return min((each for each in known if each is not None), key=lambda each: each.max, default=None)


def _passes_rows_on(place: Place) -> bool:
    """Whether the rows of a derived table are rows of one governed table, each once, perhaps not all."""
    query = place.query
    for _ in range(MAX_PASSED):
        while isinstance(query, exp.Subquery):
            query = query.this
        if not isinstance(query, exp.Select) or query.args.get("with_") is not None:
            return False
        if any(query.args.get(clause) for clause in ("joins", "group", "having", "distinct", "limit", "offset")):
            return False
        if any(_changes_rows(projection) for projection in query.expressions):
            return False
        source = query.args["from_"].this if query.args.get("from_") is not None else None
        if isinstance(source, exp.Table):
            return "logical" in source.meta
        query = source
    return False


def _changes_rows(projection: exp.Expr) -> bool:
    """Whether an output numbers, aggregates or multiplies rows: a later condition may then make them few."""
    if projection.find(exp.Window) is not None:
        return True
    return any(function_name(call) in AGGREGATES | SETS for call in projection.find_all(exp.Anonymous))


def _one_row_for(blocks: Blocks, place: Place, columns: set[str]) -> bool:
    """Whether a derived table has at most one row for each value of these columns: it is grouped by no others."""
    query = place.query
    while isinstance(query, exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select) or place.node.alias_column_names:
        return False
    if query.parent is not None and query.parent.alias_column_names:
        return False
    names = {output_name(projection): projection.unalias() for projection in query.expressions}
    group = query.args.get("group")
    if group is None:
        distinct = query.args.get("distinct")
        return distinct is not None and distinct.args.get("on") is None and set(names) <= columns
    given = [names[name] for name in columns if name in names]

    def is_given(item: exp.Expr) -> bool:
        if isinstance(item, exp.Literal) and item.name.isdigit():
            return 0 < int(item.name) <= len(query.expressions) and meets(
                query.expressions[int(item.name) - 1].unalias()
            )
        if isinstance(item, exp.Column) and id(item) not in blocks.resolver.references:
            return item.name in names and meets(names[item.name])
        return meets(item)

    def meets(item: exp.Expr) -> bool:
        return any(_is_same(blocks, item, output) for output in given)

    return all(is_given(item.unnest()) for item in group.expressions)


def _is_same(blocks: Blocks, one: exp.Expr, other: exp.Expr) -> bool:
    first, second = (blocks.resolver.references.get(id(node)) for node in (one, other))
    if first is None or second is None:
        return one == other
    return first.sources == second.sources and first.output.name == second.output.name


def _without_matches(graph: Graph) -> None:
    """Left joins of which only the rows without a match are kept repeat nothing."""
    assert graph.block.select is not None
    where = graph.block.select.args.get("where")
    absent = {
        (part.this.text("table"), part.this.name)
        for part in conjuncts(where.this if where is not None else None)
        if isinstance(part, exp.Is) and isinstance(part.expression, exp.Null) and not part.args.get("negate")
    }
    for link in graph.links:
        keys = {(end.alias, end.column) for pair in link.pairs for end in pair if end.alias == link.alias}
        if link.node.side == "LEFT" and keys & absent:
            graph.steps |= {(other, link.alias): ONE for other in link.touched - {link.alias}}
