"""In which encoding a sample is, and whether it is text at all, found while it streams by. Pure; memory is bounded."""

import codecs
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.addons.generator.reading.sample import (
    CONTROLS,
    MAX_CONTROL_SHARE,
    SIGNATURE_BYTES,
    charset_by_mark,
    recognised,
)

HEAD_CHARACTERS: Final = 2_000
"""Of a sample's beginning, kept beside it for whoever decides about the request."""

HEAD_BYTES: Final = 4 * HEAD_CHARACTERS

RIGHT: Final = "Send the lines of a log as text, plain or packed once with gzip."

_CONTROLS: Final = bytes(CONTROLS)
_C1: Final = bytes(range(0x80, 0xA0))
_NOT_CP1252: Final = b"\x81\x8d\x8f\x90\x9d"
"""Bytes that Windows-1252 does not define (Unicode's mapping table CP1252.TXT)."""


class Encoding(StrEnum):
    """Encodings of samples; the values are names of Python's codecs."""

    UTF_8 = "utf-8"
    UTF_8_BOM = "utf-8-sig"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    CP1252 = "cp1252"
    LATIN_1 = "latin-1"


_BY_MARK: Final = {"UTF-8": Encoding.UTF_8_BOM, "UTF-16LE": Encoding.UTF_16_LE, "UTF-16BE": Encoding.UTF_16_BE}


class NotTextError(ValueError):
    """The sample is not text, or no text of an encoding that is known."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        """Why, for programs: `empty`, `binary` or `wrong-encoding`."""


@dataclass(frozen=True, slots=True)
class SampleText:
    """What is known of a sample that is text."""

    encoding: Encoding
    bytes: int
    lines: int
    head: str
    """The first lines, in characters that PostgreSQL can keep."""


class TextInspector:
    """Looks at a sample piece by piece."""

    def __init__(self) -> None:
        self._start = b""
        self._begun = False
        self._bom: Encoding | None = None
        self._decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder("utf-8")()
        self._is_utf8 = True
        self._head = bytearray()
        self._bytes = self._controls = self._c1 = self._undefined = self._breaks = 0
        self._last = b""

    def feed(self, data: bytes) -> None:
        """Look at the next piece. Raises `NotTextError` as soon as it is known that this is no text."""
        if not self._begun:
            self._start += data
            if len(self._start) < SIGNATURE_BYTES:
                return
            data = self._begin()
        self._look(data)

    def finish(self) -> SampleText:
        """What is known of the whole sample. Raises `NotTextError`."""
        if not self._begun:
            self._look(self._begin())
        head = bytes(self._head)
        if not self._bytes or not head.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
            raise NotTextError("empty", "The sample has no text in its beginning.")
        self._judge()
        encoding = self._encoding()
        lines = self._breaks + (0 if self._ends_with_break() else 1)
        text = head.decode(encoding, errors="ignore").replace("\x00", "").removeprefix("\ufeff")
        return SampleText(encoding, self._bytes, lines, text[:HEAD_CHARACTERS])

    def _begin(self) -> bytes:
        start, self._start, self._begun = self._start, b"", True
        what = recognised(start)
        if what is not None:
            raise NotTextError("binary", f"The sample is {what}, not text. {RIGHT}")
        charset = charset_by_mark(start)
        self._bom = None if charset is None else _BY_MARK.get(charset)
        if charset is not None and self._bom is None:
            raise NotTextError("wrong-encoding", f"The sample is {charset}. Send it as UTF-8.")
        if self._wide:
            self._decoder = codecs.getincrementaldecoder(self._bom or "utf-8")()
        return start

    @property
    def _wide(self) -> bool:
        return self._bom in {Encoding.UTF_16_LE, Encoding.UTF_16_BE}

    def _look(self, data: bytes) -> None:
        if not data:
            return
        if len(self._head) < HEAD_BYTES:
            self._head += data[: HEAD_BYTES - len(self._head)]
        self._last = (self._last + data)[-4:]
        if self._wide:
            self._look_wide(data)
        else:
            self._look_narrow(data)
        self._bytes += len(data)

    def _look_wide(self, data: bytes) -> None:
        try:
            text = self._decoder.decode(data)
        except UnicodeDecodeError as error:
            message = f"The sample begins as UTF-16 and is none near byte {self._bytes + error.start}."
            raise NotTextError("wrong-encoding", message) from None
        self._breaks += text.count("\n")
        self._controls += 2 * sum(text.count(chr(each)) for each in _CONTROLS)

    def _look_narrow(self, data: bytes) -> None:
        nul = data.find(b"\x00")
        if nul >= 0:
            raise NotTextError("binary", _about_nul(bytes(self._head), self._bytes + nul))
        self._breaks += data.count(b"\n")
        self._controls += len(data) - len(data.translate(None, _CONTROLS))
        if self._is_utf8:
            try:
                self._decoder.decode(data)
            except UnicodeDecodeError:
                self._is_utf8 = False
        if not data.isascii():
            self._c1 += len(data) - len(data.translate(None, _C1))
            self._undefined += len(data) - len(data.translate(None, _NOT_CP1252))

    def _judge(self) -> None:
        if self._controls > MAX_CONTROL_SHARE * self._bytes:
            share = round(100 * self._controls / self._bytes)
            raise NotTextError("binary", f"{share} % of the sample are control characters: this is not text. {RIGHT}")

    def _encoding(self) -> Encoding:
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            if self._wide:
                raise NotTextError("wrong-encoding", "The sample is UTF-16 and ends within a character.") from None
            self._is_utf8 = False
        if self._bom is not None and (self._wide or self._is_utf8):
            return self._bom
        if self._is_utf8:
            return Encoding.UTF_8
        return Encoding.CP1252 if self._c1 and not self._undefined else Encoding.LATIN_1

    def _ends_with_break(self) -> bool:
        match self._bom:
            case Encoding.UTF_16_LE:
                return self._last.endswith(b"\n\x00")
            case Encoding.UTF_16_BE:
                return self._last.endswith(b"\x00\n")
            case _:
                return self._last.endswith(b"\n")


def _about_nul(head: bytes, place: int) -> str:
    """The sentence about a NUL byte: text of 16 bits without its mark has one beside nearly every character."""
    if 3 * head[:1_000].count(b"\x00") > len(head[:1_000]):
        return "The sample looks like UTF-16 without a byte order mark. Send it as UTF-8, or with the mark."
    return f"The sample has a NUL byte at {place}: this is not text. {RIGHT}"


def decoded(data: bytes, encoding: Encoding) -> str:
    """The text of a sample; what does not fit the encoding is replaced by U+FFFD, a byte order mark left out."""
    return data.decode(encoding, errors="replace").removeprefix("\ufeff")
