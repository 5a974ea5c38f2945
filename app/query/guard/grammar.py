"""The parts of SQL that a statement may be made of: node classes and their arguments, deny by default.

Invariant: a node or a filled argument that is not listed here is refused, whatever the parser thinks it means.
"""

from collections.abc import Callable, Iterator
from typing import Final

from sqlglot import exp

from app.query.guard.bounds import fault_of
from app.query.guard.dialect import Plus
from app.query.guard.findings import GuardRefusal
from app.query.guard.functions import (
    AGGREGATES,
    ALLOWED,
    COMPOSITE_SETS,
    INTERVAL_ARGUMENTS,
    SETS,
    WINDOWS,
    nearest_function,
)
from app.query.guard.keywords import FORMS
from app.query.guard.scanner import word_set

_NOT_ALLOWED: Final = "construct-not-allowed"
MAX_TREE_DEPTH: Final = 90  # the generator recurses a few frames per level
MAX_ROWS_OF_VALUES: Final = 1_000
MAX_GROUPING_PARTS: Final = 3  # they multiply
MAX_CUBE: Final = 6  # 2^6 grouping sets

_BINARY = frozenset({"this", "expression"})
_QUERY = frozenset({"with_", "order", "limit", "offset", "distinct"})

NODES: Final[dict[type[exp.Expr], frozenset[str]]] = {
    exp.Select: _QUERY | {"expressions", "from_", "joins", "where", "group", "having", "windows"},
    exp.Subquery: frozenset({"this", "alias", "with_", "order", "limit", "offset"}),
    exp.CTE: frozenset({"this", "alias", "materialized"}),
    exp.TableAlias: frozenset({"this", "columns"}),
    exp.Table: frozenset({"this", "alias", "ordinality"}),
    exp.Join: frozenset({"this", "on", "using", "side", "kind"}),
    exp.Order: frozenset({"expressions", "this"}),
    exp.Ordered: frozenset({"this", "desc", "nulls_first"}),
    exp.Fetch: frozenset({"direction", "count", "limit_options"}),
    exp.LimitOptions: frozenset({"rows", "with_ties"}),
    exp.Distinct: frozenset({"on", "expressions"}),
    exp.Values: frozenset({"expressions", "alias"}),
    exp.Column: frozenset({"this", "table"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Alias: frozenset({"this", "alias"}),
    exp.In: frozenset({"this", "expressions", "query"}),
    exp.Between: frozenset({"this", "low", "high", "symmetric"}),
    exp.Div: _BINARY | {"typed", "safe"},
    exp.DPipe: _BINARY | {"safe"},
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.DataType: frozenset({"this", "expressions", "nested"}),
    exp.Trim: _BINARY | {"position"},
    exp.StrPosition: frozenset({"this", "substr"}),
    exp.Window: frozenset({"this", "partition_by", "order", "spec", "alias", "over"}),
    exp.WindowSpec: frozenset({"kind", "start", "start_side", "end", "end_side", "exclude"}),
    exp.AtTimeZone: frozenset({"this", "zone"}),
    exp.Array: frozenset({"expressions", "bracket_notation"}),
    **dict.fromkeys((exp.Anonymous, exp.Bracket), frozenset({"this", "expressions"})),
    **dict.fromkeys((exp.Union, exp.Except, exp.Intersect), _QUERY | _BINARY),
    **dict.fromkeys((exp.Like, exp.ILike, exp.Is), _BINARY | {"negate"}),
    **dict.fromkeys((exp.Limit, exp.Offset), frozenset({"expression"})),
    **dict.fromkeys(
        (exp.With, exp.Group, exp.GroupingSets, exp.Cube, exp.Rollup, exp.Tuple), frozenset({"expressions"})
    ),
    **dict.fromkeys(
        (
            exp.Star, exp.Null, exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Localtime,
            exp.Localtimestamp,
        ),
        frozenset[str](),
    ),
    **dict.fromkeys(
        (
            exp.From, exp.Where, exp.Having, exp.Boolean, exp.Paren, exp.DataTypeParam, exp.Var, exp.Exists, exp.Not,
            exp.Neg, Plus, exp.BitwiseNot, exp.Any, exp.All,
        ),
        frozenset({"this"}),
    ),
    **dict.fromkeys(
        (
            exp.And, exp.Or, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ,
            exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.Pow, exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor,
            exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.SimilarTo, exp.Escape, exp.RegexpLike, exp.RegexpILike,
            exp.Collate, exp.Filter, exp.WithinGroup, exp.Slice, exp.JSONExtract, exp.JSONExtractScalar,
            exp.JSONBExtract, exp.JSONBExtractScalar, exp.JSONBContains, exp.JSONBContainsAllTopKeys,
            exp.JSONBContainsAnyTopKeys, exp.JSONBPathExists, exp.ArrayContainsAll, exp.ArrayContainedBy,
            exp.ArrayOverlaps, exp.StartsWith, exp.Extract, exp.Kwarg,
        ),
        _BINARY,
    ),
}  # fmt: skip
"""The arguments that each class of nodes may have filled."""

_NESTED_JOIN: Final = (
    "nested-join", "Joins are written one after the other, without brackets.", "a JOIN b ON … JOIN c ON …"
)  # fmt: skip
_ARGUMENT_RULES: Final[dict[tuple[type[exp.Expr], str], tuple[str, str, str]]] = {
    (exp.Table, "db"): ("schema-qualified", "Tables are named without a schema.", "the logical name alone"),
    (exp.Table, "joins"): _NESTED_JOIN,
    (exp.Subquery, "joins"): _NESTED_JOIN,
    (exp.Column, "db"): ("schema-qualified", "Columns are named by alias and column only.", "alias.column"),
    (exp.Select, "into"): ("into", "A query may not create or fill a table.", "leave INTO out"),
    (exp.Select, "locks"): ("locking-clause", "A query may not lock rows.", "leave FOR UPDATE out"),
}
_GROUPINGS: Final = (exp.GroupingSets, exp.Cube, exp.Rollup)
_COMPARISONS: Final = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.In)
_TUPLE_HOMES: Final = (*_COMPARISONS, *_GROUPINGS, exp.Values, exp.Distinct, exp.Tuple, exp.Group)
_QUERIES: Final = (exp.Select, exp.Union, exp.Except, exp.Intersect)
# What the types of `type_names.py` are called in the tree.
_TYPES: Final = word_set(
    "ARRAY TEXT VARCHAR CHAR BPCHAR SMALLINT INT BIGINT DECIMAL FLOAT DOUBLE BOOLEAN DATE TIME TIMETZ TIMESTAMP "
    "TIMESTAMPTZ INTERVAL UUID JSON JSONB VARBINARY"
)
SYSTEM_SCHEMAS: Final = frozenset({"pg_catalog", "information_schema", "pg_toast"})


def check_depth(tree: exp.Expr) -> None:
    """Raises `GuardRefusal` `too-complex` for a tree that cannot be written back; chains of AND, OR count once."""
    stack: list[tuple[exp.Expr, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        if depth > MAX_TREE_DEPTH:
            raise GuardRefusal("too-complex", "An expression is nested or chained too deep.", "split it with WITH")
        for child in node.iter_expressions():
            chained = type(child) is type(node) and isinstance(node, exp.Connector)
            stack.append((child, depth if chained else depth + 1))


def check_nodes(tree: exp.Expr) -> Iterator[tuple[exp.Expr, GuardRefusal]]:
    """Every node that may not stand where it stands, with the reason."""
    for node in tree.walk():
        refusal = _refusal_of(node)
        if refusal is not None:
            yield node, refusal


def _refusal_of(node: exp.Expr) -> GuardRefusal | None:
    kind: type[exp.Expr] = type(node)
    allowed = NODES.get(kind)
    if allowed is None:
        return GuardRefusal(_NOT_ALLOWED, f"{kind.__name__} has no place in a query here.", "a plain SELECT")
    for argument, value in node.args.items():
        if argument not in allowed and value not in (None, False, []):
            message = f"{kind.__name__} does not take {argument.upper()}."
            fallback = (_NOT_ALLOWED, message, "a plain SELECT")
            rule, message, nearest = _ARGUMENT_RULES.get((kind, argument), fallback)
            if rule == "schema-qualified" and isinstance(value, exp.Identifier) and value.name in SYSTEM_SCHEMAS:
                rule, message = "system-relation", "The system catalogue is not readable."
            return GuardRefusal(rule, message, nearest)
    check = _CHECKS.get(kind)
    return check(node) if check is not None else None


def _check_anonymous(node: exp.Expr) -> GuardRefusal | None:  # noqa: PLR0911 - one return per rule about calls
    name = function_name(node)
    if name is None or name not in ALLOWED:
        shown = (name or "?")[:40]
        return GuardRefusal("function-not-allowed", f"The function {shown} is not allowed.", nearest_function(shown))
    parent = node.parent
    home = parent.parent if isinstance(parent, exp.Alias) else parent
    if name in WINDOWS and not isinstance(parent, (exp.Window, exp.WithinGroup, exp.Filter)):
        return GuardRefusal("window-function", f"{name} needs OVER (…).", f"{name}(…) OVER (ORDER BY …)")
    if isinstance(parent, exp.Table) and name not in SETS:
        return GuardRefusal("function-in-from", f"{name} makes a value, not a table.", f"SELECT {name}(…)")
    if name in COMPOSITE_SETS | {"generate_series"} and not isinstance(parent, exp.Table):
        return GuardRefusal("set-outside-from", f"{name} stands in FROM only.", f"FROM {name}(…) AS s(…)")
    if name in SETS and not isinstance(parent, exp.Table) and not isinstance(home, exp.Select):
        return GuardRefusal(
            "set-outside-from", f"{name} stands in FROM or alone in the SELECT list.", f"FROM {name}(…) AS s(…)"
        )
    stars = [argument for argument in node.expressions if isinstance(argument, exp.Star)]
    if stars and (name != "count" or len(node.expressions) > 1):
        return GuardRefusal("whole-row-reference", "Only count takes *.", "count(*)")
    fault = fault_of(name, node.expressions)
    return None if fault is None else GuardRefusal(*fault)


def function_name(node: exp.Expr) -> str | None:
    """The folded name of a call; None when it is not a single name."""
    name = node.this
    if isinstance(name, exp.Identifier):
        return name.name
    return name if isinstance(name, str) else None


def _demand(
    holds: Callable[[exp.Expr], bool], rule: str, message: str, nearest: str
) -> Callable[[exp.Expr], GuardRefusal | None]:
    """A check that refuses every node for which something does not hold."""
    return lambda node: None if holds(node) else GuardRefusal(rule, message, nearest)


def _in_select_list(node: exp.Expr) -> bool:
    return isinstance(node.parent, exp.Select) and node.arg_key == "expressions"


def _star_has_place(node: exp.Expr) -> bool:
    parent = node.parent
    qualified = isinstance(parent, exp.Column) and _in_select_list(parent)
    return _in_select_list(node) or qualified or isinstance(parent, exp.Anonymous)


def _tuple_has_place(node: exp.Expr) -> bool:
    parent = node.parent
    return isinstance(parent.parent if isinstance(parent, exp.Paren) else parent, _TUPLE_HOMES)


def _check_var(node: exp.Expr) -> GuardRefusal | None:
    parent, name = node.parent, node.name.lower()
    if isinstance(parent, exp.Extract) and name in FORMS["extract"]:
        return None
    if isinstance(parent, exp.Kwarg) and name in INTERVAL_ARGUMENTS:
        return None
    if isinstance(parent, exp.Is) and name == "unknown":
        return None
    if isinstance(parent, exp.WindowSpec) and name in {"no others", "current row", "group", "ties"}:
        return None
    return GuardRefusal(_NOT_ALLOWED, f"{node.name[:40]} has no place here.", "a column or a literal")


def _is_interval_argument(node: exp.Expr) -> bool:
    return isinstance(node.parent, exp.Anonymous) and function_name(node.parent) == "make_interval"


def _is_c_collation(node: exp.Expr) -> bool:
    return isinstance(node.expression, exp.Identifier) and node.expression.quoted and node.expression.name == "C"


def _check_values(node: exp.Expr) -> GuardRefusal | None:
    if not isinstance(node.parent, (exp.From, exp.Join)):
        return GuardRefusal("values-outside-from", "VALUES stands in FROM only.", "FROM (VALUES (1)) AS v(a)")
    if len(node.expressions) > MAX_ROWS_OF_VALUES:
        return GuardRefusal("values-too-long", f"VALUES has at most {MAX_ROWS_OF_VALUES} rows.", "load a table")
    return None


def _check_cube(node: exp.Expr) -> GuardRefusal | None:
    if len(node.expressions) <= MAX_CUBE and not node.find_ancestor(exp.Cube):
        return None
    return GuardRefusal("cube-too-wide", f"CUBE takes at most {MAX_CUBE} columns.", "GROUPING SETS ((a), (b))")


def _check_group(node: exp.Expr) -> GuardRefusal | None:
    if len(list(node.find_all(*_GROUPINGS))) <= MAX_GROUPING_PARTS:
        return None
    return GuardRefusal("cube-too-wide", "Grouping sets multiply.", "GROUPING SETS ((a), (b))")


def _check_subject(node: exp.Expr) -> GuardRefusal | None:
    calls = (exp.Anonymous, exp.Filter, exp.WithinGroup)
    subject = node.this
    if isinstance(node, exp.Window) and isinstance(node.parent, exp.Select) and node.arg_key == "windows":
        return None
    while isinstance(subject, (exp.Filter, exp.WithinGroup)):
        subject = subject.this
    name = function_name(subject) if isinstance(subject, calls) else None
    if name is not None and name not in AGGREGATES | WINDOWS and name in ALLOWED:
        return GuardRefusal("window-function", f"{name} is not an aggregate or window function.", "sum(…) OVER (…)")
    return (
        None
        if name is not None
        else GuardRefusal("syntax", "OVER, FILTER and WITHIN GROUP follow a call.", "sum(a) OVER (…)")
    )


def _is_source(node: exp.Expr) -> bool:
    source = node.this
    in_brackets = isinstance(source, exp.Subquery) and isinstance(source.this, (*_QUERIES, exp.Subquery))
    return in_brackets or isinstance(source, (exp.Table, exp.Values))


_check_source: Final = _demand(
    _is_source, "nested-join", "FROM takes tables, subqueries, VALUES and allowed functions.", "FROM a JOIN b ON …"
)


def _check_join(node: exp.Expr) -> GuardRefusal | None:
    if node.text("side") not in {"", "LEFT", "RIGHT", "FULL"} or node.text("kind") not in {
        "",
        "INNER",
        "OUTER",
        "CROSS",
    }:
        return GuardRefusal(_NOT_ALLOWED, "This kind of join is not read.", "a JOIN b ON …")
    return _check_source(node)


def _is_table(node: exp.Expr) -> bool:
    return isinstance(node.this, (exp.Identifier, exp.Anonymous)) and isinstance(node.parent, (exp.From, exp.Join))


_CHECKS: Final[dict[type[exp.Expr], Callable[[exp.Expr], GuardRefusal | None]]] = {
    exp.Anonymous: _check_anonymous,
    exp.Alias: _demand(
        _in_select_list, _NOT_ALLOWED, "An alias stands in the SELECT list or in FROM.", "SELECT a AS b"
    ),
    exp.Star: _demand(
        _star_has_place, "whole-row-reference", "* stands in the SELECT list or in count(*).", "name the columns"
    ),
    exp.Tuple: _demand(_tuple_has_place, "row-value", "A row value stands in a comparison only.", "(a, b) = (1, 2)"),
    exp.Var: _check_var,
    exp.Kwarg: _demand(_is_interval_argument, _NOT_ALLOWED, "Arguments are given by position.", "f(a, b)"),
    exp.Collate: _demand(_is_c_collation, "collation", 'Only the collation "C" is allowed.', 'COLLATE "C"'),
    exp.Is: _demand(
        lambda node: isinstance(node.expression, (exp.Null, exp.Boolean, exp.Var)),
        "syntax",
        "IS tests for NULL, TRUE, FALSE or UNKNOWN.",
        "(a IS TRUE)::text",
    ),
    exp.Values: _check_values,
    exp.Cube: _check_cube,
    exp.Group: _check_group,
    exp.Window: _check_subject,
    exp.Filter: _check_subject,
    exp.WithinGroup: _check_subject,
    exp.From: _check_source,
    exp.Join: _check_join,
    exp.DataType: _demand(
        lambda node: node.this.value in _TYPES, "type-not-allowed", "The type is not allowed.", "text"
    ),
    exp.Table: _demand(_is_table, _NOT_ALLOWED, "A table stands in FROM only.", "FROM table"),
}
