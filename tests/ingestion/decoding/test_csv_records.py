"""Where records end: the same whole and in blocks of every size, as plain Python says, and as PostgreSQL reads."""

import io
from collections.abc import AsyncIterator

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingestion.decoding import csv_records
from app.ingestion.decoding.csv_records import Records, record_blocks
from app.ingestion.decoding.csv_scan import QUOTED_EMPTY
from app.ingestion.decoding.json_rows import MAX_ROW_BYTES
from app.ingestion.decoding.problems import MalformedBody
from app.ingestion.rows.row_model import MAX_FIELDS
from tests.ingestion.bodies import pieces
from tests.reference import csv_table

Row = tuple[int, tuple[str | None, ...] | None]
"""Line and fields; no fields of a record that is refused."""

marks = st.text(st.sampled_from('"",,\n\nab\r é'), max_size=6)
quoted = st.one_of(marks, st.sampled_from(["", '5" pipe', "two\nlines", "a,b", "\r\n"])).map(
    lambda text: '"' + text.replace('"', '""') + '"'
)
plain = st.text(st.sampled_from("ab é'\\."), max_size=4)
sound_fields = st.one_of(plain, quoted)
fields = st.one_of(sound_fields, sound_fields, marks)
line_ends = st.sampled_from(["\n", "\r\n"])


@st.composite
def tables(draw: st.DrawFn, of: st.SearchStrategy[str] = fields) -> str:
    """Two columns, mostly; line ends of one kind, mostly."""
    end = draw(line_ends)
    records = draw(st.lists(st.lists(of, min_size=2, max_size=2).map(",".join), max_size=8))
    return end.join(records) + draw(st.sampled_from(["", end, "\n\n", '"', 'x"']))


def rows_of(found: list[Records]) -> list[Row]:
    rows: list[Row] = []
    for records in found:
        for line, texts in zip(records.lines, records.fields, strict=True):
            rows.append((line, tuple("" if text == QUOTED_EMPTY else text or None for text in texts)))
        rows += [(fault.line, None) for fault in records.faults]
    return sorted(rows, key=lambda row: row[0])


async def read(text: str, block: int, cuts: list[int] | None = None) -> list[Row] | str:
    """The rows, or why the text is refused."""
    try:
        return rows_of([found async for found in record_blocks(pieces(text.encode(), cuts or []), block)])
    except MalformedBody as refusal:
        return str(refusal.detail)


def expected(text: str) -> list[Row] | int:
    """The rows in plain Python, or the line of the quote that is not closed."""
    try:
        return [(record.line, None if record.spoiled else tuple(record.fields)) for record in csv_table.records(text)]
    except csv_table.OpenQuoteError as error:
        return int(error.args[0])


@settings(max_examples=300)
@given(text=tables(), cuts=st.lists(st.integers(0, 99), max_size=5))
async def test_records_are_the_same_in_blocks_of_every_size_and_in_plain_python(text: str, cuts: list[int]) -> None:
    wanted = expected(text)
    for block in (1, 2, 3, 7, 64, 1 << 18):
        found = await read(text, block, cuts)
        if isinstance(wanted, int):
            assert isinstance(found, str)
            assert f"on line {wanted} is never closed" in found
        else:
            assert found == wanted, block


@settings(max_examples=300)
@given(text=tables())
def test_the_compiled_way_and_the_slow_one_agree(text: str) -> None:
    for final in (False, True):
        cut = csv_records._cut_quoted if '"' in text else csv_records._cut_plain
        quick = cut(text, 1, final=final)
        if quick is not None:
            slow = csv_records._scan(text, 1, final=final)
            assert (quick.text, quick.first) == (slow.text, slow.first)
            assert rows_of([quick]) == rows_of([slow])


@pytest.fixture(scope="session")
async def copied(store: asyncpg.Connection) -> asyncpg.Connection:
    await store.execute("CREATE TEMP TABLE copied (number serial, a text, b text)")
    return store


async def copy(store: asyncpg.Connection, text: str) -> list[tuple[str | None, ...]] | None:
    """What PostgreSQL reads after the header; None if it refuses the text."""
    await store.execute("TRUNCATE copied RESTART IDENTITY")
    try:
        await store.copy_to_table(
            "copied", source=io.BytesIO(text.encode()), columns=["a", "b"], format="csv", header=True
        )
    except asyncpg.PostgresError:
        return None
    return [tuple(row) for row in await store.fetch("SELECT a, b FROM copied ORDER BY number")]


@settings(max_examples=200)
@given(text=tables())
async def test_what_postgresql_copies_is_read_as_it_does_or_refused_with_its_line(
    copied: asyncpg.Connection, text: str
) -> None:
    theirs = await copy(copied, "a,b\n" + text)
    ours = await read("a,b\n" + text, 64)
    if theirs is None or isinstance(ours, str):
        return
    if all(row is not None for _, row in ours):
        assert [row for _, row in ours[1:]] == theirs


