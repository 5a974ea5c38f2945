"""The intermediate query: a small typed algebra, free of SQL text. Pure."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from app.query.language.vocabulary.model import Kind


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a table."""

    table: str
    column: str
    kind: Kind
    zoned: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """The day, week, month, quarter or year in which a moment lies."""

    unit: str
    of: Field


@dataclass(frozen=True, slots=True)
class Duration:
    """The seconds (or other unit) from one moment to another."""

    low: Field
    high: Field
    unit: str = "second"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A number made of two columns of a row: `*` or `-` stands between them."""

    left: Field
    sign: str
    right: Field


class Function(StrEnum):
    """What an aggregate does."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    MEDIAN = "median"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A number made of many rows. Without `of` it counts the rows of `table`."""

    function: Function
    table: str
    of: "Field | Duration | Arithmetic | None" = None
    distinct: bool = False
    where: "tuple[Condition, ...]" = ()
    """Only of rows for which these hold."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """One number divided by another."""

    over: "Aggregate"
    under: "Aggregate"
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Calendar:
    """The place of a name of a month or day in the year or week, to order by."""

    of: Field
    names: tuple[str, ...]


Expression = Field | Bucket | Duration | Arithmetic | Aggregate | Ratio | Calendar


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison with a value: `=`, `<>`, `<`, `<=`, `>`, `>=`."""

    left: Expression
    operator: str
    value: str | int | float | bool


@dataclass(frozen=True, slots=True)
class OneOf:
    """Being one of several values, or none of them."""

    left: Field
    values: tuple[str | int | float, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Like:
    """A text that contains, starts with or ends with another, in any case of letters."""

    left: Field
    how: str
    """`contains`, `starts` or `ends`."""
    text: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Within:
    """A moment in a half-open range of days."""

    left: Field
    low: date | None
    high: date | None
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Empty:
    """Having no value, or having one."""

    left: Field
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Extreme:
    """Being the highest or lowest of all values of the column."""

    left: Field
    highest: bool


@dataclass(frozen=True, slots=True)
class AgainstAll:
    """A comparison with a number made of all values of the column: above the average of all."""

    left: Field
    operator: str
    function: Function


@dataclass(frozen=True, slots=True)
class Either:
    """One of several conditions."""

    any_of: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Related:
    """Whether rows of a table that belong to the row exist, or do not; `at_least` of them."""

    anchor: str
    table: str
    conditions: "tuple[Condition, ...]" = ()
    negated: bool = False
    via: tuple[str, ...] = ()
    """Tables that the words mention on the way, from the anchor on."""


Condition = Compare | OneOf | Like | Within | Empty | Extreme | AgainstAll | Either | Related


@dataclass(frozen=True, slots=True)
class Order:
    """What rows are ordered by."""

    by: Expression
    descending: bool


@dataclass(frozen=True, slots=True)
class Ranked:
    """The first rows of each group alone: the latest order of each customer."""

    per: tuple[Expression, ...]
    order: Order
    most: int


@dataclass(frozen=True, slots=True)
class Beside:
    """Rows alone that compare so with a number made of the rows of their group: above the average of their kind."""

    per: tuple[Field, ...]
    left: Field
    operator: str
    function: Function


@dataclass(frozen=True, slots=True)
class Mention:
    """A table that the words name, and the one that they hang it on."""

    table: str
    anchor: str | None


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked."""

    base: str
    select: tuple[Expression, ...]
    where: tuple[Condition, ...] = ()
    group: tuple[Expression, ...] = ()
    having: tuple[Compare, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    distinct: bool = False
    mentions: tuple[Mention, ...] = field(default=())
    """In the order of the words: they lead the joins."""
    all_groups: bool = False
    average_of_groups: Function | None = None
    """The aggregate over the groups of `select`'s only aggregate: the average number of orders per customer."""
    offset: int | None = None
    """Rows that are left out before the first one."""
    window: Ranked | Beside | None = None


class CannotWriteError(Exception):
    """The query has no single right SQL over these tables and joins; the message says why."""

    def __init__(self, reason: str, missing: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.missing = reason, missing


def fields_of(expression: Expression) -> tuple[Field, ...]:
    """The columns that an expression reads outside of conditions."""
    if isinstance(expression, Field):
        return (expression,)
    if isinstance(expression, (Bucket, Calendar)):
        return (expression.of,)
    if isinstance(expression, Duration):
        return (expression.low, expression.high)
    if isinstance(expression, Arithmetic):
        return (expression.left, expression.right)
    if isinstance(expression, Ratio):
        return (*fields_of(expression.over), *fields_of(expression.under))
    return fields_of(expression.of) if expression.of is not None else ()


def tables_of(expression: Expression) -> tuple[str, ...]:
    """The tables that an expression reads, its own conditions included."""
    if isinstance(expression, Aggregate):
        inner = tuple(table for condition in expression.where for table in condition_tables(condition))
        return (expression.table, *inner)
    if isinstance(expression, Ratio):
        return (*tables_of(expression.over), *tables_of(expression.under))
    return tuple(field.table for field in fields_of(expression))


def condition_tables(condition: Condition) -> tuple[str, ...]:
    """The tables whose rows a condition looks at."""
    if isinstance(condition, Either):
        return tuple(table for each in condition.any_of for table in condition_tables(each))
    if isinstance(condition, Related):
        return (condition.anchor,)
    return tables_of(condition.left)


def aggregates_of(expression: Expression) -> tuple[Aggregate, ...]:
    """The aggregates in an expression."""
    if isinstance(expression, Ratio):
        return (expression.over, expression.under)
    return (expression,) if isinstance(expression, Aggregate) else ()
