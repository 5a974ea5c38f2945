"""Use cases before an execution: preview a statement, hold one against the guard, look at a preview again."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID

from app.audit.log.actions import Verb
from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import OperationClass, ReadSession, Units, WriteSession
from app.kernel.db.query_login import QueryLogin
from app.kernel.language_model.endpoint import ModelEndpoint
from app.kernel.problems import NotFound, Problem
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.security.authorization import Actor
from app.kernel.tabular.rendering import Column
from app.kernel.telemetry.metrics import QUERY_GUARDRAILS, QUERY_LATENCY, QUERY_PREVIEWS_VIEWED, metrics_timer
from app.query import presentation
from app.query.actions import QueryAction
from app.query.check_statement import CheckedStatement, QueryRequest, check_statement, limits_of, require_affordable
from app.query.configuration import PREVIEW_LIFETIME_SECONDS
from app.query.models import QueryPreview
from app.query.proposals.outcome import NoProposal
from app.query.proposals.service import Proposals
from app.query.questions.answers import ReadQuestion
from app.query.questions.cache import QuestionCache
from app.query.questions.service import CannotAnswer, Questions
from app.query.repository import PreviewReads, PreviewWrites
from app.query.results.estimates import Estimate
from app.query.results.limits import Limits
from app.query.results.statements import open_statement
from app.query.schemas import (
    AlternativeDocument,
    EstimateDocument,
    PreviewAnswer,
    PreviewOptions,
    PreviewRequest,
    PreviewState,
    QueryColumnDocument,
    QueryPreviewDocument,
    ReadBy,
    TermDocument,
    ValidationDocument,
    WordDocument,
)
from app.query.staleness import PreviewBasis


class PreviewNotFound(NotFound):
    """There is no such preview of the caller's."""

    def __init__(self) -> None:
        super().__init__("There is no such preview of yours.")


async def own_preview(session: ReadSession, actor: Actor, preview_id: UUID) -> tuple[QueryPreview, bool]:
    """The actor's own preview, and whether it has expired. Raises `PreviewNotFound`."""
    previews = PreviewReads(session)
    preview = await previews.owned(preview_id, actor.kind.value, actor.id)
    if preview is None:
        raise PreviewNotFound
    return preview, preview.expires_at <= await previews.now()


@dataclass(frozen=True, slots=True)
class Draft:
    """A preview of an actor's request, which is not kept yet."""

    actor: Actor
    query: QueryRequest
    basis: PreviewBasis
    answer: PreviewAnswer

    def row(self, created_at: datetime, expires_at: datetime) -> QueryPreview:
        """The row of the preview."""
        return QueryPreview(
            owner_kind=self.actor.kind.value,
            owner_id=self.actor.id,
            owner_label=self.actor.label,
            request=self.query.document(),
            sql_hash=self.basis.sql_hash,
            basis=self.basis.document(),
            answer=self.answer.model_dump(mode="json"),
            estimated_rows=float(self.answer.estimate.rows),
            estimated_cost=self.answer.estimate.cost,
            created_at=created_at,
            expires_at=expires_at,
        )


