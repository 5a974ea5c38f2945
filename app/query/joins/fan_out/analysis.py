"""The aggregates of a statement that count a row several times, because a join of their SELECT repeats it.

Invariant: nothing is claimed of a join whose cardinality is not known from an accepted join, or by GROUP BY itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from app.query.guard.grammar import function_name
from app.query.guard.relations import AcceptedJoin, FanOut
from app.query.guard.scanner import word_set
from app.query.joins.fan_out.blocks import Block, Blocks, arguments, is_distinct, window_of
from app.query.joins.fan_out.graph import Graph, Measurements, graph_of

INDIFFERENT: Final = word_set("min max any_value bool_and bool_or every bit_and bit_or grouping")
"""Aggregates that are the same however often a row comes."""

Step = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """An aggregate call whose rows are repeated. `sources` are those of its argument: none of count(*).

    `certain` says that everything else its rows meet is known not to repeat them.
    """

    graph: Graph
    call: exp.Anonymous
    sources: frozenset[str]
    steps: dict[Step, FanOut]
    certain: bool

    @property
    def block(self) -> Block:
        """The SELECT that the call is in."""
        return self.graph.block


def is_indifferent(call: exp.Anonymous) -> bool:
    """Whether an aggregate is the same however often a row comes."""
    return function_name(call) in INDIFFERENT or is_distinct(call)


def findings(blocks: Blocks, accepted: Iterable[AcceptedJoin]) -> Iterator[Finding]:
    """The aggregates of a statement that count rows several times, block by block."""
    measurements = Measurements(accepted)
    for block in blocks.found:
        calls = [call for call in block.calls if not is_indifferent(call) and _counts_rows(block, call)]
        if len(block.places) < 2 or not calls:  # noqa: PLR2004 - a join takes two
            continue
        graph = graph_of(blocks, block, measurements)
        if not any(step.multiplies for step in graph.steps.values()):
            continue
        judged: dict[frozenset[str], tuple[dict[Step, FanOut], bool]] = {}
        for call in calls:
            sources = sources_of(blocks, block, call)
            if sources is None:
                continue
            if sources not in judged:
                judged[sources] = graph.repeating(sources) if sources else _repeats_all(graph)
            steps, certain = judged[sources]
            if steps:
                yield Finding(graph, call, sources, steps, certain)


def _counts_rows(block: Block, call: exp.Anonymous) -> bool:
    """Whether an aggregate is over the rows of the join, and not over groups of them."""
    return window_of(call) is None or not block.grouped


def sources_of(blocks: Blocks, block: Block, call: exp.Anonymous) -> frozenset[str] | None:
    """The sources of what a call aggregates; None when it belongs to a query around."""
    found: set[str] = set()
    foreign = False
    for part in arguments(call):
        for column in part.find_all(exp.Column):
            owner, aliases = blocks.meanings.get(id(column), (block, ()))
            found.update(aliases if owner is block else ())
            foreign = foreign or owner is not block
    return None if foreign and not found else frozenset(found)


def _repeats_all(graph: Graph) -> tuple[dict[Step, FanOut], bool]:
    """What repeats the rows of the sources, when those of every single one are repeated: no row is counted once."""
    found: dict[Step, FanOut] = {}
    for alias in graph.block.places:
        steps, _ = graph.repeating(frozenset({alias}))
        if not steps:
            return {}, False
        found |= steps
    return found, False
