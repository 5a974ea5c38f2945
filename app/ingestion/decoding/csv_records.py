"""CSV text cut into records and fields: the one place that decides where a record ends.

A record ends at the first line end outside of quotes, and quotes are those of a field that begins with one (RFC 4180).
A quote inside of any other field opens nothing, whatever follows: that record is refused, and ends where its line does.
So no character of one record can move the border of another, and where the text happens to be cut does not matter.

Two readers, the same answer: most text is cut by compiled functions (`_cut_plain`, `_cut_quoted`). Text that they do
not vouch for, and a record of more than a block, is left to `csv_scan.py`, which looks at each field. The rule stands
in plain Python in `tests/reference/csv_table.py`; PostgreSQL's COPY reads what it takes in the same way.
"""

import codecs
import csv
import io
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from app.ingestion.decoding.csv_scan import QUOTED_EMPTY, QUOTES, ScannedRecord
from app.ingestion.decoding.json_rows import MAX_ROW_BYTES
from app.ingestion.decoding.lines import BLOCK_BYTES
from app.ingestion.decoding.pace import in_thread
from app.ingestion.decoding.problems import MalformedBody
from app.ingestion.rows.row_model import MAX_FIELDS
from app.warehouse.rejections import RejectionCode

SMALL = 1 << 13
"""Characters that are read on the spot: a few milliseconds for the dearest text. With more, a thread costs little."""

_COMPILED_CHARACTERS = 4 * BLOCK_BYTES
"""Longest text that is handed to a compiled function at once, which no other thread can interrupt."""

_AFTER, _BEFORE = {"", ",", "\n", "\r"}, {"", ",", "\n"}
"""What may stand behind a closing quote and before an opening one; nothing at all, between the two of `""`."""

csv.field_size_limit(MAX_ROW_BYTES)  # the module's own limit of 128 kB would refuse long texts; this is its only switch


@dataclass(frozen=True, slots=True)
class RecordFault:
    """A record that cannot be read: the line on which it begins, and why."""

    line: int
    code: RejectionCode
    reason: str


@dataclass(frozen=True)
class Records:
    """Whole records, one after another. What cannot be read is not among `fields`."""

    text: str
    first: int
    """The line on which the text begins."""
    fields: Sequence[list[str]]
    """Of each record: its fields, `QUOTED_EMPTY` for `""`."""
    lines: Sequence[int]
    """Of each record: the physical line on which it begins."""
    faults: Sequence[RecordFault] = ()
    """Records that cannot be read."""

    def raw(self, line: int) -> bytes:
        """The record that begins on the line, as it was sent, without its line end."""
        begins = self._begins
        after = bisect_right(begins, line)
        end = begins[after] if after < len(begins) else len(self._physical) + self.first
        text = "\n".join(self._physical[line - self.first : end - self.first])
        return text.rstrip("\r\n").encode("utf-8", "surrogateescape")

    @cached_property
    def is_utf8(self) -> bool:
        """Whether all that was sent is UTF-8."""
        return self.text.isascii() or _encodable(self.text)

    @cached_property
    def _begins(self) -> list[int]:
        return sorted((*self.lines, *(fault.line for fault in self.faults)))

    @cached_property
    def _physical(self) -> list[str]:
        return self.text.split("\n")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


async def record_blocks(body: AsyncIterator[bytes], block_bytes: int = BLOCK_BYTES) -> AsyncIterator[Records]:
    """The records of the body, header included, in blocks of about `block_bytes`.

    Bytes that are not UTF-8 come as lone surrogates (PEP 383).

    Raises:
        MalformedBody: a quoted field that does not end, or a record of more than `MAX_ROW_BYTES`.
    """
    reader = _Reader(block_bytes)
    decoder = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape")
    async for data in body:
        for start in range(0, len(data), block_bytes):
            due = reader.add(decoder.decode(data[start : start + block_bytes]))
            if due and (found := await reader.take()) is not None:
                yield found
    reader.add(decoder.decode(b"", final=True))
    if (found := await reader.finish()) is not None:
        yield found


class _Reader:
    """Text not yet given out as records."""

    def __init__(self, block: int) -> None:
        self._block = self._wait = block
        self._parts: list[str] = []
        self._size = 0
        self._line = 1

    def add(self, text: str) -> bool:
        """Whether it is time to look for whole records, now that this text is there."""
        self._parts.append(text)
        self._size += len(text)
        return self._size >= self._wait

    async def take(self) -> Records | None:
        """The whole records so far."""
        text = "".join(self._parts)
        found, end = await _aside(text, self._line, final=False)
        rest = text[end:]
        if len(rest) > MAX_ROW_BYTES:
            raise MalformedBody(f"the record on line {self._line} has no end within {MAX_ROW_BYTES} bytes")
        self._parts, self._size = [rest], len(rest)
        # A record that has not ended is looked at again only when twice as much of it is there, which stays linear.
        self._wait = self._block if end else min(2 * len(rest), MAX_ROW_BYTES + self._block)
        self._line += text.count("\n", 0, end)
        return found

    async def finish(self) -> Records | None:
        """The records that are left."""
        text = "".join(self._parts)
        return (await _aside(text, self._line, final=True))[0] if text else None


async def _aside(text: str, first: int, *, final: bool) -> tuple[Records | None, int]:
    """What `_cut` finds, looked for in a thread when it is not little."""
    if len(text) <= SMALL:
        return _cut(text, first, final=final)
    return await in_thread(partial(_cut, text, first, final=final))


