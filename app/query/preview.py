"""Use cases before an execution: preview a statement, hold one against the guard, look at a preview again."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from app.audit.log.actions import Verb
from app.audit.log.service import AuditTrail
from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.problems import NotFound, Problem
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor
from app.kernel.telemetry.metrics import QUERY_GUARDRAILS, QUERY_LATENCY, QUERY_PREVIEWS_VIEWED, metrics_timer
from app.query import presentation
from app.query.check_statement import Ask, CheckedStatement, affordable, check_statement, limits_of
from app.query.configuration import PREVIEW_LIFETIME_SECONDS
from app.query.models import QueryPreview
from app.query.repository import Previews, PreviewWrites
from app.query.results.columns import ResultColumn
from app.query.results.estimates import Estimate
from app.query.results.limits import Limits
from app.query.results.statements import open_statement
from app.query.schemas import (
    ColumnDocument,
    EstimateDocument,
    PreviewAnswer,
    PreviewDocument,
    PreviewOptions,
    PreviewRequest,
    PreviewState,
    ValidationDocument,
)
from app.query.staleness import Basis


class QueryAction(StrEnum):
    """What the audit log calls what is done here."""

    PREVIEWED = "query:preview"
    EXECUTED = "query:execute"
    JOINS_OVERRIDDEN = "query:override-joins"


class CannotAnswer(Problem):
    """A question in words, where nothing understands words."""

    code, title, status = "cannot-answer", "The question cannot be answered", 422


@dataclass(frozen=True, slots=True)
class Draft:
    """A preview that is not kept yet."""

    answer: PreviewAnswer
    basis: Basis
    estimate: Estimate


class PreviewService:
    """Previews statements for an actor."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._database = resources.database

    async def preview(self, actor: Actor, request: PreviewRequest) -> PreviewDocument:
        """A fresh preview, kept.

        Raises:
            CannotAnswer: the question is in words.
            TableNotFoundError, QueryRefused, TooExpensive: the statement may not run.
            QueryFailed: PostgreSQL does not understand it.
        """
        if request.sql is None:
            raise CannotAnswer(
                "The language engine is not installed, so questions in words have no answer. Ask in SQL: "
                '{"sql": "SELECT …"}.'
            )
        return await self.preview_again(actor, Ask.of(request.sql, request.options, actor))

    @metrics_timer(QUERY_LATENCY, "preview")
    async def preview_again(self, actor: Actor, ask: Ask) -> PreviewDocument:
        """A fresh preview of an ask, kept. Raises what `preview` raises."""
        draft = await self._draft(actor, ask)
        kept = await self._database.run(lambda session: self._keep(session, actor, ask, draft), OperationClass.RECORD)
        QUERY_PREVIEWS_VIEWED.inc()
        return kept

    async def validate(self, actor: Actor, sql: str, options: PreviewOptions) -> ValidationDocument:
        """The guard's verdict alone; nothing is planned, run or kept."""
        async with self._database.read() as session:
            found = await check_statement(session, Ask.of(sql, options, actor), actor)
        verdict = found.verdict
        for finding in verdict.findings:
            QUERY_GUARDRAILS.labels(finding.rule).inc()
        return ValidationDocument(
            allowed=verdict.allowed,
            sql=presentation.logical_sql(verdict.sql, found.relations) if verdict.sql is not None else None,
            guardrails=presentation.refusals(verdict.findings),
            tables=presentation.tables(verdict),
            joins=presentation.joins(verdict),
            warnings=list(verdict.warnings),
        )

    async def view(self, actor: Actor, preview_id: UUID) -> PreviewDocument:
        """The actor's own preview as it was answered. Raises `NotFound`."""
        async with self._database.read() as session:
            previews = Previews(session)
            row = await previews.owned(preview_id, actor.kind.value, actor.id)
            if row is None:
                raise NotFound("There is no such preview of yours.")
            document = _document(row, expired=row.expires_at <= await previews.now())
        QUERY_PREVIEWS_VIEWED.inc()
        return document

    async def _draft(self, actor: Actor, ask: Ask) -> Draft:
        async with self._database.read() as session:
            found = await check_statement(session, ask, actor)
        sql = found.require_allowed()
        limits = limits_of(actor, self._resources)
        async with open_statement(self._resources.query_login, sql, limits, found.names) as prepared:
            columns = await prepared.columns()
            estimate = await affordable(prepared, found, limits)
        return Draft(_answer(sql, found, limits, estimate, columns), found.basis(actor.roles, limits), estimate)

    async def _keep(self, session: WriteSession, actor: Actor, ask: Ask, draft: Draft) -> PreviewDocument:
        previews = PreviewWrites(session)
        now = await previews.now()
        row = await previews.add(
            QueryPreview(
                owner_kind=actor.kind.value,
                owner_id=actor.id,
                owner_label=actor.label,
                request=ask.document(),
                sql_hash=draft.basis.sql_hash,
                basis=draft.basis.document(),
                answer=draft.answer.model_dump(mode="json"),
                estimated_rows=float(draft.estimate.rows),
                estimated_cost=draft.estimate.cost,
                created_at=now,
                expires_at=now + timedelta(seconds=self._resources.configured(PREVIEW_LIFETIME_SECONDS)),
            )
        )
        await self._audit(session, actor, ask, row)
        return _document(row, expired=False)

    async def _audit(self, session: WriteSession, actor: Actor, ask: Ask, row: QueryPreview) -> None:
        trail = AuditTrail(session)
        told = {"sql_hash": row.sql_hash}
        await trail.append(actor, QueryAction.PREVIEWED, "query-preview", row.id, after=told)
        if ask.override_joins is not None:
            told["rationale"] = ask.override_joins
            await trail.append(
                actor, QueryAction.JOINS_OVERRIDDEN, "query-preview", row.id, after=told, verb=Verb.APPROVE
            )


def _answer(
    sql: str, found: CheckedStatement, limits: Limits, estimate: Estimate, columns: tuple[ResultColumn, ...]
) -> PreviewAnswer:
    verdict = found.verdict
    return PreviewAnswer(
        sql=presentation.logical_sql(sql, found.relations),
        sql_hash=verdict.sql_hash or "",
        tables=presentation.tables(verdict),
        columns=[ColumnDocument(name=column.name, type=column.type_name) for column in columns],
        joins=presentation.joins(verdict),
        assumptions=presentation.assumptions(verdict),
        guardrails=presentation.bounds(limits, estimate),
        estimate=EstimateDocument(rows=estimate.rows, cost=estimate.cost, bytes=estimate.bytes),
        warnings=presentation.warnings(verdict, limits, estimate),
        confidence=1.0,
        alternatives=[],
    )


def _document(row: QueryPreview, *, expired: bool) -> PreviewDocument:
    state = PreviewState.USED if row.used_at else PreviewState.EXPIRED if expired else PreviewState.READY
    return PreviewDocument.model_validate(
        {**row.answer, "preview_id": row.id, "state": state, "created_at": row.created_at, "expires_at": row.expires_at}
    )
