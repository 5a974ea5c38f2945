"""Use cases of runs: plan one, start it from its plan. How runs end: `endings.py`.

A plan is the run itself, rolled back: the same parts by the same statements. What it is made on (batches, schema) is
the first half of its hash; when that is not so any more, nothing is started and a fresh plan is answered.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.catalog.contracts.service import ContractReading
from app.ingestion.configuration import batch_rules
from app.ingestion.quarantine.repository import RowFilter
from app.ingestion.repository import BatchWrites
from app.ingestion.runs.actions import RunAction
from app.ingestion.runs.applying import Parts, Tools
from app.ingestion.runs.models import IngestionRunRow
from app.ingestion.runs.parts import Draft, RunStatus, is_of_world, plan_hash
from app.ingestion.runs.problems import PlanChanged, PlanNeeded
from app.ingestion.runs.quarantine import QuarantineReplays
from app.ingestion.runs.replays import Replays
from app.ingestion.runs.repository import RelationEvidence, RunWrites
from app.ingestion.runs.rollbacks import Rollbacks
from app.ingestion.runs.schemas import (
    BackfillRequest,
    ChangedRow,
    IngestionRun,
    IngestionRunPlan,
    PlannedPart,
    QuarantineReplayRequest,
    ReplayRequest,
    RollbackRequest,
    RunRequest,
)
from app.ingestion.runs.views import SHOWN_PARTS, run_document
from app.kernel.clock import Clock
from app.kernel.correlation import correlation_id
from app.kernel.db.database import Units, WriteSession
from app.kernel.ids import new_id
from app.kernel.jobs import enqueue
from app.kernel.ports.events import EventKinds
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.security.authorization import Actor
from app.kernel.storage.object_storage import ObjectStorage
from app.operations.modes.service import require_ingestion_ready

RUN_JOB = "ingestion:run"
"""Does the parts of a run. Payload: `run_id`."""

SAMPLES = 20
"""Rows that a plan shows."""


class _PlanMade(Exception):  # noqa: N818 - carries a plan past a rollback, is no error
    def __init__(self, plan: IngestionRunPlan) -> None:
        super().__init__()
        self.plan = plan


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, and of which batch when the request is about one."""

    wanted: RunRequest
    batch_id: UUID | None = None

    @property
    def request(self) -> dict[str, Any]:
        """What is to be done, as it was asked for; which batches a replay names is kept apart, as they may be many."""
        apart = {"reason", "dry_run", "plan_hash", "batch_ids"}
        return self.wanted.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=apart)


