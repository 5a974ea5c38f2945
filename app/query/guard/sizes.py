"""How large a value can become: bounds that follow expressions through subqueries, parts of WITH and aggregates.

An estimate, to refuse with a reason and a place what would otherwise end as "out of memory". It is no boundary: that is
the kernel's limit on the backend (`app/kernel/db/backend_memory.py`).

What comes from data counts with `COLUMN_BYTES`, whatever its size, and rows of data count once: what only grows with
the data is for the planner's estimate to judge. What counts is how a statement multiplies: `x || x` is twice `x`,
`string_agg(x)` over a series of n rows is n times `x`, `replace(x, 'a', 'bbb')` up to three times `x`.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlglot import exp

from app.query.guard.bounds import series_rows
from app.query.guard.functions import AGGREGATES, SETS
from app.query.guard.grammar import function_name
from app.query.guard.scanner import word_set

MAX_VALUE_BYTES: Final = 32 * 1024 * 1024
"""Four times the longest row of an answer (`app/query/results/statements.py`): parts of it may be cut out."""

MAX_VOLUME_BYTES: Final = 2 * MAX_VALUE_BYTES
"""Of all expressions of a statement: what of it is constant, the plan writes out, and this process reads the plan."""

TOO_LARGE: Final = (
    "unbounded-value",
    f"The value could have more than {MAX_VALUE_BYTES // 1024 // 1024} MiB.",
    "fewer repetitions, or left(…, 1000) of each part",
)
"""Rule, message and nearest allowed form of what is refused."""

COLUMN_BYTES: Final = 256.0
SCALAR_BYTES: Final = 32.0
"""Numbers, dates, booleans, UUIDs: the longest of them as text, but for numerics."""

NUMERIC_BYTES: Final = 150_000.0
"""Digits before and behind the point (manual, 8.1.2): what a power of numerics may have as text."""

_ELEMENT: Final = 16.0
"""Bytes of an element of an array beside its value: length, alignment, and room of a growing array."""

_QUERIES: Final = (exp.Select, exp.SetOperation, exp.Subquery)
_FIXED: Final = word_set("""
    length char_length character_length octet_length bit_length ascii strpos position cardinality array_length
    array_lower array_upper array_ndims array_position json_array_length jsonb_array_length json_typeof jsonb_typeof
    md5 starts_with regexp_count regexp_instr regexp_like count row_number rank dense_rank percent_rank cume_dist ntile
    now clock_timestamp crc32 crc32c sha224 sha256 sha384 sha512 uuid_extract_version isfinite grouping bool_and bool_or
    every chr to_hex date_part date_trunc extract age
    """)
_LARGEST: Final = word_set("""
    coalesce nullif greatest least min max any_value mode lag lead first_value last_value nth_value
""")
_SCALARS: Final = word_set("""
    smallint integer bigint real double numeric boolean date time timetz timestamp timestamptz interval uuid
""")
_WRITTEN: Final = frozenset({"TEXT", "VARCHAR", "CHAR", "BPCHAR", "JSON", "JSONB"})
_POWERS: Final = word_set("power pow exp")
_COLLECTING: Final = word_set("""
    string_agg array_agg json_agg jsonb_agg json_object_agg jsonb_object_agg
    """)
_JSON: Final = word_set("""
    to_json to_jsonb array_to_json json_build_array json_build_object jsonb_build_array jsonb_build_object json_agg
    jsonb_agg json_object_agg jsonb_object_agg quote_literal encode
    """)
_SPLITTING: Final = word_set("""
    string_to_array regexp_split_to_array regexp_match regexp_matches array_positions
