"""Whatever the engine writes is allowed by the guard and comes back as it was, with relations in place of names."""

from collections.abc import Iterator
from datetime import date
from types import ModuleType

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from app.query.guard.check import GuardPolicy, check
from app.query.language.algebra.model import (
    AgainstAll,
    Aggregate,
    Bucket,
    CannotWriteError,
    Compare,
    Condition,
    Duration,
    Either,
    Empty,
    Extreme,
    Field,
    Function,
    Like,
    OneOf,
    Order,
    Query,
    Ratio,
    Related,
    Within,
)
from app.query.language.algebra.paths import JoinGraph
from app.query.language.algebra.plan import Planner
from app.query.language.algebra.writing import Writer
from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation
from app.query.language.vocabulary.model import Column, Kind, ListedValues, Table, Vocabulary
from tests.query.language import (
    test_counted,
    test_deeds,
    test_engine,
    test_forms,
    test_nested,
    test_orders,
    test_periods,
    test_ranking,
    test_spans,
)
from tests.query.language.clinic import CLINIC
from tests.query.language.harbour import HARBOUR
from tests.query.language.shop import BERLIN, MANY, NOW, ONE, SHOP, AcceptedJoin, catalog

GRAPH = JoinGraph(SHOP)


def passes(sql: str, vocabulary: Vocabulary) -> None:
    """Assert that the guard allows the statement, and changes nothing but the names of relations."""
    verdict = check(sql, catalog(vocabulary), GuardPolicy(require_accepted_joins=True))
    assert verdict.allowed, f"{sql}\n{verdict.findings}"
    back = str(verdict.sql)
    for each in vocabulary.tables:
        back = back.replace(f'"warehouse"."{each.name}" AS "{each.name}"', f'"{each.name}"')
    assert sqlglot.parse_one(back, read="postgres") == sqlglot.parse_one(sql, read="postgres")


def asked(module: ModuleType) -> Iterator[str]:
    """The questions of a module's tables."""
    for function in vars(module).values():
        for mark in getattr(function, "pytestmark", ()):
            if mark.name == "parametrize" and "question" in mark.args[0]:
                yield from (each if isinstance(each, str) else each[0] for each in mark.args[1])


@pytest.mark.parametrize(
    ("module", "vocabulary"),
    [
        (test_engine, SHOP),
        (test_forms, SHOP),
        (test_forms, test_forms.SHORT),
        (test_ranking, test_ranking.POST),
        (test_deeds, SHOP),
        (test_spans, SHOP),
        (test_spans, CLINIC),
        (test_nested, SHOP),
        (test_periods, SHOP),
        (test_periods, CLINIC),
        (test_orders, SHOP),
        (test_orders, HARBOUR),
        (test_counted, SHOP),
        (test_counted, HARBOUR),
    ],
)  # fmt: skip
def test_every_form_of_the_tests_passes_unchanged(module: ModuleType, vocabulary: Vocabulary) -> None:
    engine = Engine(vocabulary)
    found = [engine.interpret(question) for question in asked(module)]
    written = [each.sql for each in found if isinstance(each, Interpretation)]
    written += [other.sql for each in found for other in each.alternatives]
    assert len(written) >= 3
    for sql in dict.fromkeys(written):
        passes(sql, vocabulary)


ODD = (
    'say "so"', "order", "select", "two words", "Straße", "数量", "Qty%", "a.b", "x;--", "it's", "tab\tbed",
    "CamelCase", "é" * 31, "n" * 63, "$1", "1st", "null", "user", "\\x", "/*",
)  # fmt: skip
NAMES = ("order", "group", "t" * 63, "select", "_x1", "__")


def odd(name: str, of: str) -> Vocabulary:
    """A table of that name with a text and a number, all with labels; and another one that refers to it."""
    columns = (Column("k", "bigint", unique=True), Column(of, "text", labels=("alpha",)),
               Column(f"{of[:58]}2", "numeric", labels=("beta",)))  # fmt: skip
    child = Table("child", (Column("k", "bigint", unique=True), Column("p", "bigint")), ("k",), labels=("kid",))
    return Vocabulary(
        (Table(name, columns, ("k",), labels=("thing",)), child),
        (AcceptedJoin("c", "child", ("p",), name, ("k",), left_rows=MANY, right_rows=ONE),),
        ListedValues({(name, of): ["O'Neil \\ \"x\"", "plain"]}), NOW, BERLIN,
    )  # fmt: skip


