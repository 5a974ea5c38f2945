"""Filling a table from what is stored elsewhere, in batches of bounded size, in one pass that can be taken up again."""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.catalog.contracts.record import IngestionContract
from app.catalog.contracts.service import ContractReading
from app.catalog.tables.references import parse_reference
from app.catalog.tables.service import TableService
from app.ingestion.bodies import RawBodies, StoredBody, dense
from app.ingestion.configuration import BatchRules
from app.ingestion.decoding.body import Representation
from app.ingestion.decoding.inflate import Coding
from app.ingestion.drift.batch_drift import ReadRows
from app.ingestion.merging import end, merge_batch, sender
from app.ingestion.models import BatchRow
from app.ingestion.repository import BatchWrites
from app.ingestion.runs.models import IngestionRunRow
from app.ingestion.runs.parts import Draft, RunKind, World
from app.ingestion.runs.problems import BodyMissing, InvalidIngestionRun, NothingToReplay
from app.ingestion.runs.reading.adopted import AdoptedRows
from app.ingestion.runs.reading.line_ranges import OpenBody, Opening
from app.ingestion.runs.reading.steps import AdoptedSteps, BodySteps, OpenItem, Position, Steps, format_of
from app.ingestion.runs.repository import RunReads, RunWrites
from app.ingestion.runs.schemas import BackfillRequest, BatchesSource, ObjectSource, RelationSource
from app.kernel.db.database import Units, WriteSession, driver_connection
from app.kernel.ports.events import EventKinds
from app.kernel.quoting import quote_literal
from app.kernel.security.authorization import SYSTEM
from app.kernel.storage.object_storage import ObjectStorage
from app.warehouse.layout import instant
from app.warehouse.merge import S
from app.warehouse.naming import quote
from app.warehouse.plan import Mode, RelationPlan

MOST_ITEMS = 10_000
"""Bodies or objects of one run: more are taken by one run after another."""

SHOWN = 20
"""Names that a warning lists."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a source has."""

    items: list[str]
    """The names of bodies, in order."""
    rows: int | None
    """Rows, when they are known before they are read."""
    warnings: list[str]
    read: tuple[str, ...] = ()


class Backfills:
    """Plans backfills and reads their steps, in the caller's transaction; an adopted relation is read beside it."""

    def __init__(
        self,
        session: WriteSession,
        units: Units,
        storage: ObjectStorage,
        rules: BatchRules,
        kinds: EventKinds,
        body: OpenBody,
    ) -> None:
        self._session, self._units, self._storage = session, units, storage
        self._rules, self._kinds, self._body = rules, kinds, body
        self._runs = RunWrites(session)

    async def draft(self, wanted: BackfillRequest) -> Draft:
        """The plan: what is read, in which order; the parts are found as they are read.

        Raises:
            ContractNotFound, TableNotWritable: of the contract that the rows go to.
            InvalidIngestionRun: that contract has no columns yet, or says that each batch is the whole table; or the
                source is no table with the columns of its key.
            NothingToReplay: the source has nothing.
        """
        contract = await ContractReading(self._session).for_ingestion(wanted.contract_id)
        plan = _fillable(contract)
        found = await self._source(wanted, plan)
        return Draft(
            RunKind.BACKFILL,
            wanted.contract_id,
            World(contract.contract.schema_version, await self._runs.latest(wanted.contract_id)),
            rows_total=found.rows,
            warnings=tuple(found.warnings),
            items=tuple(found.items),
            read=found.read,
        )

    async def next(self, run: IngestionRunRow, batch: BatchRow) -> Position | None:
        """Where the part after this one begins, when rows were taken as `batch`; None when nothing is left to read.

        Raises:
            BodyMissing: retention took a body meanwhile.
            Problem: as `merge_batch` says.
        """
        started = time.monotonic()
        wanted = BackfillRequest.model_validate(_asked(run))
        plan = _fillable(await ContractReading(self._session).for_ingestion(run.contract_id))
        step = await (await self._steps(wanted, plan, await self._runs.items(run.id))).at(run.position)
        if step is None:
            return None
        batch.source_batch_id = step.batch_id
        await BatchWrites(self._session).accept(batch)
        conditions = [step.condition, *_bounds(plan, wanted.begin, wanted.end)]
        condition = " AND ".join(each for each in conditions if each is not None) or None
        refusal = await merge_batch(self._session, batch, step.rows, self._rules, ReadRows(), condition)
        await end(self._session, self._kinds, sender(batch), batch, refusal, started)
        return step.following

    async def _steps(self, wanted: BackfillRequest, plan: RelationPlan, items: list[str]) -> Steps:
        match wanted.source:
            case BatchesSource():
                opening = stored_bodies(self._runs, RawBodies(self._storage))
                return BodySteps(items, wanted.batch_size, self._body, opening)
            case ObjectSource():
                return BodySteps(items, wanted.batch_size, self._body, objects(self._storage))
            case RelationSource(table=table):
                return AdoptedSteps(self._units, await self._adopted(table, plan), wanted.batch_size)

    async def _source(self, wanted: BackfillRequest, plan: RelationPlan) -> _Found:
        """The names of what is read, its rows when they are known, and warnings."""
        match wanted.source:
            case BatchesSource(contract_id=contract_id):
                return await self._batches(contract_id)
            case ObjectSource(prefix=prefix):
                return await self._objects(prefix)
            case RelationSource(table=table):
                return await self._relation(await self._adopted(table, plan))

    async def _batches(self, contract_id: str) -> _Found:
        await ContractReading(self._session).get(contract_id, SYSTEM)
        found = await self._runs.all_batches(
            BatchRow.contract_id == contract_id,
            BatchRow.kind == "batch",
            BatchRow.status == "completed",
            BatchRow.rolled_back_by.is_(None),
        )
        await self._runs.keep(found)
        owners = await self._runs.body_owners(found)
        kept = [batch for batch in found if batch.id in owners]
        missing = len(found) - len(kept)
        _require_some(kept, f"No batch of {contract_id} has a body that is kept.")
        warnings = [f"{missing} batches are left out: their bodies are not kept."] if missing else []
        return _Found([str(batch.id) for batch in kept], sum(batch.rows_received for batch in kept), warnings)

    async def _objects(self, prefix: str) -> _Found:
        infos = {info.key: info async for info in self._storage.list(prefix)}
        known = sorted(key for key in infos if format_of(key) is not None)
        _require_some(known, f"No object under {prefix!r} ends in .ndjson, .jsonl, .json, .csv or .parquet.")
        others = sorted(infos.keys() - known)
        shown = ", ".join(others[:SHOWN])
        warnings = [f"{len(others)} objects are left out: their keys say no format ({shown})."] if others else []
        read = tuple(f"{key} {infos[key].size} {infos[key].modified_at.isoformat()}" for key in known)
        return _Found(known, None, warnings, read)

    async def _relation(self, adopted: AdoptedRows) -> _Found:
        whole, without_key = (await (await driver_connection(self._session)).fetchrow(adopted.count())) or (0, 0)
        _require_some(range(whole), f"{adopted.relation} has no row with a whole key.")
        warnings = [f"{without_key} rows are left out: a part of their key is null."] if without_key else []
        if adopted.missing:
            warnings.append(f"These columns stay empty, as the source has none of them: {', '.join(adopted.missing)}.")
        if adopted.unused:
            warnings.append(f"These columns of the source are not read: {', '.join(adopted.unused)}.")
        return _Found([], whole, warnings)

    async def _adopted(self, table: str, plan: RelationPlan) -> AdoptedRows:
        version = await TableService(self._session).get(parse_reference(table), SYSTEM)
        if version.origin != "adopted" or version.snapshot is None:
            message = f"{table} is no adopted table; of a governed one take the batches: {{'kind': 'batches'}}."
            raise InvalidIngestionRun.of("/source/table", "not-adopted", message)
        adopted = AdoptedRows(version.relation, version.snapshot.shape, plan)
        if adopted.missing_keys:
            message = f"It has no column {', '.join(adopted.missing_keys)}, which the contract's key needs."
            raise InvalidIngestionRun.of("/source/table", "no-key", message)
        return adopted


