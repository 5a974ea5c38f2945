"""What can be told of an expression without data: its value where a LEFT JOIN found nothing, and its kind of number."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlglot import exp

from app.query.guard.dialect import Plus
from app.query.guard.grammar import function_name
from app.query.guard.scanner import word_set

INTEGER_TYPES: Final = frozenset({"smallint", "integer", "int", "int2", "int4"})
_BIGGEST_INTEGER: Final = 2_147_483_647
_STRICT: Final = (
    exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod, exp.Pow, exp.DPipe, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE,
    exp.Like, exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.RegexpILike,
)  # fmt: skip
_STRICT_CALLS: Final = word_set("""
    abs ceil ceiling floor round trunc sign sqrt exp ln log power mod div lower upper btrim ltrim rtrim length
    char_length left right substring replace date_trunc date_part age to_char split_part
""")
_SAME_KIND_CALLS: Final = frozenset({"coalesce", "nullif", "greatest", "least", "abs"})
_LENGTHS: Final = frozenset({"length", "char_length", "octet_length", "strpos"})
_INTEGERS: Final = (exp.DataType.Type.INT, exp.DataType.Type.SMALLINT)

Value = exp.Expr | None
"""NULL, TRUE, FALSE or a constant; None where nothing is certain."""


def is_null(value: Value) -> bool:
    """Whether the value is certainly NULL."""
    return isinstance(value, exp.Null)


def holds(value: Value) -> bool | None:
    """Whether a condition of this value keeps a row; None when that is not certain."""
    if is_null(value):
        return False
    return bool(value.this) if isinstance(value, exp.Boolean) else None


def unmatched(  # noqa: C901, PLR0911 - one return per form
    node: exp.Expr, is_empty: Callable[[exp.Column], bool]
) -> Value:
    """The value of an expression where all columns that `is_empty` names are NULL."""
    if isinstance(node, (exp.Literal, exp.Boolean, exp.Null)):
        return node
    if isinstance(node, exp.Column):
        return exp.Null() if is_empty(node) else None
    if isinstance(node, exp.Paren):
        return unmatched(node.this, is_empty)
    if isinstance(node, (exp.Cast, exp.Neg, Plus)):
        inner = unmatched(node.this, is_empty)
        return inner if inner is None or is_null(inner) else node
    if isinstance(node, _STRICT):
        sides = (unmatched(node.this, is_empty), unmatched(node.expression, is_empty))
        return exp.Null() if any(map(is_null, sides)) else None
    if isinstance(node, exp.Extract):
        return _if_null(unmatched(node.expression, is_empty))
    if isinstance(node, exp.AtTimeZone) or (isinstance(node, (exp.Between, exp.In)) and not node.args.get("query")):
        return _if_null(unmatched(node.this, is_empty))
    if isinstance(node, exp.Is):
        return _test(node, unmatched(node.this, is_empty))
    if isinstance(node, (exp.Not, exp.And, exp.Or)):
        return _connected(node, is_empty)
    if isinstance(node, exp.Case):
        return _chosen(node, is_empty)
    return _called(node, is_empty) if isinstance(node, exp.Anonymous) else None


def _if_null(value: Value) -> Value:
    return value if is_null(value) else None


def _test(node: exp.Is, value: Value) -> Value:
    """IS NULL, IS TRUE and so on."""
    if value is None:
        return None
    expected = node.expression
    if isinstance(expected, exp.Null) or (isinstance(expected, exp.Var) and is_null(value)):
        answer = is_null(value)
    elif is_null(value):
        answer = False
    elif isinstance(expected, exp.Boolean) and isinstance(value, exp.Boolean):
        answer = bool(value.this) == bool(expected.this)
    else:
        return None
    return exp.Boolean(this=answer != bool(node.args.get("negate")))


def _connected(node: exp.Expr, is_empty: Callable[[exp.Column], bool]) -> Value:
    value = unmatched(node.this, is_empty)
    if isinstance(node, exp.Not):
        return exp.Boolean(this=not value.this) if isinstance(value, exp.Boolean) else _if_null(value)
    sides = (value, unmatched(node.expression, is_empty))
    deciding = isinstance(node, exp.Or)
    if any(isinstance(side, exp.Boolean) and bool(side.this) is deciding for side in sides):
        return exp.Boolean(this=deciding)
    if any(side is None or not isinstance(side, (exp.Null, exp.Boolean)) for side in sides):
        return None
    return exp.Null() if any(map(is_null, sides)) else exp.Boolean(this=not deciding)


def _chosen(node: exp.Case, is_empty: Callable[[exp.Column], bool]) -> Value:
    operand = node.this
    default = node.args.get("default")
    if operand is not None and not is_null(unmatched(operand, is_empty)):
        return None
    for branch in node.args["ifs"] if operand is None else []:
        taken = holds(unmatched(branch.this, is_empty))
        if taken is None:
            return None
        if taken:
            return unmatched(branch.args["true"], is_empty)
    return unmatched(default, is_empty) if default is not None else exp.Null()


def _called(node: exp.Anonymous, is_empty: Callable[[exp.Column], bool]) -> Value:
    name = function_name(node)
    values = [unmatched(argument, is_empty) for argument in node.expressions]
    if name == "coalesce":
        return next((value for value in values if not is_null(value)), exp.Null())
    if name == "nullif":
        return _if_null(values[0])
    if name in {"greatest", "least"}:
        return exp.Null() if all(map(is_null, values)) else None
    return exp.Null() if name in _STRICT_CALLS and any(map(is_null, values)) else None


def is_integer(  # noqa: C901, PLR0911 - one return per form
    node: exp.Expr, types: Mapping[tuple[str, str], str]
) -> bool | None:
    """Whether a number is an integer of up to four bytes, so that its sum is a bigint; None when not certain.

    `types` holds the types of columns by their alias and name.
    """
    if isinstance(node, exp.Column):
        kind = types.get((node.text("table"), node.name))
        return None if kind is None else kind.lower() in INTEGER_TYPES
    if isinstance(node, exp.Literal):
        if node.is_string:
            return None
        return node.name.isdigit() and int(node.name) <= _BIGGEST_INTEGER
    if isinstance(node, (exp.Paren, exp.Neg, Plus)):
        return is_integer(node.this, types)
    if isinstance(node, exp.Cast):
        return node.to.this in _INTEGERS
    if isinstance(node, (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)):
        sides = (is_integer(node.this, types), is_integer(node.expression, types))
        if sides == (False, False) and isinstance(node, exp.Sub):
            return None  # of two dates it is an integer
        return None if None in sides else all(sides)
    if isinstance(node, exp.Extract):
        return False
    parts: list[exp.Expr] = []
    if isinstance(node, exp.Case):
        parts = [*(branch.args["true"] for branch in node.args["ifs"]), *filter(None, [node.args.get("default")])]
    elif isinstance(node, exp.Anonymous):
        name = function_name(node)
        if name in _LENGTHS:
            return True
        parts = node.expressions if name in _SAME_KIND_CALLS else []
    kinds = {is_integer(part, types) for part in parts if not isinstance(part, exp.Null)}
    return None if None in kinds or not kinds else kinds == {True}
