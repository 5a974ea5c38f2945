"""What costs much for its bytes is done in bounded parts, between which others have their turn, or in a thread."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator

import pytest

from app.ingestion.decoding import inflate as inflating
from app.ingestion.decoding import pace
from app.ingestion.decoding.arrays import array_chunks
from app.ingestion.decoding.body import BatchBody
from app.ingestion.decoding.inflate import Coding, InflateLimits, inflate
from app.ingestion.decoding.json_rows import LONG_BYTES, MOST_FAULTS
from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.decoding.pace import (
    PART_BYTES,
    PART_ROWS,
    PART_VALUES,
    PIECE_BYTES,
    WHOLE_VALUES,
    Pace,
    in_parts,
    in_small_pieces,
    in_turns,
)
from app.ingestion.decoding.tables import csv_chunks
from app.ingestion.rows.row_model import RowModel
from tests.ingestion.bodies import column, pieces, plan_of

AT = "2026-01-01T00:00:00Z"
PLAN = plan_of(column("doc", "jsonb"), column("n", "numeric(5,2)"), column("name", "text"))
WIDE = plan_of(*(column(f"c{number}", "text") for number in range(500)))

FAULTY = {
    "empty": "{}",
    "letters": "x",
    "unknown": f'{{"id": 1, "at": "{AT}", "u": 1}}',
    "documents": f'{{"id": 1, "at": "{AT}", "doc": "\\u0000"}}',
    "numbers": f'{{"id": 1, "at": "{AT}", "n": 1e9}}',
    "texts": f'{{"id": 1, "at": "{AT}", "name": "\\u0000"}}',
    "spelling": f'{{"id": 1, "at": "{AT}", "n": "1_0"}}',
}


@pytest.mark.parametrize("row", FAULTY.values(), ids=FAULTY)
@pytest.mark.parametrize("array", [False, True])
async def test_faulty_rows_are_looked_at_in_parts(row: str, array: bool) -> None:
    rows = [row] * (4 * PART_ROWS)
    body = f"[{','.join(rows)}]" if array else "\n".join(rows)
    reader = array_chunks if array else ndjson_chunks
    sizes = [len(chunk.rejected) async for chunk in reader(pieces(body.encode()), RowModel(PLAN))]
    assert sum(sizes) == len(rows)
    assert max(sizes) <= max(PART_ROWS, MOST_FAULTS)


async def test_a_few_faulty_rows_do_not_break_their_block_up() -> None:
    rows = [f'{{"id": 1, "at": "{AT}", "n": {1e9 if n % 50 == 0 else 1}}}' for n in range(40 * MOST_FAULTS)]
    found = [chunk async for chunk in ndjson_chunks(pieces("\n".join(rows).encode()), RowModel(PLAN))]
    assert (len(found), len(found[0].rejected)) == (1, 80)


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("sound", [False, True])
async def test_a_wide_contract_has_fewer_rows_in_a_part(array: bool, sound: bool) -> None:
    row = f'{{"id": 1, "at": "{AT}"}}' if sound else "{}"
    rows = [row] * 3_000
    body = f"[{','.join(rows)}]" if array else "\n".join(rows)
    reader = array_chunks if array else ndjson_chunks
    sizes = [chunk.received async for chunk in reader(pieces(body.encode()), RowModel(WIDE))]
    assert sum(sizes) == len(rows)
    assert max(sizes) * 500 <= (WHOLE_VALUES if sound else PART_VALUES)


async def test_records_of_a_wide_contract_come_in_chunks_of_few() -> None:
    body = b"id,at\n" + f"1,{AT}\n".encode() * 1_000
    sizes = [chunk.received async for chunk in csv_chunks(pieces(body), RowModel(WIDE))]
    assert sum(sizes) == 1_000
    assert max(sizes) * 500 <= WHOLE_VALUES


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize(("more", "aside"), [(-150_000, False), (1000, True)])
async def test_a_row_that_is_longer_than_a_block_is_read_in_a_thread(
    array: bool, more: int, aside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: list[int] = []
    assemble = RowModel.assemble

    def watched(*args: object, **named: object) -> object:
        where.append(threading.get_ident())
        return assemble(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(RowModel, "assemble", watched)
    row = f'{{"id": 1, "at": "{AT}", "name": "{"x" * (LONG_BYTES + more)}"}}'
    reader = array_chunks if array else ndjson_chunks
    body = f"[{row}]" if array else f"{row}\n"
    accepted = [chunk.accepted async for chunk in reader(pieces(body.encode()), RowModel(PLAN))]
    assert accepted == [1]
    assert {ident != threading.get_ident() for ident in where} == {aside}


class Clock:
    """Counts turns: time goes on by what is said, and how often another task ran is counted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.turns = 0
        monkeypatch.setattr(pace.time, "monotonic", lambda: self.now)

    async def other(self) -> None:
        while True:
            self.turns += 1
            await asyncio.sleep(0)


@pytest.mark.parametrize(("each", "turns"), [(1.5 * pace.TURN_SECONDS, 100), (pace.TURN_SECONDS / 4, 25), (0.0, 0)])
async def test_others_have_their_turn_when_one_has_lasted(
    each: float, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting = Pace()
    clock = Clock(monkeypatch)
    counting._since = 0.0

    def work() -> AsyncIterator[int]:
        def steps() -> object:
            for step in range(1, 101):
                clock.now += each
                yield step

        return in_turns(steps(), counting)  # type: ignore[arg-type]

    other = asyncio.ensure_future(clock.other())
    found = [step async for step in work()]
    other.cancel()
    assert found == list(range(1, 101))
    assert clock.turns == pytest.approx(turns, abs=1)


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES, PIECE_BYTES + 1, 5 * PIECE_BYTES])
async def test_bytes_come_in_small_pieces(size: int) -> None:
    body = bytes(size)
    found = [piece async for piece in in_small_pieces(pieces(body))]
    assert b"".join(found) == body
    assert max(map(len, found), default=0) <= PIECE_BYTES


async def test_a_body_is_counted_hashed_and_given_in_small_pieces() -> None:
    body = BatchBody(pieces(bytes(3 * PIECE_BYTES + 7)), Coding.IDENTITY, InflateLimits())
    sizes = []
    async for piece in body.decoded():
        sizes.append(len(piece))
        assert body.bytes == sum(sizes)
    assert sizes == [PIECE_BYTES] * 3 + [7]


async def test_members_of_gzip_are_not_copied_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows a member is copied, so it is little."""
    fed: list[int] = []
    undo = inflating._Gzip._slice

    def watched(self: inflating._Gzip, data: bytes) -> object:
        fed.append(len(data))
        return undo(self, data)

    monkeypatch.setattr(inflating._Gzip, "_slice", watched)
    body = gzip.compress(b"x") * 10_000
    found = b"".join([piece async for piece in inflate(pieces(body), Coding.GZIP, InflateLimits())])
    assert found == b"x" * 10_000
    assert max(fed) == inflating.GZIP_SLICE < len(body)


def test_parts_have_so_many_rows_or_bytes() -> None:
    short = [(number, b"x") for number in range(3 * PART_ROWS + 1)]
    assert [len(part) for part in in_parts(short, 1)] == [PART_ROWS] * 3 + [1]
    long = [(number, bytes(PART_BYTES // 2)) for number in range(5)]
    assert [len(part) for part in in_parts(long, 1)] == [2, 2, 1]
    assert [len(part) for part in in_parts(short[:3], 10 * PART_VALUES)] == [1, 1, 1]
    assert list(in_parts([], 1)) == []
