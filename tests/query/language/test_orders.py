"""Orders that are said otherwise than by `sorted by`, and superlatives as adjectives of columns."""

import pytest

from tests.query.language.harbour import HARBOUR_ENGINE, SHOP_ENGINE, is_doubted, sql_of


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("tickets by class, most first", "GROUP BY tickets.class ORDER BY COUNT(*) DESC"),
        ("total fare by class, highest first", "GROUP BY tickets.class ORDER BY SUM(tickets.fare) DESC"),
        ("total fare by class, highest fare first", "GROUP BY tickets.class ORDER BY SUM(tickets.fare) DESC"),
        ("vessels by length, longest first", "ORDER BY vessels.length_ft DESC"),
        ("vessels, shortest first", "ORDER BY vessels.length_ft ASC"),
        ("vessels from the heaviest down", "ORDER BY vessels.weight_kg DESC"),
        ("vessels from fastest to slowest", "ORDER BY vessels.max_speed DESC"),
        ("crew from highest to lowest salary", "ORDER BY crew.salary DESC"),
        ("crew alphabetically", "ORDER BY crew.full_name ASC"),
        ("crew, oldest first", "ORDER BY crew.birth_date ASC"),
        ("voyages in chronological order", "ORDER BY voyages.departed_at ASC"),
        ("voyages per month in reverse chronological order", "voyages.departed_at) AS DATE) DESC"),
        ("incidents, newest first", "ORDER BY incidents.reported_on DESC"),
        ("vessels sorted by name descending", "ORDER BY vessels.name DESC"),
    ],
)
def test_an_order_is_of_what_its_own_words_speak_of(question: str, part: str) -> None:
    assert part in sql_of(HARBOUR_ENGINE, question)


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("products, most expensive first", "ORDER BY products.price DESC"),
        ("products from cheapest to most expensive", "ORDER BY products.price ASC"),
        ("most expensive products first", "ORDER BY products.price DESC"),
        ("products from the dearest down", "ORDER BY products.price DESC"),
        ("orders per customer, most first", "ORDER BY COUNT(*) DESC"),
        ("visits by device, most used first", "GROUP BY visits.device ORDER BY COUNT(*) DESC"),
        ("customers, oldest first", "ORDER BY customers.age DESC"),
        ("visits, longest first", "ORDER BY EXTRACT(epoch FROM (visits.ended_at - visits.visited_at)) DESC"),
        ("names and prices of products, highest first", "ORDER BY products.price DESC"),
        ("customer names in reverse alphabetical order", "ORDER BY customers.name DESC"),
    ],
)
def test_an_order_of_prices_ages_and_counts(question: str, part: str) -> None:
    assert part in sql_of(SHOP_ENGINE, question)


@pytest.mark.parametrize(
    "question",
    [
        "orders, worst first",
        "suppliers, best first",
        "orders, highest first",
        "number of orders per city, longest first",
    ],
)
def test_an_order_of_nothing_that_is_there_is_not_left_out(question: str) -> None:
    assert is_doubted(SHOP_ENGINE, question)


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("the 3 longest vessels", "ORDER BY vessels.length_ft DESC NULLS LAST LIMIT 3"),
        ("5 longest ferries with their length",
         "vessels.vessel_type = 'ferry' ORDER BY vessels.length_ft DESC NULLS LAST LIMIT 5"),
        ("which vessel is the fastest", "ORDER BY vessels.max_speed DESC NULLS LAST LIMIT 1"),
        ("which ferries are the heaviest", "vessels.vessel_type = 'ferry' ORDER BY vessels.weight_kg DESC"),
        ("lightest tanker", "vessels.vessel_type = 'tanker' ORDER BY vessels.weight_kg ASC"),
        ("the oldest crew", "ORDER BY crew.birth_date ASC"),
    ],
)  # fmt: skip
def test_a_superlative_says_which_column_is_meant(question: str, part: str) -> None:
    assert part in sql_of(HARBOUR_ENGINE, question)


def test_a_long_visit_is_long_from_its_beginning_to_its_end() -> None:
    assert "ORDER BY EXTRACT(epoch FROM (visits.ended_at" in sql_of(SHOP_ENGINE, "the longest visit")


@pytest.mark.parametrize(
    "question",
    ["worst delays", "the best crew", "longest delay of the best vessel", "the hottest vessel", "worst fare"],
)
def test_what_is_good_or_bad_is_not_guessed(question: str) -> None:
    assert is_doubted(HARBOUR_ENGINE, question)


def test_the_best_rating_is_the_highest_one() -> None:
    assert "MAX(suppliers.rating)" in sql_of(SHOP_ENGINE, "best rating")
    assert "MIN(suppliers.rating)" in sql_of(SHOP_ENGINE, "worst rating")
