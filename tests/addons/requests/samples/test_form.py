"""The one file of a form, and whether it is packed, however the bytes are cut."""

import gzip
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.requests.samples.form import OneFileForm, plain_filename
from app.addons.requests.samples.problems import InvalidUpload, NotAForm, SampleTooLarge
from app.addons.requests.samples.unpacking import bounded, unpacked

TYPE = "multipart/form-data; boundary=XX"
HEAD = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.log"\r\nContent-Type: text/plain\r\n\r\n'
TAIL = b"\r\n--XX--\r\n"


async def arriving(data: bytes, step: int = 1 << 20) -> AsyncIterator[bytes]:
    for start in range(0, len(data), step):
        yield data[start : start + step]


async def content(body: bytes, step: int = 1 << 20, content_type: str | None = TYPE) -> tuple[bytes, str]:
    form = OneFileForm(arriving(body, step), content_type)
    found = b"".join([piece async for piece in form.pieces()])
    return found, form.filename


@given(st.binary(max_size=500), st.integers(1, 90))
async def test_the_file_is_read_whatever_the_pieces(data: bytes, step: int) -> None:
    assert await content(HEAD + data.replace(b"--XX", b"") + TAIL, step) == (data.replace(b"--XX", b""), "a.log")


async def test_a_file_needs_no_name_of_its_own() -> None:
    """RFC 7578, section 4.2: the name is a hint."""
    assert await content(HEAD.replace(b'; filename="a.log"', b"") + b"abc" + TAIL) == (b"abc", "sample")


FAULTS = {
    "nothing": (b"", "cut-short"),
    "no part": (b"--XX--\r\n", "no-file"),
    "a cut form": (HEAD + b"abc", "cut-short"),
    "cut in its head": (HEAD[:40], "cut-short"),
    "two files": (HEAD + b"a\r\n" + HEAD + b"b" + TAIL, "several-parts"),
    "another name": (HEAD.replace(b'"file"', b'"sample"') + b"a" + TAIL, "no-file"),
    "no disposition": (b"--XX\r\nContent-Type: text/plain\r\n\r\nabc" + TAIL, "no-file"),
    "a long header": (HEAD.replace(b"text/plain", b"x" * 9_000) + b"a" + TAIL, "malformed-form"),
    "many headers": (HEAD.replace(b"Content-Type", b"A: b\r\n" * 20 + b"Content-Type") + TAIL, "malformed-form"),
    "another boundary": (HEAD.replace(b"XX", b"YY") + b"a" + TAIL, "malformed-form"),
}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("step", [1, 1 << 20])
async def test_a_wrong_form_is_refused_with_the_reason(name: str, step: int) -> None:
    body, code = FAULTS[name]
    with pytest.raises(InvalidUpload) as refused:
        await content(body, step)
    (fault,) = refused.value.faults
    assert (fault.code, fault.pointer) == (code, "/file")
    assert "curl" in refused.value.fields["example"]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/mixed; boundary=XX",
        f"multipart/form-data; boundary={'x' * 999}",
    ],
)
async def test_what_is_no_form_is_refused(content_type: str | None) -> None:
    with pytest.raises(NotAForm):
        await content(HEAD + b"a" + TAIL, content_type=content_type)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"a.log", "a.log"),
        (b"../../etc/passwd", "passwd"),
        (b"C:\\logs\\a.log", "a.log"),
        (b"", "sample"),
        (b"\x00\n", "sample"),
        ("größe.log".encode(), "größe.log"),
        (b"\xff.log", "\ufffd.log"),
        (b"x" * 999, "x" * 255),
    ],
)
def test_names_of_files_are_plain(sent: bytes, kept: str) -> None:
    assert plain_filename(sent) == kept


async def unpack(data: bytes, step: int, limit: int = 1 << 20) -> bytes:
    return b"".join([piece async for piece in bounded(unpacked(arriving(data, step)), limit, "unpacked")])


@given(st.binary(max_size=2_000), st.integers(1, 99))
async def test_gzip_is_undone_whatever_the_pieces(data: bytes, step: int) -> None:
    assert await unpack(gzip.compress(data), step) == data
    assert await unpack(gzip.compress(data) + gzip.compress(b"more"), step) == data + b"more"


@given(st.binary(max_size=200).filter(lambda data: not data.startswith(b"\x1f\x8b")), st.integers(1, 9))
async def test_other_bytes_stay_as_they_are(data: bytes, step: int) -> None:
    assert await unpack(data, step) == data


@pytest.mark.parametrize(
    "data", [b"\x1f\x8bgarbage", gzip.compress(b"x" * 100, mtime=0)[:-4], gzip.compress(b"a", mtime=0) + b"junk"]
)
async def test_broken_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidUpload, match=r"unpacked|cut short"):
        await unpack(data, 7)


async def test_a_bomb_ends_at_the_limit() -> None:
    bomb, taken = gzip.compress(bytes(100 << 20), 1), []

    async def noted() -> AsyncIterator[bytes]:
        async for piece in unpacked(arriving(bomb)):
            taken.append(len(piece))
            yield piece

    with pytest.raises(SampleTooLarge, match="unpacked"):
        b"".join([piece async for piece in bounded(noted(), 5 << 20, "unpacked")])
    assert sum(taken) <= (5 << 20) + max(taken)
    assert max(taken) <= 1 << 18
