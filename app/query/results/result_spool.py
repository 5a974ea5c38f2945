"""Reads a running statement to its end, or to a cap, into a temporary file.

An answer leaves only when the statement ended well and everything about it is known: its rows, whether it was cut, its
length. So no failure can hide in a half-sent answer, and a slow reader holds no connection of the database. Memory
holds one chunk of rows.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, TypeVar, cast

from app.kernel.problems import Problem
from app.kernel.tabular.types import NotRepresentableError
from app.query.results.columns import open_ended
from app.query.results.encoders import ResultTarget, encoder_for
from app.query.results.failures import QueryTimeout
from app.query.results.limits import Limits
from app.query.results.statements import Statement

Result = TypeVar("Result")

IN_MEMORY_BYTES: Final = 1024 * 1024
"""An answer up to this size never touches the disk."""

CHUNK_BYTES: Final = 1024 * 1024
FIRST_CHUNK_ROWS: Final = 128
MAX_CHUNK_ROWS: Final = 8_192
MAX_OPEN_ENDED_CHUNK_ROWS: Final = 256
"""Rows of a chunk where values may be of any size: its size is known only when it is there."""


class NotRepresentable(Problem):
    """A value of the answer has no place in the form that was asked for."""

    code, title, status = "not-representable", "The form cannot hold a value of the answer", 422


@dataclass(frozen=True, slots=True)
class ResultExtent:
    """The size of a result, and which cap cut it."""

    rows: int
    bytes: int
    cut_by: Literal["rows", "bytes"] | None


def spool_file(directory: Path) -> IO[bytes]:
    """A temporary file without a name, which is gone when it is closed or the process ends."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES, dir=str(directory)))


class ResultSpool:
    """A result while it is written."""

    def __init__(self, statement: Statement, target: ResultTarget, limits: Limits) -> None:
        self.rows = 0
        """Rows written so far."""
        self.cut_by: Literal["rows", "bytes"] | None = None
        """The cap that cut the result, if one did."""
        self._statement, self._target, self._limits, self._file = statement, target, limits, target.file
        self._encoder = encoder_for(target)
        self._whole = False

    async def fill(self) -> None:
        """Run the statement and write its rows.

        Raises:
            QueryTimeout: the whole of it took longer than the limit.
            QueryFailed: PostgreSQL failed on it.
            NotRepresentable: the form cannot hold a value.
        """
        try:
            async with asyncio.timeout(self._limits.timeout_ms / 1000) as deadline:
                await _in_thread(self._encoder.begin)
                await self._statement.open(self._target.columns, self._target.format)
                await self._read()
                self._whole = True
        except TimeoutError:
            if not deadline.expired():
                raise
            raise QueryTimeout(self._limits.timeout_ms) from None
        except NotRepresentableError as error:
            raise NotRepresentable(str(error)) from error
        finally:
            if not self._whole:
                await _in_thread(self._encoder.abandon)

    async def _read(self) -> None:
        wanted, cap = FIRST_CHUNK_ROWS, self._limits.max_rows
        most = MAX_OPEN_ENDED_CHUNK_ROWS if open_ended(self._target.columns) else MAX_CHUNK_ROWS
        while self.cut_by is None:
            # One row beyond the cap shows whether there are more.
            rows = await self._statement.fetch(min(wanted, cap + 1 - self.rows))
            if not rows:
                return
            room = cap - self.rows
            before = self._file.tell()
            taken = await _in_thread(self._encoder.write, rows[:room])
            self.rows += taken
            if taken < min(len(rows), room):
                self.cut_by = "bytes"
            elif len(rows) > room:
                self.cut_by = "rows"
            wanted = min(_next_chunk(wanted, self._file.tell() - before), most)

    async def finish(self, summary: dict[str, Any]) -> ResultExtent:
        """Complete the file; it is at its beginning afterwards."""
        await _in_thread(self._encoder.finish, summary)
        size = self._file.tell()
        self._file.seek(0)
        return ResultExtent(self.rows, size, self.cut_by)


async def completed(work: Coroutine[Any, Any, Result]) -> Result:
    """The result of work that must not stop half-way. A cancellation meanwhile is raised when the work is over."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # seen: the cancellation says more
        raise


async def _in_thread(work: Callable[..., Result], *arguments: Any) -> Result:
    """The result of the work. The thread is waited for, so that nobody closes the file under its hands."""
    return await completed(asyncio.to_thread(work, *arguments))


def _next_chunk(rows: int, size: int) -> int:
    """The number of rows to ask for next, so that a chunk is about `CHUNK_BYTES`: at most twice as many as before."""
    fitting = rows * 2 if size <= 0 else rows * CHUNK_BYTES // size
    return max(1, min(fitting, rows * 2))


def elapsed(started: float) -> float:
    """Seconds since a `time.monotonic()`, to the microsecond."""
    return round(time.monotonic() - started, 6)
