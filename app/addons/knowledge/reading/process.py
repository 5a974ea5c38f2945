"""The process that reads one document: limits first, then standard input; passages as JSON on standard output.

Run as `python -m app.addons.knowledge.reading.process MEDIA_TYPE`. Whatever the document does to its reader is done to
this process alone, which has no secrets, no connections and an end.
"""

import contextlib
import resource
import sys
from typing import Final

import msgspec

from app.addons.knowledge.reading.blocks import ReadDocument, Reason, UnreadableError
from app.addons.knowledge.reading.chunking import chunks
from app.addons.knowledge.reading.field_names import passage_names
from app.addons.knowledge.reading.html import read_html
from app.addons.knowledge.reading.markdown import read_markdown
from app.addons.knowledge.reading.media_types import DocumentType, decoded
from app.addons.knowledge.reading.outcome import Outcome, ReadPassage
from app.addons.knowledge.reading.pdf import read_pdf
from app.addons.knowledge.reading.plain import read_plain

MEMORY_BYTES: Final = 768 * 1024 * 1024
"""Address space: the largest manuals that we know are read in 400 MiB."""
CPU_SECONDS: Final = 25
"""Time of the processor: 1,500 pages take some 15 s."""


def confine() -> None:
    """Give this process its limits. They cannot be raised again."""
    for kind, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 16),
    ):
        _, hard = resource.getrlimit(kind)
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (bound, bound))


def read(media_type: DocumentType, content: bytes) -> Outcome:
    """What the document has, or why it cannot be read; whatever a reader raises is one of the reasons."""
    try:
        return _outcome(_read(media_type, content))
    except UnreadableError as error:
        return Outcome(reason=error.reason.value, message=error.message)
    except (MemoryError, RecursionError):
        return Outcome(reason=Reason.TOO_DEAR.value, message="Reading the document takes more memory than it may.")


def _read(media_type: DocumentType, content: bytes) -> ReadDocument:
    try:
        return _document(media_type, content)
    except (UnreadableError, MemoryError, RecursionError):
        raise
    except Exception as error:  # a reader that fails is no failure of the service; the document is the cause
        message = "The document is damaged, or not one that can be read."
        raise UnreadableError(Reason.DAMAGED, message) from error


def _document(media_type: DocumentType, content: bytes) -> ReadDocument:
    if media_type is DocumentType.PDF:
        return read_pdf(content)
    text = decoded(content)
    if text is None:
        raise UnreadableError(Reason.NOT_TEXT, "The file is not text to its end: there are bytes that no text has.")
    if media_type is DocumentType.HTML:
        return read_html(text)
    return read_markdown(text) if media_type is DocumentType.MARKDOWN else read_plain(text)


def _outcome(document: ReadDocument) -> Outcome:
    passages = []
    for chunk in chunks(document.blocks):
        names = passage_names(chunk.headings, chunk.text)
        passages.append(ReadPassage(list(chunk.headings), chunk.text, list(names.defined), list(names.mentioned)))
    return Outcome(document.title, document.pages, passages)


def main() -> None:
    """Read standard input, and write what was found."""
    confine()
    outcome = read(DocumentType(sys.argv[1]), sys.stdin.buffer.read())
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    main()
