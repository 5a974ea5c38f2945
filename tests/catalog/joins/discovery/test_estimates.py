"""What samples tell of a join, beside what counting tells."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.joins.discovery.discover import Pair
from app.catalog.joins.discovery.estimates import measure, multiplicity, outside, screened, standard_error, suffices
from app.warehouse.evidence.samples import HASHES, JoinMeasure, Multiplicity
from tests.catalog.joins.discovery.building import column, exact, sample

PAIR = Pair("a", ("x",), "b", ("y",))
VALUES = st.lists(st.one_of(st.none(), st.integers(0, 60)), max_size=80)


def estimated(left: list[Any], right: list[Any], size: int, right_size: int | None = None) -> JoinMeasure:
    sides = column("x", left, size=size), column("y", right, size=right_size or size)
    return measure(sides[0], len(left), sides[1], len(right))


@given(left=VALUES, right=VALUES)
def test_complete_samples_count(left: list[Any], right: list[Any]) -> None:
    assert estimated(left, right, 1000) == exact({"a": {"x": left}, "b": {"y": right}}, PAIR)


@given(left=VALUES, right=VALUES, size=st.integers(1, 20), right_size=st.integers(1, 20))
def test_shares_stay_shares(left: list[Any], right: list[Any], size: int, right_size: int) -> None:
    found = estimated(left, right, size, right_size)
    assert 0.0 <= found.containment <= 1.0
    assert 0.0 <= found.orphan_rate <= 1.0
    assert found.values <= size
    assert 0.0 <= standard_error(found) <= 1.0


@given(left=VALUES, size=st.integers(1, 20), right_size=st.integers(1, 20))
def test_a_subset_is_contained_however_little_is_sampled(left: list[Any], size: int, right_size: int) -> None:
    found = estimated(left, [*left, *range(100, 200)], size, right_size)
    assert found.left_orphans == 0
    assert found.containment == (1.0 if found.values else 0.0)


@pytest.mark.parametrize("share", [0.0, 0.15, 0.5, 0.9, 1.0])
def test_containment_is_estimated_within_four_standard_errors(share: float) -> None:
    right = list(range(20_000))
    left = [value if value < 8_000 * share else -value for value in range(8_000)] * 2
    found = estimated(left, right, 512)
    assert not found.exact
    assert abs(found.containment - share) <= 4 * max(standard_error(found), 0.003)
    assert abs(found.orphan_rate - (1 - share)) <= 4 * max(standard_error(found), 0.003)
    assert found.fan_out is None if share == 0 else found.fan_out == Multiplicity(2.0, 2.0, 2)


def test_standard_error_of_what_was_counted_or_not_compared() -> None:
    assert standard_error(estimated([1, 2], [1], 10)) == 0.0
    unseen = next(value for value in range(1000) if not estimated([value], list(range(1000)), 10).values)
    assert standard_error(estimated([unseen], list(range(1000)), 10)) == 1.0


@pytest.mark.parametrize(
    ("left", "right", "size", "expected"),
    [
        (range(5), range(5), 64, True),
        (range(5), range(10_000), 64, False),
        (range(5_000), range(10_000), 64, True),
        (range(10), range(50), 64, True),
        ([], range(10_000), 64, True),
    ],
    ids=["both-whole", "few-of-many", "many-of-many", "few-of-few", "nothing"],
)
def test_whether_samples_suffice(left: Any, right: Any, size: int, *, expected: bool) -> None:
    assert suffices(column("x", list(left), size=size), column("y", list(right), size=size)) is expected


def test_ranges() -> None:
    one, two, text = column("x", [1, 5]), column("y", [6, 9]), column("z", ["a"])
    assert outside(one, two)
    assert outside(two, one)
    assert not outside(one, column("y", [5, 9]))
    assert not outside(text, text)


@given(left=st.sets(st.integers(), min_size=1, max_size=200), right=st.sets(st.integers(), max_size=200))
def test_the_screen_passes_what_is_contained_and_nothing_that_is_apart(left: set[int], right: set[int]) -> None:
    both = column("x", sorted(left)), column("y", sorted(left | right))
    assert screened(*both, 0.9)
    if not left & right:
        assert not screened(column("x", sorted(left)), column("y", sorted(right)), 0.9)


@given(counts=st.lists(st.integers(1, 50), min_size=1))
def test_multiplicity(counts: list[int]) -> None:
    found = multiplicity(counts)
    assert found is not None
    assert min(counts) <= found.mean <= found.max == max(counts)
    assert sum(count <= found.p99 for count in counts) >= 0.99 * len(counts)


@given(values=st.lists(st.integers(0, 500), max_size=300), size=st.integers(1, 50))
def test_a_sample_holds_every_value_below_its_threshold(values: list[int], size: int) -> None:
    whole, some = sample(values, 1000), sample(values, size)
    assert whole.threshold == HASHES
    assert list(some.hashes) == [each for each in whole.hashes if each < some.threshold]
    assert len(some.hashes) == min(size, len(whole.hashes))
