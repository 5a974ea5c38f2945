"""Numbers made of two columns, where the question says of which and how."""

import pytest

from tests.query.language.harbour import HARBOUR_ENGINE, SHOP_ENGINE, is_doubted, sql_of
from tests.query.language.shop import SHOP
from tests.query.language.test_guarded import passes

VALUE = "order_items.quantity * order_items.unit_price"


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("total order value (quantity times unit price) per category", f"products.category, SUM({VALUE})"),
        ("average order value (quantity times unit price) per category", f"products.category, AVG({VALUE})"),
        ("turnover (quantity times unit price) by category", f"products.category, SUM({VALUE})"),
        ("average of quantity multiplied by unit price", f"AVG({VALUE})"),
        ("quantity * unit price of order items", f"SELECT {VALUE} AS"),
        ("top 3 products by total quantity times unit price", f"ORDER BY SUM({VALUE}) DESC NULLS LAST LIMIT 3"),
    ],
)
def test_two_columns_make_a_number(question: str, part: str) -> None:
    assert part in sql_of(SHOP_ENGINE, question)


def test_a_difference_is_added_up_in_groups() -> None:
    assert "SUM(tickets.fare - tickets.fee)" in sql_of(HARBOUR_ENGINE, "sum of fare minus fee per class")
    assert "SUM(tickets.fare - tickets.fee)" in sql_of(HARBOUR_ENGINE, "fare minus fee by class")


@pytest.mark.parametrize(
    "question",
    [
        "quantity times unit price times price",
        "price minus cost of products",
        "total quantity times 2",
        "customers who ordered 3 times",
        "total quantity times quantity",
        "order items where quantity times unit price is over 100",
    ],
)
def test_what_is_not_two_columns_of_one_table_is_refused(question: str) -> None:
    assert is_doubted(SHOP_ENGINE, question)


def test_the_guard_leaves_arithmetic_as_it_is() -> None:
    passes(SHOP_ENGINE.interpret("total order value (quantity times unit price) per category").sql, SHOP)  # type: ignore[union-attr]
