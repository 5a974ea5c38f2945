"""Time between two dates of a row: averages, extremes, and of each row; in which unit, and which dates."""

import pytest

from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation, Refusal
from tests.query.language.clinic import CLINIC
from tests.query.language.shop import SHOP

SHOP_ENGINE, CLINIC_ENGINE = Engine(SHOP), Engine(CLINIC)
DAYS = "(orders.shipped_on - orders.ordered_on)"


def sql_of(engine: Engine, question: str) -> str:
    """The SQL of a question that is answered, without quotes around names."""
    found = engine.interpret(question)
    assert isinstance(found, Interpretation), f"{question}: {found}"
    return found.sql.replace('"', "")


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("how long does it take on average, in days, from the order date to shipping?", f"AVG({DAYS}) AS avg_days"),
        ("average number of days between ordering and shipping of orders", f"AVG({DAYS}) AS avg_days"),
        ("how long does it take from order to shipping", f"AVG({DAYS}) AS avg_days"),
        ("maximum number of days between order date and ship date", f"MAX({DAYS}) AS max_days"),
        ("the longest time between order and shipping in hours", f"MAX({DAYS} * 24) AS max_hours"),
        ("the difference between ordered date and shipped date in days", f"SELECT orders.id, {DAYS} AS days"),
        ("average time between order and shipping by customer", "GROUP BY customers.name, customers.id"),
    ],
)
def test_days_between_two_dates(question: str, part: str) -> None:
    assert part in sql_of(SHOP_ENGINE, question)


def test_moments_are_counted_in_the_unit_that_is_said() -> None:
    sql = sql_of(CLINIC_ENGINE, "average time in hours between opening and closing of appointments")
    assert "EXTRACT(epoch FROM (appointment.closed_at - appointment.opened_at))" in sql
    assert "/ 3600) AS avg_hours" in sql


@pytest.mark.parametrize(
    "question",
    ["how long from order to heaven", "orders between ordered and shipped", "average days between orders and visits"],
)
def test_a_time_without_two_dates_of_one_table_refuses(question: str) -> None:
    assert isinstance(SHOP_ENGINE.interpret(question), Refusal)


def test_a_period_beside_two_dates_is_doubtful() -> None:
    found = SHOP_ENGINE.interpret("number of days from order to shipping in 2024")
    assert isinstance(found, Interpretation)
    assert found.confidence < 0.7


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("goals after the 80th minute", "WHERE goal.minute > 80"),
        ("how many goals were there in the 12th minute", "WHERE goal.minute = 12"),
        ("towns with more than 30,000 people", "WHERE town.population > 30000"),
        ("towns with over half a million inhabitants", "WHERE town.population > 500000"),
        ("buildings with at least two dozen beds", "WHERE building.num_beds >= 24"),
    ],
)
def test_nouns_say_what_a_number_is_of(question: str, part: str) -> None:
    assert part in sql_of(CLINIC_ENGINE, question)


@pytest.mark.parametrize("question", ["goals after the 80th", "doctors with more than 30,000 people", "the 80th goal"])
def test_numbers_of_nothing_refuse(question: str) -> None:
    assert isinstance(CLINIC_ENGINE.interpret(question), Refusal)


@pytest.mark.parametrize(
    ("question", "column", "sure"),
    [
        ("patients born in 1980", "birth_dt", True),
        ("appointments booked in 2024", "booked_dt", True),
        ("how many appointments were there in 2024", "booked_dt", False),
        ("patients in 2024", "birth_dt", False),
    ],
)
def test_the_verb_decides_which_date_is_meant(question: str, column: str, sure: bool) -> None:
    found = CLINIC_ENGINE.interpret(question)
    assert isinstance(found, Interpretation)
    assert f'"{column}" >=' in found.sql
    assert (found.confidence >= 0.71) is sure
