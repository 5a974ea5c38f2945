"""The intermediate query as SQL with logical names. Every identifier is quoted; texts of the question are literals."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from sqlglot import exp

from app.query.language.algebra.model import (
    AgainstAll,
    Aggregate,
    Arithmetic,
    Beside,
    Bucket,
    Calendar,
    CannotWriteError,
    Compare,
    Condition,
    Duration,
    Either,
    Empty,
    Expression,
    Extreme,
    Field,
    Function,
    Like,
    OneOf,
    Query,
    Ranked,
    Ratio,
    Related,
    Within,
    condition_tables,
)
from app.query.language.algebra.paths import JoinTree, Step
from app.query.language.algebra.plan import Plan, Planner
from app.query.language.algebra.result_names import ResultNames
from app.query.language.algebra.windows import beside, ranked, window
from app.query.language.reading.calendar import midnight
from app.query.language.vocabulary.model import Kind, Table, Vocabulary

_OPERATORS: Final[dict[str, type[exp.Binary]]] = {
    "=": exp.EQ, "<>": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
}  # fmt: skip
_SIGNS: Final[dict[str, type[exp.Binary]]] = {"*": exp.Mul, "-": exp.Sub}
_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


def quoted(name: str) -> exp.Identifier:
    """The name as a quoted identifier."""
    return exp.to_identifier(name, quoted=True)


def column(table: str, name: str) -> exp.Column:
    """A column of a table."""
    return exp.Column(this=quoted(name), table=quoted(table))


def _of_row(number: Field | Arithmetic) -> exp.Expr:
    """A column, or what is made of two of them."""
    if isinstance(number, Field):
        return column(number.table, number.column)
    return _SIGNS[number.sign](this=_of_row(number.left), expression=_of_row(number.right))


def literal(value: str | float | bool) -> exp.Expr:
    """A value as SQL."""
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    digits = f"{Decimal(repr(value)):f}".removeprefix(
        "-"
    )  # no exponent, and no rounding: arithmetic of decimals rounds
    number = exp.Literal(this=digits, is_string=False)
    return exp.Neg(this=number) if value < 0 else number


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _all(conditions: Iterable[exp.Expr]) -> exp.Expr | None:
    found = list(conditions)
    return exp.and_(*found) if found else None


class Writer:
    """Writes one query."""

    def __init__(self, vocabulary: Vocabulary, planner: Planner) -> None:
        self._tables: dict[str, Table] = {table.name: table for table in vocabulary.tables}
        self._zone: ZoneInfo = vocabulary.zone
        self._planner = planner
        self.plan: Plan | None = None
        self._left = False

    def write(self, query: Query) -> str:
        """The SQL of the query. Raises `CannotWriteError`."""
        return self.tree(query).sql(dialect="postgres")

    def tree(self, query: Query) -> exp.Select:
        """The query as a syntax tree."""
        if _apart(query):
            return self._apart(query)
        plan = self.plan = self._planner.plan(query)
        self._left = apart = any(
            isinstance(each, Ratio) and each.over.table != each.under.table for each in query.select
        )
        names = ResultNames()
        select = exp.Select()
        groups = [self._expression(each, plan) for each in query.group]
        for expression in dict.fromkeys(query.select):
            written = self._expression(expression, plan)
            alias = names.of(expression)
            select = select.select(written if alias is None else exp.alias_(written, alias, quoted=True), copy=False)
        select = self._from(select, plan, apart=apart)
        where = _all(self._conditions(plan))
        if where is not None:
            select = select.where(where, copy=False)
        if query.distinct and not groups:
            select = select.distinct(copy=False)
        if groups:
            select = select.group_by(*groups, copy=False)
        for having in query.having:
            select = select.having(self._compare(having, plan), copy=False)
        if query.average_of_groups is not None:
            return self._of_groups(select, query)
        if query.window is not None:
            return self._windowed(select, query.window, plan)
        return self._ordered(select, query, plan)

    def _apart(self, query: Query) -> exp.Select:
        """A ratio of numbers of two tables, each counted for itself."""
        (ratio,) = query.select
        assert isinstance(ratio, Ratio)
        parts = []
        for each in (ratio.over, ratio.under):
            alone = Aggregate(each.function, each.table, each.of, each.distinct)
            parts.append(exp.Subquery(this=self.tree(Query(each.table, (alone,), each.where))))
        factor = exp.Literal.number("100.0" if ratio.percent else "1.0")
        written = exp.Div(this=exp.Mul(this=factor, expression=parts[0]),
                          expression=_call("nullif", parts[1], exp.Literal.number("0")))  # fmt: skip
        return exp.Select().select(exp.alias_(written, "ratio", quoted=True))

    def _ordered(self, select: exp.Select, query: Query, plan: Plan) -> exp.Select:
        for order in query.order:
            by = exp.Ordered(this=self._expression(order.by, plan), desc=order.descending, nulls_first=False)
            select = select.order_by(by, copy=False)
        select = select if query.limit is None else select.limit(query.limit, copy=False)
        return select if query.offset is None else select.offset(query.offset, copy=False)

    def _windowed(self, select: exp.Select, said: Ranked | Beside, plan: Plan) -> exp.Select:
        """The rows that the window keeps."""
        per = [self._expression(each, plan) for each in said.per]
        if isinstance(said, Ranked):
            by = self._expression(said.order.by, plan)
            order = exp.Ordered(this=by, desc=said.order.descending, nulls_first=False)
            return ranked(select, per, order, said.most)
        if plan.tree.multiplied(said.left.table, plan.core):
            raise CannotWriteError(f"Values of {said.left.table} would be counted several times by this join.")
        number = window(self._aggregate(Aggregate(said.function, said.left.table, said.left), None), per)
        return beside(select, self._expression(said.left, plan), number, _OPERATORS[said.operator])

    def _of_groups(self, select: exp.Select, query: Query) -> exp.Select:
        """The aggregate over all groups of the number that each of them has."""
        last = select.expressions[-1]
        last.set("alias", quoted("n"))
        select.set("expressions", [last])
        outer = str(query.average_of_groups)
        counts = query.average_of_groups is Function.COUNT
        name = f"{query.base}_count" if counts else f"{outer}_per_group"
        return (
            exp.Select()
            .select(exp.alias_(_call(outer, exp.column(quoted("n"), table=quoted("g"))), name, quoted=True))
            .from_(select.subquery(alias=quoted("g")))
        )

    def _from(self, select: exp.Select, plan: Plan, *, apart: bool) -> exp.Select:
        """The tables; where two are counted apart, groups in which one has no rows stay."""
        select = select.from_(exp.Table(this=quoted(plan.tree.base)), copy=False)
        for step in plan.tree.steps:
            if step.target in plan.core:
                kind = "left" if apart else "inner"
                select.append("joins", _join(step, kind))
        return select

    def _conditions(self, plan: Plan) -> Iterable[exp.Expr]:
        for condition in plan.where:
            yield self._condition(condition, plan)
        for step, steps in plan.looked_into:
            inner = [self._condition(each, plan) for each in plan.inner.get(step.target, ())]
            yield self._exists(step, steps, inner)

    def _exists(self, step: Step, steps: Sequence[Step], conditions: Sequence[exp.Expr]) -> exp.Exists:
        select = exp.Select().select(exp.Literal.number("1")).from_(exp.Table(this=quoted(step.target)))
        for each in steps:
            select.append("joins", _join(each, "inner"))
        return exp.Exists(this=select.where(exp.and_(_on(step), *conditions), copy=False))

    def _related(self, related: Related) -> exp.Expr:
        """EXISTS over a path of its own from the anchor to the table."""
        tree = JoinTree(related.anchor)
        mentioned = {*related.via, related.table}
        for table in (*related.via, related.table):
            self._planner.reach(tree, table, None if table not in related.via[1:] else related.via[0], mentioned)
        for table in dict.fromkeys(table for each in related.conditions for table in condition_tables(each)):
            self._planner.reach(tree, table, related.table, mentioned)
        if not tree.steps:
            raise CannotWriteError(f"How {related.table} are related to each other is not said.", related.table)
        first = tree.steps[0]
        others = tree.steps[1:]
        if any(each.source == related.anchor for each in others):
            raise CannotWriteError(f"{related.table} hangs on {related.anchor} in two ways at once.", related.table)
        conditions = [self._condition(each, None) for each in related.conditions]
        exists = self._exists(first, others, conditions)
        return exp.Not(this=exists) if related.negated else exists

    def _condition(self, condition: Condition, plan: Plan | None) -> exp.Expr:
        if isinstance(condition, Compare):
            return self._compare(condition, plan)
        if isinstance(condition, Either):
            return exp.Paren(this=exp.or_(*(self._condition(each, plan) for each in condition.any_of)))
        if isinstance(condition, Related):
            return self._related(condition)
        left = self._expression(condition.left, plan)
        if isinstance(condition, OneOf):
            found: exp.Expr = exp.In(this=left, expressions=[literal(value) for value in condition.values])
        elif isinstance(condition, Like):
            found = exp.ILike(this=left, expression=exp.Literal.string(_pattern(condition)))
        elif isinstance(condition, Within):
            found = self._within(condition, left)
        elif isinstance(condition, Empty):
            found = exp.Is(this=left, expression=exp.Null())
        else:
            return self._beside_all(condition, left)
        return exp.Not(this=exp.Paren(this=found)) if condition.negated else found

    def _beside_all(self, condition: Extreme | AgainstAll, left: exp.Expr) -> exp.Expr:
        """A comparison with a number made of all values of the column."""
        if isinstance(condition, Extreme):
            best = Function.MAX if condition.highest else Function.MIN
            return exp.EQ(this=left, expression=self._of_all(best, condition.left))
        return _OPERATORS[condition.operator](this=left, expression=self._of_all(condition.function, condition.left))

    def _of_all(self, function: Function, field: Field) -> exp.Subquery:
        """The number made of all values of a column."""
        number = self._aggregate(Aggregate(function, field.table, field), None)
        return exp.Subquery(this=exp.Select().select(number).from_(exp.Table(this=quoted(field.table))))

    def _within(self, condition: Within, left: exp.Expr) -> exp.Expr:
        bounds: list[exp.Expr] = []
        if condition.low is not None:
            bounds.append(exp.GTE(this=left, expression=self._day(condition.low, condition.left)))
        if condition.high is not None:
            bounds.append(exp.LT(this=left.copy(), expression=self._day(condition.high, condition.left)))
        return exp.and_(*bounds)

    def _day(self, day: date, field: Field) -> exp.Expr:
        """The first moment of a day, as the column has it: in the zone, on the wall clock, or the day itself."""
        if field.zoned:
            text, kind = midnight(day, self._zone).isoformat(sep=" "), "timestamptz"
        else:
            text, kind = day.isoformat(), "date" if field.kind is Kind.DATE else "timestamp"
        return exp.Cast(this=exp.Literal.string(text), to=exp.DataType.build(kind, dialect="postgres"))

    def _compare(self, condition: Compare, plan: Plan | None) -> exp.Expr:
        left = self._expression(condition.left, plan)
        return _OPERATORS[condition.operator](this=left, expression=literal(condition.value))

    def _expression(self, expression: Expression, plan: Plan | None) -> exp.Expr:
        if isinstance(expression, (Field, Arithmetic)):
            return _of_row(expression)
        if isinstance(expression, Bucket):
            of: exp.Expr = column(expression.of.table, expression.of.column)
            if expression.of.zoned:
                of = _call("timezone", exp.Literal.string(str(self._zone)), of)
            start = _call("date_trunc", exp.Literal.string(expression.unit), of)
            return exp.Cast(this=start, to=exp.DataType.build("date", dialect="postgres"))
        if isinstance(expression, (Duration, Calendar)):
            return _duration(expression) if isinstance(expression, Duration) else _place_in(expression)
        if isinstance(expression, Ratio):
            return self._ratio(expression, plan)
        return self._aggregate(expression, plan)

    def _ratio(self, ratio: Ratio, plan: Plan | None) -> exp.Expr:
        factor = exp.Literal.number("100.0" if ratio.percent else "1.0")
        over, under = (self._aggregate(each, plan) for each in (ratio.over, ratio.under))
        return exp.Div(
            this=exp.Mul(this=factor, expression=over), expression=_call("nullif", under, exp.Literal.number("0"))
        )

    def _aggregate(self, aggregate: Aggregate, plan: Plan | None) -> exp.Expr:
        of = self._of(aggregate, plan)
        if aggregate.function is Function.MEDIAN:
            inner = exp.WithinGroup(
                this=_call("percentile_cont", exp.Literal.number("0.5")),
                expression=exp.Order(expressions=[exp.Ordered(this=of)]),
            )
            found: exp.Expr = inner
        else:
            found = _call(str(aggregate.function), of)
        conditions = [self._condition(each, plan) for each in aggregate.where]
        if conditions:
            found = exp.Filter(this=found, expression=exp.Where(this=exp.and_(*conditions)))
        return found

    def _of(self, aggregate: Aggregate, plan: Plan | None) -> exp.Expr:
        if aggregate.of is not None:
            of = self._expression(aggregate.of, plan)
            return exp.Distinct(expressions=[of]) if aggregate.distinct else of
        multiplied = plan is not None and plan.tree.multiplied(aggregate.table, plan.core)
        if not multiplied and not (
            self._left and plan is not None and len(plan.core) > 1 and self._tables[aggregate.table].key
        ):
            return exp.Star()
        key = [column(aggregate.table, name) for name in self._tables[aggregate.table].key]
        one: exp.Expr = key[0] if len(key) == 1 else exp.Tuple(expressions=key)
        return exp.Distinct(expressions=[one])


def _duration(duration: Duration) -> exp.Expr:
    """The time from one moment to another in its unit."""
    high, low = (column(each.table, each.column) for each in (duration.high, duration.low))
    between, parts = exp.Paren(this=exp.Sub(this=high, expression=low)), _SECONDS[duration.unit]
    if {duration.high.kind, duration.low.kind} == {Kind.DATE}:  # their difference is a number of days
        per_day = _SECONDS["day"] // parts
        return between if per_day == 1 else exp.Mul(this=between, expression=exp.Literal.number(str(per_day)))
    seconds = exp.Extract(this=exp.var("epoch"), expression=between)
    return seconds if parts == 1 else exp.Div(this=seconds, expression=exp.Literal.number(str(parts)))


def _place_in(calendar: Calendar) -> exp.Expr:
    """The place of a name of a month or day in the calendar."""
    of = _call("btrim", column(calendar.of.table, calendar.of.column))
    names = enumerate(calendar.names, start=1)
    return exp.Case(this=of, ifs=[exp.If(this=literal(name), true=literal(place)) for place, name in names])


def _apart(query: Query) -> bool:
    """Whether the query is nothing but a ratio of two tables."""
    if len(query.select) != 1 or query.where or query.group or query.having:
        return False
    (ratio,) = query.select
    return isinstance(ratio, Ratio) and ratio.over.table != ratio.under.table


def _on(step: Step) -> exp.Expr:
    return exp.and_(
        *(exp.EQ(this=column(step.source, one), expression=column(step.target, other)) for one, other in step.pairs)
    )


def _join(step: Step, kind: str) -> exp.Join:
    """The join to the step's target."""
    side = {"side": "LEFT"} if kind == "left" else {"kind": "INNER"}
    return exp.Join(this=exp.Table(this=quoted(step.target)), on=_on(step), **side)


def _pattern(condition: Like) -> str:
    text = condition.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {"contains": f"%{text}%", "starts": f"{text}%", "ends": f"%{text}"}[condition.how]
