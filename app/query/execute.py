"""Use cases of execution: run a preview once, list executions.

Claim and commit, run with no control session open, record how it ended. A preview is used once its statement runs, also
when it fails; whatever refuses it before leaves it as it was.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, Any, Final
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from app.audit.log.service import AuditTrail
from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.ids import new_id
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import Conflict, NotFound, Problem
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM, Actor, Permission
from app.kernel.telemetry.metrics import JOIN_USAGE, QUERY_LATENCY, metrics_timer
from app.query import presentation
from app.query.check_statement import Ask, CheckedStatement, affordable, check_statement, limits_of
from app.query.configuration import STATEMENT_TIMEOUT_SECONDS
from app.query.models import QueryExecution, QueryPreview
from app.query.preview import PreviewService, QueryAction
from app.query.repository import Executions, ExecutionWrites, Previews, PreviewWrites
from app.query.results.completion import completed
from app.query.results.encoders import Form
from app.query.results.formats import Format
from app.query.results.limits import Limits
from app.query.results.result_spool import Filled, Spooling, elapsed, spool_file
from app.query.results.statements import open_statement
from app.query.staleness import Basis, Change, changes

log = logging.getLogger(__name__)

UNEXPECTED: Final = "unavailable"
"""Error code of an execution which failed by no fault of its own."""


class PreviewUsed(Conflict):
    """The preview was executed before."""

    code, title = "preview-used", "The preview has been executed"

    def __init__(self) -> None:
        super().__init__("A preview is executed once, also when it fails. Preview the statement again.")


class _Outdated(Conflict):
    """Carries a fresh preview, or what stands in its way."""

    def __init__(
        self, detail: str, preview: dict[str, Any] | None, refusal: dict[str, Any] | None, **more: Any
    ) -> None:
        super().__init__(detail, preview=preview, refusal=refusal, **more)


class PreviewExpired(_Outdated):
    """The preview's time is over."""

    code, title = "preview-expired", "The preview has expired"


class StalePreview(_Outdated):
    """What the preview was made on has changed."""

    code, title = "stale-preview", "The preview is stale"


LOST: Final = "process-lost"
"""Error code of an execution whose process died before it could record an end."""

LOST_AFTER_LIMIT: Final = timedelta(minutes=15)
"""Beyond the statement's time: what encoding the answer and recording its end may take at the very most."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """A complete answer, in a file that whoever sends it closes."""

    execution_id: UUID
    kind: Format
    file: IO[bytes]
    filled: Filled
    limits: Limits
    seconds: float


@dataclass(frozen=True, slots=True)
class Checked:
    """A preview that may run now, what is known of it by now, and the caller's limits."""

    preview: QueryPreview
    found: CheckedStatement
    limits: Limits