def stored_bodies(runs: RunReads, raw: RawBodies) -> OpenItem:
    """Opens bodies of batches, whose names are the ids of the batches."""

    async def opening(name: str) -> tuple[Opening, UUID | None]:
        batches = await runs.batches([UUID(name)])
        owner = (await runs.body_owners(batches)).get(UUID(name))
        if owner is None:
            raise BodyMissing("Retention took it since the plan.", batches=[{"id": name}])
        return StoredBody(raw, owner).chunks, UUID(name)

    return opening


def objects(storage: ObjectStorage) -> OpenItem:
    """Opens objects of the configured storage, whose names are their keys."""

    async def opening(name: str) -> tuple[Opening, UUID | None]:
        info, found = await storage.head(name), format_of(name)
        assert found is not None
        form = Representation(found, Coding.IDENTITY)
        return lambda model: dense(form.chunks(storage.get_stream(name), model), lambda: info.size), None

    return opening


def _fillable(contract: IngestionContract) -> RelationPlan:
    """The plan of a contract that bounded batches can fill. Raises `InvalidIngestionRun`."""
    if contract.plan is None:
        message = f"{contract.id} has no columns yet: declare them, or send its first batch."
        raise InvalidIngestionRun.of("/contract_id", "no-columns", message)
    if contract.plan.mode is Mode.REPLACE:
        message = f"Each batch of {contract.id} is the whole table (mode replace): replay a batch instead."
        raise InvalidIngestionRun.of("/contract_id", "replaces", message)
    return contract.plan


def _bounds(plan: RelationPlan, begin: datetime | None, before: datetime | None) -> list[str]:
    """SQL conditions on the event time of a staged row."""
    moment = instant(plan, f"{S}.{quote(plan.event_time)}")
    found = [] if begin is None else [f"{moment} >= {quote_literal(begin.isoformat())}::timestamptz"]
    return found if before is None else [*found, f"{moment} < {quote_literal(before.isoformat())}::timestamptz"]


def _asked(run: IngestionRunRow) -> dict[str, Any]:
    """What the run was asked for, as the request was."""
    return run.request | {"reason": run.reason}


def _require_some(found: Any, otherwise: str) -> None:
    """Return when something was found, not too much for one run. Raises `NothingToReplay`, `InvalidIngestionRun`."""
    if not found:
        raise NothingToReplay(otherwise)
    if isinstance(found, list) and len(found) > MOST_ITEMS:
        message = f"It has {len(found)} bodies, more than the {MOST_ITEMS} of one run."
        raise InvalidIngestionRun.of("/source", "too-many", message)
