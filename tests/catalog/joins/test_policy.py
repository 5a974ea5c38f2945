"""What the policy has against a join, and when an accepted join decays."""

from dataclasses import replace
from typing import Any

import pytest

from app.catalog.joins.policy import Estimates, JoinPolicy, decay, is_news, policy_faults
from app.catalog.joins.records import cardinality
from app.warehouse.evidence.samples import JoinMeasure, Multiplicity

POLICY = JoinPolicy(max_orphan_rate=0.05, max_multiplication=1.0)
GOOD = JoinMeasure(
    left_rows=1_000,
    left_nulls=100,
    left_distinct=90,
    left_matched_distinct=90,
    left_orphans=0,
    right_rows=100,
    right_nulls=0,
    right_distinct=100,
    fan_out=Multiplicity(10, 12, 12),
    multiplication=Multiplicity(1, 1, 1),
    left_unique=False,
    right_unique=True,
    values=90,
    exact=True,
)
TWICE: dict[str, Any] = {"multiplication": Multiplicity(1.5, 2, 2), "right_unique": False}


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"left_orphans": 45}, []),
        ({"left_orphans": 46}, ["orphan-rate"]),
        (TWICE, ["fan-out"]),
        (TWICE | {"left_orphans": 900}, ["orphan-rate", "fan-out"]),
        ({"left_matched_distinct": 0, "left_orphans": 900, "multiplication": None}, ["no-match"]),
        ({"left_rows": 0, "left_nulls": 0, "left_distinct": 0, "left_matched_distinct": 0}, ["no-match"]),
        ({"right_unique": False, "right_rows": 101}, []),
    ],
)
def test_what_the_policy_has_against_a_join(changes: dict[str, Any], codes: list[str]) -> None:
    assert [fault.code for fault in policy_faults(replace(GOOD, **changes), POLICY)] == codes


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({}, {}, None),
        ({}, {"left_rows": 2_000, "left_distinct": 95, "left_matched_distinct": 95}, None),
        ({}, {"left_orphans": 45}, None),
        ({}, {"left_orphans": 50}, "5.6% of the left's rows with a value meet no row of the right; it was 0.0%."),
        ({"left_orphans": 400}, {"left_orphans": 405}, None),
        ({"left_orphans": 400}, {"left_orphans": 420}, "46.7%"),
        ({}, TWICE, "a row of the left meets up to 2."),
        ({}, {"right_unique": False, "right_rows": 101}, "now has several."),
        (TWICE, TWICE, None),
        (TWICE, {}, None),
        (TWICE, TWICE | {"multiplication": Multiplicity(3, 9, 9)}, "3 rows of the right on average; it was 1.5."),
        ({}, {"left_matched_distinct": 0, "left_orphans": 900}, "No value of the left occurs on the right any more."),
        ({"left_matched_distinct": 0}, {"left_matched_distinct": 0}, None),
    ],
)
def test_when_a_join_decays(before: dict[str, Any], now: dict[str, Any], words: str | None) -> None:
    reasons = decay(replace(GOOD, **before), replace(GOOD, **now), POLICY)
    assert len(reasons) == (0 if words is None else 1)
    assert words is None or words in reasons[0]


@pytest.mark.parametrize(
    ("decayed", "before", "now", "news"),
    [
        (False, None, {}, False),
        (False, None, TWICE, True),
        (False, {}, TWICE, True),
        (False, TWICE, TWICE, False),  # the samples erred at the last look, and err now
        (False, TWICE, TWICE | {"left_orphans": 900}, True),
        (True, {}, TWICE, False),
        (True, TWICE, {}, True),
        (True, {}, {}, False),
        (True, None, {}, True),
    ],
)
def test_when_samples_have_a_join_measured(
    decayed: bool, before: dict[str, Any] | None, now: dict[str, Any], news: bool
) -> None:
    estimates = Estimates(None if before is None else replace(GOOD, **before), replace(GOOD, **now))
    assert is_news(GOOD, decayed, estimates, POLICY) is news


@pytest.mark.parametrize(
    ("left", "right", "wanted"),
    [(True, True, "1:1"), (False, True, "n:1"), (True, False, "1:n"), (False, False, "n:m")],
)
def test_cardinality(left: bool, right: bool, wanted: str) -> None:
    assert cardinality(replace(GOOD, left_unique=left, right_unique=right)) == wanted
