"""Aggregates in two steps: what a subquery computes for each group of rows, and what is made of that outside."""

from dataclasses import dataclass, field
from typing import Final

from sqlglot import exp

from app.query.guard.grammar import function_name
from app.query.guard.join_rules import conjuncts
from app.query.guard.scanner import word_set
from app.query.joins.fan_out.blocks import arguments, is_distinct
from app.query.joins.fan_out.draft import CannotError, Draft, all_of, has_query
from app.query.joins.fan_out.values import holds, is_integer, is_null, unmatched

SAME_AGAIN: Final = word_set("sum min max any_value bool_and bool_or every bit_and bit_or")
"""Aggregates of which the whole is the aggregate of the parts."""
_REAL: Final = frozenset({"real", "float4"})
_ROWS: Final = "row_count"


@dataclass(slots=True)
class Inner:
    """The subquery that takes the place of `sources`: its group columns, and what it computes for each group.

    `nullable` says that a row outside may meet no group, by a LEFT JOIN.
    """

    draft: Draft
    alias: str
    sources: set[str]
    nullable: bool = False
    groups: dict[exp.Expr, str] = field(default_factory=dict)
    computed: dict[exp.Expr, str] = field(default_factory=dict)

    def group(self, node: exp.Expr) -> None:
        """Makes a column or an expression a group column."""
        if self.grouped(node) is None:
            wish = node.name if isinstance(node, exp.Column) else "group_key"
            met = set(self.groups.values())
            name = wish if isinstance(node, exp.Column) and wish not in met else self.draft.fresh(wish)
            self.groups[node.copy()] = name
            self._note(name, node)

    def grouped(self, node: exp.Expr) -> exp.Column | None:
        """The column outside that holds a group column."""
        if isinstance(node, exp.Column) and not self.draft.owns(node):
            return None
        if not any(type(known) is type(node) for known in self.groups):
            return None
        name = self.groups.get(node)
        return self.draft.column(self.alias, name) if name is not None else None

    def holds_all(self, *nodes: exp.Expr) -> bool:
        """Whether all that the nodes read of the sources are group columns."""
        return all(self.grouped(column) is not None for column in self.inside(*nodes))

    def inside(self, *nodes: exp.Expr) -> list[exp.Column]:
        """The columns below the nodes that are of the sources."""
        return [column for column in self.draft.columns(*nodes) if column.text("table") in self.sources]

    def compute(self, call: exp.Expr, wish: str) -> exp.Column:
        """The column outside that holds an aggregate of each group."""
        if call not in self.computed:
            self.computed[call] = self.draft.fresh(wish)
        return self.draft.column(self.alias, self.computed[call])

    def rows(self) -> exp.Column:
        """The column outside that holds the number of rows of each group; it is NULL where no group was met."""
        return self.compute(exp.Anonymous(this="count", expressions=[exp.Star()]), _ROWS)

    def is_empty(self, column: exp.Column) -> bool:
        """Whether a column is NULL where no group was met."""
        return self.draft.owns(column) and column.text("table") in self.sources

    def _note(self, name: str, node: exp.Expr) -> None:
        kind = is_integer(node, self.draft.types)
        if kind is not None:
            self.draft.types[self.alias, name] = "integer" if kind else "numeric"

    # -- aggregates --------------------------------------------------------------------------------------------------

    def combined(self, node: exp.Expr, call: exp.Anonymous) -> exp.Expr:
        """An aggregate over the sources, made of what the subquery computes. Raises `CannotError`."""
        name = function_name(call) or ""
        if is_distinct(call) or any(isinstance(part, exp.Order) for part in call.expressions):
            raise CannotError
        if isinstance(call.parent, exp.WithinGroup) or has_query(node):
            raise CannotError
        once = _Once(self, node, call)
        if name == "count":
            return once.count()
        if name == "avg":
            return once.average()
        if name in SAME_AGAIN and len(call.expressions) == 1:
            return once.same(name)
        raise CannotError


