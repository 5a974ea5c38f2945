"""Checks a statement with the tables that its sender may read now: the one door to the guard.

Every check of a statement, in order; each can only refuse. The numbered ones are the guard's.

| check | module: function | refused as, for example |
|---|---|---|
| may the sender override joins | here: `QueryRequest.of` | 403 |
| 1. size and encoding | `guard/check`: `_check_text` | `too-long`, `odd-character` |
| 2. tokens, as PostgreSQL scans them | `guard/scanner`: `scan` | `operator`, `parameter`, `string-escape` |
| 3. keyword or name, by `guard/keywords` | `guard/normalizer`: `normalize` | `keyword`, `multiple-statements` |
| 3. depth, number of tokens, bounds | `guard/normalizer`, `guard/token_rewriter` | `too-complex`, `limit-expression` |
| 3. types that are named | `guard/type_names`: `read_type` | `type-not-allowed`, `reg-cast` |
| 4. what PostgreSQL's own parser refuses | `guard/postgres_grammar`: `read` | `syntax` |
| 4. one query as a tree | `guard/dialect`: `parse`; `guard/grammar`: `check_depth` | `statement-kind`, `too-complex` |
| 5. nodes, by `guard/grammar`: `NODES` | `guard/grammar`: `check_nodes` | `construct-not-allowed` |
| 5. functions, by `guard/functions`: `ALLOWED` | `guard/grammar`: `_check_anonymous` | `function-not-allowed` |
| 5. sizes of what calls make | `guard/bounds`: `fault_of` | `series-bounds`, `unbounded-value` |
| 6. tables and columns | `guard/resolver`, `guard/scopes` | `unknown-table`, `unknown-column`, `system-relation` |
| 6. joins | the table below | |
| 6. how much work that is | `guard/scopes`: `Budget` | `too-complex` |
| 6. sizes of values, through all parts | `guard/sizes`: `Sizes` | `unbounded-value` |
| 7. PostgreSQL reads in it what the user's text says | `guard/postgres_grammar`: `difference` | `not-faithful` |
| missing tables, with the nearest of all names | `tables`: `not_found` | 404 `table-not-found` |
| missing conditions, with accepted joins | `joins/offers`: `join_offers` | as by the guard, with `offers` |
| what aggregates count twice, which is said and refuses nothing | `joins/fan_out/warning`: `warnings_of` | |
| the plan reads checked tables alone | here: `require_affordable` | `plan-mismatch` |
| the plan costs no more than the roles allow | here: `require_affordable` | `too-expensive` |
| the preview still holds, at its execution | `execute`: `check`; `staleness`: `changes` | `stale-preview` |
| time, memory and values, while it runs | `results/failures`: `problem_of` | `query-timeout`, `query-memory` |
| rows and bytes, while it runs | `results/result_spool`: `ResultSpool` | not refused: the answer is cut |

Every place that refuses a join:

| join | refused as | module: function |
|---|---|---|
| NATURAL, LATERAL of a subquery | `natural-join`, `lateral` | `guard/keywords`: `REFUSED` |
| JOIN without ON or USING | `unconstrained-join` | `guard/normalizer`: `_settle_join` |
| joins in brackets, FROM of anything but a table or query | `nested-join` | `guard/grammar`: `_check_source` |
| SEMI, ANTI and other kinds | `construct-not-allowed` | `guard/grammar`: `_check_join` |
| comma, CROSS, but for a function of an earlier source | `comma-join`, `cross-join` | `guard/resolver`: `_join` |
| two tables under one alias | `duplicate-alias` | `guard/scopes`: `Scope.add` |
| USING a column that a side lacks or has twice | `unknown-column`, `ambiguous-column` | `guard/scopes`: `Scope.merge` |
| ON that does not compare the two sides | `unconstrained-join` | `guard/join_rules`: `relate` |
| ON by a range between two long sides | `unconstrained-join` | `guard/join_rules`: `_is_lookup` |
| nobody accepted it, where that is required | `join-not-accepted` | `guard/check`: `_judge_joins` |
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from app.catalog.glossary.terms import Term
from app.catalog.tables.service import QueriedTableNotFound
from app.kernel.db.database import Units
from app.kernel.problems import Fault, Forbidden, InvalidRequest, Problem, Unavailable
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.security.authorization import Actor, Permission
from app.kernel.telemetry.metrics import QUERY_GUARDRAILS
from app.query import presentation
from app.query.configuration import MAX_COST, REQUIRE_ACCEPTED_JOINS, STATEMENT_TIMEOUT_SECONDS
from app.query.guard.check import GuardPolicy, check
from app.query.guard.findings import GuardFinding, GuardVerdict
from app.query.guard.relations import AcceptedJoin, Catalog, RelationView
from app.query.joins.fan_out.warning import warnings_of
from app.query.joins.in_force import joins_in_force
from app.query.joins.offers import RULES, join_offers, with_offers
from app.query.results.estimates import Estimate
from app.query.results.limits import Limits, limits_for
from app.query.results.statements import Statement
from app.query.schemas import PreviewOptions
from app.query.staleness import JoinBasis, PreviewBasis, TableBasis, bases_of, shape_digest
from app.query.tables import may_join, not_found, readable, with_nearest

log = logging.getLogger(__name__)

SHORT_CHARACTERS: Final = 2_000
"""Of the statements that people type; one takes 20 ms at most."""

MOST_WAITING: Final = 40
"""Of short and of long statements. The last of so many long ones waits for eight seconds."""


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
class QueryRequest:
    """A statement, and what its sender lets it do."""

    sql: str
    include_deprecated: frozenset[str] = frozenset()
    override_joins: str | None = None
    question: str | None = None
    """The words that the statement was made of; None of a statement that was sent."""

    @classmethod
    def of(cls, sql: str, options: PreviewOptions, actor: Actor) -> "QueryRequest":
        """The actor's request. Raises `Forbidden` when it overrides joins without the permission to."""
        if options.override_joins is not None and not actor.may(Permission.QUERY_OVERRIDE_JOINS):
            raise Forbidden(
                f"Overriding joins needs the permission {Permission.QUERY_OVERRIDE_JOINS}.",
                missing=[Permission.QUERY_OVERRIDE_JOINS.value],
            )
        return cls(sql, frozenset(options.include_deprecated), options.override_joins)

    def document(self) -> dict[str, Any]:
        """The request as it is stored."""
        return asdict(self) | {"include_deprecated": sorted(self.include_deprecated)}

    @classmethod
    def stored(cls, document: dict[str, Any]) -> "QueryRequest":
        """The request within a stored document."""
        deprecated = frozenset(document["include_deprecated"])
        return cls(document["sql"], deprecated, document["override_joins"], document.get("question"))


