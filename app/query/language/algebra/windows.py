"""Rows beside the others of their group, by a window in a subquery: the first of each, above the average of theirs."""

from collections.abc import Sequence

from sqlglot import exp

_INNER, _NUMBER = "kept", "place"


def _quoted(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def _named(name: str) -> exp.Column:
    return exp.Column(this=_quoted(name), table=_quoted(_INNER))


def window(number: exp.Expr, per: list[exp.Expr], order: exp.Ordered | None = None) -> exp.Window:
    """The number over the rows that share the expressions, in an order where one is given."""
    return exp.Window(this=number, partition_by=per, order=exp.Order(expressions=[order]) if order else None)


def ranked(select: exp.Select, per: list[exp.Expr], order: exp.Ordered, most: int) -> exp.Select:
    """The rows that stand first in the order among those of their group; all that tie."""
    place = window(exp.Anonymous(this="rank", expressions=[]), per, order)
    shown = [_named(each.alias_or_name) for each in select.expressions]
    inner = select.select(exp.alias_(place, _NUMBER, quoted=True), copy=False)
    first = exp.EQ if most == 1 else exp.LTE
    return _outside(inner, shown, first(this=_named(_NUMBER), expression=exp.Literal.number(str(most))))


def beside(select: exp.Select, left: exp.Expr, number: exp.Window, compare: type[exp.Binary]) -> exp.Select:
    """The rows of which the left side compares so with the number of their group; how many there are, of a count."""
    counted = len(select.expressions) == 1 and select.expressions[0].find(exp.Star) is not None
    shown: list[exp.Expr] = [_named(each.alias_or_name) for each in select.expressions]
    if counted:
        name = select.expressions[0].alias_or_name
        shown = [exp.alias_(exp.Anonymous(this="count", expressions=[exp.Star()]), name, quoted=True)]
        select.set("expressions", [])
    inner = select.select(exp.alias_(left, "own", quoted=True), exp.alias_(number, _NUMBER, quoted=True), copy=False)
    return _outside(inner, shown, compare(this=_named("own"), expression=_named(_NUMBER)))


def _outside(inner: exp.Select, shown: Sequence[exp.Expr], test: exp.Expr) -> exp.Select:
    return exp.Select().select(*shown).from_(inner.subquery(alias=_quoted(_INNER))).where(test, copy=False)
