"""Blocks become passages: what is under one set of headings, up to so many characters, without overlap. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.addons.knowledge.reading.blocks import Block, BlockKind, Reason, UnreadableError

MAX_PASSAGE: Final = 1_500
"""Characters of a passage: some 400 tokens, which every embedding model takes (the smallest takes 512)."""
MAX_PASSAGES: Final = 5_000
"""Of one document."""
_MAX_HEAD: Final = 300
"""Characters of a table's head that is written again above each part of the table."""

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document: its headings, the outermost first, and its text."""

    headings: tuple[str, ...]
    text: str


def chunks(blocks: Sequence[Block]) -> list[Chunk]:
    """The passages, in the order of the document. Raises `UnreadableError` when there are more than `MAX_PASSAGES`.

    All the text of the blocks is in them, once and in its order; the head of a table is also above each of its parts.
    """
    found: list[Chunk] = []
    headings: tuple[str, ...] = ()
    held = ""
    for block in blocks:
        for piece in pieces(block):
            joined = f"{held}\n\n{piece}" if held else piece
            if held and (block.headings != headings or len(joined) > MAX_PASSAGE):
                _take(found, Chunk(headings, held))
                joined = piece
            headings, held = block.headings, joined
    if held:
        _take(found, Chunk(headings, held))
    return found


def _take(found: list[Chunk], chunk: Chunk) -> None:
    if len(found) == MAX_PASSAGES:
        message = f"The document would become more than {MAX_PASSAGES:,} passages; divide it."
        raise UnreadableError(Reason.TOO_MANY_PASSAGES, message)
    found.append(chunk)


def pieces(block: Block) -> Iterator[str]:
    """The text of the block in parts of at most `MAX_PASSAGE` characters; whole where it fits."""
    if len(block.text) <= MAX_PASSAGE:
        yield block.text
    elif block.kind is BlockKind.TABLE:
        head, _, rows = block.text.partition("\n")
        if not rows or len(head) > _MAX_HEAD:
            yield from _packed(block.text.split("\n"), "\n", MAX_PASSAGE)
            return
        for part in _packed(rows.split("\n"), "\n", MAX_PASSAGE - len(head) - 1):
            yield f"{head}\n{part}"
    elif block.kind is BlockKind.LINES:
        yield from _packed(block.text.split("\n"), "\n", MAX_PASSAGE)
    else:
        yield from _packed(_SENTENCE.split(block.text), " ", MAX_PASSAGE)


def _packed(parts: Iterable[str], between: str, most: int) -> Iterator[str]:
    """The parts joined, as many at a time as fit; a part that is too long is cut between words, or anywhere."""
    held = ""
    for part in parts:
        for piece in _cut(part, most):
            joined = f"{held}{between}{piece}" if held else piece
            if len(joined) > most:
                yield held
                joined = piece
            held = joined
    if held.strip():
        yield held


def _cut(part: str, most: int) -> Iterator[str]:
    while len(part) > most:
        place = part.rfind(" ", most // 2, most)
        place = place if place > 0 else most
        yield part[:place].rstrip()
        part = part[place:].lstrip()
    if part:
        yield part
