"""The parser and generator of the guard: sqlglot's PostgreSQL, with everything that rewrites a query switched off.

Invariant: a function call is read as its name and arguments only, so that what is written back is the call that was
read.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from sqlglot import ErrorLevel, exp
from sqlglot.dialects.postgres import Postgres
from sqlglot.generators.postgres import PostgresGenerator
from sqlglot.parsers.postgres import PostgresParser
from sqlglot.tokenizer_core import TokenType

_KEPT_FORMS = frozenset({"CAST", "EXTRACT", "POSITION", "TRIM"})
_KEPT_WORDS = frozenset({"ANY", "CASE"})
_KEPT_CONSTANTS = frozenset({
    TokenType.CURRENT_DATE, TokenType.CURRENT_TIME, TokenType.CURRENT_TIMESTAMP, TokenType.LOCALTIME,
    TokenType.LOCALTIMESTAMP,
})  # fmt: skip


class Plus(exp.Unary):
    """A plus sign before an operand: it makes an expression of a number, and PostgreSQL refuses it before a text."""


STEPS_BACK_PER_TOKEN = 8  # the good statements of the corpus need at most 2
STEPS_BACK_AT_LEAST = 200


def _json_operator(kind: type[exp.Binary]) -> Callable[[Any, Any, Any], exp.Expr]:
    return lambda self, this, path: self.expression(kind(this=this, expression=path))


def _trim_sql(self: "PlainGenerator", node: exp.Trim) -> str:
    parts = (node.args.get("position"), self.sql(node, "expression"), "FROM", self.sql(node, "this"))
    return f"TRIM({' '.join(part for part in parts if part)})"


class PlainParser(PostgresParser):
    """Reads calls as `Anonymous`, JSON arrows as plain operators; has no lambdas and no statements but queries."""

    FUNCTIONS: ClassVar = {"ARRAY": lambda args: exp.Array(expressions=args)}  # ARRAY(SELECT …)
    FUNCTION_PARSERS: ClassVar = {k: v for k, v in PostgresParser.FUNCTION_PARSERS.items() if k in _KEPT_FORMS}
    NO_PAREN_FUNCTION_PARSERS: ClassVar = {
        **{k: v for k, v in PostgresParser.NO_PAREN_FUNCTION_PARSERS.items() if k in _KEPT_WORDS},
        "ALL": lambda self: self.expression(exp.All(this=self._parse_bitwise())),  # <> ALL (array)
    }
    NO_PAREN_FUNCTIONS: ClassVar = {k: v for k, v in PostgresParser.NO_PAREN_FUNCTIONS.items() if k in _KEPT_CONSTANTS}
    STATEMENT_PARSERS: ClassVar = {}
    LAMBDAS: ClassVar = {TokenType.FARROW: PostgresParser.LAMBDAS[TokenType.FARROW]}
    UNARY_PARSERS: ClassVar = {
        **PostgresParser.UNARY_PARSERS,
        TokenType.PLUS: lambda self: self.expression(Plus(this=self._parse_unary())),
    }
    JSON_OPERATORS: ClassVar = {
        TokenType.ARROW: _json_operator(exp.JSONExtract),
        TokenType.DARROW: _json_operator(exp.JSONExtractScalar),
        TokenType.HASH_ARROW: _json_operator(exp.JSONBExtract),
        TokenType.DHASH_ARROW: _json_operator(exp.JSONBExtractScalar),
        TokenType.PLACEHOLDER: _json_operator(exp.JSONBContains),
    }
    STRING_ALIASES = False

    def reset(self) -> None:
        """Before each text: the count of steps back begins anew."""
        super().reset()
        self.steps_back = 0

    def _retreat(self, index: int) -> None:
        """Steps back to try another reading; readings that multiply with nesting end here instead of running on."""
        if index < self._index:
            self.steps_back += 1
            if self.steps_back > STEPS_BACK_PER_TOKEN * self._tokens_size + STEPS_BACK_AT_LEAST:
                raise RecursionError
        super()._retreat(index)

    def _parse_null(self) -> exp.Expr | None:
        """NULL; UNKNOWN, which the normalizer leaves as a keyword behind IS alone, is a test of its own."""
        if self._match(TokenType.UNKNOWN):
            return self.expression(exp.Var(this="UNKNOWN"))
        return super()._parse_null()

    def _parse_types(
        self,
        check_func: bool = False,
        schema: bool = False,
        allow_identifiers: bool = True,
        with_collation: bool = False,
    ) -> exp.Expr | None:
        """A type, which once normalized stands only in CAST and behind `::`, never where an expression may begin."""
        if check_func:
            return None
        return super()._parse_types(check_func, schema, allow_identifiers, with_collation)


class PlainGenerator(PostgresGenerator):
    """Writes operators and calls as they were read; every identifier is quoted, comments never leave."""

    MULTI_ARG_DISTINCT = True

    TRANSFORMS: ClassVar = {
        **{
            kind: transform
            for kind, transform in PostgresGenerator.TRANSFORMS.items()
            if kind not in {exp.Select, exp.Pow, exp.JSONExtract, exp.JSONExtractScalar}
        },
        exp.Pow: lambda self, e: self.binary(e, "^"),
        exp.JSONExtract: lambda self, e: self.binary(e, "->"),
        exp.JSONExtractScalar: lambda self, e: self.binary(e, "->>"),
        exp.JSONBExtract: lambda self, e: self.binary(e, "#>"),
        exp.JSONBExtractScalar: lambda self, e: self.binary(e, "#>>"),
        exp.JSONBContains: lambda self, e: self.binary(e, "?"),
        exp.Trim: _trim_sql,
        # Signs in a row would be one operator.
        Plus: lambda self, e: f"+ {self.sql(e, 'this')}",
        exp.Neg: lambda self, e: f"- {self.sql(e, 'this')}",
        exp.BitwiseNot: lambda self, e: f"~ {self.sql(e, 'this')}",
        exp.CurrentTime: lambda *_: "CURRENT_TIME",
        exp.Localtime: lambda *_: "LOCALTIME",
        exp.Localtimestamp: lambda *_: "LOCALTIMESTAMP",
    }

    def all_sql(self, expression: exp.All) -> str:
        """ALL with exactly one pair of brackets: a second one would turn the rows of a subquery into one value."""
        return self._quantified("ALL", expression)

    def any_sql(self, expression: exp.Any) -> str:
        """ANY with exactly one pair of brackets, as for ALL."""
        return self._quantified("ANY", expression)

    def _quantified(self, word: str, expression: exp.Expr) -> str:
        operand = self.sql(expression, "this")
        bracketed = isinstance(expression.this, (exp.Paren, exp.Subquery))
        return f"{word} {operand if bracketed else self.wrap(operand)}"

    def windowspec_sql(self, expression: exp.WindowSpec) -> str:
        """A frame in the form it came in: with one bound, or BETWEEN two."""
        bounds = [
            " ".join(part for part in (self.sql(expression, side), self.sql(expression, f"{side}_side")) if part)
            for side in ("start", "end")
        ]
        frame = f"BETWEEN {bounds[0]} AND {bounds[1]}" if bounds[1] else bounds[0]
        exclude = self.sql(expression, "exclude")
        return f"{expression.args['kind']} {frame}{f' EXCLUDE {exclude}' if exclude else ''}"


class PlainPostgres(Postgres):
    """PostgreSQL as the guard speaks it."""

    INDEX_OFFSET = 0  # array subscripts leave as they came

    Parser = PlainParser
    Generator = PlainGenerator


DIALECT = PlainPostgres()


def parse(text: str) -> list[exp.Expr | None]:
    """The statements in `text`. Raises sqlglot's `ParseError`/`TokenError`, or RecursionError on deep nesting."""
    return DIALECT.parse(text)


def generate(tree: exp.Expr) -> str:
    """The SQL of `tree`, every identifier quoted."""
    return DIALECT.generate(
        tree, copy=False, identify=True, comments=False, normalize_functions="lower", unsupported_level=ErrorLevel.RAISE
    )
