"""One batch into its table, within a transaction: contract → rows → verdicts.

A contract without a schema gets it from its first batch: the body is kept first, read once to infer the columns and
once more to take the rows.
"""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from app.catalog.contracts.service import ContractForIngestion, ContractService
from app.ingestion.formats.inference import infer
from app.ingestion.formats.inflate import Coding
from app.ingestion.intake import BodyFormat, Intake, Representation, reject_limits
from app.ingestion.models import BatchRow
from app.ingestion.raw import RawBatches
from app.ingestion.repository import Quarantine
from app.ingestion.row_model import RowModel, UnknownColumns
from app.kernel.authorization import SYSTEM
from app.kernel.database import WriteSession, driver_connection
from app.warehouse.ingest import MergeOutcome, RejectLimits, ingest
from app.warehouse.rejections import Chunk


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of a batch."""

    counts: dict[str, int]
    first_event_time: datetime | None
    last_event_time: datetime | None
    processing_time: datetime
    schema_version: int
    raw_key: str

    @property
    def lag_seconds(self) -> float | None:
        """Processing time less the last event time, in seconds."""
        if self.last_event_time is None:
            return None
        return (self.processing_time - self.last_event_time).total_seconds()


async def merge_batch(
    session: WriteSession,
    raw: RawBatches,
    batch: BatchRow,
    representation: Representation | None,
    intake: Intake | None,
) -> Merged:
    """Merge a batch from its sender, or, without an intake, from its stored body.

    Raises:
        Problem: of the contract, the body, or the limits of rejections.
    """
    contracts = ContractService(session)
    contract = await contracts.for_ingestion(batch.contract_id)
    form = representation or Representation(BodyFormat(batch.media_type), Coding.IDENTITY)
    if contract.plan is None and intake is not None:
        await _keep(raw, batch, intake)
        intake = None
    if contract.plan is None:
        columns = await infer(form.format, raw.stream(batch), contract.semantics)
        contract = await contracts.freeze_schema(batch.contract_id, columns, SYSTEM)
    assert contract.plan is not None
    model = RowModel(contract.plan, UnknownColumns(contract.unknown_columns))
    processing_time = datetime.now(UTC)
    if intake is None:
        outcome = await _merge(session, contract, batch, form.chunks(raw.stream(batch), model), processing_time)
    else:
        async with raw.writer(batch) as copy:
            chunks = form.chunks(intake.plain(copy), model)
            outcome = await _merge(session, contract, batch, chunks, processing_time)
    return Merged(
        counts=asdict(outcome.counts),
        first_event_time=outcome.first_event_time,
        last_event_time=outcome.last_event_time,
        processing_time=processing_time,
        schema_version=contract.schema_version,
        raw_key=raw.key(batch),
    )


async def _keep(raw: RawBatches, batch: BatchRow, intake: Intake) -> None:
    async with raw.writer(batch) as copy:
        async for _ in intake.plain(copy):
            pass


async def _merge(
    session: WriteSession,
    contract: ContractForIngestion,
    batch: BatchRow,
    chunks: AsyncIterator[Chunk],
    processing_time: datetime,
) -> MergeOutcome:
    assert contract.plan is not None
    limit = (batch.max_rejected or {}).get("limit")
    return await ingest(
        await driver_connection(session),
        contract.plan,
        chunks,
        batch_seq=batch.sequence,
        processing_time=processing_time,
        sink=Quarantine(session, batch.id).keep,
        limits=reject_limits(limit, RejectLimits(contract.max_rejected_rows, contract.max_rejected_share)),
    )
