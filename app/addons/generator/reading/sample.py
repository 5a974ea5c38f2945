"""The text of a sample, or the reason why the sample is none."""

import codecs
from dataclasses import dataclass

MAX_SAMPLE_LINES = 200_000
"""More lines than these add no evidence; the rest of a larger sample is left to validation."""
MAX_LINE_CHARACTERS = 200_000
"""A longer line is no line of a log: Splunk cuts events after 10,000 bytes (props.conf.spec, TRUNCATE)."""
MAX_CONTROL_SHARE = 0.05
"""Control characters that text may have. Of random bytes they are 26 in 256; of logs with colours far below one in a
hundred."""
CONTROLS = frozenset({*range(0x20), 0x7F}) - {*b"\b\t\n\v\f\r\x1b"}
"""Control characters (C0 and DEL) that text has hardly ever: colours (ESC) and overstrikes (BS) are of text."""
_MARKS = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32LE"),  # before UTF-16LE, whose mark begins it
    (codecs.BOM_UTF32_BE, "UTF-32BE"),
    (codecs.BOM_UTF16_LE, "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "UTF-16BE"),
)
"""Byte order marks, and Splunk's names of the encodings, which Python's codecs know too."""
_MAGIC = (
    (b"\x1f\x8b", "packed with gzip"),
    (b"BZh", "packed with bzip2"),
    (b"\xfd7zXZ\x00", "packed with xz"),
    (b"\x28\xb5\x2f\xfd", "packed with Zstandard"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"ElfFile\x00", "a binary Windows event log (export it as XML)"),
    (b"LPKSHHRH", "a journal of systemd (export it with journalctl -o json)"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3\x00", "a SQLite database"),
)
"""How files begin that are not text (the magic numbers of file(1)), and what they are."""
_TAR_AT, _TAR = 257, b"ustar"
"""A tar archive has its magic number within the header of its first member, whose fields end with NUL bytes (POSIX.1,
pax, "ustar Interchange Format")."""
SIGNATURE_BYTES = _TAR_AT + len(_TAR)
"""Of a file's beginning, by which `recognised` knows everything that it knows."""


class SampleRefused(ValueError):  # noqa: N818 - what is refused is the sample
    """The sample cannot be used; `code` is stable, the message says why and what would be right."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Sample:
    """A sample's text with line feeds alone, and Splunk's name of its encoding (props.conf, CHARSET)."""

    text: str
    charset: str

    @property
    def lines(self) -> list[str]:
        """The lines without their ends; the last one only where it is not empty."""
        lines = self.text.split("\n")
        return lines[:-1] if lines[-1] == "" else lines


def recognised(start: bytes) -> str | None:
    """What the file is that begins so, in words that go on after "is"; None where the file may be text."""
    if start[_TAR_AT:SIGNATURE_BYTES] == _TAR and b"\x00" in start[:_TAR_AT]:
        return "a tar archive"
    return next((what for magic, what in _MAGIC if start.startswith(magic)), None)


def charset_by_mark(start: bytes) -> str | None:
    """Splunk's name of the encoding with whose byte order mark the file begins; None where there is no mark."""
    return next((charset for mark, charset in _MARKS if start.startswith(mark)), None)


def read_sample(content: bytes) -> Sample:
    """The sample's text. Raises SampleRefused for what is empty, binary or packed."""
    if not content.strip():
        raise SampleRefused(
            "empty-sample", "The sample has no lines. Send at least ten lines of the log as they are written."
        )
    what = recognised(content)
    if what is not None:
        raise SampleRefused("binary-sample", f"The sample is {what}, not text. Send the lines of the log as text.")
    text, charset = _decoded(content)
    controls = sum(1 for character in text[:100_000] if ord(character) in CONTROLS)
    if controls > MAX_CONTROL_SHARE * min(len(text), 100_000):
        raise SampleRefused(
            "binary-sample",
            "The sample holds control characters as binary files do. Send the lines of the log as text.",
        )
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:MAX_SAMPLE_LINES]
    if any(len(line) > MAX_LINE_CHARACTERS for line in lines):
        raise SampleRefused(
            "line-too-long", f"A line has more than {MAX_LINE_CHARACTERS} characters. Splunk cuts events far earlier."
        )
    return Sample("\n".join(lines), charset)


def _decoded(content: bytes) -> tuple[str, str]:
    """The text, and the encoding's name: by its mark, else UTF-8, else UTF-16 by its zeros, else Windows-1252."""
    charset = charset_by_mark(content) or _charset_by_zeros(content[:4096])
    if charset is not None:
        return content.decode(charset, errors="replace").removeprefix("\ufeff"), charset
    try:
        return content.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        # A sample that was cut in the middle of a character is still UTF-8.
        if error.start >= len(content) - 4:
            return content[: error.start].decode("utf-8"), "UTF-8"
        return content.decode("cp1252", errors="replace"), "WINDOWS-1252"


def _charset_by_zeros(head: bytes) -> str | None:
    """UTF-16 of the byte order that the places of the zeros tell; None where zeros are few."""
    if head.count(0) <= len(head) // 4:
        return None
    return "UTF-16LE" if head[1::2].count(0) > head.count(0) // 2 else "UTF-16BE"
