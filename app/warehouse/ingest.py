"""A batch into a relation: stage by COPY, settle verdicts, merge with before-images, hand refused rows over.

Invariants: every received row gets exactly one verdict; nothing is committed here (the caller owns the transaction, and
rolls back on any error or for a dry run); memory does not grow with the batch; what refused rows may cost is bounded
(`refused_rows.py`).

Which count comes from which statement (`merge.py`; in append mode also `event_sessions.py`), or from which letter that
the statement left in `_spyne_verdict`:

| count     | upsert, replace                                       | append                                      |
|-----------|-------------------------------------------------------|---------------------------------------------|
| inserted  | rows of insert_winners, insert_all, insert_new        | rows of insert_singles; count_verdicts, 1st |
| updated   | rows of update_beaten                                 | count_verdicts, 2nd                         |
| unchanged | u of mark_stored; count_untouched, 1st                | -                                           |
| duplicate | d of mark_exact_repeats                               | the same; count_verdicts, 3rd               |
| late      | l of mark_losers_of_batch, mark_stored;               | count_verdicts, 4th                         |
|           | count_untouched, 2nd                                  |                                             |
| conflict  | c of mark_losers_of_batch, mark_stored (under reject) | count_verdicts, 4th (under reject)          |
| rejected  | refused before staging; x of mark_unique_violations   | the same                                    |
| deleted   | rows of delete_absent (under replace)                 | rows of delete_absorbed                     |
| images    | updated + deleted                                     | deleted; rows of overwrite_beaten,          |
|           |                                                       | extend_spans                                |

What must come out stands in plain Python in `tests/reference/verdicts.py`; property tests hold the two together.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from app.kernel.problems import InvalidRequest
from app.warehouse import ddl, event_sessions, merge
from app.warehouse.copying import copy_rows
from app.warehouse.merge import CONFLICT, DUPLICATE, LATE, UNCHANGED, UNIQUE, Batch
from app.warehouse.naming import staging_relation, working_relation
from app.warehouse.plan import STORED_STAYS, Mode, RelationPlan, Resolution
from app.warehouse.refused_rows import (
    PORTION,
    UNLIMITED,
    USUAL_BOUNDS,
    FaultCount,
    Portion,
    RefusalBounds,
    RefusedRows,
    RejectLimits,
)
from app.warehouse.rejections import Chunk, Rejection, RejectionCode, RejectionSink, clip

SETTINGS = (
    "SET LOCAL work_mem = '64MB'",  # hash joins of a million keys stay in memory (hash_mem_multiplier doubles it)
    "SET LOCAL maintenance_work_mem = '256MB'",  # the identity index of five million keys is sorted in memory
    "SET LOCAL jit = off",  # statements run once; compiling them costs more than it gives
    "SET LOCAL default_statistics_target = 10",  # the planner needs the size of the staging relation, not its shape
)


class EmptyReplacement(InvalidRequest):
    """A replacing batch brought no row; the table is not emptied by accident."""

    code, title = "empty-replacement", "A replacing batch needs at least one acceptable row"


@dataclass(slots=True)
class VerdictCounts:
    """Rows by verdict."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicate: int = 0
    late: int = 0
    conflict: int = 0
    rejected: int = 0

    @property
    def received(self) -> int:
        """All rows: the sum."""
        kept = self.inserted + self.updated + self.unchanged
        return kept + self.duplicate + self.late + self.conflict + self.rejected


@dataclass(slots=True)
class MergeOutcome:
    """What became of a batch."""

    counts: VerdictCounts = field(default_factory=VerdictCounts)
    deleted: int = 0
    """Stored rows that went: absent from a replacing batch, or absorbed by another session's row."""
    images: int = 0
    """Stored rows that were changed or went: as many before-images were written."""
    first_event_time: datetime | None = None
    last_event_time: datetime | None = None
    """Over the accepted rows; dates and naive timestamps read as UTC."""
    set_aside: int = 0
    """Rejected rows that are set aside until the schema knows what they bring (`ChangePolicy.QUARANTINE_ROW`)."""
    kept: int = 0
    """Refused rows, conflicts among them, that the sink has got: the first ones."""
    fault_counts: list[FaultCount] = field(default_factory=list)
    """Refused rows by fault; a row with several faults counts for each."""
    refusals: dict[str, Any] = field(default_factory=dict)
    """What a problem says about the refused rows."""
    notices: list[str] = field(default_factory=list)
    """What readers left out of rows without refusing them."""
    ended_early: bool = False
    """What follows was not read, since all before it was refused (`RefusalBounds.at_first`)."""
    stopped: bool = False
    """The caller did not want the batch to go on once its rows had been read: none has a verdict but those refused."""

    @property
    def nothing_accepted(self) -> bool:
        """Whether rows came, and all of them were rejected: one that is known already, or too late, is accepted."""
        return 0 < self.counts.received == self.counts.rejected


