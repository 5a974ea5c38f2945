"""Makes an export: claim and commit, write with no session open but the one that reads, complete under the guard.

Every start writes an object of its own name; the export names the one that counts. So a start that was taken for dead
and comes back can harm nothing, and whatever an earlier start has left is removed by the next one.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import asyncpg

from app.kernel.db.database import WriteSession
from app.kernel.jobs import JobContext, Superseded, Unwanted
from app.kernel.jobs.rules import Ending, is_away, judge
from app.kernel.ports.export_formats import Compression, Format, ending
from app.kernel.ports.exports import ExportSources
from app.kernel.problems import Problem, Unavailable
from app.kernel.storage.object_storage import ObjectWriter, StoredObject
from app.kernel.tabular.csv_style import CsvFormulas, CsvStyle
from app.operations.exports.endings import Endings
from app.operations.exports.files.writing import FileForm, Output, Progress, write_content
from app.operations.exports.models import ExportRow
from app.operations.exports.problems import ExportBroken, StatementFailed
from app.operations.exports.repository import ExportReads, ExportWrites
from app.operations.exports.states import ExportStatus, Maker

log = logging.getLogger(__name__)

PREFIX: Final = "exports"
"""Where the objects of all exports are."""

STARTS: Final = 10
"""Starts of one export that may fail, or die with their worker, before it is given up."""

PROGRESS_SECONDS: Final = 0.5
"""How often progress is recorded, and a cancelled export noticed."""

FAILED_BY_STATEMENT: Final = ("22", "42", "53400", "54", "57014", "P0", "XX")
"""SQLSTATEs of a statement that fails however often it is run: data, names and rights, limits, its time."""


def folder(export_id: UUID) -> str:
    """The place of an export's objects in the storage."""
    return f"{PREFIX}/{export_id}"


def object_key(row: ExportRow, attempt: int) -> str:
    """The key of the object that one start writes."""
    return f"{folder(row.id)}/{attempt}.{ending(Format(row.format), Compression(row.compression))}"


def _form(row: ExportRow) -> FileForm:
    return FileForm(Format(row.format), CsvStyle(CsvFormulas(row.csv_formulas), row.csv_bom))


