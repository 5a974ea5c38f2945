"""Whole questions: the SQL that they become, what is said of them, and what is refused."""

import pytest

from app.query.guard.check import GuardPolicy, check
from app.query.language.engine import LEAST, Engine, interpret
from app.query.language.outcome import Interpretation, Refusal
from app.query.language.reading.tokens import LONGEST
from tests.query.language.shop import RIVERS, SHOP, catalog

ENGINE = Engine(SHOP)
POLICY = GuardPolicy(require_accepted_joins=True)


def answered(question: str) -> Interpretation:
    """The interpretation of a question that has one; the guard lets it and its alternatives pass."""
    found = ENGINE.interpret(question)
    assert isinstance(found, Interpretation), f"{question}: {found}"
    for sql in (found.sql, *(each.sql for each in found.alternatives)):
        verdict = check(sql, catalog(SHOP), POLICY)
        assert verdict.allowed, f"{sql}: {verdict.findings}"
    return found


def sql_of(question: str) -> str:
    """The SQL without quotes around names."""
    return answered(question).sql.replace('"', "")


def refused(question: str) -> Refusal:
    """The refusal of a question that must be refused."""
    found = ENGINE.interpret(question)
    assert isinstance(found, Refusal), f"{question}: {found}"
    return found


ENTITY = "SELECT customers.name, customers.id"


@pytest.mark.parametrize(
    ("question", "sql"),
    [
        ("list all customers in Berlin", f"{ENTITY}, customers.city FROM customers WHERE customers.city = 'Berlin'"),
        (
            "customers from Germany or France",
            f"{ENTITY}, customers.country FROM customers WHERE customers.country IN ('DE', 'FR')",
        ),
        ("orders not paid", "SELECT orders.id, orders.status FROM orders WHERE orders.status <> 'paid'"),
        (
            "products with a price between 10 and 20",
            (
                "SELECT products.name, products.id, products.price FROM products "
                "WHERE products.price >= 10 AND products.price <= 20"
            ),
        ),
        (
            "orders with total amount over 1k",
            "SELECT orders.id, orders.total_amount FROM orders WHERE orders.total_amount > 1000",
        ),
        (
            'products starting with "Red"',
            "SELECT products.name, products.id FROM products WHERE products.name ILIKE 'Red%'",
        ),
        (
            "products whose name contains 'kettle'",
            "SELECT products.name, products.id FROM products WHERE products.name ILIKE '%kettle%'",
        ),
        (
            "how many inactive customers are there",
            "SELECT COUNT(*) AS customers_count FROM customers WHERE customers.is_active = FALSE",
        ),
        (
            "names and emails of customers older than 30",
            "SELECT customers.name, customers.email FROM customers WHERE customers.age > 30",
        ),
        (
            "average price of products that cost more than 20",
            "SELECT AVG(products.price) AS avg_price FROM products WHERE products.price > 20",
        ),
        ("what is the maximum price", "SELECT MAX(products.price) AS max_price FROM products"),
        (
            "how many distinct cities do customers live in",
            "SELECT COUNT(DISTINCT customers.city) AS count_city FROM customers",
        ),
        (
            "median price of products per category",
            (
                "SELECT products.category, PERCENTILE_CONT(0.5) WITHIN GROUP "
                "(ORDER BY products.price) AS median_price FROM products GROUP BY products.category"
            ),
        ),
        (
            "number of visits by device",
            "SELECT visits.device, COUNT(*) AS visits_count FROM visits GROUP BY visits.device",
        ),
        (
            "list products sorted by price descending",
            ("SELECT products.name, products.id, products.price FROM products ORDER BY products.price DESC NULLS LAST"),
        ),
        (
            "the 5 most expensive products",
            (
                "SELECT products.name, products.id, products.price FROM products "
                "ORDER BY products.price DESC NULLS LAST LIMIT 5"
            ),
        ),
        (
            "customers without orders",
            f"{ENTITY} FROM customers WHERE NOT EXISTS(SELECT 1 FROM orders WHERE customers.id = orders.customer_id)",
        ),
        (
            "customers who have never ordered",
            f"{ENTITY} FROM customers WHERE NOT EXISTS(SELECT 1 FROM orders WHERE customers.id = orders.customer_id)",
        ),
        (
            "which customer has the most orders",
            (
                f"{ENTITY}, COUNT(*) AS orders_count FROM customers INNER JOIN orders "
                "ON customers.id = orders.customer_id GROUP BY customers.name, customers.id "
                "ORDER BY COUNT(*) DESC NULLS LAST LIMIT 1"
            ),
        ),
        (
            "which customers have more than 3 orders",
            (
                f"{ENTITY}, COUNT(*) AS orders_count FROM customers INNER JOIN orders "
                "ON customers.id = orders.customer_id GROUP BY customers.name, customers.id HAVING COUNT(*) > 3"
            ),
        ),
        (
            "show me top 10 customers by revenue",
            (
                f"{ENTITY}, SUM(orders.total_amount) AS sum_total_amount FROM customers "
                "INNER JOIN orders ON customers.id = orders.customer_id WHERE orders.status = 'paid' "
                "GROUP BY customers.name, customers.id ORDER BY SUM(orders.total_amount) DESC NULLS LAST LIMIT 10"
            ),
        ),
        (
            "total amount of orders by country",
            (
                "SELECT customers.country, SUM(orders.total_amount) AS sum_total_amount "
                "FROM orders INNER JOIN customers ON orders.customer_id = customers.id GROUP BY customers.country"
            ),
        ),
        (
            "average number of orders per customer",
            (
                "SELECT AVG(g.n) AS avg_per_group FROM (SELECT COUNT(*) AS n FROM orders "
                "INNER JOIN customers ON orders.customer_id = customers.id GROUP BY customers.name, customers.id) AS g"
            ),
        ),
        (
            "suppliers with rating above 4 or in Lyon",
            (
                "SELECT suppliers.name, suppliers.id FROM suppliers "
                "WHERE (suppliers.rating > 4 OR suppliers.city = 'Lyon')"
            ),
        ),
        ("VIP orders", "SELECT orders.id, orders.tier FROM orders WHERE orders.tier = 2"),
        ("average basket value", "SELECT AVG(orders.total_amount) AS avg_total_amount FROM orders"),
    ],
)
def test_questions_become_sql(question: str, sql: str) -> None:
    assert sql_of(question) == sql


