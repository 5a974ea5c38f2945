"""Taking refused rows again: their lines from the stored body, or, where no body is kept, their text in quarantine."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from app.catalog.contracts.service import ContractService
from app.ingestion.bodies import RawBodies, RowSource, StoredBody
from app.ingestion.configuration import BatchRules
from app.ingestion.decoding.body import BodyFormat, Representation
from app.ingestion.decoding.inflate import Coding
from app.ingestion.drift.batch_drift import ReadRows
from app.ingestion.merging import end, merge_batch, sender
from app.ingestion.models import BatchRow
from app.ingestion.quarantine.configuration import QuarantineBounds
from app.ingestion.quarantine.models import QuarantineRow
from app.ingestion.quarantine.problems import BatchNotFound
from app.ingestion.quarantine.repository import QuarantineReads, QuarantineWrites, RowFilter
from app.ingestion.repository import BatchWrites
from app.ingestion.rows.row_model import RowModel
from app.ingestion.runs.parts import Action, Draft, Part, RunKind, World
from app.ingestion.runs.problems import InvalidIngestionRun, NothingToReplay
from app.ingestion.runs.repository import RunWrites
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKinds
from app.warehouse.layout import LINE
from app.warehouse.merge import S
from app.warehouse.plan import Mode
from app.warehouse.refused_rows import RefusalBounds
from app.warehouse.rejections import Chunk, RejectionCode

ALL = 2**62
"""More rows than any batch has: what is taken from quarantine finds room in it again."""

NO_LIMIT = {"limit": "100%"}
"""Rows that are refused again are where they were."""

AS_THE_CONTRACT_READS = frozenset({RejectionCode.CONFLICT, RejectionCode.UNIQUE})
"""Faults that came up in the table: quarantine has these rows as JSON whatever their body was."""


class QuarantineReplays:
    """Plans replays of refused rows and takes them again, in the caller's transaction."""

    def __init__(
        self, session: WriteSession, raw: RawBodies, rules: BatchRules, kinds: EventKinds, clock: Clock
    ) -> None:
        self._session, self._raw, self._rules, self._kinds, self._clock = session, raw, rules, kinds, clock
        self._runs = RunWrites(session)

    async def draft(self, batch_id: UUID, wanted: RowFilter) -> Draft:
        """The plan: one part.

        Raises:
            BatchNotFound: there is no such batch.
            InvalidIngestionRun: its contract says that each batch is the whole table.
            NothingToReplay: it has no open refused row that is asked for, and that can be taken again.
        """
        batch = next(iter(await self._runs.batches([batch_id])), None)
        if batch is None:
            raise BatchNotFound
        contract = await ContractService(self._session).for_ingestion(batch.contract_id)
        if contract.plan is not None and contract.plan.mode is Mode.REPLACE:
            message = "Each batch is the whole table (mode replace): with some lines alone, all other rows would go."
            raise InvalidIngestionRun.of("path/batch_id", "replaces", f"{message} Replay the batch instead.")
        rows = await QuarantineReads(self._session).open(batch_id, wanted)
        if rows:
            await self._runs.keep([batch])
        body = await self._body(batch)
        taken = _takeable(batch, rows, has_body=body is not None)
        if not taken:
            raise NothingToReplay(_nothing(rows))
        return Draft(
            RunKind.QUARANTINE,
            batch.contract_id,
            World(contract.contract.schema_version, await self._runs.latest(batch.contract_id)),
            (Part(1, Action.QUARANTINE, batch_id),),
            rows_total=len(taken),
            warnings=_warnings(batch, len(rows), len(taken)),
        )

    async def apply(self, request: dict[str, Any], batch: BatchRow, source_id: UUID) -> BatchRow:
        """The batch as which refused rows were taken again: those that were accepted are marked as dealt with.

        Those that were refused again stay where they are, with their new faults. Raises as `merge_batch` does.
        """
        started = time.monotonic()
        source = (await self._runs.batches([source_id]))[0]
        wanted = RowFilter(code=request.get("code"), column=request.get("column"))
        rows = await QuarantineReads(self._session).open(source_id, wanted)
        owner = await self._body(source)
        taken = _takeable(source, rows, has_body=owner is not None)
        lines = frozenset(row.line for row in taken)
        body: RowSource = StoredBody(self._raw, owner) if owner is not None else KeptTexts(taken)
        batch.source_batch_id, batch.max_rejected = source.id, NO_LIMIT
        await BatchWrites(self._session).accept(batch)
        listed = ",".join(map(str, sorted(lines)))
        rules = replace(self._rules, quarantine=QuarantineBounds(RefusalBounds(ALL, ALL), ALL, ALL))
        condition = f"{S}.{LINE} = ANY ('{{{listed}}}'::bigint[])"
        refusal = await merge_batch(self._session, batch, LinesOf(body, lines), rules, ReadRows(), condition)
        await end(self._session, self._kinds, sender(batch), batch, refusal, started)
        await QuarantineWrites(self._session, batch.id).give_back(source_id, sorted(lines), self._clock())
        await self._session.refresh(batch, ["quarantined_rows"])
        return batch

    async def _body(self, batch: BatchRow) -> BatchRow | None:
        """The batch whose stored body has the lines; None when it is not kept."""
        return (await self._runs.body_owners([batch])).get(batch.id)


