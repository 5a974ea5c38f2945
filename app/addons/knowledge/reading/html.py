"""HTML becomes blocks: text as a reader sees it. Scripts, styles and forms are no text; nothing is fetched. Pure."""

from html.parser import HTMLParser
from typing import Final

from app.addons.knowledge.reading.blocks import BlockKind, Blocks, ReadDocument

_DROPPED: Final = frozenset(
    ("audio", "button", "canvas", "iframe", "math", "nav", "noscript", "object", "script", "select", "style", "svg",
     "template", "textarea", "video")
)  # fmt: skip
"""Elements whose content is no text of the document."""
_ENDING: Final = frozenset(
    ("address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div", "dl", "dt",
     "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "main", "ol", "p", "section",
     "summary", "ul")
)  # fmt: skip
"""Elements at whose begin and end a paragraph ends (HTML Standard, section 15.3: `display: block`)."""
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}


class _Reader(HTMLParser):
    """Collects what is seen. Elements need not be closed, or closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks = Blocks()
        self.title = ""
        self._dropped: list[str] = []
        """Open elements that are dropped, the outermost first."""
        self._text: list[str] = []
        self._heading: int | None = None
        self._in_title = False
        self._pre = 0
        self._rows: list[list[str]] | None = None
        """Of the outermost table that is open; tables within are part of a cell."""
        self._tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - no attribute is text
        if tag in _DROPPED:
            self._dropped.append(tag)
        elif self._dropped:
            return
        elif tag == "title":
            self._in_title = True
        elif tag in _HEADINGS and not self._tables:
            self._end_of_block()
            self._heading = _HEADINGS[tag]
        elif tag == "br":
            self._text.append("\n")
        elif tag == "li":
            self._text.append(" - " if self._tables else "\n- ")
        elif tag == "pre":
            self._end_of_block()
            self._pre += 1
        elif tag in {"table", "tr", "td", "th"}:
            self._in_table(tag)
        elif tag in _ENDING:
            self._break()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag that ends itself: in HTML that is so of void elements alone, and a dropped one would drop the rest."""
        if tag not in _DROPPED:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._dropped:
            if tag in self._dropped:
                del self._dropped[self._dropped.index(tag) :]
        elif tag == "title":
            self._in_title = False
        elif tag in _HEADINGS and self._heading is not None:
            self.blocks.heading(self._heading, "".join(self._text))
            self._text, self._heading = [], None
        elif tag == "pre" and self._pre:
            self._end_of_block(BlockKind.LINES)
            self._pre -= 1
        elif tag == "table" and self._tables:
            self._tables -= 1
            self._text.append(" ")
            if not self._tables:
                self._end_of_table()
        elif tag in _ENDING:
            self._break()

    def handle_data(self, data: str) -> None:
        if self._dropped:
            return
        if self._in_title:
            self.title += data[: 1_000 - len(self.title)]
        else:
            self._text.append(data if self._pre else data.replace("\n", " "))

    def _in_table(self, tag: str) -> None:
        if tag == "table":
            if not self._tables:
                self._end_of_block()
                self._rows = []
            self._tables += 1
        elif self._tables == 1 and self._rows is not None:
            self._end_of_cell()
            if tag == "tr" or not self._rows:
                self._rows.append([])
            if tag != "tr":
                self._rows[-1].append("")
        else:
            self._text.append(" ")

    def _end_of_cell(self) -> None:
        if self._rows and self._rows[-1]:
            self._rows[-1][-1] += "".join(self._text)
            self._text = []

    def _end_of_table(self) -> None:
        self._end_of_cell()
        rows, self._rows = self._rows or [], None
        self.blocks.table(rows)
        self._end_of_block()

    def _break(self) -> None:
        """End a paragraph; within a cell or heading it ends a word alone, within a list a line."""
        if self._tables or self._heading is not None:
            self._text.append(" ")
        else:
            self._text.append("\n\n")

    def _end_of_block(self, kind: BlockKind = BlockKind.TEXT) -> None:
        text, self._text = "".join(self._text), []
        if self._heading is not None:
            self.blocks.heading(self._heading, text)
            self._heading = None
        elif kind is BlockKind.LINES:
            self.blocks.add(text, kind)
        else:
            for paragraph in text.split("\n\n"):
                self.blocks.add(paragraph, BlockKind.LINES if "\n" in paragraph.strip() else BlockKind.TEXT)

    def finish(self) -> ReadDocument:
        """The document, what stands open closed."""
        self.close()
        if self._tables:
            self._end_of_table()
        self._end_of_block(BlockKind.LINES if self._pre else BlockKind.TEXT)
        return self.blocks.done(self.title)


def read_html(text: str) -> ReadDocument:
    """The document. Raises `UnreadableError` when nothing is seen of it, or too much."""
    reader = _Reader()
    reader.feed(text)
    return reader.finish()
