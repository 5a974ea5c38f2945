"""The end of exports: files whose time is over, jobs that ended without their export, objects that belong to nobody."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.kernel.db.database import Units, WriteSession
from app.kernel.jobs import JobContext
from app.kernel.security.authorization import SYSTEM
from app.kernel.storage.object_storage import ObjectStorage
from app.operations.exports.actions import ENTITY, ExportAction
from app.operations.exports.endings import Endings
from app.operations.exports.problems import ExportBroken
from app.operations.exports.repository import ExportReads, ExportWrites
from app.operations.exports.states import OPEN, ExportStatus
from app.operations.exports.work import PREFIX

BATCH: Final = 200
"""Exports that one transaction ends."""

ABANDONED_AFTER: Final = timedelta(days=1)
"""No export is written for that long: an object that none names was left by a process that died."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What an expiry has done."""

    exports: int
    bytes: int


async def expire_exports(units: Units, storage: ObjectStorage) -> Removed:
    """What went: exports whose time is over are marked expired, then their objects removed.

    A killed run is finished by the next one.
    """
    removed = size = 0
    while await units.run(_mark):
        pass
    while True:
        async with units.read() as session:
            leftover = [(row.id, row.object_key, row.bytes) for row in await ExportReads(session).leftover(BATCH)]
        if not leftover:
            return Removed(removed, size)
        for export_id, key, bytes_ in leftover:
            if key is not None:
                await storage.delete(key)
            await units.run(partial(_forget, export_id))
            removed, size = removed + 1, size + bytes_


async def _mark(session: WriteSession) -> int:
    exports = ExportWrites(session)
    found = await exports.overdue(await exports.now(), BATCH)
    for export_id in found:
        row = await exports.locked(export_id)
        if row is not None and row.status == ExportStatus.COMPLETED.value:
            await exports.move(row, ExportStatus.EXPIRED)
            await AuditTrail(session).append(SYSTEM, ExportAction.EXPIRED, ENTITY, row.id, row.job_type)
    return len(found)


async def _forget(export_id: UUID, session: WriteSession) -> None:
    row = await ExportWrites(session).locked(export_id)
    if row is not None and row.status == ExportStatus.EXPIRED.value:
        row.object_key = None
        await session.flush()


async def tidy(context: JobContext) -> None:
    """End exports whose job ended without them, and remove objects that no export names."""
    async with context.database.read() as session:
        stranded = await ExportReads(session).stranded()
    for export_id in stranded:
        await context.apply(partial(_give_up, context, export_id))
    storage, removed = context.resources.storage, 0
    before = context.resources.clock() - ABANDONED_AFTER
    async for info in storage.list(PREFIX):
        if info.modified_at < before and not await _wanted(context, info.key):
            await storage.delete(info.key)
            removed += 1
    await context.progress(given_up=len(stranded), removed=removed)


async def _give_up(context: JobContext, export_id: UUID, session: WriteSession) -> None:
    await context.resources.build(Endings, session).fail(export_id, ExportBroken())


async def _wanted(context: JobContext, key: str) -> bool:
    """Whether the export of the object names it, or is still being made."""
    try:
        export_id = UUID(key.split("/")[1])
    except (IndexError, ValueError):
        return False
    async with context.database.read() as session:
        row = await ExportReads(session).by_id(export_id)
    return row is not None and (row.object_key == key or ExportStatus(row.status) in OPEN)