@pytest.mark.parametrize("of", ODD)
def test_odd_names_pass_unchanged(of: str) -> None:
    for name in NAMES:
        questions_of(odd(name, of))


def questions_of(vocabulary: Vocabulary) -> None:
    """Assert that questions in other words than the names are answered, and pass."""
    engine = Engine(vocabulary)
    for question in (
        "alpha of things", "average beta of things by alpha", "things with alpha plain and beta over 3",
        "number of kids per thing", "things without kids", "things above the average beta",
    ):  # fmt: skip
        found = engine.interpret(question)
        assert isinstance(found, Interpretation), f"{question}: {found}"
        passes(found.sql, vocabulary)


FIELDS = tuple(
    Field(table.name, column.name, column.kind, column.zoned) for table in SHOP.tables for column in table.columns
)
fields = st.sampled_from(FIELDS)
numbers = st.sampled_from([each for each in FIELDS if each.kind is Kind.NUMBER])
texts = st.sampled_from([each for each in FIELDS if each.kind is Kind.TEXT])
moments = st.sampled_from([each for each in FIELDS if each.kind in {Kind.DATE, Kind.MOMENT}])
tables = st.sampled_from([each.name for each in SHOP.tables])
operators = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
functions = st.sampled_from(Function)
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
figures = st.one_of(st.integers(-(10**40), 10**40), st.floats(-1e12, 1e12, allow_nan=False))
days = st.dates(date(1990, 1, 1), date(2050, 1, 1))
aggregates = st.one_of(
    st.builds(Aggregate, st.just(Function.COUNT), tables),
    st.builds(lambda function, of: Aggregate(function, of.table, of), functions, numbers),
)
simple: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Compare, numbers, operators, figures),
    st.builds(Compare, texts, operators, words),
    st.builds(OneOf, texts, st.lists(words, min_size=1, max_size=3).map(tuple), st.booleans()),
    st.builds(Like, texts, st.sampled_from(["contains", "starts", "ends"]), words, st.booleans()),
    st.builds(Within, moments, days, st.one_of(st.none(), days), st.booleans()),
    st.builds(Empty, fields, st.booleans()),
    st.builds(Extreme, numbers, st.booleans()),
    st.builds(AgainstAll, numbers, operators, st.sampled_from([Function.AVG, Function.MEDIAN, Function.MAX])),
)
conditions = st.one_of(
    simple,
    st.builds(Either, st.lists(simple, min_size=2, max_size=3).map(tuple)),
    st.builds(lambda one, other, negated: Related(one, other, (), negated), tables, tables, st.booleans()),
)
shown = st.one_of(
    fields, aggregates, st.builds(Bucket, st.sampled_from(["day", "week", "month", "quarter", "year"]), moments),
    st.builds(Ratio, aggregates, aggregates, st.booleans()), st.builds(Duration, moments, moments),
)  # fmt: skip


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """A query of any parts; many have no SQL."""
    select = tuple(draw(st.lists(shown, min_size=1, max_size=3)))
    plain = tuple(each for each in select if not isinstance(each, (Aggregate, Ratio)))
    return Query(
        draw(tables), select, tuple(draw(st.lists(conditions, max_size=2))),
        plain if len(plain) < len(select) else (),
        (), tuple(Order(each, draw(st.booleans())) for each in select[: draw(st.integers(0, 1))]),
        draw(st.one_of(st.none(), st.integers(1, 100))), draw(st.booleans()) and len(plain) == len(select),
    )  # fmt: skip


@given(queries())
def test_any_query_that_is_written_passes_unchanged(query: Query) -> None:
    try:
        sql = Writer(SHOP, Planner(SHOP, GRAPH)).write(query)
    except CannotWriteError:
        return
    passes(sql, SHOP)
