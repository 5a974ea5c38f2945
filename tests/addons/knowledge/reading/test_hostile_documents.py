"""Documents that mean harm, or are broken: each is refused with a reason, in time, and its reader is gone then."""

import asyncio
import io
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Final

import psutil
import pytest
from pypdf import PdfWriter

from app.addons.knowledge.reading.blocks import Reason
from app.addons.knowledge.reading.bounded import DocumentReader, ReadersBusy
from app.addons.knowledge.reading.chunking import MAX_PASSAGE
from app.addons.knowledge.reading.media_types import DocumentType
from app.addons.knowledge.reading.outcome import Outcome
from tests.addons.knowledge.reading import pdfs

pytestmark = pytest.mark.slow

PDF, HTML, MARKDOWN, PLAIN = DocumentType.PDF, DocumentType.HTML, DocumentType.MARKDOWN, DocumentType.PLAIN
SOUND: Final = pdfs.pdf([["src_ip is the address of the client."]])


def encrypted(password: str) -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(SOUND))
    writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def image_alone() -> bytes:
    image = pdfs.stream(
        b"\0" * 16, b"/Type /XObject /Subtype /Image /Width 4 /Height 4 /ColorSpace /DeviceGray /BitsPerComponent 8"
    )
    drawing = pdfs.stream(b"q 612 0 0 792 0 0 cm /Im1 Do Q")
    return pdfs.of_contents([drawing], b"/XObject << /Im1 7 0 R >>", further=[image])


