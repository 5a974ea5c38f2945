"""What is text, and in which encoding, however the bytes are cut."""

import codecs
import gzip
import io
import random
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.requests.samples.encodings import Encoding, NotTextError, SampleText, TextInspector, decoded

LINE = "2026-01-01 12:00:00 host app[1]: größe=1 name=Ångström\n"


def looked(data: bytes, step: int | None = None) -> SampleText:
    inspector = TextInspector()
    for start in range(0, len(data), step or max(1, len(data))):
        inspector.feed(data[start : start + (step or len(data))])
    return inspector.finish()


TEXTS = {
    "ASCII": (b"a\nb\n", Encoding.UTF_8, 2),
    "no line break at the end": (b"a\nb", Encoding.UTF_8, 2),
    "Windows line ends": (b"a\r\nb\r\n", Encoding.UTF_8, 2),
    "one character": (b"a", Encoding.UTF_8, 1),
    "UTF-8": (LINE.encode() * 50, Encoding.UTF_8, 50),
    "UTF-8 with a mark": (codecs.BOM_UTF8 + LINE.encode(), Encoding.UTF_8_BOM, 1),
    "UTF-16 little-endian": (codecs.BOM_UTF16_LE + (LINE * 3).encode("utf-16-le"), Encoding.UTF_16_LE, 3),
    "UTF-16 big-endian": (codecs.BOM_UTF16_BE + (LINE * 3).encode("utf-16-be"), Encoding.UTF_16_BE, 3),
    "UTF-16 without a last break": (codecs.BOM_UTF16_LE + "a\nb".encode("utf-16-le"), Encoding.UTF_16_LE, 2),
    "Latin-1": (LINE.encode("latin-1"), Encoding.LATIN_1, 1),
    "Windows-1252": ("“quoted” 5 €\n".encode("cp1252"), Encoding.CP1252, 1),
    "bytes that Windows-1252 does not define": (b"caf\xe9 \x81\x93\n", Encoding.LATIN_1, 1),
    "UTF-8 that is cut in its last character": ("ä\nö".encode()[:-1], Encoding.LATIN_1, 2),
    "colours": (b"\x1b[31merror\x1b[0m\n" * 20, Encoding.UTF_8, 20),
    "the magic number of tar within text": (b"a" * 257 + b"ustar\n", Encoding.UTF_8, 1),
    "few control characters": (b"\x02" + b"abc\n" * 100, Encoding.UTF_8, 100),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("step", [None, 1, 7])
def test_text_is_told_whatever_its_pieces(name: str, step: int | None) -> None:
    data, encoding, lines = TEXTS[name]
    found = looked(data, step)
    assert (found.encoding, found.bytes, found.lines) == (encoding, len(data), lines)
    assert found.head == decoded(data, found.encoding)[: len(found.head)]


def tar(kind: int) -> bytes:
    """An archive of one log."""
    target, content = io.BytesIO(), LINE.encode()
    with tarfile.open(fileobj=target, mode="w", format=kind) as archive:
        info = tarfile.TarInfo("var/log/app.log")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


REFUSED = {
    "nothing": (b"", "empty", "no text"),
    "spaces": (b" \n\t\r\n" * 10, "empty", "no text"),
    "a mark alone": (codecs.BOM_UTF16_LE, "empty", "no text"),
    "a NUL byte": (b"abc\x00def\n", "binary", "NUL byte at 3"),
    "a NUL byte far in": (b"a" * 5_000 + b"\x00", "binary", "NUL byte at 5000"),
    "UTF-16 without a mark": ("abc\n".encode("utf-16-le") * 9, "binary", "UTF-16 without a byte order mark"),
    "odd UTF-16": (codecs.BOM_UTF16_LE + b"a\x00b", "wrong-encoding", "ends within a character"),
    "a lone surrogate": (codecs.BOM_UTF16_LE + b"\x00\xdc" * 4, "wrong-encoding", "none near byte"),
    "a PDF": (b"%PDF-1.7\n" + b"x" * 100, "binary", "a PDF document"),
    "a ZIP": (b"PK\x03\x04" + b"x" * 100, "binary", "a ZIP archive"),
    "gzip within gzip": (gzip.compress(b"abc"), "binary", "plain or packed once with gzip"),
    "tar": (tar(tarfile.USTAR_FORMAT), "binary", "a tar archive"),
    "tar of GNU": (tar(tarfile.GNU_FORMAT), "binary", "a tar archive"),
    "tar of pax": (tar(tarfile.PAX_FORMAT), "binary", "a tar archive"),
    "UTF-32": (LINE.encode("utf-32"), "wrong-encoding", "UTF-32.E. Send it as UTF-8"),
    "noise": (bytes(byte or 1 for byte in random.Random(1).randbytes(20_000)), "binary", "control characters"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("step", [None, 1])
def test_what_is_no_text_is_refused_with_the_reason(name: str, step: int | None) -> None:
    data, code, words = REFUSED[name]
    with pytest.raises(NotTextError, match=words) as refused:
        looked(data, step)
    assert refused.value.code == code


@given(st.binary(max_size=3_000), st.integers(1, 64))
def test_any_bytes_are_text_or_refused_alike_however_they_are_cut(data: bytes, step: int) -> None:
    def outcome(by: int | None) -> SampleText | str:
        try:
            return looked(data, by)
        except NotTextError as error:
            return error.code

    assert outcome(None) == outcome(step)


@given(st.text(min_size=1).filter(lambda text: any(each.isalnum() for each in text[:500])))
def test_text_is_read_back(text: str) -> None:
    try:
        data = text.encode()
        found = looked(data)
    except (NotTextError, UnicodeEncodeError):
        return
    assert found.encoding in {Encoding.UTF_8, Encoding.UTF_8_BOM}
    assert decoded(data, found.encoding) == text.removeprefix("\ufeff")
