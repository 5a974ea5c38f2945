"""Plain text becomes blocks: paragraphs, by blank lines. Pure."""

import re
from typing import Final

from app.addons.knowledge.reading.blocks import BlockKind, Blocks, ReadDocument

_BLANK: Final = re.compile(r"\n[^\S\n]*\n")
_RULE: Final = re.compile(r"([^\n]{1,120})\n(=|-|~)\2{3,}[^\S\n]*")
"""A line that is underlined: a heading, in most manuals that are written as text."""


def read_plain(text: str) -> ReadDocument:
    """The document. A paragraph whose first line is underlined has this line as its heading."""
    blocks = Blocks()
    for paragraph in _BLANK.split(text.replace("\r\n", "\n").replace("\r", "\n")):
        found = _RULE.match(paragraph.lstrip("\n"))
        body = paragraph
        if found is not None and len(found[0].split("\n")[1].strip()) >= len(found[1].strip()) // 2:
            blocks.heading(1 if found[2] == "=" else 2, found[1])
            body = paragraph.lstrip("\n")[found.end() :]
        blocks.add(body, BlockKind.LINES if body.count("\n") > 1 else BlockKind.TEXT)
    return blocks.done()
