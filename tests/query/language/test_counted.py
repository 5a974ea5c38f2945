"""What is counted in each group where no number is named, and several numbers of one column."""

import pytest

from app.query.language.engine import Engine
from app.query.language.vocabulary.model import ListedValues, Vocabulary
from tests.query.language.harbour import HARBOUR_ENGINE, SHOP_ENGINE, is_doubted, sql_of
from tests.query.language.shop import BERLIN, NOW, table

BY_YEAR = "CAST(DATE_TRUNC('year', voyages.departed_at) AS DATE)"


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("departures per year", f"SELECT {BY_YEAR} AS year, COUNT(*) AS voyages_count FROM voyages"),
        ("voyages per vessel type and year", f"GROUP BY vessels.vessel_type, {BY_YEAR}"),
        ("vessels per year", "SELECT vessels.build_year, COUNT(*) AS vessels_count"),
        ("crew broken down by nationality", "SELECT crew.nationality, COUNT(*) AS crew_count FROM crew GROUP BY"),
        ("crew per vessel", "COUNT(*) AS crew_count FROM crew INNER JOIN vessels"),
        ("tickets sold per month in 2024", "COUNT(*) AS tickets_count FROM tickets WHERE tickets.sold_on >="),
        ("incidents split by severity", "COUNT(*) AS incidents_count FROM incidents GROUP BY incidents.severity"),
        ("average salary across nationalities", "AVG(crew.salary) AS avg_salary FROM crew GROUP BY crew.nationality"),
    ],
)
def test_rows_are_counted_where_nothing_else_is(question: str, part: str) -> None:
    assert part in sql_of(HARBOUR_ENGINE, question)


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("signups per month 2024", "COUNT(*) AS customers_count FROM customers WHERE customers.created_at >="),
        ("registrations by country", "COUNT(*) AS customers_count FROM customers WHERE NOT (customers.created_at IS"),
        ("shipments per month in 2024", "COUNT(*) AS orders_count FROM orders WHERE orders.shipped_on >="),
        ("orders by status and month", "COUNT(*) AS orders_count FROM orders GROUP BY orders.status, CAST("),
    ],
)
def test_what_happened_is_counted_by_its_date(question: str, part: str) -> None:
    assert part in sql_of(SHOP_ENGINE, question)


def test_signups_are_of_people_alone() -> None:
    lists = Vocabulary(
        (table("playlists", "id bigint, title text, created_at timestamp", "id"),), (), ListedValues({}), NOW, BERLIN
    )
    assert is_doubted(Engine(lists), "signups per month")


def test_dates_and_prices_that_are_asked_for_are_not_counted() -> None:
    assert "COUNT" not in sql_of(SHOP_ENGINE, "price per product")
    assert is_doubted(SHOP_ENGINE, "order dates by status")


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ("lowest and highest age of customers", ("MIN(customers.age)", "MAX(customers.age)")),
        ("highest and lowest age of customers", ("MAX(customers.age)", "MIN(customers.age)")),
        (
            "the cheapest, the dearest and the mean unit price per category",
            ("MIN(order_items.unit_price)", "MAX(order_items.unit_price)", "AVG(order_items.unit_price)"),
        ),
        ("min and max price of products", ("MIN(products.price)", "MAX(products.price)")),
        ("average and total amount of paid orders", ("AVG(orders.total_amount)", "SUM(orders.total_amount)")),
        ("smallest, largest and median rating", ("MIN(suppliers.rating)", "MAX(suppliers.rating)", "PERCENTILE_CONT")),
    ],
)
def test_several_numbers_of_one_column_stand_in_the_order_of_the_words(question: str, numbers: tuple[str, ...]) -> None:
    places = [sql_of(SHOP_ENGINE, question).find(each) for each in numbers]
    assert -1 not in places
    assert places == sorted(places)
