"""Taking a batch back within a transaction: its images are all there, its rows are as it left them, or nothing is done.

The statements are in `undo.py`. Nothing is committed here.
"""

from dataclasses import dataclass

import asyncpg

from app.kernel.problems import Conflict
from app.warehouse import merge
from app.warehouse.ingest import SETTINGS, lock_relation
from app.warehouse.plan import Mode, RelationPlan
from app.warehouse.reversal import undo
from app.warehouse.reversal.undo import BACK, GONE, OVERWRITTEN, Undo


class ImagesMissing(Conflict):
    """Fewer before-images than the batch has written: retention took them, or they were never counted."""

    code, title = "images-missing", "The batch cannot be taken back any more"


class NotAsLeft(Conflict):
    """Rows are not as the batch had left them, although no batch has written them since."""

    code, title = "rows-changed", "Rows are not as the batch has left them"


class UniqueTaken(Conflict):
    """A value that came back belongs to another key by now, and the contract says that it is unique."""

    code, title = "unique-value-taken", "A value that would come back belongs to another row by now"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the record of a batch says of its writes."""

    seq: int
    inserted: int
    """Rows written where none was; of a rollback those that it put back."""
    images: int | None
    """Before-images of all kinds; None of a batch that is older than the count."""
    is_rollback: bool


@dataclass(frozen=True, slots=True)
class Restored:
    """What taking a batch back has done to the relation."""

    put_back: int
    """Rows that came back where none was."""
    overwritten: int
    """Rows that have their former values again."""
    removed: int

    @property
    def images(self) -> int:
        """Before-images that were written: of every row that was touched."""
        return self.put_back + self.overwritten + self.removed


async def take_back(connection: asyncpg.Connection, plan: RelationPlan, target: Recorded, seq: int) -> Restored:
    """What was done to take back the batch `target`, as the batch `seq`, in the transaction that the connection is in.

    No batch after the target may have written rows that it wrote; the caller has seen to that under `lock_relation`.

    Raises:
        ImagesMissing: there are not as many before-images as the batch has written.
        NotAsLeft: the rows are others than those that it wrote.
        UniqueTaken: what would come back breaks a `unique` check.
    """
    for setting in SETTINGS:
        await connection.execute(setting)
    await lock_relation(connection, plan)
    images = {str(kind): int(rows) for kind, rows in await connection.fetch(undo.count_images(plan, target.seq))}
    if target.images is None or sum(images.values()) != target.images:
        raise ImagesMissing(_missing(target.images, sum(images.values())))
    change = Undo(plan, target.seq, seq, target_is_rollback=target.is_rollback)
    restored = await _restore(connection, change, target)
    _require_as_left(plan, target, images, restored)
    for column in plan.unique:
        if await connection.fetchval(undo.violates_unique(change, column)):
            raise UniqueTaken(
                f"Column {column}: change the row that holds the value now, or take its batch back first."
            )
    return restored


async def _restore(connection: asyncpg.Connection, change: Undo, target: Recorded) -> Restored:
    overwritten = 0
    if change.plan.mode is not Mode.APPEND:
        await connection.execute(merge.IN_KEY_ORDER)
        overwritten = await _execute(connection, undo.restore_overwritten(change))
        await connection.execute(merge.IN_ANY_ORDER)
    removing = undo.remove_put_back if target.is_rollback else undo.remove_written
    removed = await _execute(connection, removing(change))
    return Restored(await _execute(connection, undo.put_back(change)), overwritten, removed)


def _require_as_left(plan: RelationPlan, target: Recorded, images: dict[str, int], restored: Restored) -> None:
    """Return when as many rows were found as the batch wrote. Raises `NotAsLeft`."""
    overwrote, gone, back = (images.get(kind, 0) for kind in (OVERWRITTEN, GONE, BACK))
    if plan.mode is Mode.APPEND:  # what was overwritten may stand elsewhere by now: it is removed, and comes back
        written = (back if target.is_rollback else target.inserted + overwrote, 0, overwrote + gone)
    else:
        written = (back if target.is_rollback else target.inserted, overwrote, gone)
    found = (restored.removed, restored.overwritten, restored.put_back)
    if found != written:
        raise NotAsLeft(f"Rows written, overwritten, removed: {written} by its record, {found} in the table.")


def _missing(recorded: int | None, found: int) -> str:
    if recorded is None:
        return "It was merged before rows were counted that batches overwrite; nothing says that all are there."
    return f"It overwrote or removed {recorded} rows, of which {found} are still kept as they were."


async def _execute(connection: asyncpg.Connection, statement: str) -> int:
    """Rows that the statement changed."""
    return int((await connection.execute(statement)).rpartition(" ")[2])
