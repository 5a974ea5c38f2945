"""Writes what a source has into an object: counted, packed, hashed; memory holds a few blocks whatever its size.

Work on bytes runs in a thread, so that the event loop goes on beating the worker's heart.
"""

import asyncio
import time
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

import asyncpg
import orjson
import zstandard

from app.kernel.db.database import snapshot_connection
from app.kernel.db.query_login import QueryLimits
from app.kernel.ports.export_formats import (
    JSON_DELIMITER,
    JSON_QUOTE,
    Compression,
    Format,
    LineEnds,
    csv_header,
    csv_statement,
    ndjson_statement,
)
from app.kernel.ports.exports import Content, Login, Pieces, Statement
from app.kernel.runtime.resources import Resources
from app.kernel.storage.object_storage import ByteWriter
from app.kernel.tabular.csv_style import CsvStyle
from app.kernel.tabular.rendering import SETTINGS, Column, columns_of
from app.operations.exports.files.parquet import write_parquet
from app.operations.exports.files.problems import NotRepresentableInFormat, ResultTooLarge

BLOCK_BYTES: Final = 1024 * 1024
"""What one hop into a thread works on; a hop costs a tenth of a millisecond."""

BLOCK_SECONDS: Final = 1.0
"""A slow statement's bytes are passed on, and counted, after this time at the latest."""

LOCK_TIMEOUT_MS: Final = 10_000

Connection: TypeAlias = Any
"""asyncpg's connection, or what a pool lends of it."""


@dataclass(frozen=True, slots=True)
class FileForm:
    """What a file is written as."""

    format: Format
    csv: CsvStyle = field(default_factory=CsvStyle)
    """How CSV is written."""


class Packer(Protocol):
    """A compressor of the standard kind."""

    def compress(self, data: bytes) -> bytes:
        """What is ready of the packed bytes."""

    def flush(self) -> bytes:
        """The rest."""


def packer(compression: Compression) -> Packer | None:
    """What packs, or None. gzip at level 6 and zstd at 3, their own defaults."""
    match compression:
        case Compression.GZIP:
            return zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
        case Compression.ZSTD:
            made: Packer = zstandard.ZstdCompressor().compressobj()
            return made
        case Compression.NONE:
            return None


@dataclass(slots=True)
class Progress:
    """How far the writing is; read by whoever reports it."""

    rows: int = 0
    estimated_rows: int | None = None


class Output:
    """Takes the bytes of a file in order, in whatever portions, and passes them on packed."""

    def __init__(self, writer: ByteWriter, compression: Compression, max_bytes: int | None = None) -> None:
        """Binds to the writer of the object; `max_bytes` bounds the file before it is packed."""
        self._writer = writer
        self._packer = packer(compression)
        self._max_bytes = max_bytes
        self._pending = bytearray()
        self._passed_at = time.monotonic()
        self.taken = 0

    async def write(self, data: bytes, change: Callable[[bytes], bytes] | None = None) -> None:
        """Take bytes; `change` is what becomes of them, always the same for one file. Raises `ResultTooLarge`."""
        self._pending += data
        if len(self._pending) >= BLOCK_BYTES or time.monotonic() - self._passed_at > BLOCK_SECONDS:
            await self._pass_on(change)

    async def finish(self, change: Callable[[bytes], bytes] | None = None) -> None:
        """Pass on what is left."""
        await self._pass_on(change)
        if self._packer is not None:
            await self._writer.write(await asyncio.to_thread(self._packer.flush))

    async def _pass_on(self, change: Callable[[bytes], bytes] | None) -> None:
        block, self._pending, self._passed_at = bytes(self._pending), bytearray(), time.monotonic()
        if change is not None or self._packer is not None:
            block = await asyncio.to_thread(self._worked, block, change)
        else:
            self._count(len(block))
        await self._writer.write(block)

    def _worked(self, block: bytes, change: Callable[[bytes], bytes] | None) -> bytes:
        if change is not None:
            block = change(block)
        self._count(len(block))
        return block if self._packer is None else self._packer.compress(block)

    def _count(self, size: int) -> None:
        self.taken += size
        if self._max_bytes is not None and self.taken > self._max_bytes:
            raise ResultTooLarge(f"It has more than {self._max_bytes} bytes, the limit of your roles.")