""")
_BYTES_OF_TEXT: Final = 2.0
"""A character that JSON writes as an escape, again and again: a quote or a backslash."""


def bytes_of(type_name: str) -> float:
    """The bound of a column of a table, by its type."""
    return SCALAR_BYTES if type_name.lower().replace("(", " ").split()[0] in _SCALARS else COLUMN_BYTES


class Sizes:
    """The bounds of the expressions of one scope, in bytes, by node.

    Args:
        column: the bound of a column reference.
        query: the bound of the one value of a subquery.
        rows: how often the sources of the scope multiply rows that no data makes.
    """

    def __init__(
        self, column: Callable[[exp.Expr], float], query: Callable[[exp.Expr], float], rows: float = 1.0
    ) -> None:
        self._column, self._query, self._rows = column, query, rows
        self._known: dict[int, float] = {}
        self.compared = 0.0
        """Bytes of what conditions compare, all together: of constants, the plan writes each of them out."""

    def largest(self, root: exp.Expr) -> tuple[exp.Expr, float]:
        """The first part of an expression that may become too large, else the expression itself; with its bound."""
        nodes = list(root.walk(prune=lambda node: isinstance(node, _QUERIES)))
        for node in reversed(nodes):  # parts before what they are parts of
            size = self._bound(node)
            self._known[id(node)] = size
            if size > MAX_VALUE_BYTES:
                self._known[id(root)] = size
                return node, size
        return root, self._known[id(root)]

    def _part(self, node: exp.Expr | None) -> float:
        return 0.0 if node is None else self._known.get(id(node), SCALAR_BYTES)

    def _parts(self, node: exp.Expr) -> float:
        return sum(self._part(child) for child in node.iter_expressions())

    def _bound(self, node: exp.Expr) -> float:  # noqa: C901, PLR0911 - one return per class of nodes
        if isinstance(node, _QUERIES):
            return self._query(node)
        if isinstance(node, exp.Column):
            return self._column(node)
        if isinstance(node, exp.Literal):
            return _literal(node)
        if isinstance(node, exp.Anonymous):
            return self._call(node)
        if isinstance(node, exp.Predicate):
            self.compared += self._parts(node)
            return SCALAR_BYTES
        if isinstance(node, (exp.Not, exp.Connector, exp.Extract, exp.StrPosition)):
            return SCALAR_BYTES
        if isinstance(node, exp.Array):
            return sum(self._part(item) + _ELEMENT for item in node.expressions) + _ELEMENT
        if isinstance(node, exp.Pow):
            return _power(self._part(node.this), _number([node.expression], 0))
        if isinstance(node, exp.Cast):
            return self._cast(node)
        if isinstance(node, (exp.Window, exp.Filter, exp.WithinGroup, exp.Alias, exp.Paren, exp.Bracket)):
            return self._part(node.this)
        if isinstance(node, exp.Case):
            branches = [branch.args["true"] for branch in node.args["ifs"]]
            return max(self._part(branch) for branch in [*branches, node.args.get("default")])
        return max(self._parts(node), SCALAR_BYTES) if node.args else SCALAR_BYTES

    def _cast(self, node: exp.Cast) -> float:
        """Text of an array, and of what is quoted in it, doubles its quotes; text may name a numeric of many digits."""
        size = max(self._part(node.this), SCALAR_BYTES)
        kind = node.to.this.value
        if kind in _WRITTEN and not isinstance(node.this, exp.Literal):
            return 2 * size
        return max(size, _digits(node.this.name)) if kind == "DECIMAL" and isinstance(node.this, exp.Literal) else size

    def _call(self, node: exp.Anonymous) -> float:  # noqa: PLR0911 - one return per kind of function
        name = function_name(node) or ""
        parts = [self._part(argument) for argument in node.expressions]
        whole = max(sum(parts), SCALAR_BYTES)
        if name in _FIXED:
            return SCALAR_BYTES
        if name in _LARGEST:
            return max(parts, default=SCALAR_BYTES)
        if name in _POWERS:
            return _power(parts[0] if parts else 0.0, _number(node.expressions, 1))
        if name in _COLLECTING:
            return self._rows * (whole * (_BYTES_OF_TEXT if name in _JSON else 1.0) + _ELEMENT)
        special = _GROWTH.get(name)
        if special is not None and parts:  # without arguments PostgreSQL refuses the call
            return special(node.expressions, parts)
        if name in _JSON:
            return whole * _BYTES_OF_TEXT
        return whole * _ELEMENT if name in _SPLITTING else whole


class Measures:
    """What is known of the expressions and queries of a statement, while it is walked."""

    def __init__(self, column: Callable[[exp.Expr], float]) -> None:
        self._column = column
        self._bytes: dict[int, float] = {}
        self._rows: dict[int, float] = {}
        self._volume = 0.0

    def expression(self, root: exp.Expr, rows: float) -> tuple[exp.Expr, float]:
        """As `Sizes.largest`, in a scope of so many rows. The queries in it have been measured.

        The size is without bound where all expressions so far may be too large together.
        """
        sizes = Sizes(self._column, self._bytes_of, rows)
        part, size = sizes.largest(root)
        self._bytes[id(_unnamed(root))] = size
        self._volume += size + sizes.compared
        return part, size if self._volume <= MAX_VOLUME_BYTES else math.inf

    def select(self, node: exp.Select, rows: float) -> None:
        """Take the rows of a SELECT from those of its scope. Its expressions have been measured."""
        calls = [call for call in map(_unnamed, node.expressions) if isinstance(call, exp.Anonymous)]
        made = [rows_of(call, self._bytes_of(call)) for call in calls if function_name(call) in SETS]
        self._rows[id(node)] = 1.0 if _is_one_row(node) else rows * max(made, default=1.0)

    def query(self, node: exp.Expr, sizes: Sequence[float]) -> None:
        """Take the measures of a query from its columns' and its parts'."""
        self._bytes[id(node)] = max(sizes, default=SCALAR_BYTES)
        if isinstance(node, exp.Subquery):
            self._rows[id(node)] = self.rows(node.this)
        elif isinstance(node, exp.SetOperation):
            self._rows[id(node)] = self.rows(node.this) + self.rows(node.expression)
        limit = node.args.get("limit")
        if isinstance(limit, exp.Limit):
            self._rows[id(node)] = min(self.rows(node), float(limit.expression.name))

    def rows(self, node: exp.Expr) -> float:
        """How many rows a query has, by the statement alone; rows made of data count as one."""
        return self._rows.get(id(node), 1.0)

    def _bytes_of(self, node: exp.Expr) -> float:
        return self._bytes.get(id(node), SCALAR_BYTES)


def too_large(size: float) -> bool:
    """Whether a value of so many bytes is refused."""
    return size > MAX_VALUE_BYTES


def _unnamed(node: exp.Expr) -> exp.Expr:
    inner: exp.Expr = node.this if isinstance(node, exp.Alias) else node
    return inner


def _is_one_row(node: exp.Select) -> bool:
    """Whether it aggregates all of its rows."""
    if node.args.get("group") is not None:
        return False
    return any(
        function_name(call) in AGGREGATES and not isinstance(call.parent, exp.Window)
        for projection in node.expressions
        for call in projection.find_all(exp.Anonymous)
    )


def _literal(node: exp.Literal) -> float:
    size = float(len(node.name.encode())) + 1
    return size if node.is_string else max(size, _digits(node.name))


def _digits(number: str) -> float:
    """The length of a number that is written with an exponent, written out."""
    exponent = number.lower().partition("e")[2].lstrip("+-")
    return min(NUMERIC_BYTES, float(exponent)) if exponent.isascii() and exponent.isdigit() else 0.0


def _power(base: float, exponent: float | None) -> float:
    return NUMERIC_BYTES if exponent is None else min(NUMERIC_BYTES, base * max(1.0, abs(exponent)))


def rows_of(call: exp.Anonymous, size: float) -> float:
    """The rows that a function makes out of what the statement itself says; rows made of data count as one.

    Args:
        call: of a function of `SETS`.
        size: the bound of its value, in bytes.
    """
    if function_name(call) == "generate_series":
        return float(series_rows(call.expressions) or 1)
    return max(1.0, size if call.find(exp.Column) is None else size / (COLUMN_BYTES * _ELEMENT))


def _text(arguments: list[exp.Expr], index: int) -> str | None:
    node = arguments[index] if index < len(arguments) else None
    return node.name if isinstance(node, exp.Literal) and node.is_string else None


def _number(arguments: list[exp.Expr], index: int) -> float | None:
    node = arguments[index] if index < len(arguments) else None
    return float(node.name) if isinstance(node, exp.Literal) and not node.is_string else None


def _replaced(arguments: list[exp.Expr], parts: list[float]) -> float:
    """Each occurrence of what is looked for, one byte at least, becomes the other text."""
    if len(parts) < 3:  # noqa: PLR2004 - PostgreSQL refuses the call
        return sum(parts)
    sought = _text(arguments, 1)
    return parts[0] * max(1.0, parts[2] / max(1, len(sought.encode()) if sought is not None else 1)) + parts[2]


def _matched(arguments: list[exp.Expr], parts: list[float]) -> float:
    """Of `regexp_replace`: with the flag `g` every match, of nothing too, becomes the text, and the text quotes it."""
    if len(parts) < 3:  # noqa: PLR2004 - as above
        return sum(parts)
    text, flags = _text(arguments, 2), _text(arguments, len(parts) - 1) if len(parts) > 3 else ""  # noqa: PLR2004
    quotes = text.count("\\") if text is not None else parts[2] / 2
    everywhere = flags is None or "g" in flags or len(parts) > 4  # noqa: PLR2004 - the form with a start and a number
    once = parts[2] + quotes * parts[0]
    return parts[0] + once if not everywhere else parts[0] * (1 + quotes) + (parts[0] + 1) * parts[2]


def _repeated(arguments: list[exp.Expr], parts: list[float]) -> float:
    return parts[0] * max(_number(arguments, 1) or 1.0, 1.0)


def _padded(arguments: list[exp.Expr], parts: list[float]) -> float:
    return parts[0] + 4 * (_number(arguments, 1) or 0.0)  # characters of up to four bytes


def _cut(arguments: list[exp.Expr], parts: list[float]) -> float:
    number = _number(arguments, 1)
    return parts[0] if number is None else min(parts[0], 4 * number + 1)


def _cut_out(arguments: list[exp.Expr], parts: list[float]) -> float:
    number = _number(arguments, 2)
    return parts[0] if number is None else min(parts[0], 4 * number + 1)


def _formatted(arguments: list[exp.Expr], parts: list[float]) -> float:
    """Each `%` writes one argument, perhaps the same one each time, and quotes may double it."""
    template = _text(arguments, 0) or ""
    return parts[0] + 2 * template.count("%") * max(parts[1:], default=0.0)


def _joined(_arguments: list[exp.Expr], parts: list[float]) -> float:
    """Of `concat_ws` and `array_to_string`: the first or second part stands between all others."""
    return sum(parts) + len(parts) * parts[0]


def _array_joined(_arguments: list[exp.Expr], parts: list[float]) -> float:
    elements = parts[0] / _ELEMENT + 1
    return parts[0] + elements * sum(parts[1:])


def _indented(_arguments: list[exp.Expr], parts: list[float]) -> float:
    """Of `jsonb_pretty`: a bracket in brackets has four spaces for each of them before it."""
    return parts[0] + 4 * parts[0] * min(parts[0], 6_400.0)  # as deep as jsonb may be nested


_GROWTH: Final[Mapping[str, Callable[[list[exp.Expr], list[float]], float]]] = {
    "replace": _replaced,
    "array_replace": lambda _, parts: parts[0] * max(1.0, (parts[-1] + _ELEMENT) / _ELEMENT),
    "regexp_replace": _matched,
    "repeat": _repeated,
    "lpad": _padded,
    "rpad": _padded,
    "format": _formatted,
    "concat_ws": _joined,
    "array_to_string": _array_joined,
    "jsonb_pretty": _indented,
    "generate_series": lambda *_: SCALAR_BYTES,
    **dict.fromkeys(("left", "right"), _cut),
    **dict.fromkeys(("substr", "substring"), _cut_out),
    **dict.fromkeys(("split_part", "regexp_substr", "btrim", "ltrim", "rtrim", "translate"), lambda _, parts: parts[0]),
}
"""By function, the bound of its value from its arguments and their bounds."""
