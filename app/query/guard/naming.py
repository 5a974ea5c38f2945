"""The name that PostgreSQL gives to an unnamed output column (`FigureColname` in parse_target.c), and its places."""

from collections.abc import Iterator
from typing import Final

from sqlglot import exp

from app.query.guard.grammar import function_name

UNNAMED: Final = "?column?"
_TYPE_NAMES: Final = {"BOOLEAN": "bool", "SMALLINT": "int2", "INT": "int4", "BIGINT": "int8", "DECIMAL": "numeric"} | {
    "FLOAT": "float4", "DOUBLE": "float8", "CHAR": "bpchar"
}  # fmt: skip
_FIXED: Final[dict[type[exp.Expr], str]] = {
    exp.Extract: "extract",
    exp.StrPosition: "position",
    exp.Exists: "exists",
    exp.Array: "array",
    exp.AtTimeZone: "timezone",
    exp.CurrentDate: "current_date",
    exp.CurrentTime: "current_time",
    exp.CurrentTimestamp: "current_timestamp",
    exp.Localtime: "localtime",
    exp.Localtimestamp: "localtimestamp",
    exp.Boolean: "bool",
}
_TRANSPARENT: Final = (exp.Paren, exp.Bracket, exp.Window, exp.Filter, exp.WithinGroup, exp.Collate, exp.Distinct)
_TRIMS: Final = {"LEADING": "ltrim", "TRAILING": "rtrim"}


def output_name(node: exp.Expr) -> str:
    """The output name of an expression of the SELECT list."""
    return _figured(node)[0] or UNNAMED


def _figured(node: exp.Expr) -> tuple[str | None, int]:  # noqa: PLR0911 - one return per form of expression
    """The name, and its strength: 2 from a column or call, 1 from a type or CASE, 0 from nothing."""
    while isinstance(node, _TRANSPARENT):
        node = node.this
    if isinstance(node, (exp.Alias, exp.Column)):
        return node.alias_or_name, 2
    if isinstance(node, exp.Anonymous):
        return function_name(node), 2
    if isinstance(node, exp.Trim):
        return _TRIMS.get(str(node.args.get("position") or ""), "btrim"), 2
    if isinstance(node, exp.Cast):
        name, strength = _figured(node.this)
        return (name, strength) if strength else (_type_name(node.to), 1)
    if isinstance(node, exp.Case):
        name, strength = _figured(node.args["default"]) if node.args.get("default") else (None, 0)
        return (name, strength) if strength > 1 else ("case", 1)
    if isinstance(node, exp.Subquery):
        query = node.this
        first = query.selects[0] if isinstance(query, exp.Query) and query.selects else None
        return _figured(first) if first is not None else (None, 0)
    fixed = _FIXED.get(type(node))
    return fixed, 2 if fixed else 0


def _type_name(kind: exp.DataType) -> str | None:
    if kind.args.get("nested") and kind.expressions:
        inner = kind.expressions[0]
        return _type_name(inner) if isinstance(inner, exp.DataType) else None
    name = str(kind.this.value)
    return _TYPE_NAMES.get(name, name.lower())


def whole_items(clause: exp.Expr) -> Iterator[exp.Column]:
    """The columns that are whole items of GROUP BY, ORDER BY or DISTINCT ON (`findTargetlistEntrySQL92`)."""
    stack: list[exp.Expr] = []
    if isinstance(clause, exp.Order):
        stack = [ordered.this for ordered in clause.expressions]
    elif isinstance(clause, exp.Group):
        stack = list(clause.expressions)
    elif isinstance(clause, exp.Distinct) and clause.args.get("on") is not None:
        stack = [clause.args["on"]]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.Column):
            yield node
        elif isinstance(node, exp.Paren):
            stack.append(node.this)
        elif isinstance(node, (exp.Tuple, exp.GroupingSets, exp.Cube, exp.Rollup)) and not isinstance(
            clause, exp.Order
        ):
            stack.extend(node.expressions)
