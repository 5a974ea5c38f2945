"""What refused rows of a batch may cost: how many are kept, how many read, how many different faults counted."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.warehouse.copying import encode_rows
from app.warehouse.refused_rows import (
    MAX_FAULT_KINDS,
    MAX_NOTICES,
    PORTION,
    SAMPLE,
    UNLIMITED,
    USUAL_BOUNDS,
    FaultCounts,
    RefusalBounds,
    RefusedRows,
    RejectLimitExceeded,
    RejectLimits,
)
from app.warehouse.rejections import Chunk, Rejection, RejectionCode, RowFault, rejection_of

CODES = [RejectionCode.WRONG_TYPE, RejectionCode.NOT_NULL, RejectionCode.UNKNOWN_COLUMN]


class Kept:
    """A place that keeps what it is given."""

    def __init__(self) -> None:
        self.rows: list[Rejection] = []
        self.portions: list[int] = []

    async def take(self, rows: Sequence[Rejection]) -> None:
        self.rows += rows
        self.portions.append(len(rows))


def row(line: int, *faults: tuple[RejectionCode, str | None]) -> Rejection:
    found = faults or ((RejectionCode.WRONG_TYPE, "v"),)
    return rejection_of(line, "raw", [RowFault(code, column, "no") for code, column in found])


def chunk(accepted: int, refused: int, first: int = 1) -> Chunk:
    return Chunk(accepted, encode_rows([]), tuple(row(first + n) for n in range(refused)))


@pytest.mark.parametrize("most", [0, 1, SAMPLE, 99, 100, 101])
async def test_the_first_rows_are_kept_and_all_are_counted(most: int) -> None:
    kept = Kept()
    rows = RefusedRows(kept.take, UNLIMITED, RefusalBounds(kept=most))
    for part in range(10):
        rows.take(chunk(1, 10, first=1 + 10 * part))
    await rows.hand_over()
    assert [each.line for each in kept.rows] == list(range(1, min(most, 100) + 1))
    assert (rows.kept, rows.rejected, rows.received) == (min(most, 100), 100, 110)
    assert [each.line for each in rows.sample] == list(range(1, SAMPLE + 1)), "a report shows some whatever is kept"
    assert [count.document() for count in rows.faults.listed()] == [{"code": "wrong-type", "column": "v", "rows": 100}]


async def test_what_waits_goes_out_in_portions() -> None:
    kept = Kept()
    rows = RefusedRows(kept.take, UNLIMITED, USUAL_BOUNDS)
    rows.take(chunk(0, PORTION - 1))
    assert not rows.due
    rows.take(chunk(0, PORTION + 2, first=PORTION))
    assert rows.due
    await rows.hand_over()
    assert kept.portions == [PORTION, PORTION, 1]


@pytest.mark.parametrize(
    ("chunks", "hopeless"),
    [
        ([(0, 50)], False),
        ([(0, 51)], True),
        ([(0, 50), (0, 1)], True),
        ([(0, 50), (1, 0), (0, 500)], False),
        ([(1, 500)], False),
        ([], False),
    ],
)
def test_reading_ends_when_nothing_was_accepted_among_so_many(chunks: list[tuple[int, int]], hopeless: bool) -> None:
    rows = RefusedRows(Kept().take, UNLIMITED, RefusalBounds(at_first=50))
    for accepted, refused in chunks:
        rows.take(chunk(accepted, refused))
    assert rows.hopeless is hopeless


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(CODES), st.one_of(st.none(), st.integers(0, 300).map(str))), min_size=1),
        max_size=60,
    )
)
def test_faults_are_counted_apart_as_long_as_they_are_few(found: list[list[tuple[RejectionCode, str | None]]]) -> None:
    counts, expected = FaultCounts(), Counter[str]()
    for line, faults in enumerate(found, 1):
        shown = row(line, *faults)
        counts.add_row(shown)
        expected.update(code for code, _ in {(fault.code, fault.column) for fault in shown.faults})
    listed = counts.listed()
    assert len(listed) <= MAX_FAULT_KINDS + len(CODES)
    assert [count.rows for count in listed] == sorted((count.rows for count in listed), reverse=True)
    by_code = Counter[str]()
    for count in listed:
        by_code[count.code] += count.rows
    assert by_code == expected, "no row is lost, whatever its column is called"


def test_the_hundredth_column_is_counted_apart_and_the_next_is_not() -> None:
    counts = FaultCounts()
    for number in range(MAX_FAULT_KINDS + 50):
        counts.add(RejectionCode.UNKNOWN_COLUMN, f"c{number}")
    listed = {count.column: count.rows for count in counts.listed()}
    assert len(listed) == MAX_FAULT_KINDS + 1
    assert listed[None] == 50
    assert "c99" in listed
    assert "c100" not in listed


def test_a_row_with_many_faults_counts_for_each_once() -> None:
    counts = FaultCounts()
    bad = (RejectionCode.WRONG_TYPE, "v")
    counts.add_row(row(1, bad, bad, (RejectionCode.NOT_NULL, "v"), (RejectionCode.WRONG_TYPE, "w")))
    assert {(count.code, count.column, count.rows) for count in counts.listed()} == {
        ("wrong-type", "v", 1),
        ("wrong-type", "w", 1),
        ("not-null", "v", 1),
    }


def test_what_a_problem_says_has_every_fault_of_its_rows() -> None:
    rows = RefusedRows(Kept().take, RejectLimits(), USUAL_BOUNDS)
    rows.take(Chunk(0, b"", (row(7, (RejectionCode.NOT_NULL, "id"), (RejectionCode.WRONG_TYPE, "v")),)))
    said = rows.document()
    assert (said["received_rows"], said["rejected_rows"]) == (1, 1)
    (shown,) = said["rejected_sample"]
    assert (shown["line"], shown["code"], shown["column"]) == (7, "not-null", "id")
    assert [fault["column"] for fault in shown["faults"]] == ["id", "v"]


def test_notices_are_said_once_and_not_without_end() -> None:
    rows = RefusedRows(Kept().take, UNLIMITED, USUAL_BOUNDS)
    for _ in range(3):
        rows.take(Chunk(1, b"", notices=("ignored a", "ignored b")))
    assert list(rows.notices) == ["ignored a", "ignored b"]
    rows.take(Chunk(1, b"", notices=tuple(f"ignored {number}" for number in range(100))))
    assert len(rows.notices) == MAX_NOTICES


def aside(rows: int, accepted: int = 0) -> Chunk:
    """Rows that are set aside beside accepted ones."""
    fault = RowFault(RejectionCode.UNKNOWN_COLUMN, "vip", "no", set_aside=True)
    return Chunk(accepted, encode_rows([]), tuple(rejection_of(n, "raw", [fault]) for n in range(1, rows + 1)))


async def test_rows_that_are_set_aside_are_refused_and_kept_and_no_limit_counts_them() -> None:
    kept = Kept()
    rows = RefusedRows(kept.take, RejectLimits(rows=2, share=0.1), RefusalBounds(at_first=5))
    rows.take(aside(50))
    assert not rows.hopeless
    rows.take(aside(10, accepted=5))
    rows.take(chunk(0, 2))
    rows.guard_share()
    await rows.hand_over()
    assert (rows.received, rows.rejected, rows.set_aside, len(kept.rows)) == (67, 62, 60, 62)
    with pytest.raises(RejectLimitExceeded):
        rows.take(chunk(0, 1))
    shared = RefusedRows(Kept().take, RejectLimits(share=0.1), USUAL_BOUNDS)
    shared.take(aside(50))
    shared.take(chunk(0, 6))
    with pytest.raises(RejectLimitExceeded):
        shared.guard_share()


def test_rows_that_are_set_aside_do_not_hide_that_all_others_were_refused() -> None:
    rows = RefusedRows(Kept().take, UNLIMITED, RefusalBounds(at_first=50))
    rows.take(aside(500))
    rows.take(chunk(0, 51))
    assert rows.hopeless


@pytest.mark.parametrize(("flags", "set_aside"), [([True], True), ([True, True], True), ([True, False], False)])
@pytest.mark.parametrize("many", [1, 30])
def test_a_row_is_set_aside_when_all_its_faults_are(flags: list[bool], set_aside: bool, many: int) -> None:
    faults = [RowFault(RejectionCode.WRONG_TYPE, "v", "no", flag) for flag in flags for _ in range(many)]
    assert rejection_of(1, "raw", faults).set_aside is set_aside
