"""Sealing: beside the jobs of every worker, rows that nothing can precede any more are put under a signed seal.

A row's id says nothing about when it was committed, so batches go by transaction: below the oldest one under way
nothing can appear any more. Which rows are sealed is recorded with the seal, in its transaction: a sealer that is
killed loses and doubles nothing.
"""

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from app.audit.seals.canonical import ENCODING, encode
from app.audit.seals.chain import NO_SEAL, Seal
from app.audit.seals.merkle import leaf_hash, root_of
from app.audit.seals.seal_repository import MAX_BIGINT, WAITING, SealingProgress, SealWrites
from app.audit.seals.signing import SealingKey
from app.kernel.db.database import Database, OperationClass, WriteSession
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.metrics import AUDIT_SEALED_ROWS, AUDIT_SEALS, AUDIT_UNSEALED_AGE

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.2
BATCH_ROWS = 10_000
"""Most rows of one seal: bounds memory, and the time for which the seals wait."""


class ChainRewoundError(RuntimeError):
    """Seals that this process has seen are gone. It seals no more: that would cover up what happened."""


class Sealer:
    """Seals batch after batch."""

    def __init__(self, database: Database, key: SealingKey, *, batch_rows: int = BATCH_ROWS) -> None:
        """Binds; reads nothing. A seal has at most `batch_rows` rows."""
        self._database = database
        self._key = key
        self._batch_rows = batch_rows
        self._seen: Seal | None = None
        self._rewound: str | None = None

    async def look(self) -> None:
        """Seal what waits. Once seals were gone, this process seals no more, whatever becomes of them.

        Raises:
            ChainRewoundError: seals that were there are gone; raised at every look from then on.
        """
        if self._rewound is None:
            try:
                await self.seal_waiting()
            except ChainRewoundError as error:
                self._rewound = str(error)
                log.critical("the audit log is no longer sealed", extra={"reason": self._rewound})
        if self._rewound is not None:
            raise ChainRewoundError(self._rewound)

    async def seal_waiting(self) -> int:
        """Rows that were sealed now, in as many seals as it took; 0 when none waits or another process is sealing.

        Raises:
            ChainRewoundError: seals that were there are gone.
        """
        sealed = 0
        while (await standing(self._database)).due:
            # Audit rows are written whatever the mode is, and so are their seals.
            async with self._database.write(OperationClass.CONTROL) as session:
                seal = await self._one(session)
            if seal is None:
                break
            self._seen = seal
            sealed += seal.count
        return sealed

    async def _one(self, session: WriteSession) -> Seal | None:
        seals = SealWrites(session)
        if not await seals.alone():
            return None
        last = await seals.last()
        await self._require_seen(seals, last)
        present, horizon = await seals.present()
        same = last is not None and last.lineage == present.lineage
        begin = last.horizon if last is not None and same else 0
        adopting = begin == 0
        members: list[tuple[UUID, bytes]] = []
        end = 0
        # One row more than fits shows whether the horizon is reached.
        async for row in seals.waiting(begin, MAX_BIGINT if adopting else horizon, self._batch_rows + 1):
            if len(members) == self._batch_rows:
                horizon = 0 if adopting else end
                break
            values = row[1:]
            members.append((row[0], leaf_hash(encode(values))))
            end = int(row["transaction_id"])
            if len(members) % 500 == 0:
                await asyncio.sleep(0)  # a large batch lets others have their turn
        if not members and (last is None or same):
            return None
        seal = Seal(
            number=1 if last is None else last.number + 1,
            encoding=ENCODING,
            count=len(members),
            total=len(members) + (0 if last is None else last.total),
            root=root_of([leaf for _, leaf in members]),
            previous=NO_SEAL if last is None else last.digest(),
            first_entry=members[0][0] if members else None,
            last_entry=members[-1][0] if members else None,
            lineage=present.lineage,
            adopted=adopting,
            horizon=horizon,
            snapshot_end=present.snapshot_end,
            sealed_at=present.time,
            key=self._key.public.fingerprint,
        ).signed(self._key)
        await seals.add(seal, members)
        return seal

    async def _require_seen(self, seals: SealWrites, last: Seal | None) -> None:
        seen = self._seen
        if seen is None or (last is not None and last.digest() == seen.digest()):
            return
        there = await seals.numbered(seen.number)
        if there is None or there.digest() != seen.digest():
            raise ChainRewoundError(f"Seal {seen.number} of the audit log is gone or another one.")


async def standing(database: Database) -> SealingProgress:
    """How far the log is sealed; the gauges are set to it."""
    row = await database.lookups.one(WAITING, {})
    assert row is not None  # the statement always has one row
    found = SealingProgress.of(row)
    AUDIT_SEALS.set(found.seals)
    AUDIT_SEALED_ROWS.set(found.rows)
    AUDIT_UNSEALED_AGE.set(max(0.0, found.age_seconds) if found.waiting is not None else 0.0)
    return found


def sealing(resources: Resources) -> AbstractAsyncContextManager[None]:
    """Rows are sealed while the block runs."""
    sealer = Sealer(resources.database, SealingKey(resources.secret))
    return repeating("audit-sealing", sealer.look, INTERVAL_SECONDS, begin_after=0.0)


BACKGROUND = (BackgroundTask("audit-sealing", sealing, INTERVAL_SECONDS, in_worker=True),)
