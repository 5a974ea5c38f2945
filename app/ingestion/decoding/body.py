"""The body of a batch on its way in: what it says it is, how much came, and its copies.

One pass: bytes are counted and hashed as sent, the content coding is undone, and the plain body is read by the decoder
and, when it is to be kept, by the raw store. Nothing of it is held in memory.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum

from app.ingestion.decoding.arrays import array_chunks
from app.ingestion.decoding.inflate import Coding, InflateLimits, inflate
from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.decoding.objects import Objects, array_objects, csv_objects, ndjson_objects, parquet_objects
from app.ingestion.decoding.pace import in_small_pieces
from app.ingestion.decoding.parquet import parquet_chunks
from app.ingestion.decoding.tables import csv_chunks
from app.ingestion.rows.row_model import RowModel
from app.kernel.problems import Problem, UnsupportedMediaType
from app.kernel.storage.object_storage import ByteWriter
from app.warehouse.rejections import Chunk

SILENCE_SECONDS = 60.0
"""Longest silence of a sender in the middle of a body: it holds one of few connections meanwhile."""


class SenderSilent(Problem):
    """The body stopped coming before its end; nothing of it is stored."""

    code, title, status = "sender-silent", "The body stopped coming", 408


class BodyFormat(StrEnum):
    """The media types of a batch."""

    NDJSON = "application/x-ndjson"
    JSON = "application/json"
    CSV = "text/csv"
    PARQUET = "application/vnd.apache.parquet"


_SYNONYMS = {"application/ndjson": BodyFormat.NDJSON, "application/jsonl": BodyFormat.NDJSON}

_DECODERS: dict[BodyFormat, Callable[[AsyncIterator[bytes], RowModel], AsyncIterator[Chunk]]] = {
    BodyFormat.NDJSON: ndjson_chunks,
    BodyFormat.JSON: array_chunks,
    BodyFormat.CSV: csv_chunks,
    BodyFormat.PARQUET: parquet_chunks,
}

_READERS: dict[BodyFormat, Callable[[AsyncIterator[bytes]], AsyncIterator[Objects]]] = {
    BodyFormat.NDJSON: ndjson_objects,
    BodyFormat.JSON: array_objects,
    BodyFormat.CSV: csv_objects,
    BodyFormat.PARQUET: parquet_objects,
}


@dataclass(frozen=True, slots=True)
class Representation:
    """What a body says it is."""

    format: BodyFormat
    coding: Coding

    def chunks(self, plain: AsyncIterator[bytes], model: RowModel) -> AsyncIterator[Chunk]:
        """The rows of a body whose coding is undone, as the contract reads them."""
        return _DECODERS[self.format](in_small_pieces(plain), model)

    def objects(self, plain: AsyncIterator[bytes]) -> AsyncIterator[Objects]:
        """The rows of a body whose coding is undone, as mappings, for inferring a contract's columns."""
        return _READERS[self.format](in_small_pieces(plain))

    @property
    def textual(self) -> bool:
        """Whether numbers and booleans, too, come as text."""
        return self.format is BodyFormat.CSV


def representation(content_type: str | None, content_encoding: str | None) -> Representation:
    """What the headers say of a body. Raises `UnsupportedMediaType`."""
    media = (content_type or "").partition(";")[0].strip().lower()
    charset = "charset=" in (content_type or "").lower() and "utf-8" not in (content_type or "").lower()
    found = _SYNONYMS.get(media) or next((known for known in BodyFormat if known.value == media), None)
    if found is None or charset:
        accepted = ", ".join(known.value for known in BodyFormat)
        raise UnsupportedMediaType(f"A batch is one of {accepted}, in UTF-8.", headers={"Accept": accepted})
    try:
        coding = Coding((content_encoding or "identity").strip().lower())
    except ValueError as error:
        accepted = ", ".join(known.value for known in Coding)
        raise UnsupportedMediaType(
            f"A batch may be coded as {accepted}.", headers={"Accept-Encoding": accepted}
        ) from error
    return Representation(found, coding)


class BatchBody:
    """The body of a batch as it comes from its sender: counted and hashed as it is read, once."""

    def __init__(self, body: AsyncIterator[bytes], coding: Coding, limits: InflateLimits) -> None:
        self._body = body
        self._coding = coding
        self._limits = limits
        self._digest = hashlib.sha256()
        self.bytes = 0
        """Bytes as sent, so far."""

    @property
    def sha256(self) -> bytes:
        """The SHA-256 of the body as sent, so far."""
        return self._digest.digest()

    async def _sent(self) -> AsyncIterator[bytes]:
        async for data in in_small_pieces(self._received()):
            self.bytes += len(data)
            self._digest.update(data)
            yield data

    async def _received(self) -> AsyncIterator[bytes]:
        while True:
            try:
                async with asyncio.timeout(SILENCE_SECONDS):
                    data = await anext(self._body, None)
            except TimeoutError as error:
                raise SenderSilent(f"Nothing came for {SILENCE_SECONDS:g} seconds.") from error
            if data is None:
                return
            yield data

    async def drain(self) -> None:
        """Read to the end, keeping nothing."""
        async for _ in self._sent():
            pass

    async def decoded(self, copy: ByteWriter | None = None) -> AsyncIterator[bytes]:
        """The body without its coding; each piece is written to the copy before it is given on."""
        async for data in in_small_pieces(inflate(self._sent(), self._coding, self._limits)):
            if copy is not None:
                await copy.write(data)
            yield data
