"""PDFs for the tests, written by hand, so that each can be wrong in its own way."""

import zlib
from collections.abc import Sequence

HELVETICA = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def written(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """A file of these objects, numbered from 1, the first of them its catalogue."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(
        out + b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    )


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """An object with a stream."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries, content)


def text_of(lines: Sequence[str]) -> bytes:
    """The content of a page that shows these lines."""
    shown = b"".join(b"(%s) Tj 0 -14 Td " % _escaped(line) for line in lines)
    return b"BT /F1 12 Tf 72 720 Td " + shown + b"ET"


def _escaped(line: str) -> bytes:
    return line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").encode("latin-1")


def pdf(pages: Sequence[Sequence[str]], resources: bytes = b"", title: str = "") -> bytes:
    """A PDF of these pages, each of its lines."""
    return of_contents([stream(text_of(lines)) for lines in pages], resources, title)


def of_contents(
    contents: Sequence[bytes], resources: bytes = b"", title: str = "", further: Sequence[bytes] = ()
) -> bytes:
    """A PDF whose pages have these objects for their contents, and further objects behind them."""
    count = len(contents)
    kids = b" ".join(b"%d 0 R" % (5 + 2 * number) for number in range(count))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%s] >>" % (count, kids),
        HELVETICA,
        b"<< /Title (%s) >>" % _escaped(title),
    ]
    for number, content in enumerate(contents):
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> %s >> >>" % (6 + 2 * number, resources),
            content,
        ]
    return written([*objects, *further], b"/Info 4 0 R")


def deflated(content: bytes, times: int = 1) -> bytes:
    """A stream that is compressed, perhaps more than once."""
    packed = content
    for _ in range(times):
        packed = zlib.compress(packed, 9)
    return stream(packed, b"/Filter [%s]" % b" ".join([b"/FlateDecode"] * times))
