"""What is shown of a passage that was found: a snippet in HTML, of which nothing but the marks is HTML. Pure."""

import html
import re
from collections.abc import Collection, Iterable
from typing import Final

from app.addons.knowledge.reading.field_names import names_at

BEGIN, END = "\x02", "\x03"
"""Around a word that was found. No text of a passage has control characters."""
MAX_SNIPPET: Final = 400
"""Characters of a snippet's text where none was made by PostgreSQL."""
_BEFORE: Final = 120
"""Characters before the first name that was found."""

_MARK: Final = re.compile(f"[{BEGIN}{END}]")
_JOINED: Final = re.compile(r"[_.:/-]")

Span = tuple[int, int]


def snippet(marked: str, text: str, names: Collection[str]) -> str:
    """The marked parts of a passage with what was found within `<mark>`, all else escaped.

    Args:
        marked: parts of the text, what PostgreSQL found between `BEGIN` and `END`.
        text: the whole passage, for a part around a name which PostgreSQL's parser divides and so does not find.
        names: what was asked for, without separators: `srcip` is found in `src_ip`.
    """
    plain, spans = _unmarked(" ".join(marked.split()))
    spans += _of_names(plain, names)
    if not spans:
        plain = _around(" ".join(text.split()), names)
        spans = _of_names(plain, names)
    return _rendered(plain, _merged(plain, spans))


def beginning(text: str) -> str:
    """The snippet of a passage that was found by its meaning: how it begins."""
    return _rendered(_cut(" ".join(text.split())), ())


def _unmarked(marked: str) -> tuple[str, list[Span]]:
    """The text without marks, and where they were."""
    plain, spans, begin = "", [], None
    for part in re.split(f"([{BEGIN}{END}])", marked):
        if part == BEGIN:
            begin = len(plain)
        elif part == END and begin is not None:
            spans.append((begin, len(plain)))
            begin = None
        elif not _MARK.match(part):
            plain += part
    return plain, spans


def _of_names(plain: str, names: Collection[str]) -> list[Span]:
    return [(begin, end) for begin, end, name in names_at(plain) if name in names]


def _around(text: str, names: Collection[str]) -> str:
    """A part of the text in which the first of the names is; its begin when there is none."""
    found = _of_names(text, names)
    begin = max(0, found[0][0] - _BEFORE) if found else 0
    begin = text.find(" ", begin) + 1 if begin else 0
    return f"{'… ' if begin else ''}{_cut(text[begin:])}"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SNIPPET else f"{text[:MAX_SNIPPET].rpartition(' ')[0] or text[:MAX_SNIPPET]} …"


def _merged(plain: str, spans: Iterable[Span]) -> list[Span]:
    """The spans in order, those joined that overlap, or that a separator of one name divides."""
    merged: list[Span] = []
    for begin, end in sorted(spans):
        last = merged[-1] if merged else None
        if last is not None and (begin <= last[1] or _JOINED.fullmatch(plain[last[1] : begin])):
            merged[-1] = (last[0], max(end, last[1]))
        else:
            merged.append((begin, end))
    return merged


def _rendered(plain: str, spans: Iterable[Span]) -> str:
    parts, place = [], 0
    for begin, end in spans:
        parts += [html.escape(plain[place:begin]), f"<mark>{html.escape(plain[begin:end])}</mark>"]
        place = end
    return "".join([*parts, html.escape(plain[place:])])
