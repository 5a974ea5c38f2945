"""Which relations a statement relates, by which columns, and whether its join conditions really relate them.

Invariant: a join is constrained only if some conjunct of its condition compares the new side with the sides before it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from app.query.guard.findings import UsedJoin
from app.query.guard.relations import AcceptedJoin
from app.query.guard.scopes import Output, Reference, Scope, Source

_ORDERINGS: Final = (exp.GT, exp.GTE, exp.LT, exp.LTE)
# What is true or false: two such values are equal for about half of all pairs, so their equality relates nothing.
_CONDITIONS: Final = (exp.Predicate, exp.Escape, exp.Not, exp.Connector)
_QUERIES: Final = (exp.Select, exp.SetOperation, exp.Subquery)

Pair = tuple[tuple[str, str], tuple[str, str]]  # ((left table, column), (right table, column))


@dataclass(frozen=True, slots=True)
class Relation:
    """The earlier sources that a condition compares a new source with, and the equalities traced to both."""

    earlier: tuple[Source, ...]
    pairs: tuple[Pair, ...]


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """The parts of a condition that must all hold."""
    stack = [condition] if condition is not None else []
    while stack:
        node = stack.pop()
        while isinstance(node, exp.Paren):
            node = node.this
        if isinstance(node, exp.And):
            stack.extend((node.expression, node.this))
        else:
            yield node


def relate(on: exp.Expr, right: Source, scope: Scope, references: Mapping[int, Reference]) -> Relation | None:
    """The way in which `on` relates `right` to the sources before it in `scope`; None when it does not."""
    earlier: list[Source] = []
    pairs: list[Pair] = []
    for part in conjuncts(on):
        if isinstance(part, exp.Or):
            branches = [relate(branch, right, scope, references) for branch in (part.this, part.expression)]
            for branch in branches if all(branches) else []:
                earlier.extend(branch.earlier if branch is not None else ())
            continue
        compared = _compared(part, right, scope, references)
        earlier.extend(compared)
        if isinstance(part, exp.EQ) and compared:
            pairs.extend(_traced(part, right, references))
    return Relation(tuple(dict.fromkeys(earlier)), tuple(pairs)) if earlier else None


def _compared(part: exp.Expr, right: Source, scope: Scope, references: Mapping[int, Reference]) -> tuple[Source, ...]:
    """The earlier sources that a comparison holds against `right`, which a range does only beside a lookup table."""
    if isinstance(part, exp.EQ):
        couples = _couples(part.this, part.expression)
        return tuple(source for couple in couples for source in _held(couple, right, scope, references))
    if isinstance(part, exp.Between):
        found = _held((part.this, part.args["low"], part.args["high"]), right, scope, references)
    elif isinstance(part, _ORDERINGS):
        found = _held((part.this, part.expression), right, scope, references)
    else:
        return ()
    return found if found and _is_lookup(right, found) else ()


def _couples(one: exp.Expr, other: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]]:
    """What an equality makes equal: (a, b) = (c, d) says a = c and b = d, and no more."""
    one, other = _bare(one), _bare(other)
    if isinstance(one, exp.Tuple) and isinstance(other, exp.Tuple) and len(one.expressions) == len(other.expressions):
        each = zip(one.expressions, other.expressions, strict=True)
        return [couple for left, right in each for couple in _couples(left, right)]
    return [(one, other)]


def _held(
    operands: Sequence[exp.Expr], right: Source, scope: Scope, references: Mapping[int, Reference]
) -> tuple[Source, ...]:
    """The earlier sources that some operands hold against `right`: nothing unless each operand stays on its side."""
    sides = [_side(operand, references) for operand in operands]
    if any(side is None for side in sides):
        return ()
    ours = [side for side in sides if side and all(source is right for source in side)]
    theirs = [side for side in sides if side and all(source is not right for source in side)]
    if not ours or not theirs or len(ours) + len(theirs) < sum(1 for side in sides if side):
        return ()
    found = tuple(dict.fromkeys(source for side in theirs for source in side if side is not None))
    return found if all(source in scope.sources.values() for source in found) else ()


def _is_lookup(right: Source, earlier: tuple[Source, ...]) -> bool:
    """Whether a range alone may relate the sides: one of them is written in the statement, and so is a lookup table.

    Two long series under a range would be a cross join in all but name; two VALUES lists are short.
    """
    if right.kind == "values" and all(source.kind == "values" for source in earlier):
        return True
    return right.bounded != all(source.bounded for source in earlier)


def _side(operand: exp.Expr, references: Mapping[int, Reference]) -> tuple[Source, ...] | None:
    """The sources that an operand reads in this very query; None when that is not certain."""
    value = operand
    while isinstance(value, (exp.Paren, exp.Cast)):
        value = value.this
    if (isinstance(value, _CONDITIONS) and not isinstance(value, exp.Any)) or operand.find(*_QUERIES) is not None:
        return None
    found: list[Source] = []
    for column in operand.find_all(exp.Column):
        reference = references.get(id(column))
        if reference is None:
            return None
        if reference.depth == 0:
            found.extend(reference.sources)
    return tuple(found)


def _traced(part: exp.Expr, right: Source, references: Mapping[int, Reference]) -> list[Pair]:
    """The pairs of governed columns that an equality makes equal, when both operands are plain columns."""
    pairs: list[Pair] = []
    for couple in _couples(part.this, part.expression):
        first, second = (references.get(id(_bare(operand))) for operand in couple)
        if first is None or second is None:
            continue
        if any(source is right for source in first.sources) and all(source is not right for source in second.sources):
            first, second = second, first
        if first.output.origin is not None and second.output.origin is not None:
            pairs.append((first.output.origin, second.output.origin))
    return pairs


def _bare(operand: exp.Expr) -> exp.Expr:
    while isinstance(operand, exp.Paren):
        operand = operand.this
    return operand


def used(relation: Relation, right: Source, kind: str) -> list[UsedJoin]:
    """The joins between governed tables that a relation makes."""
    tables = [table for source in relation.earlier for table in source.tables]
    return _grouped(relation.pairs, tables, right.tables, kind)


def used_by_using(pairs: Sequence[tuple[Reference, Output]], right: Source, kind: str) -> list[UsedJoin]:
    """The joins between governed tables made by USING."""
    traced = [(left.output.origin, inner.origin) for left, inner in pairs if left.output.origin and inner.origin]
    tables = [table for left, _ in pairs for source in left.sources if source is not right for table in source.tables]
    return _grouped(traced, tables, right.tables, kind)


def used_by_membership(
    operand: exp.Expr, outputs: Sequence[Output], tables: frozenset[str], references: Mapping[int, Reference]
) -> list[UsedJoin]:
    """The joins made by `x IN (SELECT …)`."""
    operand = _bare(operand)
    operands = operand.expressions if isinstance(operand, exp.Tuple) else [operand]
    pairs: list[Pair] = []
    outer: list[str] = []
    for column, output in zip(operands, outputs, strict=False):
        for found in column.find_all(exp.Column):
            reference = references.get(id(found))
            outer.extend(table for source in (reference.sources if reference else ()) for table in source.tables)
        reference = references.get(id(_bare(column)))
        if reference is not None and reference.output.origin is not None and output.origin is not None:
            pairs.append((reference.output.origin, output.origin))
    return _grouped(pairs, outer, tables, "in")


def used_by_correlation(
    where: exp.Expr | None, outer: Sequence[Reference], scope: Scope, references: Mapping[int, Reference]
) -> list[UsedJoin]:
    """The joins that a subquery makes with the queries around it."""
    pairs: list[Pair] = []
    for part in conjuncts(where.this if where is not None else None):
        if not isinstance(part, exp.EQ):
            continue
        sides = [references.get(id(_bare(operand))) for operand in (part.this, part.expression)]
        if sides[0] is None or sides[1] is None or (sides[0].depth == 0) == (sides[1].depth == 0):
            continue
        inside, outside = sorted((sides[0], sides[1]), key=lambda reference: reference.depth)
        if inside.output.origin is not None and outside.output.origin is not None:
            pairs.append((outside.output.origin, inside.output.origin))
    inner = frozenset(table for source in scope.sources.values() for table in source.tables)
    around = [table for reference in outer for source in reference.sources for table in source.tables]
    return _grouped(pairs, around, inner, "correlated")


def _grouped(
    pairs: Iterable[Pair], left_tables: Iterable[str], right_tables: Iterable[str], kind: str
) -> list[UsedJoin]:
    """A join for every two tables; a couple of tables without a traced equality keeps an empty list of pairs."""
    by_tables: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for (left, left_column), (right, right_column) in pairs:
        by_tables.setdefault((left, right), []).append((left_column, right_column))
    if not by_tables:
        by_tables = {(left, right): [] for left in left_tables for right in right_tables}
    return [UsedJoin(left, right, kind, tuple(sorted(set(found))), None) for (left, right), found in by_tables.items()]


def accepted_join(join: UsedJoin, accepted: Iterable[AcceptedJoin]) -> AcceptedJoin | None:
    """The accepted join whose columns are all made equal by `join`, in either direction; None if there is none.

    Of several the one with most columns: it says more of the rows.
    """
    pairs = set(join.pairs)
    for candidate in sorted(accepted, key=lambda each: -len(each.left_columns)):
        columns = (candidate.left_columns, candidate.right_columns)
        tables = (candidate.left_table, candidate.right_table)
        for (left, right), couple in ((tables, columns), (tables[::-1], columns[::-1])):
            if (left, right) == (join.left, join.right) and set(zip(*couple, strict=True)) <= pairs:
                return candidate
    return None


def unrelated(select: exp.Select, join: exp.Join) -> tuple[str, str, str]:
    """Rule, message and nearest allowed form of a join that has no condition."""
    if join.kind == "CROSS":
        return "cross-join", "A cross join pairs every row with every row.", "JOIN b ON a.column = b.column"
    nearest = explicit_form(select.args.get("where"))
    return "comma-join", "Tables are joined by JOIN … ON, not by commas.", nearest


def explicit_form(where: exp.Expr | None) -> str:
    """The JOIN … ON that says what a comma and WHERE said, as far as they say it."""
    for part in conjuncts(where.this if where is not None else None):
        if isinstance(part, exp.EQ) and isinstance(part.this, exp.Column) and isinstance(part.expression, exp.Column):
            left, right = part.this.text("table"), part.expression.text("table")
            if left and right and left != right:
                return f"{left} JOIN {right} ON {left}.{part.this.name} = {right}.{part.expression.name}"
    return "a JOIN b ON a.column = b.column"
