"""Holds a statement against the guard with the tables that the caller may read now: the one door to `guard.examine`."""

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Any

from app.catalog.tables.service import QueriedTableNotFound
from app.kernel.db.database import ReadSession
from app.kernel.problems import Fault, Forbidden, InvalidRequest, Problem
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import Actor, Permission
from app.kernel.telemetry.metrics import QUERY_GUARDRAILS
from app.query import presentation
from app.query.configuration import MAX_COST, STATEMENT_TIMEOUT_SECONDS
from app.query.guard.findings import GuardFinding, GuardVerdict
from app.query.guard.guard import GuardPolicy, check
from app.query.guard.relations import Catalog, RelationView
from app.query.results.estimates import Estimate
from app.query.results.limits import Limits, limits_for
from app.query.results.statements import Statement
from app.query.schemas import PreviewOptions
from app.query.staleness import Basis, TableBasis, shape_digest
from app.query.tables import Readable, not_found, readable, with_nearest

log = logging.getLogger(__name__)


class QueryRefused(InvalidRequest):
    """The guard does not let the statement through; `guardrails` says why, where, and what would pass."""

    code, title = "query-refused", "The statement is not allowed"

    def __init__(self, findings: tuple[GuardFinding, ...]) -> None:
        first = findings[0]
        super().__init__(
            first.message,
            faults=[Fault(pointer="/sql", code=finding.rule, message=finding.message) for finding in findings],
            guardrails=[refusal.model_dump() for refusal in presentation.refusals(findings)],
        )


class TooExpensive(Problem):
    """The planner expects more work than the caller's roles allow."""

    code, title, status = "too-expensive", "The query would cost too much", 422

    def __init__(self, estimate: Estimate, limits: Limits) -> None:
        super().__init__(
            f"Its estimated cost {estimate.cost:,.0f} is above {limits.max_cost:,.0f}, the ceiling of your roles. "
            "Read less: filter, or join on equal columns.",
            estimate={"rows": estimate.rows, "cost": estimate.cost, "bytes": estimate.bytes},
            ceiling=limits.max_cost,
        )


class PlanMismatch(Problem):
    """PostgreSQL would read other relations than the guard has checked."""

    code, title, status = "plan-mismatch", "The statement would read something else", 422


@dataclass(frozen=True, slots=True)
class Ask:
    """A statement, and what its sender lets it do."""

    sql: str
    include_deprecated: frozenset[str] = frozenset()
    override_joins: str | None = None

    @classmethod
    def of(cls, sql: str, options: PreviewOptions, actor: Actor) -> "Ask":
        """The ask of a request. Raises `Forbidden` when it overrides joins without the permission to."""
        if options.override_joins is not None and not actor.may(Permission.QUERY_OVERRIDE_JOINS):
            raise Forbidden(
                f"Overriding joins needs the permission {Permission.QUERY_OVERRIDE_JOINS}.",
                missing=[Permission.QUERY_OVERRIDE_JOINS.value],
            )
        return cls(sql, frozenset(options.include_deprecated), options.override_joins)

    def document(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "sql": self.sql,
            "include_deprecated": sorted(self.include_deprecated),
            "override_joins": self.override_joins,
        }

    @classmethod
    def stored(cls, document: dict[str, Any]) -> "Ask":
        """The ask within a stored document."""
        return cls(document["sql"], frozenset(document["include_deprecated"]), document["override_joins"])


@dataclass(frozen=True, slots=True)
class CheckedStatement:
    """The guard's verdict, and the relations that it was reached on."""

    verdict: GuardVerdict
    readable: Readable
    missing: QueriedTableNotFound | None = None
    """The problem of the names in FROM that are no readable table."""

    @property
    def relations(self) -> tuple[RelationView, ...]:
        """The relations that an allowed statement reads."""
        return tuple(self.readable.relations[table.logical_name] for table in self.verdict.tables)

    @property
    def names(self) -> dict[str, str]:
        """Physical relation names and the logical ones that people know."""
        return {relation.relation: relation.logical_name for relation in self.relations}

    def require_allowed(self) -> str:
        """The regenerated text. Raises `QueriedTableNotFound` or `QueryRefused`."""
        if self.verdict.allowed and self.verdict.sql is not None:
            return self.verdict.sql
        for finding in self.verdict.findings:
            QUERY_GUARDRAILS.labels(finding.rule).inc()
        raise self.missing or QueryRefused(self.verdict.findings)

    def basis(self, roles: frozenset[str], limits: Limits) -> Basis:
        """What a preview of it is bound to."""
        return Basis(
            sql_hash=self.verdict.sql_hash or "",
            tables=tuple(_table_basis(relation) for relation in self.relations),
            roles=tuple(sorted(roles)),
            limits=limits,
        )


def _table_basis(relation: RelationView) -> TableBasis:
    return TableBasis(
        table_id=str(relation.table_id),
        name=relation.logical_name,
        version=relation.version,
        relation=f"{relation.schema}.{relation.relation}",
        shape=shape_digest((column.name, column.type) for column in relation.columns),
    )


async def check_statement(session: ReadSession, ask: Ask, actor: Actor) -> CheckedStatement:
    """The guard's verdict on the statement, on the tables as they are now."""
    found = await readable(session, ask.sql, ask.include_deprecated)
    policy = GuardPolicy(join_override_rationale=ask.override_joins)
    # In a thread: a statement of the largest size takes the parser long enough to hold up every other request.
    verdict = await asyncio.to_thread(check, ask.sql, Catalog(found.relations), policy)
    missing = await not_found(session, verdict.findings, ask.include_deprecated, actor)
    if missing is not None:
        verdict = replace(verdict, findings=with_nearest(verdict.findings, missing))
    return CheckedStatement(verdict, found, missing)


def limits_of(actor: Actor, resources: Resources) -> Limits:
    """The caller's limits now."""
    seconds, cost = resources.configured(STATEMENT_TIMEOUT_SECONDS), resources.configured(MAX_COST)
    return limits_for(actor.roles, seconds, cost)


async def affordable(statement: Statement, found: CheckedStatement, limits: Limits) -> Estimate:
    """The planner's estimate of an allowed statement.

    Raises:
        PlanMismatch: the plan reads a relation that the guard has not seen.
        TooExpensive: its cost is above the caller's ceiling.
    """
    estimate = await statement.estimate()
    known = frozenset((relation.schema, relation.relation) for relation in found.relations)
    outside = estimate.relations - known
    if outside and outside - await statement.stands_for(sorted(known)):
        QUERY_GUARDRAILS.labels(PlanMismatch.code).inc()
        log.error("a plan reads what the guard has not seen", extra={"sql_hash": found.verdict.sql_hash})
        raise PlanMismatch("PostgreSQL would read other tables than those that were checked.")
    if estimate.cost > limits.max_cost:
        QUERY_GUARDRAILS.labels(TooExpensive.code).inc()
        raise TooExpensive(estimate, limits)
    return estimate
