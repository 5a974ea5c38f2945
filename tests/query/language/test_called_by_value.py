"""Rows that are called by one of their values, and manners before a question."""

import pytest

from tests.query.language.harbour import HARBOUR_ENGINE, SHOP_ENGINE, sql_of


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("how many tankers do we have", "COUNT(*) AS vessels_count FROM vessels WHERE vessels.vessel_type = 'tanker'"),
        ("how many ferries were built between 1990 and 2000", "COUNT(*) AS vessels_count FROM vessels WHERE"),
        ("number of Norwegian crew", "COUNT(*) AS crew_count FROM crew WHERE crew.nationality = 'Norwegian'"),
        ("count of tugs per build year", "COUNT(*) AS vessels_count FROM vessels"),
        ("how many tugs made voyages in 2024", "COUNT(*) AS vessels_count FROM vessels"),
        ("how many voyages did tugs make in 2024", "COUNT(*) AS voyages_count FROM voyages"),
        ("how many are cancelled", "COUNT(*) AS voyages_count FROM voyages WHERE voyages.voy_stat = 'cancelled'"),
        ("number of tickets sold in 2024", "COUNT(*) AS tickets_count FROM tickets WHERE tickets.sold_on >="),
    ],
)
def test_rows_are_counted_that_are_called_by_a_value(question: str, part: str) -> None:
    assert part in sql_of(HARBOUR_ENGINE, question)


def test_a_verb_behind_a_value_is_not_what_is_counted() -> None:
    sql = sql_of(SHOP_ENGINE, "how many books were ordered in 2024")
    assert sql.startswith("SELECT COUNT(*) AS products_count FROM products WHERE products.category = 'Books'")


@pytest.mark.parametrize(
    "manners",
    [
        "I'd like to know", "I would like to see", "could you tell me", "can you show me", "please give me", "we need",
        "what about", "do we have", "tell me", "I want to know", "we'd like to see", "would you show me",
    ],
)  # fmt: skip
def test_manners_say_nothing(manners: str) -> None:
    plain = sql_of(HARBOUR_ENGINE, "cancelled voyages")
    assert sql_of(HARBOUR_ENGINE, f"{manners} cancelled voyages") == plain