async def ingest(
    connection: asyncpg.Connection,
    plan: RelationPlan,
    chunks: AsyncIterator[Chunk],
    *,
    batch_seq: int,
    processing_time: datetime,
    sink: RejectionSink,
    limits: RejectLimits = UNLIMITED,
    bounds: RefusalBounds = USUAL_BOUNDS,
    wanted: str | None = None,
    proceed: Callable[[], bool] | None = None,
    absent: Callable[[], Collection[str]] = tuple,
    in_turn: Callable[[], Awaitable[bool]] | None = None,
) -> MergeOutcome:
    """Verdicts of the batch, its rows merged, in the transaction that the connection is in.

    The transaction is READ COMMITTED, so that what another batch committed is seen once its lock is free.
    `batch_seq` is positive, unique per batch and grows with arrival: it names the writer of every row. Of the rows that
    are as the contract demands only those count which meet `wanted`, an SQL condition on a staged row (`merge.S`) that
    is never null.

    Some things are asked once all rows have been read, since only then they are known. `proceed`: on False nothing is
    merged and no limit is looked at, the outcome says `stopped`, and the caller rolls back what the sink has kept.
    `absent`: the columns that no row brings; a row keeps the stored values in them (`merge.complete_absent`).
    `in_turn` is asked once nobody else writes the relation or changes its columns, before a row is written: False ends
    the batch as `proceed` does.

    Raises:
        RejectLimitExceeded: more rows refused than allowed.
        EmptyReplacement: replace mode, and no row came.
    """
    batch = Batch(plan, staging_relation(batch_seq), batch_seq, processing_time)
    run = _Run(connection, batch, RefusedRows(sink, limits, bounds))
    for setting in SETTINGS:
        await connection.execute(setting)
    await connection.execute(ddl.create_staging(plan, batch.staging))
    await run.stage(chunks)
    if proceed is None or proceed():
        run.guard()
        await run.settle(wanted, absent(), in_turn)
    else:
        run.outcome.stopped = True
    await connection.execute(ddl.drop(batch.staging))
    return run.ended()


