"""Zstandard for stored streams, in worker threads and with bounded memory.

A stream is a row of frames of at most `FRAME_BYTES` of content each, which any zstd reads as one: so decoding, too,
needs no more memory than a few frames, however well the content was compressed.
"""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import zstandard

from app.kernel.problems import Unavailable
from app.kernel.storage.object_storage import ByteWriter

FRAME_BYTES = 1024 * 1024
"""Content of one frame. Measured on NDJSON: within 2 % of one long frame's size at level 1."""

LEVEL = 1
"""The fastest standard level: raw batches are written once on the way in and seldom read."""

SLICE_BYTES = 64 * 1024
"""Input given to the decoder at once; bounds how often the rest is copied when very dense input holds many frames."""


class CorruptObject(Unavailable):
    """A stored object cannot be decoded."""

    code, title = "corrupt-object", "A stored object cannot be decoded"


class ZstdWriter:
    """Compresses what is written into another writer; the last frame is written when its block ends well."""

    def __init__(self, target: ByteWriter) -> None:
        self._target = target
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._pending = bytearray()
        self.size = 0
        """Bytes taken, before compression."""

    async def write(self, data: bytes) -> None:
        """Take the next bytes. Raises what the target raises."""
        self.size += len(data)
        self._pending += data
        if len(self._pending) >= FRAME_BYTES:
            whole = len(self._pending) // FRAME_BYTES * FRAME_BYTES
            block, self._pending = self._pending[:whole], self._pending[whole:]
            await self._compress(block)

    async def _compress(self, block: bytearray) -> None:
        await self._target.write(await asyncio.to_thread(_frames, self._compressor, block))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._pending:
            await self._compress(self._pending)


def _frames(compressor: zstandard.ZstdCompressor, block: bytearray) -> bytes:
    view = memoryview(block)
    return b"".join(
        compressor.compress(view[start : start + FRAME_BYTES]) for start in range(0, len(view), FRAME_BYTES)
    )


async def unzstd_stream(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The content of a stream that `ZstdWriter` made, in blocks of at most a few frames.

    Raises `CorruptObject`: the stream is not zstd, is damaged, or ends within a frame.
    """
    decoder = _Decoder()
    async for chunk in chunks:
        for start in range(0, len(chunk), SLICE_BYTES):
            decoder.feed(chunk[start : start + SLICE_BYTES])
            while block := await asyncio.to_thread(decoder.decode):
                yield block
    if decoder.incomplete:
        raise CorruptObject("The stored object ends within a frame.")


class _Decoder:
    def __init__(self) -> None:
        self._context = zstandard.ZstdDecompressor()
        self._frame = self._context.decompressobj()
        self._input = b""
        self.incomplete = False

    def feed(self, data: bytes) -> None:
        self._input = data

    def decode(self) -> bytes:
        """The next content, at least one byte unless the input is used up, of at most four frames."""
        parts: list[bytes] = []
        size = 0
        try:
            while self._input and size < 4 * FRAME_BYTES:
                part = self._frame.decompress(self._input)
                self.incomplete = not self._frame.eof
                self._input = self._frame.unused_data if self._frame.eof else b""
                if self._frame.eof:
                    self._frame = self._context.decompressobj()
                parts.append(part)
                size += len(part)
        except zstandard.ZstdError as error:
            raise CorruptObject from error
        return b"".join(parts)