def _cut(text: str, first: int, *, final: bool) -> tuple[Records | None, int]:
    """The whole records at the beginning of the text, and where they end. `final` says that nothing follows the text.

    Raises:
        MalformedBody: nothing follows, and a quote is open.
    """
    found = None
    if len(text) <= _COMPILED_CHARACTERS:
        found = _cut_quoted(text, first, final=final) if '"' in text else _cut_plain(text, first, final=final)
    if found is None:
        found = _scan(text, first, final=final)
    return (found, len(found.text)) if found.text else (None, 0)


def _cut_plain(text: str, first: int, *, final: bool) -> Records | None:
    """The records of a text without quotes; None when it holds more than fields."""
    head = text if final else text[: text.rfind("\n") + 1]
    unix = head.replace("\r\n", "\n") if "\r" in head else head
    if "\r" in unix:
        return None
    lines = unix.split("\n")
    fields = [line.split(",") for line in lines if line]
    if max(map(len, fields), default=0) > MAX_FIELDS:
        return None
    return Records(head, first, fields, _numbers(lines, len(fields), first))


def _numbers(lines: Sequence[object], records: int, first: int) -> Sequence[int]:
    """The numbers of the lines that are not empty, of which there are so many."""
    if not any(lines[records:]):
        return range(first, first + records)
    return [number for number, line in enumerate(lines, first) if line]


def _cut_quoted(text: str, first: int, *, final: bool) -> Records | None:
    """The records of a text in which quotes stand where fields begin and end; None when one stands elsewhere."""
    found = _prepared(text, final=final)  # its pieces are gone before as much is made again
    if found is None:
        return None
    marked, end, spans_lines = found
    lines: Sequence[int]
    reader = csv.reader(io.StringIO(marked, newline="\n"), strict=True)
    if spans_lines:
        lines, fields = _numbered(reader, first)
    else:
        records = list(reader)
        fields = [record for record in records if record]
        lines = _numbers(records, len(fields), first)
    if max(map(len, fields), default=0) > MAX_FIELDS:
        return None
    return Records(text[:end], first, fields, lines)


def _prepared(text: str, *, final: bool) -> tuple[str, int, bool] | None:
    """The whole records of such a text, with `QUOTED_EMPTY`; where they end; whether a field has more than one line."""
    parts = text.split('"')  # what stands outside of quotes is at even places
    is_open = len(parts) % 2 == 0
    outside = parts[::2]
    before_quotes = set(outside if is_open else outside[:-1])  # few are different where all fields are quoted
    after_quotes = set(outside[1:])
    if not {part[-1:] for part in before_quotes} <= _BEFORE or not {part[:1] for part in after_quotes} <= _AFTER:
        return None
    if (is_open and final) or ("\r" in text and any("\r" in part.replace("\r\n", "") for part in set(outside))):
        return None
    whole = parts if final else _whole(parts)
    marked = '"'.join(_marked(text, whole))
    end = len(text) if final else _length(text, parts, whole)
    return marked, end, "\n" in "".join(whole[1::2])


def _length(text: str, parts: list[str], whole: list[str]) -> int:
    """The length of the whole records, of which parts and text are known: what is left behind them is short."""
    if not whole:
        return 0
    left = parts[len(whole) :]
    rest = len(parts[len(whole) - 1]) - len(whole[-1])
    return len(text) - rest - sum(map(len, left)) - len(left)


def _whole(parts: list[str]) -> list[str]:
    """The parts up to the last line end outside of quotes."""
    for place in range((len(parts) - 1) // 2 * 2, -1, -2):
        if end := parts[place].rfind("\n") + 1:
            return [*parts[:place], parts[place][:end]]
    return []


def _marked(text: str, parts: list[str]) -> list[str]:
    """The parts, with `QUOTED_EMPTY` where `""` is all of a field. Between two empty parts it is a quote in a field."""
    if '""' not in text:
        return parts
    marked, last = parts.copy(), len(parts) - 1
    for place in range(1, last, 2):
        if not parts[place] and (place == 1 or parts[place - 1]) and (place + 1 == last or parts[place + 1]):
            marked[place] = QUOTED_EMPTY
    return marked


def _numbered(reader: Any, first: int) -> tuple[list[int], list[list[str]]]:
    """The records of a reader, and the lines on which they begin."""
    lines, fields = [], []
    before = 0
    for record in reader:
        if record:
            lines.append(first + before)
            fields.append(record)
        before = reader.line_num
    return lines, fields


def _scan(text: str, first: int, *, final: bool) -> Records:
    """The records of any text, each field looked at.

    Raises:
        MalformedBody: nothing follows, and a quote is open.
    """
    fields: list[list[str]] = []
    lines: list[int] = []
    faults: list[RecordFault] = []
    start, line = 0, first
    while start < len(text):
        record = ScannedRecord(text, start, final=final)
        if record.open_at is not None and final:
            opened = line + text.count("\n", start, record.open_at)
            raise MalformedBody(_never_closed(opened, text.count("\n", record.open_at) + (not text.endswith("\n"))))
        if record.end is None:
            break
        if record.fault is not None:
            faults.append(RecordFault(line, *record.fault))
        elif record.fields != [""]:  # an empty line is no record
            lines.append(line)
            fields.append(record.fields)
        line += text.count("\n", start, record.end)
        start = record.end
    return Records(text[:start], first, fields, lines, faults)


def _never_closed(line: int, lines: int) -> str:
    return (
        f"the quote that opens a field on line {line} is never closed: from that line on, {lines} in all have no "
        f"verdict, so nothing of the body is stored; {QUOTES}"
    )
