"""The text of a sample, or the reason why the sample is none."""

import codecs
from dataclasses import dataclass

MAX_SAMPLE_LINES = 200_000
"""More lines than these add no evidence; the rest of a larger sample is left to validation."""
MAX_LINE_CHARACTERS = 200_000
"""A longer line is no line of a log: Splunk cuts events after 10,000 bytes (props.conf.spec, TRUNCATE)."""
MAX_CONTROL_SHARE = 0.02
"""Text has hardly any control characters beside tab, line feed, carriage return and escape."""
_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13, 27}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32LE"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32BE"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16BE"),
)
_MAGIC = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"%PDF-", "a PDF document"),
    (b"ElfFile\x00", "a binary Windows event log (export it as XML)"),
    (b"\xd4\xc3\xb2\xa1", "a packet capture"),
    (b"\x0a\x0d\x0d\x0a", "a packet capture"),
    (b"\x89PNG", "a picture"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"LPKSHHRH", "a journal of systemd (export it with journalctl -o json)"),
)


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


def read_sample(content: bytes) -> Sample:
    """The sample's text. Raises SampleRefused for what is empty, binary or packed."""
    if not content.strip():
        raise SampleRefused(
            "empty-sample", "The sample has no lines. Send at least ten lines of the log as they are written."
        )
    for magic, what in _MAGIC:
        if content.startswith(magic):
            raise SampleRefused("binary-sample", f"The sample is {what}, not text. Send the lines of the log as text.")
    text, charset = _decoded(content)
    controls = sum(1 for character in text[:100_000] if ord(character) in _CONTROLS)
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
    for mark, codec, name in _BOMS:
        if content.startswith(mark):
            return content.decode(codec, errors="replace"), name
    head = content[:4096]
    if head.count(0) > len(head) // 4:
        odd = sum(1 for index in range(1, len(head), 2) if head[index] == 0)
        little = odd > head.count(0) // 2
        return content.decode(
            "utf-16-le" if little else "utf-16-be", errors="replace"
        ), "UTF-16LE" if little else "UTF-16BE"
    try:
        return content.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        # A sample that was cut in the middle of a character is still UTF-8.
        if error.start >= len(content) - 4:
            return content[: error.start].decode("utf-8"), "UTF-8"
        return content.decode("cp1252", errors="replace"), "WINDOWS-1252"
