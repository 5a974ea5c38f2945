"""What was never done, and how often it was: rows that do not exist, that exist, and that are counted."""

import pytest

from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation, Refusal
from tests.query.language.shop import SHOP

ENGINE = Engine(SHOP)
NO_ORDERS = "WHERE NOT EXISTS(SELECT 1 FROM orders WHERE customers.id = orders.customer_id"


def sql_of(question: str) -> str:
    """The SQL of a question that is answered, without quotes around names."""
    found = ENGINE.interpret(question)
    assert isinstance(found, Interpretation), f"{question}: {found}"
    return found.sql.replace('"', "")


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("customers who have never ordered anything", f"{NO_ORDERS})"),
        ("customers who have never bought anything", f"{NO_ORDERS})"),
        ("customers who have not placed a single order", f"{NO_ORDERS})"),
        ("customers with not a single order", f"{NO_ORDERS})"),
        ("customers with not even one order", f"{NO_ORDERS})"),
        ("customers without a single visit", "NOT EXISTS(SELECT 1 FROM visits"),
        ("customers who never visited", "NOT EXISTS(SELECT 1 FROM visits"),
        ("products that nobody bought", "NOT EXISTS(SELECT 1 FROM order_items WHERE products.id"),
        ("products that were never sold", "NOT EXISTS(SELECT 1 FROM order_items WHERE products.id"),
        ("products no one ordered", "NOT EXISTS(SELECT 1 FROM order_items INNER JOIN orders"),
        ("customers who have not ordered since March 2025", f"{NO_ORDERS} AND orders.ordered_on >= CAST('2025-03-01'"),
        ("how many customers did not buy anything in 2024", f"{NO_ORDERS} AND (orders.ordered_on >= CAST('2024-01-01'"),
        ("customers that have ordered at least once", "WHERE EXISTS(SELECT 1 FROM orders"),
        ("customers who ordered at least once in 2024", "AND (orders.ordered_on >= CAST('2024-01-01' AS DATE)"),
        ("customers who ordered at least twice", "HAVING COUNT(*) >= 2"),
        ("customers who visited more than 3 times in 2024", "visits.visited_at < CAST('2025-01-01' AS TIMESTAMP)"),
    ],
)
def test_what_was_done_is_looked_for_in_the_rows_of_it(question: str, part: str) -> None:
    assert part in sql_of(question)


@pytest.mark.parametrize(
    "question",
    [
        "customers who have never done anything",
        "customers with a single order",
        "customers that nobody likes",
        "customers who frobbed at least twice",
    ],
)
def test_deeds_without_rows_of_their_own_refuse(question: str) -> None:
    assert isinstance(ENGINE.interpret(question), Refusal)
