"""Common forms of questions over odd names, and forms that must not be answered by leaving words out."""

import pytest

from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation, Refusal
from app.query.language.vocabulary.model import ListedValues, Vocabulary
from tests.query.language.shop import BERLIN, NOW, SHOP, join, table

SHORT = Vocabulary(
    (
        table("tbl_cust", "cust_id bigint, cust_nm text, ctry_cd text, active_flg boolean", "cust_id"),
        table("tbl_ord", "ord_id bigint, cust_id bigint, stat_cd text, tot_amt numeric", "ord_id", 1_000),
        table("flight", "flightId bigint, flightNumber text, delayMinutes integer, departedOn date", "flightId"),
        table("books", "id bigint, title text, publication_year integer, pages integer", "id"),
        table("bills", "id bigint, is_paid boolean", "id"),
        table("staff", "id bigint, first_name text, last_name text, salary numeric, weight_kg numeric", "id"),
    ),
    (join("tbl_ord", "cust_id", "tbl_cust", "cust_id"),),
    ListedValues({("tbl_cust", "ctry_cd"): ["DE", "FR"], ("tbl_ord", "stat_cd"): ["open", "sent"]}),
    NOW,
    BERLIN,
)
SHOP_ENGINE, SHORT_ENGINE = Engine(SHOP), Engine(SHORT)


def sql_of(engine: Engine, question: str) -> str:
    """The SQL of a question that is answered, without quotes around names."""
    found = engine.interpret(question)
    assert isinstance(found, Interpretation), f"{question}: {found}"
    return found.sql.replace('"', "")


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("names of customers", "SELECT tbl_cust.cust_nm"),
        ("how many customers are active", "COUNT(*) AS tbl_cust_count FROM tbl_cust WHERE tbl_cust.active_flg = TRUE"),
        ("inactive customers", "WHERE tbl_cust.active_flg = FALSE"),
        ("number of customers per country", "GROUP BY tbl_cust.ctry_cd"),
        ("total amount by status", "GROUP BY tbl_ord.stat_cd"),
        ("average delay of flights", "AVG(flight.delayMinutes)"),
        ("which flight has the highest delay", "SELECT flight.flightNumber"),
        ("how many flights departed in March 2025", "COUNT(*)"),
        ("first and last names of staff", "SELECT staff.first_name, staff.last_name"),
        ("books published before 1950", "WHERE books.publication_year < 1950"),
        ("books with between 200 and 300 pages", "WHERE books.pages >= 200 AND books.pages <= 300"),
        ("books with more pages than the average", "books.pages > (SELECT AVG(books.pages) FROM books)"),
        ("unpaid bills", "WHERE bills.is_paid = FALSE"),
        ("staff who earn more than 1000", "WHERE staff.salary > 1000"),
        ("staff that weigh at most 80 kg", "WHERE staff.weight_kg <= 80"),
    ],
)
def test_names_are_read_in_short_forms_and_without_units(question: str, part: str) -> None:
    assert part in sql_of(SHORT_ENGINE, question)


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("products with a price above the average price", "price > (SELECT AVG(products.price) FROM products)"),
        ("customers older than the average", "age > (SELECT AVG(customers.age) FROM customers)"),
        ("products that are not above the average price", "price <= (SELECT AVG(products.price) FROM products)"),
        ("number of orders of the oldest customer", "customers.age = (SELECT MAX(customers.age) FROM customers)"),
        ("average price of products of the supplier with the lowest rating", "rating = (SELECT MIN(suppliers.rating)"),
        ("maximum, average and minimum price of products",
         "MAX(products.price) AS max_price, AVG(products.price) AS avg_price, MIN(products.price) AS min_price"),
        ("customers above age 20", "WHERE customers.age > 20"),
        ("customers aged between 20 and 30", "WHERE customers.age >= 20 AND customers.age <= 30"),
        ("orders over 100 euros", "WHERE orders.total_amount > 100"),
        ("products between $10 and $20", "WHERE products.price >= 10 AND products.price <= 20"),
        ("customers with a name starting with A", "WHERE customers.name ILIKE 'A%'"),
        ("products not in the category Garden", "WHERE products.category <> 'Garden'"),
        ("orders that have not been shipped", "WHERE orders.shipped_on IS NULL"),
        ("how many orders were shipped", "WHERE NOT (orders.shipped_on IS NULL)"),
        ("customers and their cities", "SELECT customers.name, customers.id, customers.city"),
        ("customers with their emails", "SELECT customers.name, customers.id, customers.email"),
        ("which product has the highest price and what is its supplier", "suppliers.name AS suppliers_name"),
        ("names of customers from youngest to oldest by age", "ORDER BY customers.age"),
        ("names of customers sorted by age from oldest to youngest", "ORDER BY customers.age DESC"),
        ("customers sorted by created at from oldest to youngest", "ORDER BY customers.created_at ASC"),
        ("when was the last order", "SELECT orders.ordered_on FROM orders ORDER BY orders.ordered_on DESC"),
        ("who ordered a Red Kettle in 2024", "SELECT customers.name, customers.id FROM customers WHERE EXISTS"),
        ("which products were ordered in March 2025", "orders.ordered_on >= CAST('2025-03-01' AS DATE)"),
        ("how many customers have not ordered in 2025", "WHERE NOT EXISTS(SELECT 1 FROM orders"),
        ("orders of customers older than 30 in 2024", "orders.ordered_on >= CAST('2024-01-01' AS DATE)"),
        ("number of orders and total amount per customer by total amount", "SUM(orders.total_amount)"),
        ("orders with both Red Kettle and Spade",
         "products.name = 'Red Kettle') AND EXISTS(SELECT 1 FROM order_items"),
        ("how many customers have both paid and pending orders", "SELECT COUNT(*) AS customers_count FROM customers"),
        ("customers with more than 3 paid orders", "WHERE orders.status = 'paid' GROUP BY"),
        ("which customer has been visited the most", "ORDER BY COUNT(*) DESC NULLS LAST LIMIT 1"),
        ("customers with a higher age than average", "age > (SELECT AVG(customers.age) FROM customers)"),
        ("visits that have not ended", "WHERE visits.ended_at IS NULL"),
        ("orders over 50", "WHERE orders.total_amount > 50"),
        ("which status is the most common", "GROUP BY orders.status ORDER BY COUNT(*) DESC NULLS LAST LIMIT 1"),
        ("products by price descending", "ORDER BY products.price DESC"),
        ("the most visited customer", "ORDER BY COUNT(*) DESC NULLS LAST LIMIT 1"),
    ],
)  # fmt: skip
def test_common_forms(question: str, part: str) -> None:
    assert part in sql_of(SHOP_ENGINE, question)


