"""A SELECT that is being corrected: a copy whose columns all carry their source's alias and a mark of their SELECT.

Invariant: a column of the SELECT is known by its mark alone, wherever it stands: in a subquery, in a moved condition.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

from sqlglot import exp

from app.query.guard.functions import AGGREGATES
from app.query.guard.grammar import function_name
from app.query.guard.naming import output_name
from app.query.joins.fan_out.blocks import QUERIES, Block, Blocks
from app.query.joins.fan_out.graph import Graph

_MARK: Final = "select"
_ALIAS: Final = "alias"
_ALL: Final = "all_aliases"
MAX_NAME: Final = 50


class CannotError(Exception):
    """No certain correction is known."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of FROM: the source, where it stands, and the sources that its condition or arguments read."""

    alias: str
    node: exp.Expr
    touched: frozenset[str]


@dataclass(slots=True)
class Draft:
    """The SELECT, the types of its columns by alias and name, and all names that the statement uses."""

    select: exp.Select
    mark: int
    names: tuple[str, ...]
    types: dict[tuple[str, str], str]
    taken: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, graph: Graph, blocks: Blocks, twins: Mapping[int, exp.Expr], taken: set[str]) -> "Draft":
        """The draft of a block in the copy that `twins` leads to. Raises `CannotError`."""
        block = graph.block
        select = twins[id(block.select)]
        assert isinstance(select, exp.Select)
        draft = cls(select, id(block), tuple(map(output_name, select.expressions)), _types(block, blocks), taken)
        for alias, place in block.places.items():
            if not place.source.named:
                raise CannotError
            twins[id(place.node)].meta[_ALIAS] = alias
        assert block.select is not None
        for column, aliases in blocks.read_by(block.select, block):
            draft.qualify(twins[id(column)], aliases, block)
        for link in graph.links:
            join = twins[id(link.node)]
            if join.args.get("using"):
                equal = [
                    exp.EQ(this=draft.column(one.alias, one.column), expression=draft.column(other.alias, other.column))
                    for one, other in link.pairs
                ]
                join.set("using", None)
                join.set("on", all_of(equal))
        return draft

    def qualify(self, column: exp.Expr, aliases: tuple[str, ...], block: Block) -> None:
        """Gives a column its alias and mark. Raises `CannotError` where a subquery has another source of that alias."""
        if not column.text("table"):
            inner = column.find_ancestor(exp.Select)
            if inner is not self.select and any(aliases[0] in nested.places for nested in _below(block)):
                raise CannotError
            column.set("table", exp.Identifier(this=aliases[0], quoted=True))
        column.meta[_MARK] = self.mark
        column.meta[_ALL] = aliases

    def column(self, alias: str, name: str) -> exp.Column:
        """A new column of the SELECT."""
        column = exp.column(exp.Identifier(this=name, quoted=True), exp.Identifier(this=alias, quoted=True))
        column.meta[_MARK] = self.mark
        return column

    def check_nested(self) -> None:
        """Raises `CannotError` when a call in a subquery aggregates rows of this SELECT: it may be one of its own."""
        for query in self.select.find_all(*QUERIES):
            calls = query.find_all(exp.Anonymous) if query is not self.select else ()
            if any(aggregate_in(call) is not None and any(self.columns(call)) for call in calls):
                raise CannotError

    def columns(self, *nodes: exp.Expr) -> Iterator[exp.Column]:
        """The columns of this SELECT below the nodes."""
        for node in nodes:
            for column in node.find_all(exp.Column):
                if self.owns(column):
                    yield column

    def owns(self, column: exp.Expr) -> bool:
        """Whether a column is of this SELECT."""
        return bool(column.meta.get(_MARK) == self.mark)

    def aliases(self, *nodes: exp.Expr) -> set[str]:
        """The sources that the nodes read; one of USING reads both sides."""
        found: set[str] = set()
        for column in self.columns(*nodes):
            found.add(column.text("table"))
            found.update(column.meta.get(_ALL, ()))
        return found

    def entries(self) -> list[Entry]:
        """FROM as it stands now."""
        found = [Entry(self.alias_of(self.select.args["from_"].this), self.select.args["from_"], frozenset())]
        for join in self.select.args.get("joins") or []:
            alias, on = self.alias_of(join.this), join.args.get("on")
            parts = [part for part in (on, join.this.this) if part is on or isinstance(part, exp.Anonymous)]
            touched = {column.text("table") for column in self.columns(*filter(None, parts))}
            found.append(Entry(alias, join, frozenset(touched | {alias})))
        return found

    @staticmethod
    def alias_of(source: exp.Expr) -> str:
        """The alias of a source in FROM."""
        return str(source.meta[_ALIAS])

    @staticmethod
    def give_alias(source: exp.Expr, alias: str) -> None:
        """Names a new source."""
        source.set("alias", exp.TableAlias(this=exp.Identifier(this=alias, quoted=True)))
        source.meta[_ALIAS] = alias

    def fresh(self, wish: str) -> str:
        """A name like `wish` that the statement does not use yet."""
        wish = wish[:MAX_NAME]
        name = wish
        number = 2
        while name in self.taken:
            name = f"{wish}_{number}"
            number += 1
        self.taken.add(name)
        return name

    def keep_names(self) -> None:
        """The output columns get the names back that PostgreSQL gave them before."""
        projections = list(self.select.expressions)
        for index, (projection, name) in enumerate(zip(projections, self.names, strict=True)):
            if output_name(projection) != name:
                alias = exp.Identifier(this=name, quoted=True)
                projections[index] = exp.Alias(this=projection.unalias(), alias=alias)
        self.select.set("expressions", projections)


