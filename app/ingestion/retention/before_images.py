"""Before-images go by whole batches, in each table the oldest first: a batch has all of its images or none.

The order is that in which batches became part of the table, and nothing is passed over in it: where a batch keeps its
images, all that were merged after it keep theirs. Taking a batch back needs its own images and those of later batches
that wrote the same rows, to see them and to take them back first. So what has its images can be taken back, and what
is removed is of no use to anything that stays. The same holds for batches that were taken back, and for rollbacks: to
take one back again needs its own images and later ones, none that are older. `docs/decisions/0034-whole-images.md`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from app.ingestion.retention.holds import BatchHold
from app.ingestion.retention.repository import Doomed, ImageAge, ImageReads, ImagesOf, ImageWrites
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ports.retention import Amount, Default, Preview, Removed


@dataclass(frozen=True, slots=True)
class BeforeImages:
    """Rows as they were before batches changed them: what taking a batch back needs."""

    window_days: int
    """A batch may be taken back for this long; its images stay as long, whatever a rule says."""

    category = "before_images"
    description = (
        "Rows as they were before batches changed them, by when those were merged: all images of a batch at once, in "
        "each table the oldest batch first. A batch that has lost them cannot be taken back any more."
    )
    hold_filter = BatchHold
    archives = False

    @property
    def default(self) -> Default:
        """Never shorter than the window."""
        return Default(max(90, self.window_days), least_days=self.window_days)

    async def preview(self, session: ReadSession, cut_off: datetime) -> Preview:
        """Count over all tables. What stays because an earlier batch of its table is held counts as held."""
        images = ImageReads(session, self._age(cut_off))
        found = [await images.preview(table) for table in await images.tables_with_images()]
        return Preview(
            _sum([each.amount for each in found]),
            _sum([each.held for each in found]),
            min((each.oldest for each in found if each.oldest is not None), default=None),
            max((each.newest for each in found if each.newest is not None), default=None),
        )

    async def delete_some(self, session: WriteSession, cut_off: datetime, cursor: str | None, limit: int) -> Removed:
        """Remove whole batches of one table: as many as have at most `limit` images together, at least one.

        The cursor is the contract at which the next step begins. What was removed there is not looked at again: a
        partial index has only batches that have images.
        """
        images = ImageWrites(session, self._age(cut_off))
        for table in await images.tables_to_clear(cursor or ""):
            batches = await _lock_oldest(images, table, limit)
            if batches:
                return Removed(await images.remove(table, batches), table.contract_id)
        return Removed(Amount(), None)

    def _age(self, cut_off: datetime) -> ImageAge:
        return ImageAge(self.category, cut_off, self.window_days)


async def _lock_oldest(images: ImageWrites, table: ImagesOf, limit: int) -> Sequence[Doomed]:
    """The oldest batches of a table up to the first that somebody else has locked, now locked here."""
    looked = await images.oldest(table, limit)
    locked = await images.lock(looked)
    # Looked up again under the lock: a run that needs one of them may have begun, and let go of it, meanwhile.
    return list(takewhile(lambda batch: batch.id in locked, await images.oldest(table, limit)))


def _sum(amounts: Sequence[Amount]) -> Amount:
    return Amount(
        sum(each.rows for each in amounts), sum(each.bytes for each in amounts), sum(each.objects for each in amounts)
    )