@pytest.mark.parametrize(
    ("question", "both"),
    [
        ("names starting with A", ("customers.name", "products.name")),
        ("how many cities are there", ("customers.city", "suppliers.city")),
        ("rows in Berlin", ("customers.city", "suppliers.city")),
    ],
)
def test_a_column_of_two_tables_is_no_guess(question: str, both: tuple[str, str]) -> None:
    found = SHOP_ENGINE.interpret(question)
    assert isinstance(found, Refusal)
    assert all(each in found.reason for each in both)
    assert len(found.alternatives) >= len(both)


@pytest.mark.parametrize(
    "question",
    [
        "what will the price of products be in 2030",
        "which products should we order",
        "customers who ordered a Red Kettle but not a Spade",
        "who is on the shelves",
        "when do shelves",
        "the last shelf",
        "how many visits lasted more than 10 minutes",
        "how many orders took more than 3 days",
        "recommended products",
        "how many discounted products are there",
        "how do I cancel an order",
        "send an email to customers in Berlin",
        "products in both Garden and Books",
        "customers from both Berlin and Paris",
        "customers above their average",
        "the most visited products",
        "products above the total price",
    ],
)
def test_words_that_turn_the_meaning_are_not_left_out(question: str) -> None:
    assert not isinstance(SHOP_ENGINE.interpret(question), Interpretation)


def test_a_part_of_a_name_is_doubted_where_another_table_has_all_of_it() -> None:
    stock = Vocabulary(
        (table("items", "item_id bigint, name text, stock_quantity integer", "item_id"),
         table("sales", "sale_id bigint, item_id bigint, quantity integer", "sale_id", 1_000)),
        (join("sales", "item_id", "items", "item_id"),), ListedValues({}), NOW, BERLIN,
    )  # fmt: skip
    found = Engine(stock).interpret("total quantity of each item")
    sure = Engine(stock).interpret("total stock quantity of each item")
    assert isinstance(sure, Interpretation)
    assert sure.confidence >= 0.9
    assert not isinstance(found, Interpretation) or found.confidence < 0.8
