"""Paths of accepted joins between tables: the shortest, when there is just one; and what a step multiplies. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.query.guard.relations import AcceptedJoin
from app.query.language.vocabulary.model import Table, Vocabulary

LONGEST: Final = 6
"""Steps of a path that is looked for."""
_MOST_PATHS: Final = 16
_MENTIONED: Final = 0.55
"""What a step to a table costs that the words mention, where others cost one."""


@dataclass(frozen=True, slots=True)
class Step:
    """An accepted join taken from one side to the other."""

    join: AcceptedJoin
    source: str
    target: str
    pairs: tuple[tuple[str, str], ...]
    """Columns of the source and of the target that are equal."""
    multiplies: bool
    """Whether a row of the source may meet several of the target."""
    gathers: bool
    """Whether a row of the target may meet several of the source."""


class JoinGraph:
    """The accepted joins, as steps from table to table."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._tables: Mapping[str, Table] = {table.name: table for table in vocabulary.tables}
        self._steps: dict[str, list[Step]] = {}
        self._preferred = {entry.join_id for entry in vocabulary.glossary if entry.join_id is not None}
        for join in vocabulary.joins:
            if join.decayed is None and {join.left_table, join.right_table} <= self._tables.keys():
                self._add(join)

    def _add(self, join: AcceptedJoin) -> None:
        left, right = join.left_columns, join.right_columns
        several = join.left_rows is None or join.left_rows.multiplies
        to_many = several and not _covers(left, self._tables[join.left_table])
        right_many = join.right_rows is not None and join.right_rows.multiplies
        there = Step(join, join.left_table, join.right_table, _pairs(left, right), right_many, to_many)
        back = Step(join, join.right_table, join.left_table, _pairs(right, left), to_many, right_many)
        self._steps.setdefault(join.left_table, []).append(there)
        if join.left_table != join.right_table:
            self._steps.setdefault(join.right_table, []).append(back)

    def steps(self, table: str) -> Sequence[Step]:
        """The steps that lead away from a table."""
        return self._steps.get(table, ())

    def shortest(self, sources: Iterable[str], target: str, mentioned: Iterable[str] = ()) -> list[tuple[Step, ...]]:
        """The cheapest paths from any source to the target; several when they cost the same, none when none leads."""
        near = frozenset(mentioned)
        best: list[tuple[Step, ...]] = []
        lowest = float("inf")
        frontier: list[tuple[float, tuple[Step, ...], str]] = [(0.0, (), source) for source in dict.fromkeys(sources)]
        for _ in range(LONGEST):
            following: list[tuple[float, tuple[Step, ...], str]] = []
            for cost, path, place in frontier:
                for step in self.steps(place):
                    if any(step.target in (each.source, each.target) for each in path) or step.target == place:
                        continue
                    total = cost + (_MENTIONED if step.target in near and step.target != target else 1.0)
                    total -= 0.3 if step.join.join_id in self._preferred else 0.0
                    if total > lowest + 1e-9:
                        continue
                    if step.target != target:
                        following.append((total, (*path, step), step.target))
                    elif total < lowest - 1e-9:
                        lowest, best = total, [(*path, step)]
                    elif len(best) < _MOST_PATHS:
                        best.append((*path, step))
            frontier = following
        return best

    def meets_several(self, source: str, target: str) -> bool:
        """Whether a row of the source may meet several of the target, on the way that is the only shortest one."""
        paths = self.shortest([source], target) if source != target else []
        return len(paths) == 1 and any(step.multiplies for step in paths[0])


def _pairs(one: Sequence[str], other: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(zip(one, other, strict=True))


def _covers(columns: Sequence[str], table: Table) -> bool:
    """Whether the columns hold the whole key of the table, so that they name one row."""
    return bool(table.key) and set(table.key) <= set(columns)


@dataclass(slots=True)
class JoinTree:
    """Tables joined so far, from a base on."""

    base: str
    steps: list[Step] = field(default_factory=list)
    ambiguous: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of tables between which several paths are as short."""

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables in the order in which they were joined."""
        return (self.base, *(step.target for step in self.steps))

    def add(self, path: Sequence[Step]) -> None:
        """Join along a path that begins in the tree."""
        for step in path:
            if step.target not in self.tables:
                self.steps.append(step)

    def parent(self, table: str) -> Step | None:
        """The step that led to a table; None of the base."""
        return next((step for step in self.steps if step.target == table), None)

    def up(self, table: str) -> list[str]:
        """The table and those above it, up to the base."""
        found = [table]
        while (step := self.parent(found[-1])) is not None:
            found.append(step.source)
        return found

    def below(self, table: str) -> set[str]:
        """The table and all that hang on it."""
        return {each for each in self.tables if table in self.up(each)}

    def route(self, one: str, other: str) -> list[tuple[str, bool]]:
        """The tables on the way from one to another, each with whether a row may meet several of it."""
        up, down = self.up(one), self.up(other)
        meeting = next(table for table in up if table in down)
        found: list[tuple[str, bool]] = []
        for table in up[: up.index(meeting)]:
            step = self.parent(table)
            if step is not None:
                found.append((step.source, step.gathers))
        for table in reversed(down[: down.index(meeting)]):
            step = self.parent(table)
            if step is not None:
                found.append((step.target, step.multiplies))
        return found

    def multiplied(self, table: str, along: Iterable[str]) -> bool:
        """Whether a row of the table meets several rows once all of these tables are joined."""
        return any(many for each in along for _, many in self.route(table, each))