@dataclass(frozen=True, slots=True)
class LinesOf(RowSource):
    """Some lines of a source. Of all others what was refused is left out here, what was accepted by the merge."""

    source: RowSource
    lines: frozenset[int]

    @asynccontextmanager
    async def rows(self, model: RowModel) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The rows of the source, without the refused ones that nobody asked for."""
        async with self.source.rows(model) as chunks:
            yield self._narrowed(chunks)

    async def _narrowed(self, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        async for chunk in chunks:
            yield replace(chunk, rejected=tuple(row for row in chunk.rejected if row.line in self.lines))


@dataclass(frozen=True, slots=True)
class KeptTexts(RowSource):
    """Refused rows by the text that quarantine has of them, each on the line that it came on."""

    kept: Sequence[QuarantineRow]

    @asynccontextmanager
    async def rows(self, model: RowModel) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The rows, read as NDJSON: blank lines are no rows."""
        yield Representation(BodyFormat.NDJSON, Coding.IDENTITY).chunks(self._text(), model)

    async def _text(self) -> AsyncIterator[bytes]:
        line = 1
        for row in sorted(self.kept, key=lambda row: row.line):
            while line < row.line:
                step = min(row.line - line, 1 << 16)
                yield b"\n" * step
                line += step
            yield row.raw.replace("\n", " ").encode() + b"\n"
            line += 1


def _takeable(batch: BatchRow, rows: Sequence[QuarantineRow], *, has_body: bool) -> Sequence[QuarantineRow]:
    """The rows that can be read again: all with a body; without it those whose whole text is JSON."""
    if has_body:
        return rows
    csv = batch.media_type == BodyFormat.CSV  # a record says nothing without its header
    return [row for row in rows if not row.clipped and (not csv or row.code in AS_THE_CONTRACT_READS)]


def _nothing(rows: Sequence[QuarantineRow]) -> str:
    if not rows:
        return "The batch has no open refused rows that were asked for."
    return "Its body is not kept, and quarantine has no refused row whole."


def _warnings(batch: BatchRow, found: int, taken: int) -> tuple[str, ...]:
    warnings = ["The batch was taken back: its other rows are not in the table."] if batch.rolled_back_by else []
    if taken < found:
        warnings.append(f"{found - taken} refused rows are left out: the body is not kept, nor is their whole text.")
    refused = batch.counts.get("rejected", 0) + batch.counts.get("conflict", 0)
    if refused > batch.quarantined_rows:
        warnings.append(
            f"{refused - batch.quarantined_rows} refused rows were counted and not kept: nobody knows their lines. "
            "A replay of the whole batch takes them again."
        )
    return tuple(warnings)
