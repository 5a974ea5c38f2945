"""The reference fold against the definition, in Python alone."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.warehouse.plan import BY_EVENT_TIME, Mode, Resolution
from tests.reference.verdicts import Observation, Rules, Table, Verdict, outcome, settle

START = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = list(product(Mode, Resolution))


def at(key: int, hour: int, content: int) -> Observation:
    return Observation((key,), START + timedelta(hours=hour), content)


observations = st.builds(at, st.integers(0, 2), st.integers(0, 40), st.integers(0, 3))
many_batches = st.lists(st.lists(observations, max_size=8), min_size=1, max_size=4)


def stored(batches: list[list[Observation]], rules: Rules) -> dict[tuple, int]:
    table: Table = ()
    for seq, batch in enumerate(batches, 1):
        table, counts = settle(table, batch, seq, rules)
        assert counts.total() == len(batch)
    return {(s.row.key, s.row.time): s.row.content for s in table}


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@settings(max_examples=60)
@given(batches=many_batches)
def test_folding_batches_gives_what_the_definition_says(
    mode: Mode, resolution: Resolution, batches: list[list[Observation]]
) -> None:
    rules = Rules(mode, resolution, timedelta(hours=5))
    assert stored(batches, rules) == outcome(batches, rules)


@pytest.mark.parametrize(("mode", "resolution"), [(m, r) for m, r in EVERY if m is not Mode.REPLACE])
@settings(max_examples=60)
@given(rows=st.lists(observations, max_size=12), data=st.data())
def test_splitting_does_not_matter(
    mode: Mode, resolution: Resolution, rows: list[Observation], data: st.DataObject
) -> None:
    rules = Rules(mode, resolution, timedelta(hours=5))
    cut = data.draw(st.integers(0, len(rows)))
    assert stored([rows], rules) == stored([rows[:cut], rows[cut:]], rules)


@pytest.mark.parametrize(
    ("mode", "resolution"), [(m, r) for m, r in EVERY if m is not Mode.REPLACE and r in BY_EVENT_TIME]
)
@settings(max_examples=60)
@given(rows=st.lists(observations, max_size=12), data=st.data())
def test_order_and_repetition_do_not_matter_by_event_time(
    mode: Mode, resolution: Resolution, rows: list[Observation], data: st.DataObject
) -> None:
    rules = Rules(mode, resolution, timedelta(hours=5))
    again = data.draw(
        st.permutations([*rows, *data.draw(st.lists(st.sampled_from(rows), max_size=4) if rows else st.just([]))])
    )
    assert stored([rows], rules) == stored([again], rules)


V = Verdict
CASES = [
    (
        "newer wins over the stored row",
        Mode.UPSERT,
        Resolution.LATEST_WINS,
        [at(1, 1, 1)],
        [at(1, 2, 2)],
        {V.UPDATED: 1},
    ),
    ("older is late", Mode.UPSERT, Resolution.LATEST_WINS, [at(1, 2, 2)], [at(1, 1, 1)], {V.LATE: 1}),
    ("the same is unchanged", Mode.UPSERT, Resolution.LATEST_WINS, [at(1, 2, 2)], [at(1, 2, 2)], {V.UNCHANGED: 1}),
    (
        "a repeat is a duplicate",
        Mode.UPSERT,
        Resolution.LATEST_WINS,
        [],
        [at(1, 2, 2)] * 2,
        {V.INSERTED: 1, V.DUPLICATE: 1},
    ),
    ("ties break by content", Mode.UPSERT, Resolution.LATEST_WINS, [at(1, 1, 3)], [at(1, 1, 2)], {V.LATE: 1}),
    ("older wins", Mode.UPSERT, Resolution.EARLIEST_WINS, [at(1, 2, 2)], [at(1, 1, 1)], {V.UPDATED: 1}),
    ("the first stays", Mode.UPSERT, Resolution.FIRST_WRITE_WINS, [at(1, 2, 2)], [at(1, 3, 1)], {V.LATE: 1}),
    ("the last stays", Mode.UPSERT, Resolution.LAST_WRITE_WINS, [at(1, 2, 2)], [at(1, 1, 1)], {V.UPDATED: 1}),
    (
        "refused",
        Mode.UPSERT,
        Resolution.REJECT,
        [at(1, 2, 2)],
        [at(1, 3, 1), at(1, 2, 2)],
        {V.CONFLICT: 1, V.UNCHANGED: 1},
    ),
    (
        "refused in the batch",
        Mode.UPSERT,
        Resolution.REJECT,
        [],
        [at(1, 3, 1), at(1, 2, 2)],
        {V.CONFLICT: 1, V.INSERTED: 1},
    ),
    ("content again", Mode.APPEND, Resolution.LATEST_WINS, [at(1, 1, 1)], [at(1, 4, 1)], {V.DUPLICATE: 1}),
    ("other content", Mode.APPEND, Resolution.LATEST_WINS, [at(1, 1, 1)], [at(1, 4, 2)], {V.UPDATED: 1}),
    ("outside the window", Mode.APPEND, Resolution.LATEST_WINS, [at(1, 1, 1)], [at(1, 7, 1)], {V.INSERTED: 1}),
    ("refused in the window", Mode.APPEND, Resolution.REJECT, [at(1, 1, 1)], [at(1, 4, 2)], {V.CONFLICT: 1}),
    ("what is gone is gone", Mode.REPLACE, Resolution.LATEST_WINS, [at(1, 5, 1)], [at(2, 4, 2)], {V.INSERTED: 1}),
    ("older content replaces", Mode.REPLACE, Resolution.LATEST_WINS, [at(1, 5, 1)], [at(1, 4, 2)], {V.UPDATED: 1}),
]


@pytest.mark.parametrize(
    ("mode", "resolution", "before", "batch", "expected"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_verdicts(
    mode: Mode,
    resolution: Resolution,
    before: list[Observation],
    batch: list[Observation],
    expected: dict[Verdict, int],
) -> None:
    rules = Rules(mode, resolution, timedelta(hours=5))
    table, _ = settle((), before, 1, rules)
    _, counts = settle(table, batch, 2, rules)
    assert +counts == expected
