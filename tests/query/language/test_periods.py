"""Dates without a year, halves, decades and columns of years; several periods are read or refused, never half."""

from datetime import date

import pytest

from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation, Refusal
from app.query.language.reading.dates import dates_in
from tests.query.language.clinic import CLINIC
from tests.query.language.shop import SHOP

D, TODAY = date, date(2025, 8, 15)
SHOP_ENGINE, CLINIC_ENGINE = Engine(SHOP), Engine(CLINIC)


def answer(engine: Engine, question: str) -> Interpretation:
    """The answer to a question that is answered."""
    found = engine.interpret(question)
    assert isinstance(found, Interpretation), f"{question}: {found}"
    return found


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("from 3 to 9 March 2024", D(2024, 3, 3), D(2024, 3, 10)),
        ("between March 3 and 9, 2024", D(2024, 3, 3), D(2024, 3, 10)),
        ("from 28 February to 3 March 2024", D(2024, 2, 28), D(2024, 3, 4)),
        ("from 28 December to 3 January 2024", D(2023, 12, 28), D(2024, 1, 4)),
        ("between January and March 2024", D(2024, 1, 1), D(2024, 4, 1)),
        ("in H1 2024", D(2024, 1, 1), D(2024, 7, 1)),
        ("2024 H2", D(2024, 7, 1), D(2025, 1, 1)),
        ("in the second half of 2024", D(2024, 7, 1), D(2025, 1, 1)),
        ("2024 Q3", D(2024, 7, 1), D(2024, 10, 1)),
        ("in the first quarter of last year", D(2024, 1, 1), D(2024, 4, 1)),
        ("in the 1990s", D(1990, 1, 1), D(2000, 1, 1)),
        ("since the '80s", D(1980, 1, 1), None),
        ("this month so far", D(2025, 8, 1), D(2025, 8, 16)),
        ("older than 30 days", None, D(2025, 7, 16)),
        ("less than 3 weeks old", D(2025, 7, 25), None),
    ],
)
def test_periods_that_are_said_in_full(text: str, low: date | None, high: date | None) -> None:
    (found,) = dates_in(f"orders {text}", TODAY)
    assert (found.low, found.high, found.guessed) == (low, high, False)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("on July 4", D(2025, 7, 4), D(2025, 7, 5)),
        ("on the 4th of July", D(2025, 7, 4), D(2025, 7, 5)),
        ("since 24 December", D(2024, 12, 24), None),
        ("between January 1 and January 7", D(2025, 1, 1), D(2025, 1, 8)),
        ("from November to January", D(2024, 11, 1), D(2025, 2, 1)),
        ("in Q4", D(2024, 10, 1), D(2025, 1, 1)),
        ("in H2", D(2025, 7, 1), D(2026, 1, 1)),
        ("in January", D(2025, 1, 1), D(2025, 2, 1)),
        ("in the first week of May 2024", D(2024, 5, 1), D(2024, 5, 8)),
        ("in the last week of February 2024", D(2024, 2, 23), D(2024, 3, 1)),
    ],
)
def test_periods_of_which_the_year_or_the_week_is_a_guess(text: str, low: date, high: date | None) -> None:
    (found,) = dates_in(f"orders {text}", TODAY)
    assert (found.low, found.high, found.guessed) == (low, high, True)


@pytest.mark.parametrize("text", ["march 30,000 units", "h3 2024", "the 30s ran", "people in their 50s", "a half"])
def test_what_only_looks_like_a_period(text: str) -> None:
    assert all(found.bare for found in dates_in(text, TODAY))


@pytest.mark.parametrize("question", ["how many orders were placed on 4 July", "orders in January", "orders in Q1"])
def test_a_guessed_year_is_said_and_no_confident_answer(question: str) -> None:
    found = answer(SHOP_ENGINE, question)
    assert found.confidence < 0.7
    assert any(": from 2025-" in each for each in found.assumptions)


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("buildings built after 2010", "WHERE building.yr_built >= 2011"),
        ("how many buildings were built before 1960", "SELECT COUNT(*) AS building_count FROM building WHERE"),
        ("buildings built in the 1990s", "building.yr_built >= 1990 AND building.yr_built < 2000"),
        ("towns founded before 1200", "REFUSED"),
        ("towns founded before 1950", "WHERE town.founded < 1950"),
        ("patients born before 1960", "WHERE tbl_patient.birth_dt < CAST('1960-01-01' AS DATE)"),
        ("number of appointments in 2022 and in 2024", "OR (appointment.booked_dt >= CAST('2024-01-01' AS DATE)"),
    ],
)
def test_years_are_read_in_columns_of_numbers_and_of_dates(question: str, part: str) -> None:
    found = CLINIC_ENGINE.interpret(question)
    assert part in (found.sql.replace('"', "") if isinstance(found, Interpretation) else "REFUSED")


@pytest.mark.parametrize(
    "question",
    [
        "revenue in 2024 compared with 2023",
        "number of orders in 2023 versus 2024",
        "customers who ordered in both 2024 and 2025",
        "how many orders were placed in spring",
        "orders after the first week of May",
    ],
)
def test_periods_that_have_no_place_refuse(question: str) -> None:
    assert isinstance(SHOP_ENGINE.interpret(question), Refusal)


def test_orders_on_a_day_are_orders_and_no_column() -> None:
    assert "SELECT orders.id, orders.ordered_on" in answer(SHOP_ENGINE, "orders on July 4, 2024").sql.replace('"', "")


def test_a_season_is_a_value_that_stands_in_the_data_or_nothing() -> None:
    found = answer(CLINIC_ENGINE, "how many goals were there in the 2022/23 season")
    assert found.sql.replace('"', "").endswith("WHERE goal.season = '2022/23'")
    assert isinstance(CLINIC_ENGINE.interpret("how many goals were there in the 2024/25 season"), Refusal)
    assert isinstance(SHOP_ENGINE.interpret("how many orders were there in the 2023/24 season"), Refusal)
