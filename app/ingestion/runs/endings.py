"""How a run ends, for the audit log and the channels as well, in one transaction. Parts that were done stay."""

from typing import Any
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.ingestion.runs.actions import RunAction
from app.ingestion.runs.events import ROLLED_BACK, RUN_FAILED
from app.ingestion.runs.models import IngestionRunRow
from app.ingestion.runs.parts import OPEN, RunKind, RunStatus
from app.ingestion.runs.problems import RunNotFound, RunOver
from app.ingestion.runs.repository import RunWrites
from app.ingestion.runs.schemas import IngestionRun
from app.ingestion.runs.views import run_document
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.jobs import cancel as cancel_job
from app.kernel.ports.events import EventKind, EventKinds
from app.kernel.problems import Problem
from app.kernel.security.authorization import SYSTEM, Actor
from app.operations.notifications.outbox.announcing import Announcements


class RunEndings:
    """Ends runs, in the caller's transaction. One that is over already ends no second time."""

    def __init__(self, session: WriteSession, kinds: EventKinds, clock: Clock) -> None:
        self._session, self._kinds, self._clock = session, kinds, clock
        self._runs = RunWrites(session)

    async def cancel(self, actor: Actor, run_id: UUID, reason: str) -> IngestionRun:
        """The run, ended before its time: the part under way is given up.

        Raises:
            RunNotFound
            RunOver: it came to its end before.
        """
        run = await self._runs.by_id(run_id)
        if run is None:
            raise RunNotFound
        if run.status not in OPEN or not await self._cancel(actor, run, reason):
            raise RunOver(f"It is {run.status}.")
        if run.job_id is not None:
            await cancel_job(self._session, run.job_id)
        return run_document(run, self._clock())

    async def cancel_with_job(self, actor: Actor, run_id: UUID) -> None:
        """Cancel the run whose job is cancelled by an actor who may do that."""
        run = await self._runs.by_id(run_id)
        if run is not None:
            await self._cancel(actor, run, "Its job was cancelled.")

    async def complete(self, run_id: UUID) -> None:
        """Let the run be completed: of a backfill it is known now how many parts there are."""
        run = await self._runs.by_id(run_id)
        assert run is not None
        ended = await self._end(SYSTEM, run, RunStatus.COMPLETED, RunAction.COMPLETED, parts_total=run.parts_done)
        if ended and run.kind == RunKind.ROLLBACK:
            await self._announce(ROLLED_BACK, run, f"Batches of {run.contract_id} were taken back")

    async def fail(self, run_id: UUID, refusal: Problem, correlation: str | None) -> None:
        """Let the run fail with this problem."""
        run = await self._runs.by_id(run_id)
        assert run is not None
        problem = refusal.document(correlation)
        if await self._end(SYSTEM, run, RunStatus.FAILED, RunAction.FAILED, problem=problem):
            await self._announce(RUN_FAILED, run, f"A {run.kind} under {run.contract_id} could not go on")

    async def _cancel(self, actor: Actor, run: IngestionRunRow, reason: str) -> bool:
        return await self._end(actor, run, RunStatus.CANCELLED, RunAction.CANCELLED, {"reason": reason})

    async def _end(
        self,
        actor: Actor,
        run: IngestionRunRow,
        status: RunStatus,
        action: RunAction,
        more: dict[str, Any] | None = None,
        **values: Any,
    ) -> bool:
        """Whether the run came to its end by this; it is audited then."""
        if not await self._runs.end(run.id, status, self._clock(), **values):
            return False
        await self._session.refresh(run)
        facts = {"status": run.status, "parts_done": run.parts_done, "counts": run.counts, "deleted": run.deleted}
        trail = AuditTrail(self._session)
        await trail.append(actor, action, action.entity_type, run.id, run.contract_id, after=facts | (more or {}))
        return True

    async def _announce(self, kind: EventKind, run: IngestionRunRow, subject: str) -> None:
        problem = run.problem or {}
        detail = str(problem.get("detail", f"{run.parts_done} parts, {run.deleted} rows went."))
        payload = {
            "run_id": run.id,
            "kind": run.kind,
            "contract_id": run.contract_id,
            "parts_done": run.parts_done,
            "deleted": run.deleted,
            "started_by": run.actor_label,
            "code": problem.get("code"),
        }
        key = f"ingestion-run/{run.id}/{kind.name}"
        await Announcements(self._session, self._kinds).announce(kind, subject, detail, payload, key)
