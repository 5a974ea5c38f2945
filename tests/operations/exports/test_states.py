"""The state machine, and the forms' pure rules."""

import csv
import io
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.ports.export_formats import LineEnds, csv_header
from app.kernel.quoting import quote_literal
from app.kernel.tabular.csv_style import CsvFormulas, CsvStyle
from app.kernel.tabular.types import distinct
from app.operations.exports.states import ExportStatus, followers, may_follow
from tests.kernel.tabular.columns import described

FINAL = {ExportStatus.FAILED, ExportStatus.CANCELLED, ExportStatus.EXPIRED}


@pytest.mark.parametrize(("before", "after"), list(product(ExportStatus, ExportStatus)))
def test_transitions(before: ExportStatus, after: ExportStatus) -> None:
    ways = {
        ExportStatus.PENDING: {ExportStatus.RUNNING, ExportStatus.FAILED, ExportStatus.CANCELLED},
        ExportStatus.RUNNING: {ExportStatus.COMPLETED, ExportStatus.FAILED, ExportStatus.CANCELLED},
        ExportStatus.COMPLETED: {ExportStatus.EXPIRED},
    }
    assert may_follow(before, after) is (after in ways.get(before, set()))
    assert (after in followers(before)) is may_follow(before, after)
    if before in FINAL:
        assert followers(before) == ()


CELL = st.text(st.sampled_from('ab",\n\r ;é'), max_size=6)


@given(st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=6), st.data())
def test_lines_end_as_rfc_4180_has_it_wherever_the_bytes_are_cut(table: list[list[str]], data: st.DataObject) -> None:
    def line(cells: list[str], end: str) -> str:  # as PostgreSQL quotes
        return (
            ",".join(f'"{c.replace(chr(34), chr(34) * 2)}"' if set(c) & set('",\n\r') or c == "" else c for c in cells)
            + end
        )

    raw = "".join(line(cells, "\n") for cells in table).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=5)))
    ends = LineEnds()
    pieces = [raw[a:b] for a, b in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    told = b"".join(ends.take(piece) for piece in pieces)
    assert told == "".join(line(cells, "\r\n") for cells in table).encode()
    assert ends.lines == len(table)


def test_names() -> None:
    columns = described(*((name, "text") for name in ("a", "a", "=1+1", 'q"', "a,b", "a_2")))
    names = ["a", "a_2", "=1+1", 'q"', "a,b", "a_2_2"]
    assert [column.name for column in columns] == names
    guarded = [*names[:2], "'=1+1", *names[3:]]
    assert next(csv.reader(io.StringIO(csv_header(columns, CsvStyle()).decode()))) == guarded
    plain = csv_header(columns, CsvStyle(CsvFormulas.PLAIN, bom=True)).decode()
    assert next(csv.reader(io.StringIO(plain))) == ["\ufeffa", *names[1:]]
    assert quote_literal("it's \\ 1") == "'it''s \\ 1'"


def test_a_number_behind_a_name_leaves_it_as_long_as_postgresql_keeps_names() -> None:
    longest = "é" * 31 + "a"
    names = distinct([longest, longest, longest, "a" * 63, "a" * 63])
    assert names == [longest, "é" * 30 + "_2", "é" * 30 + "_3", "a" * 63, "a" * 61 + "_2"]
    assert all(len(name.encode()) <= 63 for name in names)
