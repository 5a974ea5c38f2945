"""The SELECTs of a resolved statement: for each its sources, its aggregate calls, and the columns that read it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from app.query.guard.functions import AGGREGATES
from app.query.guard.grammar import function_name
from app.query.guard.resolver import Resolver
from app.query.guard.scopes import Source

QUERIES: Final = (exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery)

Ctes = dict[str, exp.Expr]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A source where it stands in FROM; `query` is the query that makes its rows, behind a CTE's name too."""

    node: exp.Expr
    source: Source
    query: exp.Expr | None


@dataclass(slots=True, eq=False)
class Block:
    """A SELECT; without one it stands for a scope that has no sources (the ORDER BY of a UNION)."""

    outer: "Block | None"
    select: exp.Select | None = None
    places: dict[str, Place] = field(default_factory=dict)
    calls: list[exp.Anonymous] = field(default_factory=list)
    nested: list["Block"] = field(default_factory=list)

    @property
    def grouped(self) -> bool:
        """Whether its rows are groups."""
        select = self.select
        assert select is not None
        return any(select.args.get(clause) for clause in ("group", "having")) or any(
            window_of(call) is None for call in self.calls
        )


@dataclass(slots=True)
class Blocks:
    """All blocks of a statement; `meanings` tells by the identity of a column node which block and sources it reads."""

    resolver: Resolver
    found: list[Block] = field(default_factory=list)
    meanings: dict[int, tuple[Block, tuple[str, ...]]] = field(default_factory=dict)

    @classmethod
    def of(cls, tree: exp.Expr, resolver: Resolver) -> "Blocks":
        """The blocks of a resolved tree."""
        blocks = cls(resolver)
        blocks._query(tree, None, {})
        return blocks

    def read_by(self, node: exp.Expr, block: Block) -> Iterator[tuple[exp.Column, tuple[str, ...]]]:
        """The columns below a node that read sources of the block, with these sources."""
        for column in node.find_all(exp.Column):
            owner, aliases = self.meanings.get(id(column), (None, ()))
            if owner is block:
                yield column, aliases

    def _query(self, node: exp.Expr, outer: Block | None, ctes: Ctes) -> None:
        clause = node.args.get("with_")
        if clause is not None:
            ctes = dict(ctes)
            for cte in clause.expressions:
                self._query(cte.this, outer, ctes)
                ctes[cte.alias] = cte.this
        if isinstance(node, exp.Select):
            self._select(node, outer, ctes)
            return
        self._query(node.this, outer, ctes)
        if not isinstance(node, exp.Subquery):
            self._query(node.expression, outer, ctes)
        order = node.args.get("order")
        if order is not None:
            self._expression(order, Block(outer), ctes)

    def _select(self, node: exp.Select, outer: Block | None, ctes: Ctes) -> None:
        block = Block(outer, node)
        self.found.append(block)
        if outer is not None:
            outer.nested.append(block)
        for entry in [node.args.get("from_"), *(node.args.get("joins") or [])]:
            if entry is not None:
                self._source(entry.this, block, ctes)
        for join in node.args.get("joins") or []:
            if join.args.get("on") is not None:
                self._expression(join.args["on"], block, ctes)
        for clause, value in node.args.items():
            if clause not in {"from_", "joins", "with_"}:
                for part in value if isinstance(value, list) else [value]:
                    if isinstance(part, exp.Expr):
                        self._expression(part, block, ctes)

    def _source(self, node: exp.Expr, block: Block, ctes: Ctes) -> None:
        query: exp.Expr | None = None
        if isinstance(node, exp.Subquery):
            query = node
            self._query(node, block.outer, ctes)
        elif isinstance(node, exp.Values):
            for row in node.expressions:
                self._expression(row, Block(block.outer), ctes)
        elif isinstance(node.this, exp.Anonymous):
            self._expression(node.this, block, ctes)
        elif "logical" not in node.meta:
            query = ctes.get(node.name)
        source = self.resolver.sources.get(id(node))
        if source is not None:
            block.places[source.alias] = Place(node, source, query)

    def _expression(self, root: exp.Expr, block: Block, ctes: Ctes) -> None:
        stack = [root]
        while stack:
            node = stack.pop()
            if isinstance(node, exp.Column):
                self._column(node, block)
            elif isinstance(node, QUERIES):
                self._query(node, block, ctes)
            else:
                if isinstance(node, exp.Anonymous) and function_name(node) in AGGREGATES:
                    block.calls.append(node)
                stack.extend(reversed(list(node.iter_expressions())))

    def _column(self, node: exp.Column, block: Block) -> None:
        reference = self.resolver.references.get(id(node))
        if reference is None:
            return  # the name of an output column
        owner: Block | None = block
        for _ in range(reference.depth):
            owner = owner.outer if owner is not None else None
        if owner is not None:
            self.meanings[id(node)] = owner, tuple(source.alias for source in reference.sources)


def whole_call(call: exp.Expr) -> exp.Expr:
    """The call with its FILTER and WITHIN GROUP."""
    node = call
    while isinstance(node.parent, (exp.Filter, exp.WithinGroup)) and node.arg_key == "this":
        node = node.parent
    return node


def window_of(call: exp.Expr) -> exp.Window | None:
    """The window that a call is computed over; None for a plain aggregate."""
    node = whole_call(call)
    return node.parent if isinstance(node.parent, exp.Window) and node.arg_key == "this" else None


def arguments(call: exp.Anonymous) -> list[exp.Expr]:
    """What a call aggregates, without the order in which it takes it; of WITHIN GROUP the ordered expressions."""
    parts: list[exp.Expr] = []
    for part in call.expressions:
        parts += part.expressions if isinstance(part, exp.Distinct) else [part]
    parts = [part.this if isinstance(part, exp.Order) else part for part in parts]
    parent = call.parent
    return [*parts, parent.expression] if isinstance(parent, exp.WithinGroup) else parts


def is_distinct(call: exp.Anonymous) -> bool:
    """Whether a call takes each value once."""
    return any(isinstance(part, exp.Distinct) for part in call.expressions)
