"""Cuts a join that repeats rows: the many side moves into a subquery that has one row for each row that it met.

Invariant: every aggregate over the many side keeps its value, and every one over the other side counts a row once.
"""

from collections.abc import Iterator
from typing import Final

from sqlglot import exp

from app.query.guard.join_rules import conjuncts
from app.query.joins.fan_out.aggregates import Inner
from app.query.joins.fan_out.analysis import Step, is_indifferent
from app.query.joins.fan_out.blocks import QUERIES, arguments
from app.query.joins.fan_out.draft import CannotError, Draft, Entry, aggregate_in, all_of, component, has_query
from app.query.joins.fan_out.graph import couples
from app.query.joins.fan_out.values import holds, is_null, unmatched

ONCE: Final = "repeated_by"
"""In the metadata of a call: the joins that repeat its rows, each of which is cut."""
_CLAUSES: Final = ("expressions", "group", "having", "order", "distinct", "windows")
_SETS: Final = (exp.GroupingSets, exp.Cube, exp.Rollup)


class Cut:
    """One join that is cut. `wider` are the joins of which the many side holds this one's: the calls they repeat."""

    def __init__(self, draft: Draft, step: Step, wider: frozenset[Step]) -> None:
        self.draft = draft
        self.select = draft.select
        self.wider = wider
        self.entries = draft.entries()
        sources, self.join = component(self.entries, *step)
        self.inner = Inner(draft, step[1], sources)
        self.leads = self.entries[0].alias in sources  # the many side stands first in FROM
        if self.join.alias != (step[0] if self.leads else step[1]):
            raise CannotError
        self.preserved = False  # all rows of the many side stay, also those which meet nothing
        self.moved: list[exp.Expr] = []
        self.kept_on: list[exp.Expr] = []
        self.kept_where: list[exp.Expr] = []

    def run(self) -> None:
        """Changes the SELECT. Raises `CannotError` where it cannot be done with certainty."""
        where = self.select.args.get("where")
        conditions = list(conjuncts(where.this if where is not None else None))
        outer = self.join.node.args.get("side") == "LEFT"
        self.preserved = outer and self.leads
        self.inner.nullable = outer and not self.leads and not self._is_met(conditions)
        self._share_join()
        self._share_where(conditions)
        self._find_groups()
        for clause in _CLAUSES:
            self._replace_in(clause)
        kept = [[self._replaced(part) for part in parts] for parts in (self.kept_on, self.kept_where)]
        self._assemble(*kept)

    # -- FROM and WHERE ----------------------------------------------------------------------------------------------

    def _is_met(self, conditions: list[exp.Expr]) -> bool:
        """Whether rows without a match are dropped again, so that the LEFT JOIN is an inner one."""
        inner = self.inner
        joins = [entry for entry in self._moving() if entry is not self.join]
        if not all(map(self._needs_others, joins)):
            raise CannotError
        if any(holds(unmatched(part, inner.is_empty)) is False for part in conditions):
            return True
        return not all(entry.node.args.get("side") for entry in joins)

    def _needs_others(self, entry: Entry) -> bool:
        """Whether a join of the many side finds nothing for a row of which all before it is NULL."""

        def is_empty(column: exp.Column) -> bool:
            return column.text("table") != entry.alias and self.inner.is_empty(column)

        parts = conjuncts(entry.node.args.get("on"))
        return any(holds(unmatched(part, is_empty)) is False for part in parts)

    def _moving(self) -> Iterator[Entry]:
        return (entry for entry in self.entries if entry.alias in self.inner.sources)

    def _share_join(self) -> None:
        """Shares the condition of the cut join out."""
        parts = list(conjuncts(self.join.node.args.get("on")))
        for part in parts:
            if isinstance(part, exp.EQ):
                for one, other in couples(part.this, part.expression):
                    self._find_key(one, other)
        if not self.inner.groups:
            raise CannotError
        for part in parts:
            inside = bool(self.inner.inside(part))
            if inside and self.draft.aliases(part) <= self.inner.sources:
                if self.preserved:
                    raise CannotError
                self.moved.append(part)
            elif self.inner.holds_all(part):
                self.kept_on.append(part)
            else:
                raise CannotError

    def _find_key(self, one: exp.Expr, other: exp.Expr) -> None:
        for column, value in ((one, other), (other, one)):
            inside = isinstance(column, exp.Column) and self.inner.inside(column)
            if inside and self.draft.aliases(value) and not self.inner.inside(value):
                self.inner.group(column)

    def _share_where(self, conditions: list[exp.Expr]) -> None:
        for part in conditions:
            if not self.inner.inside(part):
                self.kept_where.append(part)
            elif self.draft.aliases(part) <= self.inner.sources and not self.inner.nullable:
                self.moved.append(part)
            elif self.inner.holds_all(part):
                self.kept_where.append(part)
            else:
                raise CannotError

    # -- GROUP BY and what follows it --------------------------------------------------------------------------------

    def _find_groups(self) -> None:
        """What GROUP BY takes of the many side becomes group columns: in each group a row is met once still."""
        group = self.select.args.get("group")
        for item in group.expressions if group is not None else []:
            node = self._meant(item.unnest())
            if not self.inner.inside(node) or self.inner.holds_all(node):
                continue
            if isinstance(item, _SETS) or not self.draft.aliases(node) <= self.inner.sources or has_query(node):
                raise CannotError
            if self.inner.nullable and not is_null(unmatched(node, self.inner.is_empty)):
                raise CannotError
            if aggregate_in(node) is not None:
                raise CannotError
            self.inner.group(node)
        if group is not None and any(isinstance(item, _SETS) and self.inner.inside(item) for item in group.expressions):
            raise CannotError

    def _meant(self, item: exp.Expr) -> exp.Expr:
        """The expression that an item of GROUP BY means: itself, or an output column by its position or name."""
        outputs = self.select.expressions
        if isinstance(item, exp.Literal) and not item.is_string and item.name.isdigit():
            position = int(item.name)
            return outputs[position - 1].unalias() if 0 < position <= len(outputs) else item
        if isinstance(item, exp.Column) and not item.text("table"):
            named = [node.unalias() for node, name in zip(outputs, self.draft.names, strict=True) if name == item.name]
            return named[0].unnest() if named else item
        return item

    def _replace_in(self, clause: str) -> None:
        value = self.select.args.get(clause)
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, exp.Expr):
                replaced = self._replaced(part)
                if replaced is not part:
                    part.replace(replaced)

    def _replaced(self, node: exp.Expr, *, nested: bool = False) -> exp.Expr:
        """The node with the columns of the subquery in place of what has moved there."""
        if not nested:
            call = aggregate_in(node)
            if call is not None:
                return self._aggregate(node, call)
        known = self.inner.grouped(node) if isinstance(node, exp.Column) or not nested else None
        if known is not None:
            return known
        if isinstance(node, exp.Column) and self.inner.inside(node):
            raise CannotError
        self._replace_below(node, nested=nested or isinstance(node, QUERIES))
        return node

    def _replace_below(self, node: exp.Expr, *, nested: bool = False) -> None:
        for child in list(node.iter_expressions()):
            if isinstance(node, exp.Window) and child.arg_key == "this":
                if not isinstance(child, exp.Anonymous):
                    raise CannotError
                self._replace_below(child, nested=nested)  # over groups: what it takes has been aggregated
                continue
            replaced = self._replaced(child, nested=nested)
            if replaced is not child:
                child.replace(replaced)

    def _aggregate(self, node: exp.Expr, call: exp.Anonymous) -> exp.Expr:
        inner = self.inner
        sources = self.draft.aliases(*arguments(call))
        if is_indifferent(call) and inner.holds_all(node):
            self._replace_below(node)
            return node
        if sources and not sources & inner.sources:
            if not is_indifferent(call) and not self._comes_once(call):
                raise CannotError
            self._replace_below(node)
            return node
        if not sources <= inner.sources:
            raise CannotError
        return inner.combined(node, call)

    def _comes_once(self, call: exp.Anonymous) -> bool:
        """Whether the cut leaves each row once that a call over the other side reads."""

        def is_empty(column: exp.Column) -> bool:
            return self.draft.owns(column) and not self.inner.is_empty(column)

        if not self.wider & call.meta.get(ONCE, frozenset()):
            return False  # nobody knows how often its rows come
        # A row of the many side that meets nothing gives nothing, or else it would count as often as there are such.
        return not self.preserved or any(is_null(unmatched(part, is_empty)) for part in arguments(call))

    # -- the statement anew ------------------------------------------------------------------------------------------

    def _assemble(self, on: list[exp.Expr], where: list[exp.Expr]) -> None:
        moving = list(self._moving())
        staying = [entry for entry in self.entries if entry.alias not in self.inner.sources]
        first = moving[0].node
        query = exp.Subquery(this=self._query(first.this, [entry.node for entry in moving[1:]]))
        self.draft.give_alias(query, self.inner.alias)
        first.set("this", query)
        join = self.join.node
        join.set("on", all_of(on))
        if not self.leads and not self.inner.nullable:
            join.set("side", None)
            join.set("kind", None)
        nodes = [entry.node for entry in self.entries if entry is moving[0] or entry in staying]
        self.select.set("joins", nodes[1:])
        self.select.set("where", exp.Where(this=all_of(where)) if where else None)

    def _query(self, first: exp.Expr, joins: list[exp.Expr]) -> exp.Select:
        outputs: list[exp.Expr] = [
            node.copy() if isinstance(node, exp.Column) and node.name == name else _named(node.copy(), name)
            for node, name in self.inner.groups.items()
        ]
        outputs += [_named(node, name) for node, name in self.inner.computed.items()]
        query = exp.Select(expressions=outputs, from_=exp.From(this=first), joins=joins)
        if self.moved:
            query.set("where", exp.Where(this=all_of(self.moved)))
        query.set("group", exp.Group(expressions=[node.copy() for node in self.inner.groups]))
        return query


def _named(node: exp.Expr, name: str) -> exp.Alias:
    return exp.Alias(this=node, alias=exp.Identifier(this=name, quoted=True))