class ExportWork:
    """A start of the job of an export."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._resources = context.resources
        self._storage = context.resources.storage
        self._id = UUID(context.payload["export_id"])

    async def run(self) -> None:
        """Make the export; harmless when it is over already.

        Raises:
            Superseded, Unavailable: not here, not now.
            Unwanted: the export was cancelled, or given to somebody else, while its file was written.
            Exception: any other counts as a failed start.
        """
        row = await self._context.apply(self._begin)
        if row is None:
            return
        try:
            await self._sweep(row)
            await self._make(row)
        except (Superseded, Unavailable):
            raise
        except Unwanted:
            log.info("the export is over", extra={"export": str(self._id)})
            raise
        except Problem as refusal:
            await self._context.apply(partial(self._fail, refusal))
        except Exception as error:
            if (lasting := _lasting(error)) is not None:
                await self._context.apply(partial(self._fail, lasting))
                return
            if judge(error, self._context.starts, STARTS) is Ending.FAILED:
                await self._context.apply(partial(self._fail, ExportBroken()))
            raise

    async def _begin(self, session: WriteSession) -> ExportRow | None:
        exports = ExportWrites(session)
        row = await exports.locked(self._id)
        if row is None or row.maker != Maker.SERVICE.value:
            return None
        now = await exports.now()
        if row.status == ExportStatus.PENDING.value:
            await exports.move(row, ExportStatus.RUNNING, started_at=now)
        elif row.status == ExportStatus.RUNNING.value:
            row.started_at, row.rows, row.bytes = now, 0, 0
            await session.flush()
        else:
            return None
        return row

    async def _sweep(self, row: ExportRow) -> None:
        """Remove what earlier starts have left."""
        if self._context.attempt == 1:
            return
        await self._storage.sweep_temporary(timedelta(0), owner=str(row.id))
        async for info in self._storage.list(folder(row.id)):
            await self._storage.delete(info.key)

    async def _make(self, row: ExportRow) -> None:
        source = self._resources.extensions.of(ExportSources).get(row.job_type)
        if source is None:
            raise ExportBroken(f"There is no source {row.job_type} any more.")
        content = await source.content(row.subject, Format(row.format))
        key, progress = object_key(row, self._context.attempt), Progress()
        async with self._storage.writer(key, owner=str(row.id)) as writer:
            output = Output(writer, Compression(row.compression), getattr(content, "max_bytes", None))
            work = write_content(self._resources, content, _form(row), output, progress)
            await self._watched(work, progress, writer)
        await self._completed(writer.stored, progress)

    async def _watched(self, work: Coroutine[Any, Any, None], progress: Progress, writer: ObjectWriter) -> None:
        """Progress is recorded while the work goes on, which ends as soon as nobody wants it any more.

        Raises:
            Unwanted, Superseded: it is not wanted any more, or goes on elsewhere. Whatever the work raises.
        """
        working = asyncio.create_task(work, name="export-writing")
        watching = asyncio.create_task(self._watch(progress, writer), name="export-progress")
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            finished = working.done()
            working.cancel()
            watching.cancel()
            await asyncio.wait({working, watching})
        if not finished:
            watching.result()
        working.result()

    async def _watch(self, progress: Progress, writer: ObjectWriter) -> None:
        async def record(session: WriteSession) -> bool:
            run_id, rows, estimated = self._context.run_id, progress.rows, progress.estimated_rows
            wanted = await ExportWrites(session).progress(self._id, run_id, rows, writer.size, estimated)
            if wanted:
                await self._record_progress(session, rows, estimated)
            return wanted

        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            if not await self._context.apply(record):
                raise Unwanted

    async def _record_progress(self, session: WriteSession, rows: int, total: int | None) -> None:
        """Let the job say how far it is; how many rows there are is the planner's estimate until the last of them."""
        known = {} if total is None else {"total": total}
        await self._context.progress_within(session, done=rows, unit="rows", **known)

    async def _completed(self, stored: StoredObject, progress: Progress) -> None:
        """Make the object the export's, or remove it when the export was ended meanwhile."""
        try:
            taken = await self._context.apply(partial(self._complete, stored, progress))
        except BaseException:
            # It may have been committed all the same: who knows the row, decides.
            with contextlib.suppress(Exception):
                await asyncio.shield(self._discard_unless_named(stored.key))
            raise
        if not taken:
            await self._storage.delete(stored.key)

    async def _discard_unless_named(self, key: str) -> None:
        async with self._resources.database.read() as session:
            row = await ExportReads(session).by_id(self._id)
        if row is None or row.object_key != key:
            await self._storage.delete(key)

    async def _complete(self, stored: StoredObject, progress: Progress, session: WriteSession) -> bool:
        exports = ExportWrites(session)
        row = await exports.locked(self._id)
        if row is None or row.status != ExportStatus.RUNNING.value or row.maker != Maker.SERVICE.value:
            return False
        now = await exports.now()
        until = now + timedelta(seconds=self._resources.settings.exports.lifetime_seconds)
        file = {"object_key": stored.key, "checksum": stored.sha256, "rows": progress.rows, "bytes": stored.size}
        await exports.move(row, ExportStatus.COMPLETED, completed_at=now, expires_at=until, **file)
        await self._resources.build(Endings, session).conclude(row, None)
        await self._record_progress(session, progress.rows, progress.rows)
        return True

    async def _fail(self, refusal: Problem, session: WriteSession) -> None:
        await self._resources.build(Endings, session).fail(self._id, refusal)


def _lasting(error: Exception) -> Problem | None:
    """The problem of a statement that fails however often it is run; None of any other error."""
    if not isinstance(error, asyncpg.PostgresError) or not (error.sqlstate or "").startswith(FAILED_BY_STATEMENT):
        return None
    if error.sqlstate == "57014" and not is_away(error):
        return StatementFailed("The statement was cancelled, mostly because it ran longer than the limit.")
    return StatementFailed(f"PostgreSQL could not read it (SQLSTATE {error.sqlstate}).")
