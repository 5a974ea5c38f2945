"""The share that is done and the time to go: what handlers record, in all states."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.jobs import JobState
from app.operations.jobs.progress import LARGEST, Extent, eta_seconds, extent, percent_done

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE_AGO = NOW - timedelta(minutes=1)
ENDED_BADLY = (JobState.FAILED, JobState.DEAD, JobState.CANCELLED)

values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.integers(), max_size=1)
)
counts = st.one_of(st.integers(0, LARGEST), st.floats(0, LARGEST))
works = st.builds(Extent, counts.map(float), counts.map(float))
states = st.sampled_from(JobState)
moments = st.datetimes(timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"done": 300, "total": 1200, "unit": "rows"}, Extent(300, 1200)),
        ({"done": 0, "total": 0}, Extent(0, 0)),
        ({"done": 1.5, "total": 3}, Extent(1.5, 3)),
        ({"done": 5, "total": 4}, Extent(5, 4)),
        ({"done": LARGEST, "total": LARGEST}, Extent(LARGEST, LARGEST)),
        ({"done": LARGEST + 1, "total": LARGEST}, None),
        ({"done": 1, "total": 10**400}, None),
        ({"done": -1, "total": 4}, None),
        ({"done": 1, "total": -4}, None),
        ({"done": True, "total": 4}, None),
        ({"done": "1", "total": "4"}, None),
        ({"done": math.nan, "total": 4}, None),
        ({"done": 1, "total": math.inf}, None),
        ({"done": 1}, None),
        ({"total": 4}, None),
        ({"removed": 3, "of": 4}, None),
        ({}, None),
    ],
)
def test_what_the_facts_say(facts: dict[str, Any], expected: Extent | None) -> None:
    assert extent(facts) == expected


@pytest.mark.parametrize(
    ("state", "work", "percent", "eta"),
    [
        (JobState.RUNNING, Extent(300, 1200), 25.0, 180.0),
        (JobState.RUNNING, Extent(0, 1200), 0.0, None),
        (JobState.RUNNING, Extent(1199.99, 1200), 99.9, 0.0),
        (JobState.RUNNING, Extent(1200, 1200), 100.0, 0.0),
        (JobState.RUNNING, Extent(1300, 1200), 100.0, 0.0),
        (JobState.RUNNING, Extent(0, 0), None, None),
        (JobState.RUNNING, Extent(5e-324, LARGEST), 0.0, None),
        (JobState.RUNNING, None, None, None),
        (JobState.QUEUED, Extent(300, 1200), 25.0, None),
        (JobState.SUCCEEDED, Extent(300, 1200), 100.0, 0.0),
        (JobState.SUCCEEDED, Extent(0, 0), 100.0, 0.0),
        (JobState.SUCCEEDED, None, None, None),
        *[(state, Extent(300, 1200), 25.0, None) for state in ENDED_BADLY],
    ],
)
def test_a_minute_after_the_start(
    state: JobState, work: Extent | None, percent: float | None, eta: float | None
) -> None:
    assert percent_done(state, work) == percent
    assert eta_seconds(state, work, MINUTE_AGO, NOW) == eta


def test_a_clock_that_is_behind_makes_no_negative_time() -> None:
    assert eta_seconds(JobState.RUNNING, Extent(1, 2), NOW + timedelta(seconds=5), NOW) == 0.0
    assert eta_seconds(JobState.RUNNING, Extent(1, 2), None, NOW) is None


@given(st.dictionaries(st.sampled_from(["done", "total", "unit"]), values), states, moments, moments)
def test_whatever_is_recorded_makes_numbers_or_nothing(
    facts: dict[str, Any], state: JobState, started_at: datetime, now: datetime
) -> None:
    work = extent(facts)
    percent, eta = percent_done(state, work), eta_seconds(state, work, started_at, now)
    assert percent is None or 0 <= percent <= 100
    assert eta is None or (math.isfinite(eta) and eta >= 0)
    assert work is not None or (percent, eta) == (None, None)


@given(works, st.timedeltas(timedelta(0), timedelta(days=30)))
def test_the_time_to_go_is_that_of_the_rest(work: Extent, elapsed: timedelta) -> None:
    eta = eta_seconds(JobState.RUNNING, work, NOW - elapsed, NOW)
    if work.done == 0:
        assert eta is None
    elif work.done >= work.total:
        assert eta == 0
    elif eta is not None:
        expected = (work.total - work.done) * elapsed.total_seconds() / work.done
        assert eta == pytest.approx(expected, rel=1e-9, abs=0.051)


@given(works, works)
def test_more_done_is_never_a_smaller_share(one: Extent, other: Extent) -> None:
    less, more = sorted((one.done, other.done))
    before, after = (percent_done(JobState.RUNNING, Extent(done, one.total)) for done in (less, more))
    assert before is None or after is None or before <= after


@given(works)
def test_all_is_said_only_when_all_is_done(work: Extent) -> None:
    assert (percent_done(JobState.RUNNING, work) == 100) == (work.done >= work.total > 0)
