"""Words that might mean something and have no place: verbs of what became of rows, and units of nothing."""

import pytest

from app.query.language.engine import Engine
from app.query.language.outcome import Interpretation
from tests.query.language.courier import COURIER
from tests.query.language.shop import SHOP
from tests.query.language.test_forms import sql_of

COURIER_ENGINE, SHOP_ENGINE = Engine(COURIER), Engine(SHOP)


@pytest.mark.parametrize(
    ("engine", "question"),
    [
        (SHOP_ENGINE, "how many orders were refunded"),
        (SHOP_ENGINE, "how many orders were delivered"),
        (SHOP_ENGINE, "what percentage of orders were delayed"),
        (SHOP_ENGINE, "how many products were recalled in 2024"),
        (SHOP_ENGINE, "orders over 1000 miles"),
        (SHOP_ENGINE, "products over 20 kg"),
        (SHOP_ENGINE, "suppliers with a rating above 4 dollars"),
        (COURIER_ENGINE, "deliveries over 50 minutes"),
        (COURIER_ENGINE, "how many employees were promoted"),
        (COURIER_ENGINE, "deliveries with a distance over 50 euros"),
        (COURIER_ENGINE, "vehicles scrapped before 2010"),
        (COURIER_ENGINE, "how many payments were refunded in 2024"),
    ],
)
def test_words_without_a_place_are_not_left_out(engine: Engine, question: str) -> None:
    found = engine.interpret(question)
    assert not isinstance(found, Interpretation) or found.confidence < 0.7, found


@pytest.mark.parametrize(
    ("engine", "question", "part"),
    [
        (COURIER_ENGINE, "deliveries over 50 km", "dlvry.dist_km > 50"),
        (COURIER_ENGINE, "deliveries over 50 euros", "dlvry.frt_amt > 50"),
        (COURIER_ENGINE, "vehicles over 900 kg", "vhcl.wt_cap_kg > 900"),
        (COURIER_ENGINE, "vehicles built before 2010", "vhcl.blt_yr < 2010"),
        (COURIER_ENGINE, "employees hired in 2024", "emp.hire_dt >= CAST('2024-01-01' AS DATE)"),
        (COURIER_ENGINE, "how many payments were made in 2024", "fact_pymt.pymt_dt >= CAST('2024-01-01' AS DATE)"),
        (SHOP_ENGINE, "how many orders were shipped in 2024", "orders.shipped_on >= CAST('2024-01-01' AS DATE)"),
        (SHOP_ENGINE, "how many orders were placed in 2024", "orders.ordered_on >= CAST('2024-01-01' AS DATE)"),
        (SHOP_ENGINE, "orders that were delivered to Ada Lovelace", "customers.name = 'Ada Lovelace'"),
    ],
)
def test_units_and_verbs_find_their_column(engine: Engine, question: str, part: str) -> None:
    assert part in sql_of(engine, question)
