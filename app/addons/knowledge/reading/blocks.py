"""What reading a document gives: blocks of text in their order, each under its headings. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_CHARACTERS: Final = 4_000_000
"""Of one document's text: some 1,500 printed pages; the longest manual of log fields that we know has a third of it."""
MAX_HEADING: Final = 200
"""Characters of a heading that are kept."""
MAX_DEPTH: Final = 6
"""Headings that are kept above a block: HTML and Markdown have six levels. Of more, the innermost stays."""

_SPACES: Final = re.compile(r"[^\S\n]+")
_BREAKS: Final = re.compile(r"\r\n|[\r\v\f\x85\u2028\u2029]")
_KEPT: Final = frozenset("\n\t")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_ASCII_CONTROLS: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


class BlockKind(StrEnum):
    """How a block may be divided."""

    TEXT = "text"
    """Between sentences."""
    LINES = "lines"
    """Between lines: lists, code, samples."""
    TABLE = "table"
    """Between rows, one to a line, its cells divided by ` | `; the first row is the head."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document that belongs together."""

    headings: tuple[str, ...]
    """The headings above, the outermost first."""
    text: str
    kind: BlockKind = BlockKind.TEXT


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """What was read of a document."""

    title: str | None
    """What the document calls itself."""
    blocks: tuple[Block, ...]
    pages: int | None = None
    """Of a PDF."""


class Reason(StrEnum):
    """Why a document cannot be read, by stable names."""

    NOT_TEXT = "not-text"
    EMPTY = "no-text"
    TOO_LONG = "too-long"
    TOO_MANY_PAGES = "too-many-pages"
    TOO_MANY_PASSAGES = "too-many-passages"
    ENCRYPTED = "encrypted"
    IMAGES = "images-only"
    DAMAGED = "damaged"
    TOO_DEAR = "too-dear"


class UnreadableError(Exception):
    """A document that cannot be read; the message says why, and quotes nothing of the document."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason, self.message = reason, message


class Blocks:
    """Collects blocks under the headings that stand above them, and counts their characters."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._headings: list[tuple[int, str]] = []
        self._characters = 0

    def heading(self, level: int, text: str) -> None:
        """Let a heading of this level, from 1, stand above what follows."""
        shown = one_line(text)[:MAX_HEADING]
        self._headings = [(above, each) for above, each in self._headings if above < level]
        if shown:
            self._headings.append((level, shown))
            del self._headings[MAX_DEPTH - 1 : -1]

    def add(self, text: str, kind: BlockKind = BlockKind.TEXT) -> None:
        """Take a block, unless it is blank. Raises `UnreadableError` when the document has too many characters."""
        clean = cleaned(text, keep_indent=kind is BlockKind.LINES)
        if not clean:
            return
        self._characters += len(clean)
        if self._characters > MAX_CHARACTERS:
            raise UnreadableError(Reason.TOO_LONG, f"The document has more than {MAX_CHARACTERS:,} characters of text.")
        self._blocks.append(Block(tuple(each for _, each in self._headings), clean, kind))

    def table(self, rows: list[list[str]]) -> None:
        """Take a table: its rows of cells."""
        lines = [" | ".join(one_line(cell) for cell in row) for row in rows if any(cell.strip() for cell in row)]
        self.add("\n".join(lines), BlockKind.TABLE)

    def done(self, title: str | None = None, pages: int | None = None) -> ReadDocument:
        """The document. Raises `UnreadableError` when there is no text in it."""
        if not self._blocks:
            raise UnreadableError(Reason.EMPTY, "There is no text in the document.")
        named = one_line(title or "")[:MAX_HEADING]
        return ReadDocument(named or None, tuple(self._blocks), pages)


def one_line(text: str) -> str:
    """The text with each run of white space made one space, and without control characters."""
    return " ".join(_visible(text).split())


def cleaned(text: str, *, keep_indent: bool = False) -> str:
    """The text without control characters, blanks at the ends of lines, and blank lines at its ends."""
    lines = _visible(text).split("\n")
    kept = [line.rstrip() if keep_indent else _SPACES.sub(" ", line).strip() for line in lines]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip("\n")


def _visible(text: str) -> str:
    """The text in composed form, without what cannot be seen: controls, surrogates, marks of direction.

    NUL cannot be stored in PostgreSQL; the marks let a text be shown otherwise than it reads (Unicode TR 36).
    """
    lines = _BREAKS.sub("\n", text)
    if lines.isascii():
        return _ASCII_CONTROLS.sub("", lines)
    composed = unicodedata.normalize("NFC", lines)
    return "".join(each for each in composed if each in _KEPT or unicodedata.category(each) not in _HIDDEN)
