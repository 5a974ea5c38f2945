"""The end of exports: files whose time is over, jobs that ended without their export, objects that belong to nobody."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.kernel.db.database import Database, WriteSession
from app.kernel.jobs import JobContext
from app.kernel.ports.events import EventKinds
from app.kernel.ports.exports import ExportSources
from app.kernel.security.authorization import SYSTEM
from app.kernel.storage.object_storage import ObjectStorage
from app.operations.exports.actions import ENTITY, ExportAction
from app.operations.exports.endings import Endings
from app.operations.exports.problems import ExportBroken
from app.operations.exports.repository import Exports, ExportWrites
from app.operations.exports.states import OPEN, Status
from app.operations.exports.work import PREFIX
from app.operations.notifications.outbox.announcing import Announcements

BATCH: Final = 200
"""Exports that one transaction ends."""

ABANDONED_AFTER: Final = timedelta(days=1)
"""No export is written for that long: an object that none names was left by a process that died."""


@dataclass(frozen=True, slots=True)
class Removed:
    """What an expiry has done."""

    exports: int
    bytes: int


async def expire_exports(database: Database, storage: ObjectStorage, most: int | None = None) -> Removed:
    """Mark the exports expired whose time is over, then remove their objects; a killed run is finished by the next one.

    Args:
        database: where the exports are.
        storage: where their objects are.
        most: how many at most; all when absent.
    """
    ended = removed = size = 0
    while most is None or ended < most:
        portion = BATCH if most is None else min(BATCH, most - ended)
        found = await database.run(partial(_mark, portion))
        ended += found
        if not found:
            break
    while True:
        async with database.read() as session:
            leftover = [(row.id, row.object_key, row.bytes) for row in await Exports(session).leftover(BATCH)]
        if not leftover:
            return Removed(removed, size)
        for export_id, key, bytes_ in leftover:
            if key is not None:
                await storage.delete(key)
            await database.run(partial(_forget, export_id))
            removed, size = removed + 1, size + bytes_


async def _mark(portion: int, session: WriteSession) -> int:
    exports = ExportWrites(session)
    found = await exports.overdue(await exports.now(), portion)
    for export_id in found:
        row = await exports.locked(export_id)
        if row is not None and row.status == Status.COMPLETED.value:
            await exports.move(row, Status.EXPIRED)
            await AuditTrail(session).append(SYSTEM, ExportAction.EXPIRED, ENTITY, row.id, row.job_type)
    return len(found)


async def _forget(export_id: UUID, session: WriteSession) -> None:
    row = await ExportWrites(session).locked(export_id)
    if row is not None and row.status == Status.EXPIRED.value:
        row.object_key = None
        await session.flush()


async def tidy(context: JobContext) -> None:
    """End exports whose job ended without them, and remove objects that no export names."""
    async with context.database.read() as session:
        stranded = await Exports(session).stranded()
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
    sources = context.resources.extensions.of(ExportSources)
    await Endings(session, sources, Announcements(session, context.resources.extensions.of(EventKinds))).fail(
        export_id, ExportBroken()
    )


async def _wanted(context: JobContext, key: str) -> bool:
    """Whether the export of the object names it, or is still being made."""
    try:
        export_id = UUID(key.split("/")[1])
    except (IndexError, ValueError):
        return False
    async with context.database.read() as session:
        row = await Exports(session).by_id(export_id)
    return row is not None and (row.object_key == key or Status(row.status) in OPEN)
