"""The intermediate query: paths of accepted joins, what they multiply, and the SQL that is written."""

from datetime import date

import pytest

from app.query.guard.check import GuardPolicy, check
from app.query.language.algebra.model import (
    Aggregate,
    Bucket,
    Calendar,
    CannotWriteError,
    Compare,
    Condition,
    Either,
    Empty,
    Expression,
    Extreme,
    Field,
    Function,
    Like,
    Mention,
    OneOf,
    Order,
    Query,
    Ratio,
    Related,
    Within,
)
from app.query.language.algebra.paths import JoinGraph, JoinTree
from app.query.language.algebra.plan import Planner
from app.query.language.algebra.writing import Writer
from app.query.language.vocabulary.model import Kind
from tests.query.language.shop import SHOP, catalog

GRAPH = JoinGraph(SHOP)
NAME = Field("customers", "name", Kind.TEXT)
STATUS = Field("orders", "status", Kind.TEXT)
ORDERED = Field("orders", "ordered_on", Kind.DATE)
CREATED = Field("customers", "created_at", Kind.MOMENT, zoned=True)
AMOUNT = Field("orders", "total_amount", Kind.NUMBER)
PRICE = Field("products", "price", Kind.NUMBER)
CATEGORY = Field("products", "category", Kind.TEXT)
ORDERS = Aggregate(Function.COUNT, "orders")


def write(query: Query, *words: str) -> str:
    """The SQL, which the guard lets pass, without quotes around names."""
    sql = Writer(SHOP, Planner(SHOP, GRAPH, words)).write(query)
    verdict = check(sql, catalog(SHOP), GuardPolicy(require_accepted_joins=True))
    assert verdict.allowed, f"{sql}: {verdict.findings}"
    return sql.replace('"', "")


def where(*conditions: Condition) -> str:
    """What is written of conditions on customers."""
    return write(Query("customers", (NAME,), conditions)).partition(" WHERE ")[2]


def test_the_shortest_path_is_taken() -> None:
    (path,) = GRAPH.shortest(["customers"], "products")
    assert [step.target for step in path] == ["orders", "order_items", "products"]
    assert [step.multiplies for step in path] == [True, True, False]


def test_there_is_no_path_without_accepted_joins() -> None:
    assert GRAPH.shortest(["customers"], "shelves") == []
    with pytest.raises(CannotWriteError):
        write(Query("customers", (NAME,), mentions=(Mention("shelves", None),)))


def test_a_tree_knows_what_its_joins_multiply() -> None:
    tree = JoinTree("orders")
    tree.add(GRAPH.shortest(["orders"], "customers")[0])
    tree.add(GRAPH.shortest(["orders"], "order_items")[0])
    assert not tree.multiplied("orders", ["customers"])
    assert tree.multiplied("orders", ["order_items"])
    assert tree.multiplied("customers", ["orders"])
    assert tree.route("order_items", "customers") == [("orders", False), ("customers", False)]


def test_rows_that_a_path_multiplies_are_counted_by_their_key() -> None:
    sql = write(Query("orders", (CATEGORY, ORDERS), group=(CATEGORY,)))
    assert "COUNT(DISTINCT orders.id)" in sql
    assert "COUNT(*)" in write(Query("orders", (NAME, ORDERS), group=(NAME,)))


def test_sums_of_multiplied_rows_are_refused() -> None:
    total = Aggregate(Function.SUM, "orders", AMOUNT)
    visits = Aggregate(Function.COUNT, "visits")
    with pytest.raises(CannotWriteError):
        write(Query("customers", (NAME, total, visits), group=(NAME,)))
    with pytest.raises(CannotWriteError):
        write(Query("orders", (total, Aggregate(Function.MAX, "products", PRICE))))


def test_a_table_that_only_conditions_name_is_looked_into() -> None:
    paid = Compare(STATUS, "=", "paid")
    sql = write(
        Query("customers", (Aggregate(Function.AVG, "customers", Field("customers", "age", Kind.NUMBER)),), (paid,))
    )
    assert "EXISTS(SELECT 1 FROM orders WHERE customers.id = orders.customer_id AND orders.status = 'paid')" in sql