@dataclass(frozen=True, slots=True)
class CheckedStatement:
    """The guard's verdict, and the readable tables, by logical name, that it was reached on."""

    verdict: GuardVerdict
    readable: Mapping[str, RelationView]
    accepted: tuple[AcceptedJoin, ...] = ()
    """The joins in force between the readable tables."""
    missing: QueriedTableNotFound | None = None
    """The problem of the names in FROM that are no readable table."""

    @property
    def relations(self) -> tuple[RelationView, ...]:
        """The relations that an allowed statement reads."""
        return tuple(self.readable[table.logical_name] for table in self.verdict.tables)

    @property
    def names(self) -> dict[str, str]:
        """Physical relation names and the logical ones that people know."""
        return {relation.relation: relation.logical_name for relation in self.relations}

    @property
    def table_versions(self) -> list[str]:
        """The tables that an allowed statement reads, such as `flights@2`."""
        return [f"{table.logical_name}@{table.version}" for table in self.verdict.tables]

    @property
    def used_joins(self) -> tuple[tuple[str, int], ...]:
        """Ids and versions of the accepted joins that an allowed statement uses, each once, by id."""
        used = {str(join.join_id) for join in self.verdict.joins if join.join_id is not None}
        return tuple(sorted((str(join.join_id), join.version) for join in self.accepted if str(join.join_id) in used))

    @property
    def joins_in_force(self) -> dict[str, int]:
        """The versions of all accepted joins between the readable tables, by id."""
        return {str(join.join_id): join.version for join in self.accepted}

    def require_allowed(self) -> str:
        """The regenerated text. Raises `QueriedTableNotFound` or `QueryRefused`."""
        if self.verdict.allowed and self.verdict.sql is not None:
            return self.verdict.sql
        for finding in self.verdict.findings:
            QUERY_GUARDRAILS.labels(finding.rule).inc()
        raise self.missing or QueryRefused(self.verdict.findings)

    def basis(self, roles: frozenset[str], limits: Limits, terms: Sequence[Term] = ()) -> PreviewBasis:
        """What a preview of the statement is bound to; `terms` are those that its question was read by."""
        tables = tuple(_table_basis(relation) for relation in self.relations)
        joins = tuple(JoinBasis(join_id, version) for join_id, version in self.used_joins)
        read_by = bases_of(terms, (join.join_id for join in joins))
        return PreviewBasis(self.verdict.sql_hash or "", tables, tuple(sorted(roles)), limits, joins, read_by)


def _table_basis(relation: RelationView) -> TableBasis:
    return TableBasis(
        table_id=str(relation.table_id),
        name=relation.logical_name,
        version=relation.version,
        relation=f"{relation.schema}.{relation.relation}",
        shape=shape_digest((column.name, column.type) for column in relation.columns),
    )


