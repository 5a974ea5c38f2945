"""Use cases of execution: run a preview once, list executions.

Claim and commit, run with no control session open, record how it ended. A preview is used once its statement runs, also
when it fails; whatever refuses it before leaves it as it was.
"""

import asyncio
import logging
import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import IO, Any, Final
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.catalog.joins.service import JoinUsage
from app.kernel.db.database import OperationClass, Units, WriteSession
from app.kernel.db.failures import FAILURES
from app.kernel.db.query_login import QueryLogin
from app.kernel.ids import new_id
from app.kernel.paging import Page, PageRequest
from app.kernel.problems import Conflict, Problem
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM, Actor, Permission
from app.kernel.tabular.csv_style import CsvStyle
from app.kernel.telemetry.metrics import QUERY_LATENCY, metrics_timer
from app.query import presentation
from app.query.actions import QueryAction
from app.query.check_statement import CheckedStatement, QueryRequest, check_statement, limits_of, require_affordable
from app.query.configuration import STATEMENT_TIMEOUT_SECONDS
from app.query.models import QueryExecution, QueryPreview
from app.query.preview import PreviewService, own_preview
from app.query.questions.service import Questions
from app.query.repository import ExecutionReads, ExecutionWrites, PreviewWrites
from app.query.results.encoders import ResultTarget
from app.query.results.estimates import Estimate
from app.query.results.formats import Format
from app.query.results.limits import Limits
from app.query.results.result_spool import ResultExtent, ResultSpool, completed, elapsed, spool_file
from app.query.results.statements import open_statement
from app.query.staleness import PreviewBasis, changes
from app.settings import Settings

log = logging.getLogger(__name__)

UNEXPECTED: Final = "unavailable"
"""Error code of an execution which failed by no fault of its own."""


class PreviewUsed(Conflict):
    """The preview was executed before."""

    code, title = "preview-used", "The preview has been executed"

    def __init__(self) -> None:
        super().__init__("A preview is executed once, also when it fails. Preview the statement again.")


class PreviewExpired(Conflict):
    """The preview's time is over. Brings a fresh preview, or the refusal of one."""

    code, title = "preview-expired", "The preview has expired"


class StalePreview(Conflict):
    """The basis of the preview has changed. Brings a fresh preview, or the refusal of one."""

    code, title = "stale-preview", "The preview is stale"


LOST: Final = "process-lost"
"""Error code of an execution whose process died before it could record an end."""

LOST_AFTER_LIMIT: Final = timedelta(minutes=15)
"""Time, beyond the statement's, that encoding the answer and recording its end may take at the very most."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """A complete result, in a file that whoever sends it closes."""

    execution_id: UUID
    format: Format
    file: IO[bytes]
    extent: ResultExtent
    limits: Limits
    seconds: float


@dataclass(frozen=True, slots=True)
class ExecutablePreview:
    """A preview that may run now, its statement as checked now, and the caller's limits."""

    preview: QueryPreview
    checked: CheckedStatement
    limits: Limits

    @property
    def joins(self) -> tuple[tuple[str, int], ...]:
        """Ids and versions of the accepted joins that it shows: those are what it uses, also if another fits by now."""
        return tuple((join.join_id, join.version) for join in PreviewBasis.of(self.preview.basis).joins)


