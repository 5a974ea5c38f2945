"""A file whose bytes are gzip (RFC 1952, section 2.3.1: it begins with 1f 8b) is unpacked as it streams; bounded."""

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Final

from app.addons.requests.samples.problems import InvalidUpload, SampleTooLarge

MAGIC: Final = b"\x1f\x8b"

STEP_BYTES: Final = 1 << 18
"""Bytes that are unpacked at once, however dense the file is."""

SLICE_BYTES: Final = 1 << 14
"""Bytes that the decoder is fed at once: what follows the end of a member is copied, and a member has 20 bytes."""


async def bounded(pieces: AsyncIterator[bytes], limit: int, how: str) -> AsyncIterator[bytes]:
    """The pieces. Raises `SampleTooLarge` once there are more bytes than the limit."""
    passed = 0
    async for piece in pieces:
        passed += len(piece)
        if passed > limit:
            raise SampleTooLarge(limit, how)
        yield piece


async def unpacked(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The file's bytes, unpacked if the file is gzip. Raises `InvalidUpload`: begins as gzip, and is not."""
    start = b""
    decoder: _Members | None = None
    begun = False
    async for piece in pieces:
        if not begun:
            start += piece
            if len(start) < len(MAGIC):
                continue
            begun, piece = True, start  # noqa: PLW2901 - what was kept back goes first
            decoder = _Members() if start.startswith(MAGIC) else None
        for plain in [piece] if decoder is None else decoder.feed(piece):
            yield plain
    if decoder is not None:
        decoder.finish()
    elif not begun and start:
        yield start


class _Members:
    """The members of a gzip file, one after another."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), SLICE_BYTES):
            yield from self._slice(data[start : start + SLICE_BYTES])

    def _slice(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._decoder.eof:
                self._decoder = zlib.decompressobj(wbits=31)
            try:
                piece = self._decoder.decompress(data, STEP_BYTES)
            except zlib.error:
                raise InvalidUpload("malformed-gzip", "The file begins as gzip and cannot be unpacked.") from None
            data = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> None:
        if not self._decoder.eof:
            raise InvalidUpload("malformed-gzip", "The gzip file is cut short.")
