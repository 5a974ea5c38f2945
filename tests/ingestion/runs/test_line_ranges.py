"""However a body is cut into chunks and ranges, every row is given to the range of its line, and none is missed."""

from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingestion.decoding.body import BodyFormat, Representation
from app.ingestion.decoding.inflate import Coding
from app.ingestion.rows.row_model import RowModel
from app.ingestion.runs.reading.line_ranges import LineRange, OpenBody, RangeOfBody, first_line, last_line
from app.warehouse.copying import encode_rows
from app.warehouse.rejections import Chunk, Rejection, RejectionCode
from tests.ingestion.bodies import column, plan_of

MODEL: Any = SimpleNamespace(observations=None)


def refused(line: int) -> Rejection:
    return Rejection(line, RejectionCode.WRONG_TYPE, None, "no", "raw")


def chunk(rows: list[tuple[int, bool]]) -> Chunk:
    """Rows of (line, whether it is accepted)."""
    accepted = [(line, f"a\nb,{line}") for line, good in rows if good]
    return Chunk(len(accepted), encode_rows(accepted), tuple(refused(line) for line, good in rows if not good))


def lines_of(found: Chunk) -> list[int]:
    return [int(part.split(b",")[0]) for part in found.payload.split(b'"\n') if part] + [
        row.line for row in found.rejected
    ]


@given(
    gaps=st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=40),
    cuts=st.lists(st.integers(1, 7), max_size=20),
    size=st.integers(1, 12),
    stops=st.lists(st.booleans(), max_size=60),
)
async def test_every_row_is_in_the_range_of_its_line(
    gaps: list[tuple[int, bool]], cuts: list[int], size: int, stops: list[bool]
) -> None:
    line, rows = 0, []
    for gap, good in gaps:
        line += gap
        rows.append((line, good))
    chunks, rest = [], list(rows)
    for cut in [*cuts, len(rows) or 1]:
        chunks.append(chunk(rest[:cut]))
        rest = rest[cut:]

    async def opening(_: Any) -> AsyncGenerator[Chunk, None]:
        for each in chunks:
            yield each

    body, after, seen, turns = OpenBody(), 0, list[int](), iter(stops)
    while True:
        if next(turns, False):
            body = OpenBody()  # another process goes on
        lines = LineRange(after, after + size)
        part = RangeOfBody(body, "body", opening, lines)
        staged = set[int]()
        async with part.rows(MODEL) as found:
            async for each in found:
                assert all(lines.covers(row.line) for row in each.rejected)
                staged |= set(lines_of(each))
        mine = [line for line in sorted(staged) if lines.covers(line)]
        assert mine == [line for line, _ in rows if lines.covers(line)]
        seen += mine
        if part.beyond is None:
            break
        assert part.beyond >= lines.last
        after = part.beyond
    assert seen == [line for line, _ in rows]


async def test_what_a_body_has_shown_is_known_in_each_of_its_ranges() -> None:
    async def opening(model: RowModel) -> AsyncGenerator[Chunk, None]:
        async def text() -> AsyncGenerator[bytes, None]:
            for number in range(1, 4):
                yield b'{"id": %d, "at": "2026-01-01T00:00:00Z"}\n' % number

        async for each in Representation(BodyFormat.NDJSON, Coding.IDENTITY).chunks(text(), model):
            yield each

    body, plan = OpenBody(), plan_of(column("v", "integer"), column("w", "text"))
    for after in range(3):
        model = RowModel(plan)
        async with RangeOfBody(body, "body", opening, LineRange(after, after + 1)).rows(model) as found:
            assert [each async for each in found]
        assert model.observed().vanished == ("v", "w"), f"in the range after line {after}"


@pytest.mark.parametrize(
    ("rows", "line"), [([(3, True)], 3), ([(3, False)], 3), ([(3, False), (4, True)], 3), ([(3, True), (4, False)], 3)]
)
def test_the_first_and_the_last_line_of_a_chunk(rows: list[tuple[int, bool]], line: int) -> None:
    assert first_line(chunk(rows)) == line
    assert last_line(chunk(rows)) == rows[-1][0]
