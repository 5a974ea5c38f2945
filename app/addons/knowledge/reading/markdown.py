"""Markdown (CommonMark, with GitHub's tables) becomes blocks. HTML within is read as HTML. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.addons.knowledge.reading.blocks import BlockKind, Blocks, ReadDocument, UnreadableError
from app.addons.knowledge.reading.html import read_html

_FRONT: Final = re.compile(r"\A(?:---|\+\+\+)[^\S\n]*\n.{0,20000}?\n(?:---|\+\+\+|\.\.\.)[^\S\n]*(?:\n|\Z)", re.DOTALL)
"""Front matter: facts for a site generator, not text."""


def read_markdown(text: str) -> ReadDocument:
    """The document; its title is its first heading of the first level."""
    plain = _FRONT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"), count=1)
    tokens = MarkdownIt("commonmark").enable("table").parse(plain)
    reader = _Reader()
    for place, token in enumerate(tokens):
        reader.take(token, tokens[place - 1] if place else None)
    return reader.blocks.done(reader.title)


class _Reader:
    """Takes the tokens of a document in their order."""

    def __init__(self) -> None:
        self.blocks = Blocks()
        self.title: str | None = None
        self._rows: list[list[str]] | None = None
        self._lists = 0
        self._items: list[str] = []
        """Lines of the outermost list that is open."""

    def take(self, token: Token, before: Token | None) -> None:
        """Read a token; `before` is the one that it follows."""
        kind = token.type
        if kind == "inline":
            self._inline(token, before)
        elif kind in {"fence", "code_block"}:
            self.blocks.add(token.content, BlockKind.LINES)
        elif kind == "html_block":
            self._html(token.content)
        elif kind == "table_open":
            self._rows = []
        elif kind == "tr_open" and self._rows is not None:
            self._rows.append([])
        elif kind == "table_close":
            self.blocks.table(self._rows or [])
            self._rows = None
        elif kind in {"bullet_list_open", "ordered_list_open"}:
            self._lists += 1
        elif kind in {"bullet_list_close", "ordered_list_close"}:
            self._lists -= 1
            if not self._lists:
                self.blocks.add("\n".join(self._items), BlockKind.LINES)
                self._items = []

    def _inline(self, token: Token, before: Token | None) -> None:
        text = _seen(token.children or ())
        opener = before.type if before is not None else ""
        if opener == "heading_open" and before is not None:
            level = int(before.tag[1:])
            if level == 1 and self.title is None:
                self.title = text
            self.blocks.heading(level, text)
        elif opener in {"th_open", "td_open"} and self._rows:
            self._rows[-1].append(text)
        elif self._lists:
            self._items.append(f"{'  ' * (self._lists - 1)}- {text}")
        else:
            self.blocks.add(text)

    def _html(self, content: str) -> None:
        try:
            found = read_html(content)
        except UnreadableError:
            return  # comments and tags alone
        for block in found.blocks:
            self.blocks.add(block.text, block.kind)


def _seen(children: Sequence[Token]) -> str:
    """The text of a line: of links and emphasis their words, of images the words that stand for them."""
    parts = []
    for child in children:
        if child.type in {"text", "code_inline", "image"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
    return "".join(parts)
