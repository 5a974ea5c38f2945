"""What PostgreSQL's planner says about a statement: its estimate, and the relations that it would read. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Estimate:
    """The planner's expectation. `cost` is in its own units (PostgreSQL manual, 14.1)."""

    rows: int
    cost: float
    bytes: int
    relations: frozenset[tuple[str, str]]
    """Schema and name of every relation in the plan. The planner may leave out some that the statement names."""


def read_plan(plan: Mapping[str, Any]) -> Estimate:
    """The estimate within one `EXPLAIN (FORMAT JSON, VERBOSE)` document. Raises KeyError for another document."""
    root = plan["Plan"]
    rows = int(root["Plan Rows"])
    return Estimate(
        rows=rows,
        cost=float(root["Total Cost"]),
        bytes=rows * int(root["Plan Width"]),
        relations=frozenset(
            (str(node.get("Schema", "")), str(node["Relation Name"]))
            for node in _nodes(root)
            if "Relation Name" in node
        ),
    )


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        waiting.extend(current.get("Plans", ()))
