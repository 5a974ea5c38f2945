"""The warnings of a statement whose joins repeat rows that it aggregates, with the statement that counts them once."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from app.query.guard.dialect import generate
from app.query.guard.fan_out.analysis import Finding, findings
from app.query.guard.fan_out.blocks import Block, Blocks, whole_call, window_of
from app.query.guard.fan_out.statement import corrected
from app.query.guard.findings import FanOutWarning
from app.query.guard.grammar import function_name
from app.query.guard.relations import AcceptedJoin, FanOut
from app.query.guard.resolver import Resolver

MAX_WARNINGS: Final = 20
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
    messages = dict.fromkeys(_message(finding, corrected=text is not None) for finding in found)
    return tuple(FanOutWarning(message, text) for message in list(messages)[:MAX_WARNINGS])


def _message(finding: Finding, *, corrected: bool) -> str:
    block = finding.block
    shown = _shown(finding.call)
    many = [_met(block, there, step) for (_, there), step in finding.steps.items()]
    if finding.sources:
        rows = _listed([_name(block, alias) for alias in sorted(finding.sources)])
        outcome = _OUTCOMES.get(function_name(finding.call) or "", "the result holds them several times")
        text = f"{shown} counts rows of {rows} once for each row of {_listed(many)} that they meet: {outcome}."
    else:
        text = (
            f"{shown} counts each combination of rows of {_listed(list(dict.fromkeys(many)))}: rows of no table once."
        )
    return text if corrected else f"{text} {_advice(finding)}"


def _advice(finding: Finding) -> str:
    names = _listed(list(dict.fromkeys(_name(finding.block, there) for _, there in finding.steps)))
    if window_of(finding.call) is not None:
        return f"Compute it in a subquery of its own, before the join with {names}."
    return f"Aggregate {names} in a subquery with GROUP BY over the columns of the join, and join that."


def _met(block: Block, alias: str, step: FanOut) -> str:
    return f"{_name(block, alias)} ({step.mean:.3g} on average, at most {step.max})"


def _listed(names: Sequence[str]) -> str:
    return " and of ".join(names)


def _name(block: Block, alias: str) -> str:
    """The table of a source, with the alias where the table stands twice."""
    tables = {name: str(place.node.meta.get("logical") or name.strip()) for name, place in block.places.items()}
    table = tables[alias] or "a subquery"
    return f"{table} {alias}" if Counter(tables.values())[table] > 1 and table != alias else table


def _shown(call: exp.Anonymous) -> str:
    """The call as people write it."""
    try:
        text = generate(whole_call(call).copy())
    except (SqlglotError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        return f"{function_name(call)}(…)"
    text = _QUOTED.sub(lambda match: match.group(1) or match.group(), text)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
