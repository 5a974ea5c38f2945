"""What the policy has against a join, and when an accepted join decays."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.joins.policy import Estimates, JoinPolicy, decay, is_news, policy_faults
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
        (TWICE, ["multiplication"]),
        (TWICE | {"left_orphans": 900}, ["orphan-rate", "multiplication"]),
        ({"left_matched_distinct": 0, "left_orphans": 900, "multiplication": None}, ["no-match"]),
        ({"left_rows": 0, "left_nulls": 0, "left_distinct": 0, "left_matched_distinct": 0}, ["no-match"]),
        ({"right_unique": False, "right_rows": 101}, []),
    ],
)
def test_what_the_policy_has_against_a_join(changes: dict[str, Any], codes: list[str]) -> None:
    assert [fault.code for fault in policy_faults(replace(GOOD, **changes), POLICY)] == codes


@pytest.mark.parametrize(
    ("changes", "policy", "words"),
    [
        (
            {"left_orphans": 46},
            POLICY,
            "5.1 % of the left's rows with a value meet no row of the right (46 rows); the policy allows 5 %.",
        ),
        ({"left_rows": 100_100, "left_orphans": 5_001}, POLICY, "5.001 % of"),
        (
            {"left_orphans": 1},
            JoinPolicy(0.0005, 1),
            "0.1 % of the left's rows with a value meet no row of the right (1 rows); the policy allows 0.05 %.",
        ),
        ({"left_orphans": 900}, POLICY, "100.0 % of"),
        (TWICE, POLICY, "meets 1.5 rows of the right on average, at most 2; the policy allows 1 on average."),
        (TWICE | {"multiplication": Multiplicity(1.0004, 1, 2)}, POLICY, "meets 1.0004 rows of the right"),
    ],
)
def test_what_is_said_against_a_join_is_above_what_is_allowed(
    changes: dict[str, Any], policy: JoinPolicy, words: str
) -> None:
    (fault,) = policy_faults(replace(GOOD, **changes), policy)
    assert words in fault.message


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_share_that_is_refused_is_said_to_be_above_the_limit(orphans: int, allowed_orphans: int) -> None:
    measure = replace(GOOD, left_rows=10**9, left_nulls=0, left_orphans=orphans)
    limit = allowed_orphans / 10**9
    for fault in policy_faults(measure, JoinPolicy(limit, 1)):
        rate, allowed = (float(each.split()[-1]) for each in fault.message.split(" %")[:2])
        assert rate > allowed == pytest.approx(100 * limit)


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({}, {}, None),
        ({}, {"left_rows": 2_000, "left_distinct": 95, "left_matched_distinct": 95}, None),
        ({}, {"left_orphans": 45}, None),
        ({}, {"left_orphans": 50}, "5.6% of the left's rows with a value meet no row of the right; it was 0.0%."),
        ({"left_orphans": 400}, {"left_orphans": 405}, None),
        *(({"left_orphans": 9 * each}, {"left_orphans": 9 * each + 9}, None) for each in range(5, 99)),
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
    assert replace(GOOD, left_unique=left, right_unique=right).cardinality == wanted
