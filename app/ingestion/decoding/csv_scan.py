"""One record of CSV, each field looked at: the slow reader beside the compiled one.

The rule stands in `csv_records.py`.
"""

from app.ingestion.decoding.json_rows import MAX_ROW_BYTES
from app.ingestion.rows.row_model import MAX_FIELDS
from app.warehouse.rejections import RejectionCode

QUOTED_EMPTY = "\ud800"
"""Stands for `""` among fields, where the empty text stands for nothing at all; no decoded text holds it."""

QUOTES = 'a text with a quote in it is written as "5"" pipe"'
"""What is said to who sent quotes that cannot be read."""


class ScannedRecord:
    """One record of a text, found field by field."""

    def __init__(self, text: str, start: int, *, final: bool) -> None:
        self.fields: list[str] = []
        self.fault: tuple[RejectionCode, str] | None = None
        self.end: int | None = None
        """Where the next record begins; None when this one has not ended."""
        self.open_at: int | None = None
        """Where the quote stands that is not closed."""
        self._text = text
        self._final = final
        self._line_end = text.find("\n", start)
        if self._line_end < 0 and final:
            self._line_end = len(text)
        if self._line_end < 0:
            return  # there is no line end at all
        if text.find('"', start, self._line_end) < 0:
            self._read_plain(start)
        else:
            self._read(start)

    def _read_plain(self, start: int) -> None:
        """Read a line without quotes."""
        self.end = min(self._line_end + 1, len(self._text))
        fields = self._text.count(",", start, self._line_end) + 1
        if fields > MAX_FIELDS:
            self._spoil(f"it has {fields} fields, more than {MAX_FIELDS}")
        elif _bytes_beyond(self._text, start, self._line_end):
            self.fault = _too_long()
        else:
            for number, field in enumerate(self._text[start : self._line_end].split(","), start=1):
                self._take(number, "", field, ends_line=number == fields)

    def _read(self, start: int) -> None:
        place, number = start, 1
        while True:
            quoted = self._text.startswith('"', place)
            after = place
            if quoted:
                close = self._closing(place + 1)
                if close is None:
                    self.open_at = place
                    return
                after = close + 1
            end = self._delimiter(after)
            if end is None:
                return
            self._take(number, self._text[place:after], self._text[after:end], ends_line=end == self._line_end)
            if end == self._line_end:
                self.end = min(end + 1, len(self._text))
                if _bytes_beyond(self._text, start, end):
                    self.fault = _too_long()
                return
            place, number = end + 1, number + 1

    def _closing(self, place: int) -> int | None:
        """The offset of the quote that closes a field whose text begins there."""
        text = self._text
        while (found := text.find('"', place)) >= 0:
            if text.startswith('"', found + 1):
                place = found + 2
            else:
                return found if found + 1 < len(text) or self._final else None
        return None

    def _delimiter(self, place: int) -> int | None:
        """The offset of the comma or line end that ends a field, at or after the place; the text's end, when final."""
        if self._line_end < place:
            found = self._text.find("\n", place)
            if found < 0 and not self._final:
                return None
            self._line_end = found if found >= 0 else len(self._text)
        comma = self._text.find(",", place, self._line_end)
        return comma if comma >= 0 else self._line_end

    def _take(self, number: int, quoted: str, rest: str, *, ends_line: bool) -> None:
        if ends_line and self._line_end < len(self._text):
            rest = rest.removesuffix("\r")
        if number > MAX_FIELDS:
            self._spoil(f"it has more than {MAX_FIELDS} fields")
        elif quoted and rest:
            self._spoil(f"field {number} goes on behind its closing quote; {QUOTES}")
        elif '"' in rest:
            self._spoil(f"field {number} holds a quote and does not begin with one; {QUOTES}")
        elif "\r" in rest:
            self._spoil(f"field {number} holds a carriage return outside of quotes; lines end with LF or CRLF")
        elif self.fault is None:
            self.fields.append((quoted[1:-1].replace('""', '"') or QUOTED_EMPTY) if quoted else rest)

    def _spoil(self, reason: str) -> None:
        self.fault = self.fault or (RejectionCode.MALFORMED_LINE, reason)


def _too_long() -> tuple[RejectionCode, str]:
    return RejectionCode.TOO_LONG, f"it has more than {MAX_ROW_BYTES} bytes"


def _bytes_beyond(text: str, start: int, end: int) -> bool:
    """Whether a record has more than `MAX_ROW_BYTES`; a character has four bytes at most."""
    return (end - start) * 4 > MAX_ROW_BYTES and len(text[start:end].encode("utf-8", "replace")) > MAX_ROW_BYTES