@pytest.mark.parametrize(
    ("question", "part"),
    [
        (
            "how many orders per month in 2025",
            "CAST(DATE_TRUNC('month', orders.ordered_on) AS DATE) AS month, COUNT(*)",
        ),
        ("orders shipped in Q1 2025", "orders.shipped_on >= CAST('2025-01-01' AS DATE)"),
        (
            "how many customers signed up in 2024",
            "customers.created_at >= CAST('2024-01-01 00:00:00+01:00' AS TIMESTAMPTZ)",
        ),
        (
            "customers created after 2025-06-30",
            "customers.created_at >= CAST('2025-07-01 00:00:00+02:00' AS TIMESTAMPTZ)",
        ),
        ("how many customers have placed an order since March", "orders.ordered_on >= CAST('2025-03-01' AS DATE)"),
        ("percentage of orders that were cancelled", "100.0 * COUNT(*) FILTER(WHERE orders.status = 'cancelled')"),
        ("ratio of paid orders to cancelled orders", "NULLIF(COUNT(*) FILTER(WHERE orders.status = 'cancelled'), 0)"),
        ("which products were ordered by customers from Paris", "WHERE EXISTS(SELECT 1 FROM order_items"),
        ("customers with at least 2 orders in 2024", "HAVING COUNT(*) >= 2"),
        ("total quantity sold per product in 2024", "SUM(order_items.quantity)"),
        ("names of customers in Berlin with more than 3 orders in 2024", "HAVING COUNT(*) > 3"),
        ("average visit duration in minutes per device", "EXTRACT(epoch FROM (visits.ended_at - visits.visited_at))"),
        (
            "which country has the highest total order amount",
            "GROUP BY customers.country ORDER BY SUM(orders.total_amount)",
        ),
        ("latest order of Ada Lovelace", "ORDER BY orders.ordered_on DESC NULLS LAST LIMIT 1"),
        ("which category has the highest average price", "ORDER BY AVG(products.price) DESC NULLS LAST LIMIT 1"),
        ("what is the price of the Spade", "WHERE products.name = 'Spade'"),
    ],
)
def test_questions_hold_a_part(question: str, part: str) -> None:
    assert part in sql_of(question)


