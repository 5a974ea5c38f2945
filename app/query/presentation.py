"""A verdict, an estimate and limits in the words that people are shown. Pure."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from app.query.guard.findings import GuardFinding, GuardVerdict
from app.query.guard.relations import RelationView
from app.query.results.estimates import Estimate
from app.query.results.limits import MIB, Limits
from app.query.schemas import GuardrailDocument, JoinDocument, TableDocument

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


def joins(verdict: GuardVerdict) -> list[JoinDocument]:
    """The joins of an allowed statement."""
    return [
        JoinDocument.model_validate(asdict(join) | {"join_id": join.join_id and str(join.join_id)})
        for join in verdict.joins
    ]


def assumptions(verdict: GuardVerdict) -> list[str]:
    """What the statement takes for granted."""
    return [f"{table.logical_name} means version {table.version}, which is {table.state}." for table in verdict.tables]


def warnings(verdict: GuardVerdict, limits: Limits, estimate: Estimate) -> list[str]:
    """What a reader of the result should know before asking for it."""
    found = list(verdict.warnings)
    found += [
        f"{table.logical_name} is DEPRECATED: its rows are no longer kept up."
        for table in verdict.tables
        if table.state == DEPRECATED
    ]
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