def endless_pages() -> bytes:
    """A tree of pages whose node is its own child."""
    return pdfs.written([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 9 /Kids [2 0 R 2 0 R] >>"])


def wide_tree(depth: int) -> bytes:
    """Each node of the tree has the next one ten times: ten to the power of the depth pages."""
    nodes = [
        b"<< /Type /Pages /Count 1000000 /Kids [%s] >>" % (b"%d 0 R " % (number + 3) * 10) for number in range(depth)
    ]
    page = b"<< /Type /Page /MediaBox [0 0 9 9] >>"
    return pdfs.written([b"<< /Type /Catalog /Pages 2 0 R >>", *nodes, page])


def nested_arrays(depth: int) -> bytes:
    return pdfs.written([b"<< /Type /Catalog /Pages 2 0 R /X %s%s >>" % (b"[" * depth, b"]" * depth), b"<< >>"])


def form_in_itself() -> bytes:
    """A form that draws itself."""
    form = pdfs.stream(b"/Fm1 Do", b"/Type /XObject /Subtype /Form /Resources << /XObject << /Fm1 6 0 R >> >>")
    return pdfs.of_contents([form], b"/XObject << /Fm1 6 0 R >>")


REFUSED: Final[dict[str, tuple[DocumentType, bytes, set[Reason]]]] = {
    "a PDF with a password": (PDF, encrypted("secret"), {Reason.ENCRYPTED}),
    "a PDF with an empty password": (PDF, encrypted(""), {Reason.ENCRYPTED}),
    "a PDF of an image": (PDF, image_alone(), {Reason.IMAGES}),
    "a PDF without text": (PDF, pdfs.pdf([[]]), {Reason.EMPTY}),
    "a PDF without pages": (PDF, pdfs.pdf([]), {Reason.EMPTY}),
    "the first line of a PDF": (PDF, b"%PDF-1.7\n", {Reason.DAMAGED}),
    "half a PDF": (PDF, SOUND[: len(SOUND) // 3], {Reason.DAMAGED, Reason.EMPTY}),
    "a PDF of noise": (PDF, b"%PDF-1.7\n" + bytes(range(256)) * 400, {Reason.DAMAGED, Reason.EMPTY}),
    "a tree of pages that goes round": (PDF, endless_pages(), {Reason.DAMAGED, Reason.EMPTY, Reason.TOO_DEAR}),
    "a million pages in few bytes": (
        PDF,
        wide_tree(5),
        {Reason.TOO_MANY_PAGES, Reason.TOO_DEAR, Reason.DAMAGED, Reason.EMPTY},
    ),
    "deep arrays": (PDF, nested_arrays(100_000), {Reason.DAMAGED, Reason.TOO_DEAR, Reason.EMPTY}),
    "a bomb of zeros": (
        PDF,
        pdfs.of_contents([pdfs.deflated(b"\0" * 300_000_000)]),
        {Reason.TOO_DEAR, Reason.DAMAGED, Reason.EMPTY},
    ),
    "a bomb within a bomb": (
        PDF,
        pdfs.of_contents([pdfs.deflated(b" " * 300_000_000, 3)]),
        {Reason.TOO_DEAR, Reason.DAMAGED, Reason.EMPTY},
    ),
    "a form that draws itself": (PDF, form_in_itself(), {Reason.EMPTY, Reason.DAMAGED, Reason.TOO_DEAR, Reason.IMAGES}),
    "HTML of scripts alone": (HTML, b"<html><script>" + b"x" * 1000 + b"</script>", {Reason.EMPTY}),
    "a script that never ends": (HTML, b"<html><p><script>" + b"<p>text</p>" * 1000, {Reason.EMPTY}),
    "HTML with NUL": (HTML, b"<html><p>text\0</p>", {Reason.NOT_TEXT}),
    "text that becomes binary": (PLAIN, b"text " * 2000 + bytes(range(32)), {Reason.NOT_TEXT}),
    "blanks": (PLAIN, b" \n\t\n" * 1000, {Reason.EMPTY}),
    "zero-width characters": (PLAIN, "\u200b\u200d\ufeff\u202e".encode() * 1000, {Reason.EMPTY}),
    "too many characters": (PLAIN, b"word " * 900_000, {Reason.TOO_LONG}),
    "too many passages": (MARKDOWN, b"# a\n\nb\n\n# c\n\nd\n\n" * 2_501, {Reason.TOO_MANY_PASSAGES}),
    "comments alone": (MARKDOWN, b"<!-- nothing -->\n", {Reason.EMPTY}),
}

READ: Final[dict[str, tuple[DocumentType, bytes]]] = {
    "tags that are never closed": (HTML, b"<html>" + b"<div>" * 20_000 + b"text"),
    "tags that were never open": (HTML, b"<html>" + b"</div>" * 20_000 + b"text"),
    "half tags": (HTML, b"<html><p>text" + b"<a " * 1_000),
    "brackets": (HTML, b"<html><p>text" + b"<" * 10_000),
    "entities": (HTML, b"<html><p>text" + b"&amp" * 100_000),
    "declarations": (HTML, b"<html><p>text" + b"<!" * 5_000),
    "tables in tables": (HTML, b"<html><p>text" + b"<table><tr><td>" * 20_000),
    "attributes": (HTML, b"<html><p " + b"a=b " * 100_000 + b">text"),
    "quotes in quotes": (MARKDOWN, b"> " * 10_000 + b"text"),
    "lists in lists": (MARKDOWN, b"- " * 10_000 + b"text"),
    "emphasis": (MARKDOWN, b"text " + b"*a **b " * 5_000),
    "links": (MARKDOWN, b"text " + b"[a](" * 5_000),
    "one long line": (PLAIN, b"text" * 500_000),
    "front matter that never ends": (MARKDOWN, b"---\n" + b"a: b\n" * 5_000 + b"text"),
}
"""May be refused as too dear; read or not, it is bounded."""


@contextmanager
def file_of(content: bytes) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file


async def read(media_type: DocumentType, content: bytes, wall_seconds: float = 40.0) -> Outcome:
    with file_of(content) as file:
        return await DocumentReader(wall_seconds=wall_seconds).read(media_type, file)


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_read_is_refused_with_a_reason(name: str) -> None:
    media_type, content, reasons = REFUSED[name]
    outcome = await read(media_type, content)
    assert (outcome.reason in {reason.value for reason in reasons}, outcome.passages) == (True, []), outcome
    assert outcome.message


@pytest.mark.parametrize("name", READ)
async def test_what_is_odd_is_read_or_given_up_in_time(name: str) -> None:
    started = time.monotonic()
    outcome = await read(*READ[name], wall_seconds=4)
    assert time.monotonic() - started < 30
    assert outcome.reason in {None, Reason.TOO_DEAR.value, Reason.DAMAGED.value, Reason.EMPTY.value}, outcome.reason
    assert all(0 < len(passage.text) <= MAX_PASSAGE for passage in outcome.passages)
    if outcome.reason is None:
        assert "text" in "".join(passage.text for passage in outcome.passages)


async def test_a_sound_pdf_is_read_by_pages() -> None:
    outcome = await read(PDF, pdfs.pdf([["Log reference", "src_ip: the client"], ["cs-method: GET"]], title="Manual"))
    assert (outcome.title, outcome.pages) == ("Manual", 2)
    assert [(passage.headings, passage.text) for passage in outcome.passages] == [
        (["page 1"], "Log reference\nsrc_ip: the client"),
        (["page 2"], "cs-method: GET"),
    ]
    assert outcome.passages[0].defined[-1] == "srcip"


async def test_a_document_that_waits_too_long_for_others_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.addons.knowledge.reading.bounded.PATIENCE_SECONDS", 0.05)
    reader = DocumentReader(at_once=1)
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as nothing, file_of(b"text") as file:
        first = asyncio.create_task(reader.read(PLAIN, nothing))
        await asyncio.sleep(0)
        with pytest.raises(ReadersBusy):
            await reader.read(PLAIN, file)
        os.close(write_end)
        assert (await first).reason == Reason.EMPTY.value
        assert (await reader.read(PLAIN, file)).reason is None


async def test_a_reader_that_does_not_end_is_killed() -> None:
    read_end, write_end = os.pipe()  # nothing ever comes, and it never ends
    try:
        with os.fdopen(read_end, "rb") as nothing:
            outcome = await DocumentReader(wall_seconds=0.5).read(PLAIN, nothing)
    finally:
        os.close(write_end)
    assert outcome.reason == Reason.TOO_DEAR.value
    assert not any(b"knowledge.reading" in command for command in children())


def children() -> Iterator[bytes]:
    """The command lines of the processes that this one has started."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            yield " ".join(process.cmdline()).encode()