async def lock_relation(connection: asyncpg.Connection, plan: RelationPlan) -> None:
    """Let nobody else write the relation until the transaction ends: batches are merged one after another."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(plan.relation))


class _Run:
    """The steps of one batch, over one connection."""

    def __init__(self, connection: asyncpg.Connection, batch: Batch, rows: RefusedRows) -> None:
        self.outcome = MergeOutcome()
        self._connection = connection
        self._batch = batch
        self._rows = rows
        self._marked = 0
        self._absent: tuple[str, ...] = ()

    async def stage(self, chunks: AsyncIterator[Chunk]) -> None:
        """Copy accepted rows into staging.

        A COPY is ended whenever a portion of refused rows is due, because the sink may write over this connection.
        """
        more = True
        while more:
            portion = Portion(self._rows, chunks)
            await copy_rows(self._connection, self._batch.plan, self._batch.staging, portion.payloads())
            more = not portion.exhausted
            await self._rows.hand_over()
        self.outcome.ended_early = self._rows.hopeless

    def guard(self) -> None:
        """Return when enough rows came, and few enough were refused. Raises as `ingest` does."""
        self._rows.guard_share()
        if self._batch.plan.mode is Mode.REPLACE and not self._rows.received:
            raise EmptyReplacement

    def ended(self) -> MergeOutcome:
        """What became of the batch."""
        self.outcome.counts.rejected = self._rows.rejected
        self.outcome.set_aside = self._rows.set_aside
        self.outcome.kept = self._rows.kept
        self.outcome.fault_counts = self._rows.faults.listed()
        self.outcome.refusals = self._rows.document()
        self.outcome.notices = list(self._rows.notices)
        return self.outcome

    async def settle(
        self, wanted: str | None, absent: Collection[str], in_turn: Callable[[], Awaitable[bool]] | None
    ) -> None:
        """All that needs the relation's lock: batches of one relation are merged one after another."""
        if not self._rows.accepted:
            return
        batch = self._batch
        if wanted is not None:
            await self._connection.execute(merge.BY_HASH)
            await self._mark(merge.mark_outside(batch, wanted))
            await self._connection.execute(merge.BY_ANY_JOIN)
            if self._marked == self._rows.accepted:
                return
        await self._connection.execute(f"ANALYZE {batch.staging.sql}")
        summary = await self._row(merge.summarise(batch))
        self.outcome.first_event_time, self.outcome.last_event_time = summary[1], summary[2]
        await lock_relation(self._connection, batch.plan)
        self.outcome.stopped = in_turn is not None and not await in_turn()
        if not self.outcome.stopped:
            await self._write(absent)

    async def _write(self, absent: Collection[str]) -> None:
        """Verdicts and writes of the rows that are still in the race."""
        batch = self._batch
        index = ddl.identity_index(batch.plan)
        fresh = not await self._connection.fetchval("SELECT to_regclass($1) IS NOT NULL", index.sql)
        self._absent = () if fresh else tuple(name for name in batch.plan.payload if name in absent)
        if self._absent and not event_sessions.overwrites(batch.plan):
            await self._execute(merge.complete_absent(batch, self._absent))
        for column in batch.plan.unique:
            stored = not fresh and batch.plan.mode is not Mode.REPLACE
            await self._mark(merge.mark_unique_violations(batch, column, against_stored=stored))
        if batch.plan.mode is Mode.APPEND:
            await self._append(fresh=fresh)
        elif fresh:
            await self._load()
        else:
            await self._merge()
        if fresh:
            for statement in ddl.create_identity(batch.plan):
                await self._connection.execute(statement)
        await self._hand_over_refused()

    async def _load(self) -> None:
        """The first batch of an upserted or replaced relation."""
        batch = self._batch
        self.outcome.counts.inserted = await self._execute(merge.insert_winners(batch))
        if self.outcome.counts.inserted < self._rows.accepted - self._marked:
            await self._mark(merge.mark_exact_repeats(batch))
            await self._mark(merge.mark_losers_of_batch(batch))
        await self._count_marked()

    async def _merge(self) -> None:
        if self._batch.plan.resolution in STORED_STAYS and self._batch.plan.mode is Mode.UPSERT:
            await self._merge_beside_stored()
        else:
            await self._merge_winners()

    async def _merge_beside_stored(self) -> None:
        """No stored row is ever overwritten: who meets one leaves, then who meets a better one of the batch."""
        batch = self._batch
        repeated = bool(await self._connection.fetchval(merge.has_repeated_keys(batch)))
        if repeated:
            await self._mark(merge.mark_exact_repeats(batch))
        await self._mark(merge.mark_stored(batch))
        if repeated:
            await self._mark(merge.mark_losers_of_batch(batch))
        await self._count_marked()
        self.outcome.counts.inserted = await self._execute(merge.insert_all(batch))

    async def _merge_winners(self) -> None:
        """The winner of every key is written, or loses against the stored row.

        The writes look for the winners themselves. Only when fewer rows were written than came in is it worth asking
        which ones were not, and why.
        """
        batch, counts = self._batch, self.outcome.counts
        racing = self._rows.accepted - self._marked
        await self._connection.execute(merge.IN_KEY_ORDER)
        counts.updated = await self._change(merge.update_beaten(batch))
        await self._connection.execute(merge.IN_ANY_ORDER)
        if batch.plan.mode is Mode.REPLACE:
            self.outcome.deleted = await self._change(merge.delete_absent(batch))
        if counts.updated < racing:
            counts.inserted = await self._execute(merge.insert_new(batch))
        if counts.inserted + counts.updated < racing and await self._connection.fetchval(
            merge.has_repeated_keys(batch)
        ):
            await self._mark(merge.mark_exact_repeats(batch))
            await self._mark(merge.mark_losers_of_batch(batch))
        await self._count_marked()
        if counts.inserted + counts.updated < self._rows.accepted - self._marked:
            equal, beaten = await self._row(merge.count_untouched(batch))
            counts.unchanged += equal
            counts.late += beaten

    async def _append(self, *, fresh: bool) -> None:
        batch, counts = self._batch, self.outcome.counts
        repeated = bool(await self._connection.fetchval(merge.has_repeated_keys(batch)))
        if repeated:
            await self._mark(merge.mark_exact_repeats(batch))
        await self._count_marked()
        if fresh and not repeated:
            counts.inserted = await self._execute(event_sessions.insert_singles(batch))
            return
        working = working_relation(batch.seq)
        await self._connection.execute(event_sessions.create_sessions(batch, working))
        if self._absent and event_sessions.overwrites(batch.plan):
            # Which rows meet does not depend on their content; which of them wins does.
            await self._execute(event_sessions.complete_absent(batch, working, self._absent))
            await self._connection.execute(ddl.drop(working))
            await self._connection.execute(event_sessions.create_sessions(batch, working))
        await self._connection.execute(f"ANALYZE {working.sql}")
        inserted, updated, duplicate, beaten = await self._row(event_sessions.count_verdicts(batch, working))
        counts.inserted, counts.updated = inserted, updated
        counts.duplicate += duplicate
        if batch.plan.resolution is Resolution.REJECT:
            counts.conflict += beaten
            await self._execute(event_sessions.mark_conflicts(batch, working))
        else:
            counts.late += beaten
            self.outcome.deleted = await self._change(event_sessions.delete_absorbed(batch, working))
            await self._change(event_sessions.overwrite_beaten(batch, working))
        await self._change(event_sessions.extend_spans(batch, working))
        await self._execute(event_sessions.insert_sessions(batch, working))
        await self._connection.execute(ddl.drop(working))

    async def _mark(self, statement: str) -> None:
        """Takes staged rows out of the race."""
        self._marked += await self._execute(statement)

    async def _count_marked(self) -> None:
        """Counts the rows that have left the race into the outcome."""
        if not self._marked:
            return
        counts = self.outcome.counts
        letters = await self._letters()
        counts.duplicate += letters.get(DUPLICATE, 0)
        counts.late += letters.get(LATE, 0)
        counts.conflict += letters.get(CONFLICT, 0)
        counts.unchanged += letters.get(UNCHANGED, 0)

    async def _hand_over_refused(self) -> None:
        """Conflicts and unique violations to the sink; the limits hold for the violations too."""
        if not self.outcome.counts.conflict and not self._batch.plan.unique:
            return
        letters, unique = await self._letters(), self._batch.plan.unique
        columns = {UNIQUE: unique[0] if len(unique) == 1 else None}  # of several it is not known which
        for letter, code in _REFUSALS.items():
            if letter in letters:
                self._rows.faults.add(code, columns.get(letter), letters[letter])
        most = self._rows.still_wanted(sum(letters.get(letter, 0) for letter in _REFUSALS))
        query = f"{merge.select_refused(self._batch)} ORDER BY 1 LIMIT {most:d}"
        async for line, letter, raw in self._connection.cursor(query, prefetch=PORTION):
            code = _REFUSALS[letter]
            await self._rows.keep(Rejection(line, code, columns.get(letter), _REASONS[code], clip(raw)))
        await self._rows.hand_over()
        self._rows.reject(letters.get(UNIQUE, 0))
        self._rows.guard_share()

    async def _letters(self) -> dict[str, int]:
        """Staged rows that have left the race, by letter."""
        found = await self._connection.fetch(merge.count_marked(self._batch))
        return {str(letter): int(rows) for letter, rows in found}

    async def _execute(self, statement: str) -> int:
        """Rows that the statement changed."""
        return int((await self._connection.execute(statement)).rpartition(" ")[2])

    async def _change(self, statement: str) -> int:
        """Stored rows that the statement changed, of each of which it kept a before-image."""
        changed = await self._execute(statement)
        self.outcome.images += changed
        return changed

    async def _row(self, query: str) -> Any:
        row = await self._connection.fetchrow(query)
        assert row is not None
        return row


_REFUSALS = {UNIQUE: RejectionCode.UNIQUE, CONFLICT: RejectionCode.CONFLICT}
"""Letters of staged rows that go into quarantine."""

_REASONS = {
    RejectionCode.UNIQUE: "another key holds this value in a column that is unique",
    RejectionCode.CONFLICT: "the key is there with other content, and the contract says reject",
}