class ExecuteService:
    """Executes previews for an actor."""

    def __init__(
        self,
        units: Units,
        query_login: QueryLogin,
        configuration: ConfigurationInForce,
        settings: Settings,
        resources: Resources,
    ) -> None:
        self._units, self._query_login, self._configuration = units, query_login, configuration
        self._previews, self._questions = resources.build(PreviewService), resources.build(Questions)
        self._spool = settings.home / "spool"

    @metrics_timer(QUERY_LATENCY, "execute")
    async def execute(self, actor: Actor, preview_id: UUID, form: Format, csv: CsvStyle) -> QueryResult:
        """The whole result of the actor's own preview.

        When the call is cancelled, the statement is cancelled in PostgreSQL and the execution recorded as such.

        Raises:
            PreviewNotFound: there is no such preview of the actor's.
            PreviewUsed, PreviewExpired, StalePreview: it may not run any more; the last two bring a fresh one.
            QueryFailed, QueryTimeout, QueryCancelled, TooExpensive, NotRepresentable: it did not end well.
        """
        return await self._run(actor, await self.check(actor, preview_id), form, csv)

    async def page(self, actor: Actor, request: PageRequest) -> Page[QueryExecution]:
        """The actor's executions, newest first; everybody's for who may read the audit log."""
        owner = None if actor.may(Permission.AUDIT_READ) else (actor.kind.value, actor.id)
        async with self._units.read() as session:
            return await ExecutionReads(session).of(owner, request)

    async def end_lost(self) -> int:
        """How many executions had lost their process and are failed now."""
        longest = timedelta(seconds=self._configuration.value(STATEMENT_TIMEOUT_SECONDS)) + LOST_AFTER_LIMIT

        async def lose(session: WriteSession) -> int:
            lost = await ExecutionWrites(session).lose(longest, LOST)
            for id_ in lost:
                after = {"execution": str(id_), "error_code": LOST}
                await AuditTrail(session).append(
                    SYSTEM, QueryAction.EXECUTED, "query-execution", id_, after=after, outcome="failure"
                )
            return len(lost)

        return await self._units.run(lose, OperationClass.RECORD)

    async def check(self, actor: Actor, preview_id: UUID) -> ExecutablePreview:
        """The actor's own preview, when it may run now. Raises as `execute` does before the statement runs."""
        limits = limits_of(actor, self._configuration)
        async with self._units.read() as session:
            preview, expired = await own_preview(session, actor, preview_id)
            if preview.used_at is not None:
                raise PreviewUsed
        query = QueryRequest.stored(preview.request)
        checked = await check_statement(self._units, self._configuration, query, actor)
        if expired:
            raise PreviewExpired("The preview was not executed in time.", **await self._fresh(actor, query))
        terms = await self._questions.terms(query.question, actor) if query.question is not None else ()
        now = checked.basis(actor.roles, limits, terms)
        changed = changes(PreviewBasis.of(preview.basis), now, checked.joins_in_force)
        if changed:
            detail = " ".join(change.message for change in changed)
            raise StalePreview(detail, **await self._fresh(actor, query), changes=[asdict(each) for each in changed])
        return ExecutablePreview(preview, checked, limits)

    async def _fresh(self, actor: Actor, query: QueryRequest) -> dict[str, Any]:
        """A fresh preview of the same question or statement, or the problem that stands in its way."""
        try:
            fresh = await self._previews.again(actor, query)
        except Problem as problem:
            return {"preview": None, "refusal": problem.document(None)}
        return {"preview": fresh.model_dump(mode="json"), "refusal": None}

    async def _run(self, actor: Actor, executable: ExecutablePreview, form: Format, csv: CsvStyle) -> QueryResult:
        checked, limits = executable.checked, executable.limits
        execution = execution_of(executable.preview, actor.label, form.value, outcome="running")
        file = spool_file(self._spool)
        started = time.monotonic()
        try:
            async with open_statement(self._query_login, checked.require_allowed(), limits, checked.names) as prepared:
                estimate = await require_affordable(prepared, checked, limits)
                columns = await prepared.columns()
                execution.estimated_rows = float(estimate.rows)
                started = time.monotonic()
                await completed(self._claim(actor, executable, execution))
                head = {"execution_id": str(execution.id), "preview_id": str(execution.preview_id)}
                target = ResultTarget(form, columns, file, limits.max_bytes, head, csv)
                spool = ResultSpool(prepared, target, limits)
                await spool.fill()
            seconds = elapsed(started)
            extent = await spool.finish(_summary(spool, checked, estimate, seconds))
            await completed(self._record(execution.id, extent, seconds))
        except BaseException as error:
            file.close()
            await completed(self._record_failure(actor, execution, error, elapsed(started)))
            raise
        return QueryResult(execution.id, form, file, extent, limits, seconds)

    async def _claim(self, actor: Actor, executable: ExecutablePreview, execution: QueryExecution) -> None:
        async with self._units.write(OperationClass.RECORD) as session:
            previews = PreviewWrites(session)
            if not await previews.claim(execution.preview_id):
                raise PreviewUsed
            execution.started_at = await previews.now()
            await ExecutionWrites(session).add(execution)
            await JoinUsage(session).record(execution.id, executable.joins, execution.started_at)
            after = {
                "execution": str(execution.id),
                "sql_hash": execution.sql_hash,
                "tables": executable.checked.table_versions,
                "format": execution.format,
            }
            trail = AuditTrail(session)
            await trail.append(actor, QueryAction.EXECUTED, "query-preview", execution.preview_id, after=after)

    async def _record(self, execution_id: UUID, extent: ResultExtent, seconds: float) -> None:
        async def record(session: WriteSession) -> None:
            await ExecutionWrites(session).finish(
                execution_id,
                outcome="succeeded",
                seconds=seconds,
                rows=extent.rows,
                bytes=extent.bytes,
                truncated=extent.cut_by is not None,
            )

        await self._units.run(record, OperationClass.RECORD)

    async def _record_failure(
        self, actor: Actor, execution: QueryExecution, error: BaseException, seconds: float
    ) -> None:
        cancelled = isinstance(error, asyncio.CancelledError)
        code = "client-closed" if cancelled else error.code if isinstance(error, Problem) else UNEXPECTED
        outcome, after = "cancelled" if cancelled else "failed", {"execution": str(execution.id), "error_code": code}

        async def record(session: WriteSession) -> None:
            ended = await ExecutionWrites(session).finish(
                execution.id, outcome=outcome, seconds=seconds, error_code=code
            )
            if ended:  # a claim that was refused has left nothing to record
                trail, preview_id = AuditTrail(session), execution.preview_id
                await trail.append(
                    actor, QueryAction.EXECUTED, "query-preview", preview_id, after=after, outcome="failure"
                )

        try:
            await self._units.run(record, OperationClass.RECORD)
        except FAILURES as failed:
            # What made the execution fail is what its caller is answered; the row goes on saying `running`.
            log.warning("a failure could not be recorded", extra={"error": type(failed).__name__, "code": code})


def _summary(spool: ResultSpool, checked: CheckedStatement, estimate: Estimate, seconds: float) -> dict[str, Any]:
    """The fields that JSON puts after the rows."""
    labels = [f"{table.logical_name} (version {table.version}, {table.state})" for table in checked.verdict.tables]
    return {
        "row_count": spool.rows,
        "truncated": spool.cut_by is not None,
        "truncated_by": spool.cut_by,
        "seconds": seconds,
        "explanation": presentation.explanation(spool.rows, labels, estimate.rows, spool.cut_by),
    }


def execution_of(preview: QueryPreview, label: str, form: str, **values: Any) -> QueryExecution:
    """The row of an execution of the preview by its owner, whose name is `label` now."""
    return QueryExecution(
        id=new_id(),
        preview_id=preview.id,
        actor_kind=preview.owner_kind,
        actor_id=preview.owner_id,
        actor_label=label,
        sql_hash=preview.sql_hash,
        format=form,
        **values,
    )