def component(entries: list[Entry], near: str, far: str) -> tuple[set[str], Entry]:
    """The sources that hang on `far` when its join with `near` is cut, and that join. Raises `CannotError`."""
    cut = next((entry for entry in reversed(entries) if entry.alias in {near, far}), None)
    if cut is None or {near, far} - cut.touched:
        raise CannotError
    reached, grown = {far}, True
    while grown:
        grown = False
        for entry in entries:
            if entry is not cut and reached & entry.touched and not entry.touched <= reached:
                reached |= entry.touched
                grown = True
    if near in reached:
        raise CannotError
    return reached, cut


def all_of(conditions: Iterable[exp.Expr]) -> exp.Expr:
    """The conditions joined by AND; there is at least one."""
    wrapped = [exp.Paren(this=part) if isinstance(part, exp.Connector) else part for part in conditions]
    return reduce(lambda left, right: exp.And(this=left, expression=right), wrapped)


def aggregate_in(node: exp.Expr) -> exp.Anonymous | None:
    """The call of an aggregate with its FILTER and WITHIN GROUP; None for any other node."""
    inner = node
    while isinstance(inner, (exp.Filter, exp.WithinGroup)):
        inner = inner.this
    return inner if isinstance(inner, exp.Anonymous) and function_name(inner) in AGGREGATES else None


def has_query(*nodes: exp.Expr) -> bool:
    """Whether a subquery stands below the nodes."""
    return any(node.find(*QUERIES) is not None for node in nodes)


def _below(block: Block) -> Iterator[Block]:
    for nested in block.nested:
        yield nested
        yield from _below(nested)


def _types(block: Block, blocks: Blocks) -> dict[tuple[str, str], str]:
    relations = blocks.resolver.catalog.relations
    columns = [(alias, column) for alias, place in block.places.items() for column in place.source.columns]
    drawn = {column.origin[0] for _, column in columns if column.origin is not None}
    declared = {name: {column.name: column.type for column in relations[name].columns} for name in drawn}
    return {
        (alias, column.name): declared[column.origin[0]][column.origin[1]]
        for alias, column in columns
        if column.origin is not None
    }
