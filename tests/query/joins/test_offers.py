"""Statements with missing conditions, and what accepted joins make of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query.guard.check import check
from app.query.guard.relations import AcceptedJoin, Catalog
from app.query.joins.offers import MAX_OFFERS, join_offers
from tests.query.relations import CATALOG

JOINS = (
    AcceptedJoin("carrier", "flights", ("carrier",), "airlines", ("carrier",)),
    AcceptedJoin("origin", "flights", ("origin",), "airports", ("faa",), version=3),
    AcceptedJoin("dest", "flights", ("dest",), "airports", ("faa",)),
    AcceptedJoin("weather", "flights", ("origin", "time_hour"), "weather", ("origin", "time_hour")),
    AcceptedJoin("before", "planes", ("model",), "planes", ("tailnum",)),
)
OFFERED = [
    (
        "SELECT * FROM flights f, airlines a WHERE f.hour > 5",
        ["SELECT * FROM flights f JOIN airlines a ON f.carrier = a.carrier WHERE f.hour > 5"],
    ),
    (
        "select count(*) from airlines CROSS  JOIN flights",
        ["select count(*) from airlines JOIN flights ON airlines.carrier = flights.carrier"],
    ),
    (
        "SELECT 1 FROM flights LEFT JOIN airlines AS a",
        ["SELECT 1 FROM flights LEFT JOIN airlines AS a ON flights.carrier = a.carrier"],
    ),
    (
        "SELECT 1 FROM flights JOIN airlines -- who flies",
        ["SELECT 1 FROM flights JOIN airlines -- who flies\nON flights.carrier = airlines.carrier"],
    ),
    (
        'SELECT 1 FROM flights "F", weather w',
        ['SELECT 1 FROM flights "F" JOIN weather w ON "F".origin = w.origin AND "F".time_hour = w.time_hour'],
    ),
    (
        "SELECT 1 FROM airports a, flights f",
        [
            "SELECT 1 FROM airports a JOIN flights f ON a.faa = f.origin",
            "SELECT 1 FROM airports a JOIN flights f ON a.faa = f.dest",
        ],
    ),
    (
        "SELECT 1 FROM planes a, planes b",
        [
            "SELECT 1 FROM planes a JOIN planes b ON a.model = b.tailnum",
            "SELECT 1 FROM planes a JOIN planes b ON a.tailnum = b.model",
        ],
    ),
    (
        "SELECT 1 FROM flights f, airlines a, weather w",
        [
            (
                "SELECT 1 FROM flights f JOIN airlines a ON f.carrier = a.carrier JOIN weather w ON "
                "f.origin = w.origin AND f.time_hour = w.time_hour"
            )
        ],
    ),
    (
        "SELECT extract(year FROM f.time_hour) FROM (SELECT f.time_hour FROM flights f, airlines) f",
        [
            (
                "SELECT extract(year FROM f.time_hour) FROM (SELECT f.time_hour FROM flights f JOIN airlines ON "
                "f.carrier = airlines.carrier) f"
            )
        ],
    ),
    (
        "SELECT 1 FROM flights f JOIN airlines a USING (carrier), weather w",
        [
            (
                "SELECT 1 FROM flights f JOIN airlines a USING (carrier) JOIN weather w ON f.origin = w.origin AND "
                "f.time_hour = w.time_hour"
            )
        ],
    ),
    (
        "SELECT a.name, ',' FROM flights f, airlines a UNION SELECT name, 'from b, c' FROM airports",
        [
            (
                "SELECT a.name, ',' FROM flights f JOIN airlines a ON f.carrier = a.carrier UNION SELECT name, "
                "'from b, c' FROM airports"
            )
        ],
    ),
    ("SELECT 1 FROM flights f JOIN airlines a ON f.carrier = a.carrier", []),
    ("SELECT 1 FROM flights f, planes p", []),
    ("SELECT 1 FROM flights f, airlines a, planes p", []),
    ("SELECT 1 FROM flights f, generate_series(1, 3) g", []),
    ("SELECT 1 FROM flights f, (SELECT 1) x", []),
    ("SELECT 1, 2 FROM flights", []),
    ("SELECT 'unclosed FROM flights, airlines", []),
    ("", []),
]


@pytest.mark.parametrize(("sql", "wanted"), OFFERED)
def test_what_is_offered(sql: str, wanted: list[str]) -> None:
    offers = join_offers(sql, JOINS)
    assert [" ".join(offer.sql.split(" ")) for offer in offers] == wanted
    for offer in offers:
        verdict = check(offer.sql, Catalog(CATALOG.relations, JOINS))
        assert verdict.allowed, verdict.findings
        used = {str(join.join_id) for join in verdict.joins}
        assert {reference.join_id for reference in offer.joins} <= used


def test_the_version_is_named_and_the_number_of_offers_bounded() -> None:
    first, second = join_offers("SELECT 1 FROM flights f, airports a", JOINS)
    assert [(each.join_id, each.version) for each in (*first.joins, *second.joins)] == [("origin", 3), ("dest", 1)]
    many = "SELECT 1 FROM flights f, airports a, airports b, airports c"
    assert len(join_offers(many, JOINS)) == MAX_OFFERS
    assert join_offers(many, ()) == ()


_TEXT = "select from flights f airlines a airports , join cross left on using ( ) where 1 = carrier 'x' union as -- ;"
_WORDS = st.sampled_from(_TEXT.split())


@given(st.lists(_WORDS, max_size=25).map(" ".join))
def test_any_text_is_answered(sql: str) -> None:
    for offer in join_offers(sql, JOINS):
        assert len(offer.sql) > len(sql) - 10
