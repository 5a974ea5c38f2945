"""Rows beside the others of their group: the first of each, the second highest, above the average of their kind."""

import pytest

from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation, Refusal
from tests.query.language.clinic import CLINIC
from tests.query.language.shop import SHOP

SHOP_ENGINE, CLINIC_ENGINE = Engine(SHOP), Engine(CLINIC)


def sql_of(engine: Engine, question: str) -> str:
    """The SQL of a question that is answered, without quotes around names."""
    found = engine.interpret(question)
    assert isinstance(found, Interpretation), f"{question}: {found}"
    return found.sql.replace('"', "")


@pytest.mark.parametrize(
    ("question", "per", "by", "kept"),
    [
        ("the most expensive product of each category", "products.category", "products.price DESC", "= 1"),
        ("for each category the cheapest product", "products.category", "products.price ASC", "= 1"),
        ("the latest order of each customer", "customers.name, customers.id", "orders.ordered_on DESC", "= 1"),
        ("who is the oldest customer in each city", "customers.city", "customers.age DESC", "= 1"),
        ("the three most expensive products in each category", "products.category", "products.price DESC", "<= 3"),
        ("top 2 products by price in each category", "products.category", "products.price DESC", "<= 2"),
        ("the customer with the most orders in each city", "customers.city", "COUNT(*) DESC", "= 1"),
    ],
)
def test_the_first_rows_of_each_group_are_ranked_in_it(question: str, per: str, by: str, kept: str) -> None:
    sql = sql_of(SHOP_ENGINE, question)
    assert f"RANK() OVER (PARTITION BY {per} ORDER BY {by}" in sql
    assert sql.endswith(f"WHERE kept.place {kept}")


def test_rows_without_the_value_are_first_of_nothing() -> None:
    sql = sql_of(CLINIC_ENGINE, "who is the youngest patient in each city")
    assert "WHERE NOT (tbl_patient.birth_dt IS NULL)" in sql


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("products priced above the average price of their category",
         "AVG(products.price) OVER (PARTITION BY products.category) AS place FROM products) AS kept WHERE kept.own >"),
        ("how many products are priced below the average price of their category", "COUNT(*) AS products_count"),
        ("the second highest price of products", "ORDER BY products.price DESC NULLS LAST LIMIT 1 OFFSET 1"),
        ("the third oldest customer", "ORDER BY customers.age DESC NULLS LAST LIMIT 1 OFFSET 2"),
        ("the city with the second most customers", "ORDER BY COUNT(*) DESC NULLS LAST LIMIT 1 OFFSET 1"),
        ("on average, how many orders does a customer place", "SELECT AVG(g.n)"),
        ("how many orders does a customer place on average", "GROUP BY customers.name, customers.id) AS g"),
        ("on average, how many orders does a customer place, counting only customers that placed any",
         "GROUP BY customers.name, customers.id) AS g"),
    ],
)  # fmt: skip
def test_numbers_of_groups_and_places_in_an_order(question: str, part: str) -> None:
    assert part in sql_of(SHOP_ENGINE, question)


@pytest.mark.parametrize(
    ("question", "within"),
    [
        ("how many customers have more than 3 orders", "GROUP BY customers.id HAVING COUNT(*) > 3"),
        ("number of customers in Berlin with at least 2 visits", "city = 'Berlin' GROUP BY customers.id HAVING"),
        ("how many customers without orders have more than 2 visits", "NOT EXISTS(SELECT 1 FROM orders"),
    ],
)
def test_rows_with_so_many_others_are_counted_once(question: str, within: str) -> None:
    sql = sql_of(SHOP_ENGINE, question)
    assert sql.startswith("SELECT COUNT(g.n) AS customers_count FROM (SELECT COUNT(*) AS n FROM customers")
    assert within in sql


@pytest.mark.parametrize(
    "question",
    [
        "average age of customers with more than 3 orders",
        "the second order",
        "the second highest price in each category",
        "customers who spent more than the average customer",
        "the average price above the average price of their category by supplier",
    ],
)
def test_what_is_ranked_among_nothing_refuses(question: str) -> None:
    assert isinstance(SHOP_ENGINE.interpret(question), Refusal)


def test_the_extreme_of_all_beside_groups_is_no_answer() -> None:
    found = SHOP_ENGINE.interpret("number of orders of the oldest customer in each country")
    assert isinstance(found, Refusal)
