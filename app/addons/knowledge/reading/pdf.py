"""PDF becomes blocks, page by page. To be called in the process with limits alone: see `process.py`."""

import logging
import re
from collections.abc import Sequence
from io import BytesIO
from typing import Any, Final

from pypdf import PdfReader
from pypdf.errors import LimitReachedError

from app.addons.knowledge.reading.blocks import BlockKind, Blocks, ReadDocument, Reason, UnreadableError

MAX_PAGES: Final = 2_000
"""The longest manuals of log fields have some 1,500."""
MIN_CHARACTERS: Final = 16
"""Of a document with images: less is a page number or a stamp, and the text is in the images."""
MAX_OUTLINE: Final = 5_000
"""Entries of the outline that are looked at."""

_BLANK: Final = re.compile(r"\n\s*\n")

logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it says quotes the document


def read_pdf(content: bytes) -> ReadDocument:
    """The document; every block is under the entries of the outline for its page, and the page's number.

    Raises `UnreadableError`: encrypted, damaged, too many pages, or no text but images.
    """
    try:
        return _read(PdfReader(BytesIO(content), strict=False))
    except (UnreadableError, MemoryError):
        raise
    except LimitReachedError as error:
        raise UnreadableError(Reason.TOO_DEAR, "The PDF unpacks to more than is read.") from error
    except Exception as error:  # a damaged file makes pypdf raise whatever Python can raise
        raise UnreadableError(Reason.DAMAGED, "The PDF is damaged, or not one that can be read.") from error


def _read(reader: PdfReader) -> ReadDocument:
    if reader.is_encrypted:
        raise UnreadableError(Reason.ENCRYPTED, "The PDF is encrypted; send a copy that needs no password.")
    pages = len(reader.pages)
    if pages > MAX_PAGES:
        raise UnreadableError(Reason.TOO_MANY_PAGES, f"The PDF has more than {MAX_PAGES:,} pages.")
    outline = _outline(reader)
    blocks, characters, images = Blocks(), 0, False
    for number, page in enumerate(reader.pages, 1):
        text = page.extract_text()
        characters += len("".join(text.split()))
        images = images or (not text.strip() and _has_image(page))
        for level, entry in outline.get(number, ()):
            blocks.heading(level, entry)
        blocks.heading(99, f"page {number}")
        for paragraph in _BLANK.split(text):
            blocks.add(paragraph, BlockKind.LINES)
    if images and characters < MIN_CHARACTERS:
        raise UnreadableError(Reason.IMAGES, "The PDF has images of text, and no text: run it through OCR first.")
    title = reader.metadata.title if reader.metadata is not None else None
    return blocks.done(title if isinstance(title, str) else None, pages)


def _has_image(page: Any) -> bool:
    """Whether the page draws something from outside its text."""
    resources = page.get("/Resources")
    found = resources.get_object().get("/XObject") if resources is not None else None
    return bool(found)


def _outline(reader: PdfReader) -> dict[int, list[tuple[int, str]]]:
    """Level and title of the entries of the outline, by the number of their page; empty where there is no sound one."""
    found: dict[int, list[tuple[int, str]]] = {}
    pending: list[tuple[int, Sequence[Any]]]
    try:
        pending = [(1, reader.outline)]
        seen = 0
        while pending:
            level, entries = pending.pop()
            for entry in entries:
                seen += 1
                if seen > MAX_OUTLINE:
                    return found
                if isinstance(entry, list):
                    pending.append((level + 1, entry))
                    continue
                number = reader.get_destination_page_number(entry)
                if number is not None and number >= 0 and isinstance(entry.title, str):
                    found.setdefault(number + 1, []).append((level, entry.title))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - an outline that is broken is no outline; the pages are read all the same
        return {}
    return {number: sorted(entries, key=lambda each: each[0]) for number, entries in found.items()}
