"""The reference by itself: a batch that is taken back was never there, and a rollback is taken back as well."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.warehouse.plan import Mode, Resolution
from tests.reference.reversal import History, touched, visible
from tests.reference.verdicts import Observation, Rules, outcome

START = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = timedelta(hours=5)
facts = st.builds(
    lambda key, hour, content: Observation((key,), START + timedelta(hours=hour), content),
    st.sampled_from("ab"),
    st.integers(0, 30),
    st.integers(0, 2),
)
batches_of_facts = st.lists(st.lists(facts, min_size=1, max_size=5), min_size=2, max_size=6)
EVERY = list(product(Mode, Resolution))


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@settings(max_examples=40)
@given(batches=batches_of_facts, data=st.data())
def test_taken_back_with_what_depends_on_it_and_the_rest_replayed_a_batch_was_never_there(
    mode: Mode, resolution: Resolution, batches: list[list[Observation]], data: st.DataObject
) -> None:
    rules = Rules(mode, resolution, WINDOW)
    history = History(rules)
    for batch in batches:
        history.put(batch)
    target = history.of(data.draw(st.integers(1, len(batches))))
    later = [entry for entry in history.entries if entry.seq > target.seq]
    undone = [history.take_back(entry) for entry in history.with_dependents(target, then_replay=True)]
    for entry in later:
        again = [seen for seen in entry.observations if mode is Mode.REPLACE or touched(undone, seen, rules)]
        if again:
            history.put(again)
    without = [batch for number, batch in enumerate(batches, 1) if number != target.seq]
    expected = {(key, time, content) for (key, time), content in outcome(without, rules).items()}
    assert visible(history.table) == expected


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@settings(max_examples=40)
@given(batches=batches_of_facts, data=st.data())
def test_rollbacks_are_taken_back(
    mode: Mode, resolution: Resolution, batches: list[list[Observation]], data: st.DataObject
) -> None:
    history = History(Rules(mode, resolution, WINDOW))
    for batch in batches:
        history.put(batch)
    before = history.table
    undone = [
        history.take_back(entry)
        for entry in history.with_dependents(history.of(data.draw(st.integers(1, len(batches)))))
    ]
    for entry in reversed(undone):
        history.take_back(entry)
    assert history.table == before
    assert all(entry.taken_back_by is None for entry in history.entries[: len(batches)])


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@settings(max_examples=40)
@given(batches=batches_of_facts, steps=st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=8))
def test_any_walk_of_batches_and_rollbacks_keeps_to_the_rules(
    mode: Mode, resolution: Resolution, batches: list[list[Observation]], steps: list[tuple[bool, int]]
) -> None:
    """Whatever is taken back, its rows are as it left them: `take_back` asserts that."""
    history = History(Rules(mode, resolution, WINDOW))
    for batch in batches[:2]:
        history.put(batch)
    for put, choice in steps:
        if put:
            history.put(batches[choice % len(batches)])
            continue
        standing = [entry for entry in history.entries if entry.taken_back_by is None]
        for entry in history.with_dependents(standing[choice % len(standing)]):
            history.take_back(entry)
    assert len({(row.row.key, row.row.time) for row in history.table}) == len(history.table)


def _history(resolution: Resolution, *batches: list[int]) -> History:
    """Batches of one key in append mode, by the hours of their observations."""
    history = History(Rules(Mode.APPEND, resolution, WINDOW))
    for hours in batches:
        history.put([Observation(("a",), START + timedelta(hours=hour), 0) for hour in hours])
    return history


def _with(history: History, seq: int, *, then_replay: bool) -> list[int]:
    return [entry.seq for entry in history.with_dependents(history.of(seq), then_replay=then_replay)]


def test_where_rows_are_replayed_a_batch_whose_rows_come_back_goes_as_well() -> None:
    """Batch 3 joins the sessions of 1 and 2. Of 2 one row was a duplicate of 1's: it is first without 1."""
    history = _history(Resolution.FIRST_WRITE_WINS, [0], [0, 6], [1])
    assert _with(history, 1, then_replay=False) == [3, 1]
    assert _with(history, 1, then_replay=True) == [3, 2, 1]


def test_what_stands_again_when_its_rollback_is_taken_back_goes_as_well() -> None:
    history = _history(Resolution.FIRST_WRITE_WINS, [0], [1])
    assert history.take_back(history.of(2)).seq == 3
    history.put([Observation(("a",), START + timedelta(hours=6), 0)])
    history.take_back(history.of(1))
    history.take_back(history.of(4))
    assert _with(history, 3, then_replay=False) == [6, 5, 4, 3]
    for seq in (6, 5, 4, 3):
        history.take_back(history.of(seq))
    assert {row.row.time for row in history.table} == {START}
