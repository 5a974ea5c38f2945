"""One batch into its table, within a transaction: contract → rows → verdicts.

A contract without a schema gets it from its first batch: the body is in the raw store already, is read once to infer
the columns and once more to take the rows.
"""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from app.catalog.contracts.record import IngestionContract
from app.catalog.contracts.service import ContractService
from app.ingestion.configuration import or_share
from app.ingestion.decoding.inference import Summary, infer_columns, summarise
from app.ingestion.decoding.inflate import Coding
from app.ingestion.decoding.row_model import RowModel, UnknownColumns
from app.ingestion.intake import BodyFormat, Intake, Representation, reject_limits
from app.ingestion.models import BatchRow
from app.ingestion.raw import RawBatches
from app.ingestion.repository import Quarantine
from app.kernel.db.database import WriteSession, driver_connection
from app.kernel.security.authorization import Actor, ActorKind
from app.warehouse.ingest import MergeOutcome, RejectLimits, ingest
from app.warehouse.plan import Column
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
    max_rejected_share: float | None = None,
) -> Merged:
    """Merge a batch from its sender, or, without an intake, from its stored body.

    Args:
        session: the transaction; nothing is committed here.
        raw: where bodies are kept; what comes from the sender is copied there on its way.
        batch: accepted in the same transaction, or earlier.
        representation: what the body says it is; that of the batch, when absent.
        intake: the body as it comes from the sender. None for a contract without columns: those take two readings.
        max_rejected_share: where neither the batch nor its contract limits what may be refused.

    Raises:
        Problem: of the contract, the body, or the limits of rejections.
    """
    contracts = ContractService(session)
    contract = await contracts.for_ingestion(batch.contract_id)
    form = representation or Representation(BodyFormat(batch.media_type), Coding.IDENTITY)
    if contract.plan is None:
        columns = await _infer(contract, form, raw.stream(batch))
        contract = await contracts.freeze_schema(batch.contract_id, columns, sender(batch))
    assert contract.plan is not None
    model = RowModel(contract.plan, UnknownColumns(contract.contract.policy.unknown_columns.value))
    policy = contract.contract.policy
    limits = or_share(RejectLimits(policy.max_rejected_rows, policy.max_rejected_share), max_rejected_share)
    processing_time = datetime.now(UTC)
    if intake is None:
        outcome = await _merge(session, contract, batch, form.chunks(raw.stream(batch), model), processing_time, limits)
    else:
        async with raw.writer(batch) as copy:
            chunks = form.chunks(intake.plain(copy), model)
            outcome = await _merge(session, contract, batch, chunks, processing_time, limits)
    await contracts.confirm_writable(contract)
    return Merged(
        counts=asdict(outcome.counts),
        first_event_time=outcome.first_event_time,
        last_event_time=outcome.last_event_time,
        processing_time=processing_time,
        schema_version=contract.contract.schema_version or 1,
        raw_key=raw.key(batch),
    )


async def _infer(contract: IngestionContract, form: Representation, plain: AsyncIterator[bytes]) -> list[Column]:
    summary = Summary()
    async for rows in form.objects(plain):
        summary |= summarise(rows, textual=form.textual)
    received = contract.contract.semantics.processing_time_column  # ours to set, whatever was sent
    return [column for column in infer_columns(summary, textual=form.textual) if column.name != received]


def sender(batch: BatchRow) -> Actor:
    """Who sent the batch, for what is audited after the request is over."""
    return Actor(ActorKind(batch.actor_kind), batch.actor_id, batch.actor_label)


async def _merge(
    session: WriteSession,
    contract: IngestionContract,
    batch: BatchRow,
    chunks: AsyncIterator[Chunk],
    processing_time: datetime,
    limits: RejectLimits,
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
        limits=reject_limits(limit, limits),
    )
