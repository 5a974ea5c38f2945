"""A verdict, an estimate and limits in the words that people are shown. Pure."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from app.query.guard.findings import GuardFinding, GuardVerdict, UsedJoin
from app.query.guard.relations import AcceptedJoin, RelationView
from app.query.joins.effects import cardinality_of, row_effect
from app.query.results.estimates import Estimate
from app.query.results.limits import MIB, Limits
from app.query.schemas import FanOutDocument, GuardrailDocument, JoinDocument, TableDocument

DEPRECATED: Final = "DEPRECATED"


def logical_sql(sql: str, relations: Sequence[RelationView]) -> str:
    """The regenerated text with logical names in place of physical ones; texts in quotes stay as they are."""
    physical = {f'"{relation.schema}"."{relation.relation}"': f'"{relation.logical_name}"' for relation in relations}
    parts = ["'(?:[^']|'')*'", *(re.escape(name) for name in physical)]
    return re.sub("|".join(parts), lambda match: physical.get(match.group(), match.group()), sql)


def refusals(findings: Sequence[GuardFinding]) -> list[GuardrailDocument]:
    """The documents of the guard's findings."""
    return [GuardrailDocument.model_validate(asdict(finding) | {"verdict": "refused"}) for finding in findings]


def bounds(limits: Limits, estimate: Estimate) -> list[GuardrailDocument]:
    """The rules that an allowed statement has passed, and the bounds that it will run within."""
    passed = {
        "one-read": "One query, which changes nothing.",
        "permitted-relations": "It reads permitted tables only.",
        "cost-ceiling": f"Its estimated cost {estimate.cost:,.0f} is within {limits.max_cost:,.0f}.",
    }
    applied = {
        "row-cap": f"At most {limits.max_rows:,} rows are answered.",
        "byte-cap": f"At most {limits.max_bytes / MIB:,.0f} MiB are answered.",
        "timeout": f"It is cancelled after {limits.timeout_ms / 1000:g} seconds.",
    }
    return [
        *(GuardrailDocument(rule=rule, verdict="passed", message=message) for rule, message in passed.items()),
        *(GuardrailDocument(rule=rule, verdict="applied", message=message) for rule, message in applied.items()),
    ]


def tables(verdict: GuardVerdict) -> list[TableDocument]:
    """The tables that an allowed statement reads."""
    return [
        TableDocument(
            table_id=str(table.table_id),
            name=table.logical_name,
            version=table.version,
            state=table.state,
            columns=[column.column for column in verdict.columns if column.table == table.logical_name],
        )
        for table in verdict.tables
    ]


def joins(verdict: GuardVerdict, accepted: Sequence[AcceptedJoin]) -> list[JoinDocument]:
    """The joins of an allowed statement, with what the accepted ones do."""
    by_id = {str(join.join_id): join for join in accepted}
    return [_join(used, by_id.get(str(used.join_id))) for used in verdict.joins]


def _join(used: UsedJoin, accepted: AcceptedJoin | None) -> JoinDocument:
    found = asdict(used) | {"join_id": used.join_id and str(used.join_id)}
    if accepted is not None:
        found |= {
            "join_version": accepted.version,
            "cardinality": cardinality_of(used, accepted),
            "effect": row_effect(used, accepted),
            "decay": accepted.decayed,
        }
    return JoinDocument.model_validate(found)


def fan_outs(verdict: GuardVerdict) -> list[FanOutDocument]:
    """The aggregates that count rows several times, each with the statement that does not."""
    return [FanOutDocument(message=found.message, corrected=found.corrected) for found in verdict.fan_outs]


def assumptions(verdict: GuardVerdict) -> list[str]:
    """What the statement takes for granted."""
    return [f"{table.logical_name} means version {table.version}, which is {table.state}." for table in verdict.tables]


def warnings(verdict: GuardVerdict, accepted: Sequence[AcceptedJoin]) -> list[str]:
    """What a reader of the result should know of the statement and of what it reads."""
    found = list(verdict.warnings) + [fan_out.message for fan_out in verdict.fan_outs]
    used = {str(join.join_id) for join in verdict.joins}
    found += [
        f"The join {join.join_id} does not hold as it was accepted: {join.decayed}"
        for join in accepted
        if join.decayed and str(join.join_id) in used
    ]
    found += [
        f"{table.logical_name} is DEPRECATED: its rows are no longer kept up."
        for table in verdict.tables
        if table.state == DEPRECATED
    ]
    return found


def cuts(limits: Limits, estimate: Estimate) -> list[str]:
    """What the planner expects to be missing from the answer."""
    found = []
    if estimate.rows > limits.max_rows:
        found.append(f"About {estimate.rows:,} rows are expected; the answer will be cut at {limits.max_rows:,}.")
    if estimate.bytes > limits.max_bytes:
        found.append(f"The answer will probably be cut at {limits.max_bytes / MIB:,.0f} MiB.")
    return found


def explanation(rows: int, labels: Sequence[str], estimated: int, cut_by: str | None) -> str:
    """A sentence or two on what an answer is. `labels` name the tables it was read from."""
    source = f" from {', '.join(labels)}" if labels else ""
    text = f"{rows:,} {'row' if rows == 1 else 'rows'}{source}; the planner expected {estimated:,}."
    if cut_by is not None:
        text += f" There are more: the cap of {cut_by} cut the answer."
    return text
