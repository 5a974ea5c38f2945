"""Sketches of values: equal for equal values in whatever type they come, and made of the sketches of parts."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.drift.sketches import SKETCH_SIZE, canonical_text, sketch_of, value_hash

ALIKE: list[list[Any]] = [
    [1, 1.0, Decimal("1.00"), "1", "1.0", "1e0", "10e-1"],
    [1000, "1e3", 1e3, Decimal("1E+3")],
    [0, 0.0, -0.0, "0", "0.00", Decimal("0E+5")],
    [-0.25, "-0.25", Decimal("-0.2500")],
    [2**70, str(2**70), Decimal(2**70)],
    [True, "true"],
    [False, "false"],
    ["2026-01-01T01:00:00+01:00", "2026-01-01 00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)],
    [datetime(2026, 1, 2, 1, tzinfo=timezone(timedelta(hours=1))), "2026-01-02T00:00:00Z"],
    ["2026-01-01T00:00:00", datetime(2026, 1, 1)],  # noqa: DTZ001 - a moment without a zone is another value
    ["2026-01-01", date(2026, 1, 1)],
    ["01890a5d-ac96-774b-bcce-b302099a8057", UUID("01890a5d-ac96-774b-bcce-b302099a8057")],
    [{"a": 1, "b": [2]}, {"b": [2], "a": 1}],
    ["a"],
    ["A"],
    ["01"],
    ["+1"],
    ["NaN"],
    [" 1"],
    [""],
    ["\ud800"],
    [b"a", "\\x61"],
    [10**5000],
    ["9" * 5000],
    [datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))],
]
"""Values that are one value; those of different lists are different."""


def test_equal_values_have_equal_hashes_and_others_different_ones() -> None:
    hashes = [{value_hash(value) for value in alike} for alike in ALIKE]
    assert [len(found) for found in hashes] == [1] * len(ALIKE)
    assert len(set.union(*hashes)) == len(ALIKE)


def test_the_hash_is_the_same_on_every_machine() -> None:
    assert canonical_text(1200) == "12e2"
    assert value_hash("a") == 0x40F89E395B66422F


@pytest.mark.parametrize("count", [0, 1, SKETCH_SIZE, SKETCH_SIZE + 1, 1000])
def test_the_smallest_hashes_are_kept(count: int) -> None:
    hashes = sorted(map(value_hash, range(count)))
    assert sketch_of([*range(count), *range(count)]) == frozenset(hashes[:SKETCH_SIZE])


@given(st.lists(st.integers(0, 200)), st.lists(st.integers(0, 200)))
def test_a_sketch_of_parts_is_that_of_all(left: list[int], right: list[int]) -> None:
    assert sketch_of(right, sketch_of(left)) == sketch_of(left, sketch_of(right)) == sketch_of([*left, *right])