class ExecuteService:
    """Executes previews for an actor."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._database = resources.database

    @metrics_timer(QUERY_LATENCY, "execute")
    async def execute(self, actor: Actor, preview_id: UUID, kind: Format) -> QueryResult:
        """The whole answer of the actor's own preview.

        When the call is cancelled, the statement is cancelled in PostgreSQL and the execution recorded as such.

        Raises:
            NotFound: there is no such preview of the actor's.
            PreviewUsed, PreviewExpired, StalePreview: it may not run any more; the last two bring a fresh one.
            QueryFailed, QueryTimeout, QueryCancelled, TooExpensive, NotRepresentable: it did not end well.
        """
        checked = await self.check(actor, preview_id)
        return await self._run(actor, checked, kind)

    async def page(self, actor: Actor, request: PageRequest) -> Page[QueryExecution]:
        """The actor's executions, newest first; everybody's for who may read the audit log."""
        owner = None if actor.may(Permission.AUDIT_READ) else (actor.kind.value, actor.id)
        async with self._database.read() as session:
            return await Executions(session).of(owner, request)

    async def end_lost(self) -> int:
        """How many executions had lost their process and are failed now."""
        longest = timedelta(seconds=self._resources.configured(STATEMENT_TIMEOUT_SECONDS)) + LOST_AFTER_LIMIT

        async def lose(session: WriteSession) -> int:
            lost = await ExecutionWrites(session).lose(longest, LOST)
            for id_ in lost:
                after = {"execution": str(id_), "error_code": LOST}
                await AuditTrail(session).append(
                    SYSTEM, QueryAction.EXECUTED, "query-execution", id_, after=after, outcome="failure"
                )
            return len(lost)

        return await self._database.run(lose, OperationClass.RECORD)

    async def check(self, actor: Actor, preview_id: UUID) -> Checked:
        """The actor's own preview, when it may run now. Raises as `execute` does before the statement runs."""
        limits = limits_of(actor, self._resources)
        async with self._database.read() as session:
            previews = Previews(session)
            preview = await previews.owned(preview_id, actor.kind.value, actor.id)
            if preview is None:
                raise NotFound("There is no such preview of yours.")
            if preview.used_at is not None:
                raise PreviewUsed
            expired = preview.expires_at <= await previews.now()
            ask = Ask.stored(preview.request)
            found = await check_statement(session, ask, actor)
        if expired:
            raise PreviewExpired("The preview was not executed in time.", *await self._fresh(actor, ask))
        changed = changes(Basis.of(preview.basis), found.basis(actor.roles, limits))
        if changed:
            raise await self._stale(actor, ask, changed)
        return Checked(preview, found, limits)

    async def _stale(self, actor: Actor, ask: Ask, changed: tuple[Change, ...]) -> StalePreview:
        detail = " ".join(change.message for change in changed)
        listed = [{"code": change.code, "message": change.message} for change in changed]
        return StalePreview(detail, *await self._fresh(actor, ask), changes=listed)

    async def _fresh(self, actor: Actor, ask: Ask) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """A fresh preview of the same ask, or the problem that stands in its way."""
        try:
            fresh = await PreviewService(self._resources).preview_again(actor, ask)
        except Problem as problem:
            return None, problem.document(None)
        return fresh.model_dump(mode="json"), None

    async def _run(self, actor: Actor, checked: Checked, kind: Format) -> QueryResult:
        execution = _execution(actor, checked.preview, kind)
        file = spool_file(self._resources.settings.home / "spool")
        started = time.monotonic()
        try:
            sql, names = checked.found.require_allowed(), checked.found.names
            async with open_statement(self._resources.query_login, sql, checked.limits, names) as prepared:
                estimate = await affordable(prepared, checked.found, checked.limits)
                columns = await prepared.columns()
                execution.estimated_rows = float(estimate.rows)
                started = time.monotonic()
                await completed(self._claim(actor, checked, execution))
                head = {"execution_id": str(execution.id), "preview_id": str(execution.preview_id)}
                spooling = Spooling(prepared, Form(kind, columns, file, checked.limits.max_bytes, head), checked.limits)
                await spooling.fill()
            answer = await self._complete(spooling, checked, execution, elapsed(started))
            await completed(self._record(execution.id, answer))
            _count_joins(checked.found)
        except BaseException as error:
            file.close()
            await completed(self._record_failure(actor, execution, error, elapsed(started)))
            raise
        return answer

    async def _complete(
        self, spooling: Spooling, checked: Checked, execution: QueryExecution, seconds: float
    ) -> QueryResult:
        labels = [f"{t.logical_name} (version {t.version}, {t.state})" for t in checked.found.verdict.tables]
        cut_by, estimated = spooling.cut_by, int(execution.estimated_rows)
        filled = await spooling.finish(
            {
                "row_count": spooling.rows,
                "truncated": cut_by is not None,
                "truncated_by": cut_by,
                "seconds": seconds,
                "explanation": presentation.explanation(spooling.rows, labels, estimated, cut_by),
            }
        )
        return QueryResult(execution.id, spooling.form.kind, spooling.form.file, filled, checked.limits, seconds)

    async def _claim(self, actor: Actor, checked: Checked, execution: QueryExecution) -> None:
        async def claim(session: WriteSession) -> None:
            previews = PreviewWrites(session)
            if not await previews.claim(checked.preview.id):
                raise PreviewUsed
            execution.started_at = await previews.now()
            await ExecutionWrites(session).add(execution)
            tables = [f"{table.logical_name}@{table.version}" for table in checked.found.verdict.tables]
            await AuditTrail(session).append(
                actor,
                QueryAction.EXECUTED,
                "query-preview",
                checked.preview.id,
                after={
                    "execution": str(execution.id),
                    "sql_hash": execution.sql_hash,
                    "tables": tables,
                    "format": execution.format,
                },
            )

        async with self._database.write(OperationClass.RECORD) as session:
            await claim(session)

    async def _record(self, execution_id: UUID, answer: QueryResult) -> None:
        async def record(session: WriteSession) -> None:
            await ExecutionWrites(session).finish(
                execution_id,
                outcome="succeeded",
                seconds=answer.seconds,
                rows=answer.filled.rows,
                bytes=answer.filled.bytes,
                truncated=answer.filled.cut_by is not None,
            )

        await self._database.run(record, OperationClass.RECORD)

    async def _record_failure(
        self, actor: Actor, execution: QueryExecution, error: BaseException, seconds: float
    ) -> None:
        cancelled = isinstance(error, asyncio.CancelledError)
        code = "client-closed" if cancelled else error.code if isinstance(error, Problem) else UNEXPECTED

        async def record(session: WriteSession) -> None:
            ended = await ExecutionWrites(session).finish(
                execution.id, outcome="cancelled" if cancelled else "failed", seconds=seconds, error_code=code
            )
            if ended:  # a claim that was refused has left nothing to record
                await AuditTrail(session).append(
                    actor,
                    QueryAction.EXECUTED,
                    "query-preview",
                    execution.preview_id,
                    after={"execution": str(execution.id), "error_code": code},
                    outcome="failure",
                )

        try:
            await self._database.run(record, OperationClass.RECORD)
        except (Problem, SQLAlchemyError, OSError) as failed:
            # What made the execution fail is what its caller is told; the row goes on saying `running`.
            log.warning("a failure could not be recorded", extra={"error": type(failed).__name__, "code": code})


def _count_joins(found: CheckedStatement) -> None:
    for join in found.verdict.joins:
        if join.join_id is not None:
            JOIN_USAGE.labels(str(join.join_id)).inc()


def _execution(actor: Actor, preview: QueryPreview, kind: Format) -> QueryExecution:
    return QueryExecution(
        id=new_id(),
        preview_id=preview.id,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        actor_label=actor.label,
        sql_hash=preview.sql_hash,
        format=kind.value,
        outcome="running",
    )
