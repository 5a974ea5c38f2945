"""The warnings of a statement whose joins repeat rows that it aggregates, with the statement that counts them once."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from app.query.guard.dialect import generate
from app.query.guard.findings import FanOutWarning
from app.query.guard.grammar import function_name
from app.query.guard.relations import AcceptedJoin
from app.query.guard.resolver import Resolver
from app.query.joins.fan_out.analysis import Finding, findings
from app.query.joins.fan_out.blocks import Block, Blocks, whole_call, window_of
from app.query.joins.fan_out.statement import corrected

MAX_WARNINGS: Final = 20
MAX_NAMED: Final = 3
"""Most tables that a message lists."""
MAX_SHOWN: Final = 100
"""Most characters of an aggregate in a message."""
_QUOTED: Final = re.compile(r"""'(?:[^']|'')*'|"([a-z_][a-z0-9_]*)\"""")
_OUTCOMES: Final = {
    "sum": "the sum is too large",
    "count": "the count is too large",
    "avg": "the average weighs each by that number",
}


def warnings_of(tree: exp.Expr, resolver: Resolver, accepted: Sequence[AcceptedJoin]) -> tuple[FanOutWarning, ...]:
    """The warnings of a resolved tree, which stays as it is. Without a join of known cardinality there are none."""
    if not any(
        known is not None and known.multiplies for join in accepted for known in (join.left_rows, join.right_rows)
    ):
        return ()
    blocks = Blocks.of(tree, resolver)
    found = list(findings(blocks, accepted))
    if not found:
        return ()
    text = corrected(tree, blocks, found)
    names = {id(graph): _names(graph.block) for graph in {finding.graph for finding in found}}
    messages: dict[str, None] = {}
    for finding in found:
        if len(messages) < MAX_WARNINGS:
            messages[_message(finding, names[id(finding.graph)], corrected=text is not None)] = None
    return tuple(FanOutWarning(message, text) for message in messages)


def _message(finding: Finding, names: Mapping[str, str], *, corrected: bool) -> str:
    shown = _shown(finding.call)
    steps = list(finding.steps.items())[:MAX_NAMED]
    often = "; ".join(f"{step.mean:.3g} on average, at most {step.max}" for _, step in steps)
    met = [names[there] for (_, there), _ in steps]
    many = _listed(met)
    if finding.sources:
        rows = _listed([names[alias] for alias in sorted(finding.sources)[:MAX_NAMED]])
        outcome = _OUTCOMES.get(function_name(finding.call) or "", "the result holds them several times")
        text = f"{shown} counts rows of {rows} once for each row of {many} that they meet ({often}): {outcome}."
    else:
        text = f"{shown} counts combinations of rows of {many} ({often}), and the rows of no table once."
    return text if corrected else f"{text} {_advice(finding, ' and '.join(dict.fromkeys(met)))}"


def _advice(finding: Finding, tables: str) -> str:
    if window_of(finding.call) is not None:
        return f"Compute it in a subquery of its own, before the join with {tables}."
    each = f"{tables}, each" if " and " in tables else tables
    return f"Aggregate {each} in a subquery with GROUP BY over the columns of the join, and join that."


def _listed(names: Sequence[str]) -> str:
    return " and of ".join(names)


def _names(block: Block) -> dict[str, str]:
    """The tables of the sources, each with its alias where the table stands twice."""
    tables = {
        alias: str(place.node.meta.get("logical") or alias) if place.source.named else "an unnamed subquery"
        for alias, place in block.places.items()
    }
    times = Counter(tables.values())

    def name(alias: str) -> str:
        plain = times[tables[alias]] == 1 or not block.places[alias].source.named or tables[alias] == alias
        return tables[alias] if plain else f"{tables[alias]} {alias}"

    return {alias: name(alias) for alias in tables}


def _shown(call: exp.Anonymous) -> str:
    """The call as people write it."""
    try:
        text = generate(whole_call(call).copy())
    except (SqlglotError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        return f"{function_name(call)}(…)"
    text = _QUOTED.sub(lambda match: match.group(1) or match.group(), text)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