@settings(max_examples=200)
@given(text=tables(sound_fields))
async def test_what_is_quoted_soundly_is_read_whenever_postgresql_reads_it(
    copied: asyncpg.Connection, text: str
) -> None:
    theirs = await copy(copied, "a,b\n" + text)
    ours = await read("a,b\n" + text, 64)
    if theirs is not None and not text.endswith('x"'):
        assert [row for _, row in ours[1:]] == theirs


SPOILED = [
    ('5" pipe', "field 1 holds a quote and does not begin with one"),
    ('a,5" pipe', "field 2 holds a quote"),
    ('"abc"def', "field 1 goes on behind its closing quote"),
    ('a,"abc" ', "field 2 goes on"),
    (' "abc",d', "field 1 holds a quote"),
    ("a\rb,c", "field 1 holds a carriage return outside of quotes"),
    ("a,b\r\r", "field 2 holds a carriage return"),
    ('"a"\r,b', "field 1 goes on"),
]


@pytest.mark.parametrize(("record", "reason"), SPOILED)
@pytest.mark.parametrize("block", [1, 1 << 18])
async def test_a_spoiled_record_costs_itself_and_is_kept_as_it_was_sent(record: str, reason: str, block: int) -> None:
    body = f'a,b\n1,"x\ny"\n{record}\n7777,"note\n8888,evil"\n"",z\n'.encode()
    found = [records async for records in record_blocks(pieces(body), block)]
    assert [row for row in rows_of(found) if row[1] is not None] == [
        (1, ("a", "b")), (2, ("1", "x\ny")), (5, ("7777", "note\n8888,evil")), (7, ("", "z")),
    ]  # fmt: skip
    faults = [(fault.line, fault.reason, records.raw(fault.line)) for records in found for fault in records.faults]
    assert len(faults) == 1
    line, said, raw = faults[0]
    assert line == 4
    assert reason in said
    assert raw.rstrip(b"\r") == record.rstrip("\r").encode()


async def test_a_quote_far_before_moves_no_border_of_a_later_block() -> None:
    """The quotes of an early line are odd in number; what is quoted 270 kB later is one field all the same."""
    filling = "".join(f"{number},text of some length to fill the blocks\n" for number in range(6000))
    text = f'a,b\n1,5" pipe\n{filling}7777,"note\n8888,evil"\n9,z\n'
    rows = await read(text, 1 << 18)
    assert isinstance(rows, list)
    assert rows == expected(text)
    assert [row for row in rows if row[1] is None] == [(2, None)]
    assert rows[-2:] == [(6003, ("7777", "note\n8888,evil")), (6005, ("9", "z"))]


@pytest.mark.parametrize("lines_after", [0, 1, 70_000])
async def test_a_quote_that_is_never_closed_refuses_the_body_with_its_line_and_says_how_much_is_left(
    lines_after: int,
) -> None:
    text = 'a,b\n1,x\n"two\nlines","abc\n' + "2,y\n" * lines_after
    found = await read(text, 1 << 18)
    assert isinstance(found, str)
    assert "opens a field on line 4 is never closed" in found
    assert f"from that line on, {1 + lines_after} in all have no verdict" in found


async def test_a_record_without_an_end_is_refused_before_memory_is_full() -> None:
    async def endless(text: bytes) -> AsyncIterator[bytes]:
        yield b"a,b\n"
        for _ in range(40):
            yield text * (1 << 18)

    for text in (b'"', b"x", b",", b"\r", b'x"'):
        with pytest.raises(MalformedBody, match=r"line 2|never closed"):
            async for _ in record_blocks(endless(text)):
                pass


@pytest.mark.parametrize(("fields", "read"), [(MAX_FIELDS, True), (MAX_FIELDS + 1, False)])
@pytest.mark.parametrize("quote", ["", '"'])
async def test_a_record_may_have_so_many_fields(fields: int, read: bool, quote: str) -> None:
    body = f"a,b\n{','.join([quote + 'x' + quote] * fields)}\nc,d\n".encode()
    found = [records async for records in record_blocks(pieces(body))]
    assert sum(len(records.fields) for records in found) == 2 + read
    assert [fault.line for records in found for fault in records.faults] == ([] if read else [2])


@pytest.mark.parametrize(("more", "refused"), [(0, []), (1, [(2, "too-long")])])
async def test_a_record_may_have_so_many_bytes(more: int, refused: list[tuple[int, str]]) -> None:
    body = b"a,b\n" + b'"' + "é".encode() * ((MAX_ROW_BYTES - 6) // 2) + b'",' + b"x" * (3 + more) + b"\nc,d\n"
    found = [records async for records in record_blocks(pieces(body, range(0, len(body), 1 << 16)))]
    assert [(fault.line, fault.code) for records in found for fault in records.faults] == refused
    assert found[-1].fields[-1] == ["c", "d"]


async def test_what_is_no_utf8_spoils_no_other_record_and_is_kept() -> None:
    found = [records async for records in record_blocks(pieces(b"a,b\n1,caf\xe9\n2,x\n", [9, 10]))]
    assert [len(records.fields) for records in found] == [3]
    assert not found[0].is_utf8
    assert found[0].raw(2) == b"1,caf\xe9"