class PreviewService:
    """Previews statements for an actor."""

    def __init__(
        self,
        units: Units,
        query_login: QueryLogin,
        configuration: ConfigurationInForce,
        clock: Clock,
        cache: QuestionCache,
        model: ModelEndpoint,
    ) -> None:
        self._units, self._query_login, self._configuration = units, query_login, configuration
        self._questions = Questions(units, configuration, clock, cache, Proposals(model, configuration))

    async def preview(self, actor: Actor, request: PreviewRequest) -> QueryPreviewDocument:
        """A fresh preview, kept.

        Raises:
            CannotAnswer: the question cannot be read with certainty.
            QueriedTableNotFound, QueryRefused, TooExpensive: the statement may not run.
            QueryFailed: PostgreSQL does not understand it.
        """
        query = QueryRequest.of(request.sql or "", request.options, actor)
        return await self.again(actor, replace(query, question=request.query))

    async def again(self, actor: Actor, query: QueryRequest) -> QueryPreviewDocument:
        """A fresh preview of a request, kept; a question is read anew. Raises what `preview` raises."""
        if query.question is None:
            return await self._kept(await self.draft(actor, query))
        read = await self._questions.read(query.question, actor)
        query = replace(query, sql=read.sql)
        if read.proposal is None:
            return await self._kept(await self.draft(actor, query, read))
        try:
            return await self._kept(await self.draft(actor, query, read))
        except Problem as problem:
            if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            refused = NoProposal.refused(problem)
            raise CannotAnswer(read.proposal.refusal, refused) from None  # the problem's texts quote the model

    @metrics_timer(QUERY_LATENCY, "preview")
    async def draft(self, actor: Actor, query: QueryRequest, read: ReadQuestion | None = None) -> Draft:
        """A preview that is not kept yet; `read` says how its question was read. Raises what `preview` raises."""
        checked = await check_statement(self._units, self._configuration, query, actor)
        sql, limits = checked.require_allowed(), limits_of(actor, self._configuration)
        async with open_statement(self._query_login, sql, limits, checked.names) as prepared:
            columns = await prepared.columns()
            estimate = await require_affordable(prepared, checked, limits)
        basis = checked.basis(actor.roles, limits, read.terms if read is not None else ())
        answer = _answer(sql, checked, limits, estimate, columns)
        return Draft(actor, query, basis, answer if read is None else _understood(answer, query, read, basis))

    async def _kept(self, draft: Draft) -> QueryPreviewDocument:
        kept = await self._units.run(lambda session: self.keep(session, draft), OperationClass.RECORD)
        QUERY_PREVIEWS_VIEWED.inc()
        return kept

    async def keep(self, session: WriteSession, draft: Draft) -> QueryPreviewDocument:
        """The preview, kept in the transaction: its owner can execute it."""
        previews, trail, query = PreviewWrites(session), AuditTrail(session), draft.query
        now = await previews.now()
        expires_at = now + timedelta(seconds=self._configuration.value(PREVIEW_LIFETIME_SECONDS))
        row = await previews.add(draft.row(now, expires_at))
        after = {"sql_hash": row.sql_hash} | ({"read_by": draft.answer.read_by.value} if draft.answer.read_by else {})
        await trail.append(draft.actor, QueryAction.PREVIEWED, "query-preview", row.id, after=after)
        if query.override_joins is not None:
            after["rationale"] = query.override_joins
            action = QueryAction.JOINS_OVERRIDDEN
            await trail.append(draft.actor, action, "query-preview", row.id, after=after, verb=Verb.APPROVE)
        return _document(row, expired=False)

    async def validate(self, actor: Actor, sql: str, options: PreviewOptions) -> ValidationDocument:
        """The guard's verdict alone; nothing is planned, run or kept."""
        checked = await check_statement(self._units, self._configuration, QueryRequest.of(sql, options, actor), actor)
        verdict = checked.verdict
        for finding in verdict.findings:
            QUERY_GUARDRAILS.labels(finding.rule).inc()
        return ValidationDocument(
            allowed=verdict.allowed,
            sql=presentation.logical_sql(verdict.sql, checked.relations) if verdict.sql is not None else None,
            guardrails=presentation.refusals(verdict.findings),
            tables=presentation.tables(verdict),
            joins=presentation.joins(verdict, checked.accepted),
            warnings=presentation.warnings(verdict, checked.accepted),
            fan_outs=presentation.fan_outs(verdict),
        )

    async def view(self, actor: Actor, preview_id: UUID) -> QueryPreviewDocument:
        """The actor's own preview as it was answered. Raises `PreviewNotFound`."""
        async with self._units.read() as session:
            preview, expired = await own_preview(session, actor, preview_id)
        QUERY_PREVIEWS_VIEWED.inc()
        return _document(preview, expired=expired)


def _answer(
    sql: str, checked: CheckedStatement, limits: Limits, estimate: Estimate, columns: tuple[Column, ...]
) -> PreviewAnswer:
    verdict = checked.verdict
    return PreviewAnswer(
        sql=presentation.logical_sql(sql, checked.relations),
        sql_hash=verdict.sql_hash or "",
        tables=presentation.tables(verdict),
        columns=[QueryColumnDocument(name=column.name, type=column.type) for column in columns],
        joins=presentation.joins(verdict, checked.accepted),
        assumptions=presentation.assumptions(verdict),
        guardrails=presentation.bounds(limits, estimate),
        estimate=EstimateDocument(rows=estimate.rows, cost=estimate.cost, bytes=estimate.bytes),
        warnings=[*presentation.warnings(verdict, checked.accepted), *presentation.cuts(limits, estimate)],
        fan_outs=presentation.fan_outs(verdict),
        confidence=1.0,
        alternatives=[],
    )


def _understood(answer: PreviewAnswer, query: QueryRequest, read: ReadQuestion, basis: PreviewBasis) -> PreviewAnswer:
    """The answer with the question, and how that was read."""
    return answer.model_copy(
        update={
            "question": query.question,
            "read_by": ReadBy.RULES if read.proposal is None else ReadBy.LANGUAGE_MODEL,
            "understood": [WordDocument.of(word) for word in read.words],
            "terms": [TermDocument.model_validate(term, from_attributes=True) for term in basis.terms],
            "assumptions": [*read.assumptions, *answer.assumptions],
            "alternatives": [AlternativeDocument.of(each) for each in read.alternatives],
            "confidence": read.confidence,
        }
    )


def _document(row: QueryPreview, *, expired: bool) -> QueryPreviewDocument:
    state = PreviewState.USED if row.used_at else PreviewState.EXPIRED if expired else PreviewState.READY
    return QueryPreviewDocument.model_validate(
        {**row.answer, "preview_id": row.id, "state": state, "created_at": row.created_at, "expires_at": row.expires_at}
    )