@pytest.mark.parametrize(
    ("condition", "sql"),
    [
        (Compare(NAME, "<>", "O'Neil"), "customers.name <> 'O''Neil'"),
        (OneOf(NAME, ("a", "b")), "customers.name IN ('a', 'b')"),
        (OneOf(NAME, ("a",), negated=True), "NOT (customers.name IN ('a'))"),
        (Like(NAME, "contains", "50%_"), "customers.name ILIKE '%50\\%\\_%'"),
        (Like(NAME, "ends", "x", negated=True), "NOT (customers.name ILIKE '%x')"),
        (Empty(NAME), "customers.name IS NULL"),
        (Empty(NAME, negated=True), "NOT (customers.name IS NULL)"),
        (
            Extreme(Field("customers", "age", Kind.NUMBER), highest=True),
            "customers.age = (SELECT MAX(customers.age) FROM customers)",
        ),
        (Either((Compare(NAME, "=", "a"), Empty(NAME))), "(customers.name = 'a' OR customers.name IS NULL)"),
        (
            Within(CREATED, date(2025, 3, 30), date(2025, 3, 31)),
            (
                "customers.created_at >= CAST('2025-03-30 00:00:00+01:00' AS TIMESTAMPTZ) "
                "AND customers.created_at < CAST('2025-03-31 00:00:00+02:00' AS TIMESTAMPTZ)"
            ),
        ),
        (
            Related("customers", "orders", (Compare(STATUS, "=", "paid"),), negated=True),
            "NOT EXISTS(SELECT 1 FROM orders WHERE customers.id = orders.customer_id AND orders.status = 'paid')",
        ),
    ],
)
def test_conditions_are_written(condition: Condition, sql: str) -> None:
    assert where(condition) == sql


@pytest.mark.parametrize(
    ("expression", "sql"),
    [
        (Bucket("week", ORDERED), "CAST(DATE_TRUNC('week', orders.ordered_on) AS DATE) AS week"),
        (
            Aggregate(Function.MEDIAN, "orders", AMOUNT),
            "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY orders.total_amount)",
        ),
        (
            Ratio(ORDERS, ORDERS, percent=True),
            "CAST(100.0 * COUNT(*) AS DOUBLE PRECISION) / NULLIF(COUNT(*), 0) AS percentage",
        ),
        (
            Aggregate(Function.COUNT, "orders", None, where=(Compare(STATUS, "=", "paid"),)),
            "COUNT(*) FILTER(WHERE orders.status = 'paid')",
        ),
        (
            Calendar(STATUS, ("paid", "pending")),
            "CASE BTRIM(orders.status) WHEN 'paid' THEN 1 WHEN 'pending' THEN 2 END",
        ),
    ],
)
def test_expressions_are_written(expression: Expression, sql: str) -> None:
    assert sql in write(Query("orders", (expression,)))


def test_moments_are_parted_in_the_zone_of_the_question() -> None:
    assert "DATE_TRUNC('day', TIMEZONE('Europe/Berlin', customers.created_at))" in write(
        Query("customers", (Bucket("day", CREATED),))
    )


def test_two_tables_are_counted_apart() -> None:
    sql = write(Query("orders", (Ratio(ORDERS, Aggregate(Function.COUNT, "shelves")),)))
    assert "(SELECT COUNT(*) AS shelves_count FROM shelves)" in sql


def test_columns_of_one_name_get_two() -> None:
    sql = write(Query("products", (Field("products", "name", Kind.TEXT), Field("suppliers", "name", Kind.TEXT))))
    assert "suppliers.name AS suppliers_name" in sql


def test_nulls_come_last() -> None:
    assert write(Query("orders", (AMOUNT,), order=(Order(AMOUNT, descending=True),), limit=3)).endswith(
        "ORDER BY orders.total_amount DESC NULLS LAST LIMIT 3"
    )