class _Lane:
    """A thread that examines statements, and those who wait for it.

    A statement of the largest size takes the guard some 200 ms of processor time, and Python lets one thread compute at
    a time. So long statements wait for each other in one thread, short ones in another, and nothing else for either.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting = 0

    async def examine(self, sql: str, catalog: Catalog, policy: GuardPolicy) -> GuardVerdict:
        """The guard's verdict. Raises `Unavailable` when too many statements wait already."""
        if self._waiting >= MOST_WAITING:
            raise Unavailable("Too many statements wait to be examined.", retry_after_seconds=2)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, check, sql, catalog, policy, warnings_of)
        finally:
            self._waiting -= 1


_SHORT: Final = _Lane("short-statements")
_LONG: Final = _Lane("long-statements")


async def examine(sql: str, catalog: Catalog, policy: GuardPolicy) -> GuardVerdict:
    """The guard's verdict, in a thread of few. Raises `Unavailable` when too many statements wait already."""
    return await (_SHORT if len(sql) <= SHORT_CHARACTERS else _LONG).examine(sql, catalog, policy)


async def check_statement(
    units: Units, configuration: ConfigurationInForce, query: QueryRequest, actor: Actor
) -> CheckedStatement:
    """The guard's verdict on the statement, on the tables and accepted joins as they are now.

    No session is held while the statement is examined: those who wait for their turn keep no connection from others.

    Raises `Unavailable` when too many statements wait.
    """
    async with units.read() as session:
        tables = await readable(session, query.sql, query.include_deprecated)
        accepted = await joins_in_force(session, tables) if tables and may_join(query.sql) else ()
    policy = GuardPolicy(
        require_accepted_joins=configuration.value(REQUIRE_ACCEPTED_JOINS), join_override_rationale=query.override_joins
    )
    catalog = Catalog(tables, accepted)
    verdict = await examine(query.sql, catalog, policy)
    missing = None
    if any(finding.table is not None for finding in verdict.findings):
        async with units.read() as session:
            missing = await not_found(session, verdict.findings, query.include_deprecated, actor)
    if missing is not None:
        verdict = replace(verdict, findings=with_nearest(verdict.findings, missing))
    elif any(finding.rule in RULES for finding in verdict.findings):
        verdict = await _with_offers(verdict, query.sql, catalog, policy)
    return CheckedStatement(await _with_corrections(verdict, catalog, policy), tables, accepted, missing)


async def _with_corrections(verdict: GuardVerdict, catalog: Catalog, policy: GuardPolicy) -> GuardVerdict:
    """The verdict, whose corrected statements are all allowed: another one is left out, and the warning stays."""
    relations = list(catalog.relations.values())
    kept = []
    for found in verdict.fan_outs:
        shown = found.corrected and presentation.logical_sql(found.corrected, relations)
        allowed = shown is not None and (await examine(shown, catalog, policy)).allowed
        kept.append(replace(found, corrected=shown if allowed else None))
    return replace(verdict, fan_outs=tuple(kept)) if kept else verdict


async def _with_offers(verdict: GuardVerdict, sql: str, catalog: Catalog, policy: GuardPolicy) -> GuardVerdict:
    """The refusal with statements that are allowed and join by accepted joins, where there are any."""
    offers = join_offers(sql, catalog.joins)
    allowed = [offer for offer in offers if (await examine(offer.sql, catalog, policy)).allowed]
    return replace(verdict, findings=with_offers(verdict.findings, tuple(allowed)))


def limits_of(actor: Actor, configuration: ConfigurationInForce) -> Limits:
    """The caller's limits now."""
    return limits_for(actor.roles, configuration.value(STATEMENT_TIMEOUT_SECONDS), configuration.value(MAX_COST))


async def require_affordable(statement: Statement, checked: CheckedStatement, limits: Limits) -> Estimate:
    """The planner's estimate of an allowed statement.

    Raises:
        PlanMismatch: the plan reads a relation that the guard has not checked.
        TooExpensive: its cost is above the caller's ceiling.
    """
    estimate = await statement.estimate()
    known = frozenset((relation.schema, relation.relation) for relation in checked.relations)
    outside = estimate.relations - known
    if outside and outside - await statement.stands_for(sorted(known)):
        QUERY_GUARDRAILS.labels(PlanMismatch.code).inc()
        log.error("a plan reads what the guard has not seen", extra={"sql_hash": checked.verdict.sql_hash})
        raise PlanMismatch("PostgreSQL would read other tables than those that were checked.")
    if estimate.cost > limits.max_cost:
        QUERY_GUARDRAILS.labels(TooExpensive.code).inc()
        raise TooExpensive(estimate, limits)
    return estimate
