"""The statement that counts every row once, written from a copy of the resolved tree."""

from itertools import combinations
from typing import Final

from sqlglot import exp
from sqlglot.errors import SqlglotError

from app.query.guard.dialect import generate
from app.query.joins.fan_out.analysis import Finding, Step
from app.query.joins.fan_out.blocks import Blocks, window_of
from app.query.joins.fan_out.draft import CannotError, Draft, component
from app.query.joins.fan_out.graph import Graph
from app.query.joins.fan_out.preaggregation import ONCE, Cut

MAX_BYTES: Final = 19_000
"""Of a corrected statement: the guard would not read a longer one."""
MAX_CUTS: Final = 8
MAX_NODES: Final = 2_000
"""Of a statement that is corrected; statements of people have some hundreds."""


def corrected(tree: exp.Expr, blocks: Blocks, findings: list[Finding]) -> str | None:
    """The whole statement without a fan-out, by physical names; None where no certain correction is known."""
    if not all(finding.certain and finding.sources and window_of(finding.call) is None for finding in findings):
        return None
    nodes = list(tree.walk())
    if len(nodes) > MAX_NODES:
        return None
    copy = tree.copy()
    twins = {id(node): twin for node, twin in zip(nodes, copy.walk(), strict=True)}
    taken = {node.name for node in nodes if isinstance(node, exp.Identifier)}
    graphs: dict[Graph, list[Finding]] = {}
    for finding in findings:
        graphs.setdefault(finding.graph, []).append(finding)
        twins[id(finding.call)].meta[ONCE] = frozenset(finding.steps)
    try:
        for graph, found in graphs.items():
            _correct(Draft.of(graph, blocks, twins, taken), [step for finding in found for step in finding.steps])
        for call in copy.find_all(exp.Anonymous):
            if isinstance(call.this, exp.Identifier):
                call.set("this", call.this.name)
        text = generate(copy)
    except (CannotError, RecursionError, SqlglotError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        return None  # the statement itself is allowed, whatever becomes of its correction
    return text if len(text.encode()) <= MAX_BYTES else None


def _correct(draft: Draft, steps: list[Step]) -> None:
    """Cuts every join that repeats rows, from the leaves on."""
    draft.check_nested()
    entries = draft.entries()
    if any(entry.node.args.get("side") not in {None, "", "LEFT"} for entry in entries):
        raise CannotError
    sides = {step: component(entries, *step)[0] for step in dict.fromkeys(steps)}
    if len(sides) > MAX_CUTS or any(map(_cross, combinations(sides.values(), 2))):
        raise CannotError
    if any((far, near) in sides for near, far in sides):
        raise CannotError  # each side repeats the other
    for step in sorted(sides, key=lambda step: len(sides[step])):
        wider = frozenset(other for other, side in sides.items() if side >= sides[step])
        Cut(draft, step, wider).run()
    draft.keep_names()


def _cross(pair: tuple[set[str], set[str]]) -> bool:
    """Whether two many sides share some sources, and each has others: neither can be made first."""
    one, other = pair
    return not (one.isdisjoint(other) or one <= other or other <= one)