@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("unicorns in Berlin", "unicorns"),
        ("what is the meaning of life", "life"),
        ("how does photosynthesis work", "photosynthesis"),
        ("customers who like jazz", "jazz"),
        ("orders heavier than 20", "heavier than"),
    ],
)
def test_an_unknown_word_refuses_and_is_named(question: str, word: str) -> None:
    assert word in refused(question).not_understood


@pytest.mark.parametrize(
    "question",
    [
        "",
        "?",
        "how many",
        "top",
        "top 5 customers",
        "sorted by",
        "ratio of",
        "between 1 and 2",
        "without",
        "hello there",
        "how many shelves per customer",
        "customers with more than",
        "x" * (LONGEST + 1),
    ],
)
def test_what_is_no_whole_question_is_refused(question: str) -> None:
    refused(question)


def test_a_missing_join_is_named() -> None:
    assert "No accepted join" in refused("how many shelves per customer").reason


def test_a_refusal_says_what_was_understood_and_what_could_be_asked() -> None:
    found = refused("unicorns among customers in Berlin")
    assert "table customers" in {each.meaning for each in found.understood}
    assert found.nearest
    for question in found.nearest:
        answered(question)


def test_a_decayed_join_is_not_taken() -> None:
    from dataclasses import replace  # noqa: PLC0415 - of this test alone

    joins = tuple(replace(join, decayed="orphans") for join in SHOP.joins)
    assert isinstance(interpret("customers without orders", replace(SHOP, joins=joins)), Refusal)


def test_two_paths_are_no_guess() -> None:
    from dataclasses import replace  # noqa: PLC0415

    from tests.query.language.shop import join, table  # noqa: PLC0415

    tables = (
        table("people", "id bigint, name text", "id"),
        table("letters", "id bigint, written_by bigint, read_by bigint", "id"),
    )
    joins = (join("letters", "written_by", "people", "id"), join("letters", "read_by", "people", "id"))
    vocabulary = replace(SHOP, tables=tables, joins=joins, glossary=())
    assert isinstance(interpret("how many letters does each person have", vocabulary), Refusal)
    found = interpret("how many letters were written by each person", vocabulary)
    assert isinstance(found, Interpretation)
    assert '"letters"."written_by" = "people"."id"' in found.sql


def test_values_that_would_count_twice_are_not_added_up() -> None:
    found = ENGINE.interpret("total amount of orders per product category")
    assert not isinstance(found, Interpretation) or found.assumptions


def test_everything_is_said() -> None:
    found = answered("show me top customers by revenue")
    assert any("revenue is total amount of paid orders" in each for each in found.assumptions)
    assert any("first 10" in each for each in found.assumptions)
    assert {"customers", "top"} <= {each.words for each in found.words}
    assert LEAST <= found.confidence <= 1


def test_a_value_of_two_columns_is_an_alternative() -> None:
    found = (
        ENGINE.interpret("what rivers run through ohio")
        if SHOP is RIVERS
        else interpret("what rivers run through ohio", RIVERS)
    )
    sqls = [each.sql for each in found.alternatives] + ([found.sql] if isinstance(found, Interpretation) else [])
    assert any('"state"."state_name" = \'ohio\'' in sql for sql in sqls)


def test_a_private_column_is_read_as_a_name_alone() -> None:
    assert "customers.email" in sql_of("emails of customers in Paris")
    refused('customers whose mail server is "ada@example.org"')
