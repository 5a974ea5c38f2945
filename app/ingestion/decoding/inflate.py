"""Content codings of a body, undone while it streams. Output is bounded in total and in proportion to the input."""

import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import StrEnum

import zstandard

from app.ingestion.decoding.problems import BodyTooDense, MalformedBody

STEP = 1 << 20
"""Bytes that a gzip decoder may give at once."""

GZIP_SLICE = 1 << 14
"""Bytes that a gzip decoder is fed at once: what follows the end of a member is copied, and a member has 20 bytes."""

ZSTD_SLICE = 256
"""Bytes that a zstd decoder is fed at once: a 4-byte block may unpack to 128 kB, so a slice gives at most 8 MB."""

ZSTD_WINDOW = 1 << 27
"""Largest window that is allocated (zstd's own default limit for the command line)."""

RATIO_GRACE = 64 << 20
"""Output that is allowed whatever its ratio; small bodies of one repeated row are no attack."""


class Coding(StrEnum):
    """Content codings that a body may have."""

    IDENTITY = "identity"
    GZIP = "gzip"
    ZSTD = "zstd"


@dataclass(frozen=True, slots=True)
class InflateLimits:
    """How much a body may unpack to."""

    max_bytes: int = 64 << 30
    max_ratio: float = 200.0


async def inflate(body: AsyncIterator[bytes], coding: Coding, limits: InflateLimits) -> AsyncIterator[bytes]:
    """The body without its coding.

    Raises:
        MalformedBody: not of that coding, or cut short.
        BodyTooDense: more output than the limits allow.
    """
    if coding is Coding.IDENTITY:
        passed = 0
        async for data in body:
            passed += len(data)
            if passed > limits.max_bytes:
                raise BodyTooDense(f"the body has more than {limits.max_bytes} bytes")
            yield data
        return
    decoder: _Gzip | _Zstd = _Gzip() if coding is Coding.GZIP else _Zstd()
    taken = given = 0
    async for data in body:
        taken += len(data)
        for piece in decoder.feed(data):
            given += len(piece)
            if given > limits.max_bytes or (given > RATIO_GRACE and given > limits.max_ratio * taken):
                raise BodyTooDense(
                    f"the body unpacks to more than {limits.max_bytes} bytes or {limits.max_ratio:g} times its size"
                )
            yield piece
    decoder.finish()


class _Gzip:
    """RFC 1952, with several members one after another."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(wbits=31)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), GZIP_SLICE):
            yield from self._slice(data[start : start + GZIP_SLICE])

    def _slice(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._decoder.eof:
                self._decoder = zlib.decompressobj(wbits=31)
            self._begun = True
            try:
                piece = self._decoder.decompress(data, STEP)
            except zlib.error as error:
                raise MalformedBody(f"the body is not gzip: {error}") from error
            data = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> None:
        if not self._begun or not self._decoder.eof:
            raise MalformedBody("the gzip stream is cut short")


class _Zstd:
    """RFC 8878, with several frames one after another."""

    def __init__(self) -> None:
        self._context = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        self._decoder = self._context.decompressobj()
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), ZSTD_SLICE):
            rest = data[start : start + ZSTD_SLICE]
            while rest:
                if self._decoder.eof:
                    self._decoder = self._context.decompressobj()
                self._begun = True
                try:
                    piece = self._decoder.decompress(rest)
                except zstandard.ZstdError as error:
                    raise MalformedBody(f"the body is not zstd: {error}") from error
                rest = self._decoder.unused_data if self._decoder.eof else b""
                if piece:
                    yield piece

    def finish(self) -> None:
        if not self._begun or not self._decoder.eof:
            raise MalformedBody("the zstd stream is cut short")