class _Once:
    """One aggregate call on its way into the subquery."""

    def __init__(self, inner: Inner, node: exp.Expr, call: exp.Anonymous) -> None:
        self.inner = inner
        self.node = node
        self.call = call
        first = arguments(call)[0]
        counts_rows = function_name(call) == "count" and not inner.inside(first)
        if counts_rows and not isinstance(first, (exp.Star, exp.Literal)):
            raise CannotError  # count(NULL)
        self.argument = None if counts_rows else first
        self.within: list[exp.Expr] = []
        self.without: list[exp.Expr] = []
        for part in conjuncts(node.expression.this) if isinstance(node, exp.Filter) else ():
            if not inner.inside(part):
                self.without.append(part)
            elif inner.draft.aliases(part) <= inner.sources:
                self.within.append(part)
            else:
                raise CannotError

    def count(self) -> exp.Expr:
        """count: the sum of the counts, of the type that count has."""
        return _bigint(_call("coalesce", self._total(self._counts()), exp.Literal.number(0)))

    def average(self) -> exp.Expr:
        """avg: the sum of the sums by the sum of the counts."""
        assert self.argument is not None
        argument = self.argument
        types = self.inner.draft.types
        if any(types.get((column.text("table"), column.name)) in _REAL for column in self.inner.inside(argument)):
            argument = exp.Cast(this=argument.copy(), to=exp.DataType.build("double"))
        sums = self._total(self._value("sum", argument))
        counts = _call("nullif", self._total(self._counts()), exp.Literal.number(0))
        quotient = exp.Div(this=sums, expression=counts, typed=True, safe=False)
        return quotient if isinstance(self.node.parent, (exp.Select, exp.Alias)) else exp.Paren(this=quotient)

    def same(self, name: str) -> exp.Expr:
        """sum, min, max and their like: the same again of what the groups have."""
        assert self.argument is not None
        total = self._total(self._value(name, self.argument), name)
        if name != "sum":
            return total
        integer = is_integer(self.argument, self.inner.draft.types)
        if integer is None and _is_divided(self.node):
            raise CannotError
        return _bigint(total) if integer else total

    def _counts(self) -> exp.Expr:
        if self.argument is None:
            return self._value("count", None)
        return self._value("count", self.argument)

    def _value(self, name: str, argument: exp.Expr | None) -> exp.Expr:
        """What an outer row holds of its group; of no group, what the row without a match would have given."""
        call: exp.Expr = exp.Anonymous(this=name, expressions=[exp.Star() if argument is None else argument.copy()])
        if self.within:
            condition = all_of([part.copy() for part in self.within])
            call = exp.Filter(this=call, expression=exp.Where(this=condition))
        plain = next((column.name for column in argument.find_all(exp.Column)), "value") if argument is not None else ""
        column = self.inner.compute(call, f"{name}_{plain}" if plain and argument is not None else _ROWS)
        self._note(column.name, name, argument)
        empty = self._of_no_match(name, argument)
        if empty is None:
            return column
        if argument is None and not self.within:
            return _call("coalesce", column, empty)
        missing = exp.Is(this=self.inner.rows(), expression=exp.Null())
        return exp.Case(ifs=[exp.If(this=missing, true=empty.copy())], default=column)

    def _note(self, column: str, name: str, argument: exp.Expr | None) -> None:
        kind = (
            is_integer(argument, self.inner.draft.types) if argument is not None and name in {"min", "max"} else False
        )
        if kind is not None:
            self.inner.draft.types[self.inner.alias, column] = "integer" if kind else "numeric"

    def _of_no_match(self, name: str, argument: exp.Expr | None) -> exp.Expr | None:
        """What a row without a match gives to the aggregate; None for nothing."""
        inner = self.inner
        if not inner.nullable:
            return None
        kept = [holds(unmatched(part, inner.is_empty)) for part in self.within]
        if False in kept:
            return None
        value = exp.Literal.number(1) if argument is None else unmatched(argument, inner.is_empty)
        if value is None or None in kept:
            raise CannotError
        if is_null(value):
            return None
        return exp.Literal.number(1) if name == "count" else value

    def _total(self, value: exp.Expr, name: str = "sum") -> exp.Expr:
        total = _call(name, value)
        total.meta.update(self.call.meta)
        if not self.without:
            return total
        condition = all_of([part.copy() for part in self.without])
        return exp.Filter(this=total, expression=exp.Where(this=condition))


def _call(name: str, *parts: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(parts))


def _bigint(value: exp.Expr) -> exp.Cast:
    return exp.Cast(this=value, to=exp.DataType.build("bigint"))


def _is_divided(node: exp.Expr) -> bool:
    """Whether the result is divided, where a bigint would give another answer than a numeric."""
    current = node.parent
    while current is not None and not isinstance(current, exp.Select):
        if isinstance(current, (exp.Div, exp.Mod)):
            return True
        current = current.parent
    return False
