"""The audit log as a retention target: archived, verified, vouched for, and only then removed, whole seals in order."""

from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import Field

from app.audit.archives.archive_repository import ArchiveReads, ArchiveWrites
from app.audit.archiving.archiver import Archiver
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ports.retention import Amount, ArchivingContext, Default, HoldFilter, Preview, Removed
from app.kernel.ports.retention_holds import held, lock_category

CATEGORY: Final = "audit_log"


class AuditHold(HoldFilter):
    """Also who did it, what, and to what; of a seal with such a row, and of all after it, nothing goes."""

    actor_id: UUID | None = Field(None, description="User or client who did it.")
    action: str | None = Field(None, max_length=200, description="What was done.")
    entity_type: str | None = Field(None, max_length=200, description="Kind of what it was done to.")
    entity_id: str | None = Field(None, max_length=512, description="Id of what it was done to.")


_HELD: Final = held(
    CATEGORY, "e.time", {name: f"e.{name}" for name in ("actor_id", "action", "entity_type", "entity_id")}
)


class AuditLogTarget:
    """Sealed rows, oldest seals first."""

    category = CATEGORY
    description = "Sealed rows of the audit log, by their times: whole seals, archived before, from the oldest on."
    default = Default(365)
    hold_filter = AuditHold
    archives = True

    async def preview(self, session: ReadSession, cut_off: datetime) -> Preview:
        """Count the rows under seals that may go."""
        log = ArchiveReads(session)
        bounds = await log.bounds(cut_off, _HELD)
        going, kept = await log.extent(0, bounds.upto), await log.extent(bounds.upto, bounds.aged)
        return Preview(Amount(going.rows, going.bytes), Amount(kept.rows, kept.bytes), going.oldest, going.newest)

    async def prepare(self, context: ArchivingContext, cut_off: datetime) -> None:
        """Archive what may go and is not archived yet."""
        archiver = context.resources.build(Archiver)
        while (segment := await archiver.next_segment(cut_off, _HELD)) is not None:
            key = segment.key
            await context.register_object(key)
            archive = await archiver.archive(segment, key)

            async def vouch(session: WriteSession) -> None:
                await lock_category(session, CATEGORY)
                await context.keep_object(session, key, await archiver.vouch(session, archive))  # noqa: B023 - awaited below

            await context.apply(vouch)

    async def delete_some(self, session: WriteSession, cut_off: datetime, cursor: str | None, limit: int) -> Removed:  # noqa: ARG002 - what is first is looked up
        """Remove the rows of the next seals for which archives vouch, in order."""
        log = ArchiveWrites(session)
        first, last = await log.first_present(), await log.last()
        if first is None or last is None:
            return Removed(Amount(), None)
        seals = await log.next_seals(first - 1, last.last_seal, limit)
        upto = 0 if seals is None else (await log.bounds(cut_off, _HELD, first - 1, seals[1])).upto
        if upto < first:
            return Removed(Amount(), None)
        extent = await log.extent(first - 1, upto)
        rows = await log.remove(upto)
        return Removed(Amount(rows, extent.bytes), str(upto))