async def write_content(
    resources: Resources, content: Content, form: FileForm, output: Output, progress: Progress
) -> None:
    """Write the whole content; `progress` goes along, and holds the exact number of rows at the end.

    Raises:
        ResultTooLarge: more rows or bytes than the content may have.
        NotRepresentableInFormat: Parquet cannot hold a value.
        asyncpg.PostgresError: the statement failed.
    """
    if isinstance(content, Pieces):
        await _write_pieces(resources, content, output, progress)
        return
    async with _reading(resources, content) as connection:
        columns = await _described(connection, content.sql)
        progress.estimated_rows = await _estimate(connection, content.sql)
        sql = content.sql
        if content.max_rows is not None:
            sql = f"SELECT * FROM ({sql}) AS capped LIMIT {content.max_rows + 1:d}"  # noqa: S608 - a source's statement
        match form.format:
            case Format.CSV:
                statement = csv_statement(sql, columns, form.csv)
                await _write_csv(connection, statement, csv_header(columns, form.csv), output, progress)
            case Format.NDJSON:
                await _write_ndjson(connection, ndjson_statement(sql, columns, content.decimals), output, progress)
            case _:
                await _write_parquet(connection, sql, columns, content.decimals, output, progress)
    if content.max_rows is not None and progress.rows > content.max_rows:
        raise ResultTooLarge(f"It has more than {content.max_rows} rows, the limit of your roles.")


async def _write_pieces(resources: Resources, pieces: Pieces, output: Output, progress: Progress) -> None:
    async with resources.database.snapshot() as session, aclosing(resources.build(pieces.write, session)) as written:
        async for piece in written:
            await output.write(piece.data)
            progress.rows += piece.rows
    await output.finish()


async def _write_csv(connection: Connection, statement: str, header: bytes, output: Output, progress: Progress) -> None:
    ends = LineEnds()

    def ended(block: bytes) -> bytes:
        block = ends.take(block)
        progress.rows = max(0, ends.lines)
        return block

    await output.write(header, ended)
    ends.lines = -1  # the head is none of the rows
    await _copy(connection, statement, output, ended, progress)


async def _write_ndjson(connection: Connection, statement: str, output: Output, progress: Progress) -> None:
    def counted(block: bytes) -> bytes:
        progress.rows += block.count(b"\n")
        return block

    signs = {"delimiter": JSON_DELIMITER, "quote": JSON_QUOTE}
    await _copy(connection, statement, output, counted, progress, **signs)


async def _copy(
    connection: Connection,
    statement: str,
    output: Output,
    change: Callable[[bytes], bytes],
    progress: Progress,
    **signs: str,
) -> None:
    async def take(data: bytes) -> None:
        await output.write(data, change)

    status = await connection.copy_from_query(statement, output=take, format="csv", **signs)
    await output.finish(change)
    progress.rows = int(status.rpartition(" ")[2])


async def _write_parquet(
    connection: Connection,
    sql: str,
    columns: tuple[Column, ...],
    decimals: Mapping[str, tuple[int, int]],
    output: Output,
    progress: Progress,
) -> None:
    try:
        async for data, rows in write_parquet(connection, sql, columns, decimals):
            await output.write(data)
            progress.rows += rows
    except (asyncpg.DataError, asyncpg.FeatureNotSupportedError) as error:  # infinity is no number of days or seconds
        raise NotRepresentableInFormat(
            "A date or time is infinite or too far away for Parquet: export as CSV or NDJSON."
        ) from error
    await output.finish()


@asynccontextmanager
async def _reading(resources: Resources, statement: Statement) -> AsyncIterator[Connection]:
    """A connection inside a REPEATABLE READ, READ ONLY transaction; a cancelled block cancels its statement."""
    if statement.login is Login.QUERY:
        limits = QueryLimits(statement.timeout_ms, LOCK_TIMEOUT_MS, statement.work_mem_kb)
        async with resources.query_login.transaction(limits) as connection:
            yield connection
        return
    async with resources.database.snapshot() as session:
        reading = await snapshot_connection(session)
        settings = "; ".join(f"SET LOCAL {name} = '{value}'" for name, value in SETTINGS.items())
        await reading.execute(f"SET LOCAL statement_timeout = {statement.timeout_ms:d}; {settings}")
        yield reading


async def _described(connection: Connection, sql: str) -> tuple[Column, ...]:
    return columns_of((await connection.prepare(sql)).get_attributes())


async def _estimate(connection: Connection, sql: str) -> int:
    plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}")
    loaded = orjson.loads(plan) if isinstance(plan, str | bytes) else plan
    return int(loaded[0]["Plan"]["Plan Rows"])
