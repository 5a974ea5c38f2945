"""Rows ranked by how much happens with them, and shares of rows."""

import pytest

from app.query.language.outcome import Interpretation
from tests.query.language.harbour import HARBOUR_ENGINE, SHOP_ENGINE, is_doubted, sql_of


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("busiest month for orders", "AS month, COUNT(*) AS orders_count FROM orders GROUP BY"),
        ("the busiest day of visits", "ORDER BY COUNT(*) DESC NULLS LAST LIMIT 1"),
        ("products ranked by price", "ORDER BY products.price DESC"),
        ("products ranked by price ascending", "ORDER BY products.price ASC"),
        ("customers ranked by number of orders", "ORDER BY COUNT(*) DESC"),
        ("youngest 2 customers", "ORDER BY customers.age ASC LIMIT 2"),
    ],
)
def test_rows_are_ranked(question: str, part: str) -> None:
    assert part in sql_of(SHOP_ENGINE, question)


def test_the_busiest_has_most_of_what_happens() -> None:
    assert "COUNT(*) AS voyages_count FROM vessels" in sql_of(HARBOUR_ENGINE, "the busiest vessel")
    assert is_doubted(SHOP_ENGINE, "the busiest customer")  # orders, or visits


@pytest.mark.parametrize(
    ("question", "part"),
    [("top 3 classes", "GROUP BY tickets.class ORDER BY COUNT(*) DESC NULLS LAST LIMIT 3"),
     ("top 5 vessels", "COUNT(*) AS voyages_count FROM vessels INNER JOIN voyages")],
)  # fmt: skip
def test_the_top_of_nothing_is_by_what_happens_and_is_doubted(question: str, part: str) -> None:
    found = HARBOUR_ENGINE.interpret(question)
    assert isinstance(found, Interpretation)
    assert part in found.sql.replace('"', "")
    assert found.confidence < 0.7
    assert any("is not said" in each for each in found.assumptions)


@pytest.mark.parametrize("question", ["top 3 customers", "top 5 suppliers", "top 3 cities", "top 2 shelves"])
def test_the_top_is_refused_where_several_things_happen_or_none(question: str) -> None:
    assert not isinstance(SHOP_ENGINE.interpret(question), Interpretation)


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("how many percent of orders are paid", "SELECT CAST(100.0 * COUNT(*) FILTER(WHERE orders.status = 'paid')"),
        ("what portion of orders is pending", "FILTER(WHERE orders.status = 'pending')"),
        ("what share of paid orders per city", "GROUP BY customers.city"),
        ("what fraction of customers have ordered",
         "COUNT(*) FILTER(WHERE EXISTS(SELECT 1 FROM orders WHERE customers.id = orders.customer_id"),
    ],
)  # fmt: skip
def test_shares_are_of_all_rows(question: str, part: str) -> None:
    sql = sql_of(SHOP_ENGINE, question)
    assert part in sql
    assert "NULLIF(COUNT(*), 0)" in sql
