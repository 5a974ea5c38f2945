"""Observations of a batch: what is kept of chunks, what is bounded, and what does not depend on how rows are cut."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.drift.sketches import sketch_of
from app.ingestion.rows import observations
from app.ingestion.rows.observations import MAX_UNKNOWN_NAMES, ChunkObservations, Observations, kept_name
from app.warehouse.rejections import MAX_NAME_CHARACTERS
from tests.ingestion.bodies import column, plan_of

PLAN = plan_of(column("a", "integer"), column("b", "text", nullable=False))
KNOWN = frozenset({"id", "at", "a", "b", "got"})

cells = st.sampled_from([None, 1, 2**40, 1.5, "x", "2026-01-01", "01890a5d-ac96-774b-bcce-b302099a8057", True, [1]])
rows_given = st.lists(st.dictionaries(st.sampled_from(["id", "a", "b", "got", "u", "v", "w"]), cells), max_size=12)


def chunk_of(rows: Sequence[dict[str, Any]], *, textual: bool = False) -> ChunkObservations:
    found = ChunkObservations(textual=textual)
    for row in rows:
        found.add_row(row, KNOWN)
        if row.get("a") is not None:
            found.add_misfit("a", row["a"])
    return found


@given(rows_given, st.integers(0, 12))
def test_where_chunks_end_makes_no_difference(rows: list[dict[str, Any]], cut: int) -> None:
    whole, parts = Observations(PLAN), Observations(PLAN)
    whole.add(chunk_of(rows))
    parts.add(chunk_of(rows[:cut]))
    parts.add(chunk_of(rows[cut:]))
    assert whole.observed() == parts.observed()


@given(rows_given, st.randoms())
def test_the_types_do_not_depend_on_the_order_of_rows(rows: list[dict[str, Any]], random: Any) -> None:
    straight, mixed = Observations(PLAN), Observations(PLAN)
    straight.add(chunk_of(rows))
    mixed.add(chunk_of(random.sample(rows, len(rows))))
    assert straight.observed() == mixed.observed(), "names are few here: all of them are kept"


def test_what_is_required_has_not_vanished() -> None:
    found = Observations(PLAN)
    found.add(chunk_of([{"id": 1, "at": 1}] * 3))
    assert found.observed().vanished == ("a",)
    assert found.observed().absent == {"a": 3, "b": 3}


def test_rows_read_together_and_one_by_one_are_counted_together() -> None:
    found, seen = Observations(PLAN), ChunkObservations()
    seen.add_rows(10, {"a": 4})
    seen.add_row({"id": 1, "b": "x"}, KNOWN, ["at"])
    found.add(seen)
    assert (found.observed().rows, found.observed().absent) == (11, {"a": 5})


def test_the_sketch_is_of_the_first_values_and_the_counts_are_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "SKETCHED_VALUES", 50)
    found = Observations(PLAN)
    for start in range(0, 90, 30):
        found.add(chunk_of([{"u": start + n} for n in range(30)]))
    seen = found.observed().unknown["u"]
    assert (seen.rows, seen.summary.values) == (90, 90)
    assert seen.values is not None
    assert seen.values.sketch == sketch_of(range(50))


def test_names_beyond_those_kept_are_counted_and_no_longer_kept() -> None:
    found = Observations(PLAN)
    for n in range(3 * MAX_UNKNOWN_NAMES):
        found.add(chunk_of([{f"u{n}": n, "u0": 1}]))
    assert list(found.observed().unknown) == [f"u{n}" for n in range(MAX_UNKNOWN_NAMES)]
    assert found.observed().more == 2 * MAX_UNKNOWN_NAMES


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a", "a"),
        ("x" * MAX_NAME_CHARACTERS, "x" * MAX_NAME_CHARACTERS),
        ("x" * (MAX_NAME_CHARACTERS + 1), "x" * MAX_NAME_CHARACTERS),
        ("a\0b", "a\\x00b"),
        ("\ud800", "\\ud800"),
        ("two\nlines", "two\nlines"),
        ("", ""),
    ],
)
def test_names_are_kept_as_postgresql_can_store_them(name: str, kept: str) -> None:
    assert kept_name(name) == kept


def test_only_what_was_seen_has_an_inferred_type() -> None:
    with pytest.raises(KeyError):
        Observations(PLAN).observed().inferred_type("a")