class RunService:
    """Plans and starts runs. Holds no session of its own: each use case opens its transaction."""

    def __init__(
        self, units: Units, storage: ObjectStorage, configuration: ConfigurationInForce, kinds: EventKinds, clock: Clock
    ) -> None:
        self._units, self._clock = units, clock
        self._tools = Tools(units, storage, batch_rules(configuration), kinds, clock)

    async def ask(self, actor: Actor, asked: Asked) -> IngestionRunPlan | IngestionRun:
        """The plan of a dry run; otherwise the run that was started, or was started from this plan before.

        Raises:
            PlanNeeded: neither a dry run nor the hash of a plan.
            PlanChanged: the plan was made on other data; `plan` is a fresh one.
            Problem: what stands in the way, as `draft` and the parts say.
        """
        if asked.wanted.dry_run:
            return await self._plan(actor, asked)
        if asked.wanted.plan_hash is None:
            raise PlanNeeded
        try:
            return await self._units.run(lambda session: self._start(session, actor, asked))
        except PlanChanged as changed:
            plan = await self._plan(actor, asked)
            changed.fields["plan"] = plan.model_dump(mode="json")
            raise

    async def _plan(self, actor: Actor, asked: Asked) -> IngestionRunPlan:
        """What would become of it: every part is done, and all of it rolled back."""
        try:
            async with self._units.load() as session:
                await require_ingestion_ready(session)
                await BatchWrites(session).prepare_merge()
                found = await draft(session, self._tools, asked, hold=True)
                run = _new_run(actor, found, asked, plan="")
                await RunWrites(session).plan(run, found.parts)
                raise _PlanMade(await self._tried(session, run, found, found.digest(asked.request)))  # noqa: TRY301 - leaves by a rollback
        except _PlanMade as made:
            return made.plan
        finally:
            await self._tools.body.close()

    async def _tried(self, session: WriteSession, run: IngestionRunRow, found: Draft, digest: str) -> IngestionRunPlan:
        parts, samples = list[PlannedPart](), list[dict[str, Any]]()
        contract = await ContractReading(session).for_ingestion(run.contract_id)
        done = Parts(session, self._tools)
        while (batch := await done.next(run)) is not None:
            if len(parts) < SHOWN_PARTS:
                parts.append(
                    PlannedPart.model_validate(
                        {
                            "part": batch.part,
                            "action": batch.kind,
                            "batch_id": batch.source_batch_id,
                            "counts": batch.counts,
                            "deleted": batch.deleted,
                        }
                    )
                )
            if len(samples) < SAMPLES and contract.plan is not None:
                evidence = RelationEvidence(session, contract.plan)
                samples += await evidence.changed_rows(batch.sequence, SAMPLES - len(samples))
        return IngestionRunPlan(
            kind=run.kind,
            contract_id=run.contract_id,
            plan_hash=plan_hash(digest, run.counts, run.deleted),
            parts_total=run.parts_done,
            parts=parts,
            counts=run.counts,
            deleted=run.deleted,
            samples=[ChangedRow.model_validate(sample) for sample in samples],
            later_batches=list(found.later),
            warnings=list(found.warnings),
        )

    async def _start(self, session: WriteSession, actor: Actor, asked: Asked) -> IngestionRun:
        await require_ingestion_ready(session)
        wanted, runs = asked.wanted, RunWrites(session)
        assert wanted.plan_hash is not None
        await runs.take_turns()
        before = await runs.same(wanted.plan_hash)
        if before is not None:
            return run_document(before, self._clock())
        found = await draft(session, self._tools, asked, hold=False)
        if not is_of_world(wanted.plan_hash, found.digest(asked.request)):
            raise PlanChanged("Batches came in since, or the schema is another: look at the fresh plan in `plan`.")
        run = _new_run(actor, found, asked, plan=wanted.plan_hash)
        await runs.plan(run, found.parts)
        run.job_id = await enqueue(session, RUN_JOB, {"run_id": run.id}, actor=actor, key=f"ingest:{run.contract_id}")
        await session.flush()
        await AuditTrail(session).append(
            actor,
            RunAction.STARTED,
            RunAction.STARTED.entity_type,
            run.id,
            run.contract_id,
            after={"kind": run.kind, "reason": run.reason, "request": run.request, "plan_hash": run.plan_hash},
        )
        return run_document(run, self._clock())


async def draft(session: WriteSession, tools: Tools, asked: Asked, *, hold: bool) -> Draft:
    """The draft of what is asked for. Raises what stands in its way.

    To `hold` is to let nobody else write the relation until the transaction ends, where the draft depends on that.
    """
    wanted, batch_id = asked.wanted, asked.batch_id
    match wanted:
        case RollbackRequest():
            assert batch_id is not None
            rollbacks = Rollbacks(session, tools.clock)
            cascade, then_replay = wanted.cascade, wanted.then_replay
            return await rollbacks.draft(batch_id, cascade=cascade, then_replay=then_replay, hold=hold)
        case QuarantineReplayRequest():
            assert batch_id is not None
            refused = QuarantineReplays(session, tools.raw, tools.rules, tools.kinds, tools.clock)
            return await refused.draft(batch_id, RowFilter(code=wanted.code, column=wanted.column))
        case ReplayRequest():
            replays = Replays(session, tools.raw, tools.rules, tools.kinds)
            return await replays.draft(
                wanted.contract_id,
                batch_ids=wanted.batch_ids,
                begin=wanted.begin,
                end=wanted.end,
                into=wanted.into,
                skip_missing=wanted.skip_missing,
            )
        case BackfillRequest():
            return await tools.backfills(session).draft(wanted)
    raise TypeError(type(wanted))


def _new_run(actor: Actor, found: Draft, asked: Asked, *, plan: str) -> IngestionRunRow:
    return IngestionRunRow(
        id=new_id(),
        kind=found.kind.value,
        contract_id=found.contract_id,
        status=RunStatus.PENDING.value,
        batch_id=asked.batch_id,
        request=asked.request,
        world=found.world.document(),
        items=list(found.items),
        plan_hash=plan,
        reason=asked.wanted.reason,
        parts_done=0,
        parts_total=len(found.parts) or None,
        rows_done=0,
        rows_total=found.rows_total,
        counts={},
        deleted=0,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        actor_label=actor.label,
        correlation_id=correlation_id(),
    )
