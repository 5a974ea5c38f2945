"""What stands in the way of taking a change of a relation back: values that would be lost, rows that would not fit."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import asyncpg

from app.kernel.problems import Conflict
from app.warehouse.evolution import statements
from app.warehouse.evolution.size import is_small
from app.warehouse.evolution.steps import DropColumn, Narrow, UndoStep, reads_all_rows, undo_steps
from app.warehouse.naming import quote
from app.warehouse.plan import RelationPlan


class ObstacleKind(StrEnum):
    """Why a step cannot be done."""

    HAS_VALUES = "has-values"
    """Rows have a value in the column that would go."""
    DOES_NOT_FIT = "does-not-fit"
    """Rows have a value that the narrower type cannot hold."""
    HAS_NULLS = "has-nulls"
    """Rows have no value where one would be demanded."""
    TOO_LARGE = "too-large"
    """All rows would have to be written anew, and there are too many to keep readers waiting meanwhile."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Rows that stand in the way of a step."""

    column: str
    kind: ObstacleKind
    rows: int
    """Of the relation."""
    images: int
    """Among the before-images, from which batches are taken back."""

    def document(self) -> dict[str, Any]:
        """The obstacle as problems show it."""
        return {"column": self.column, "kind": self.kind.value, "rows": self.rows, "images": self.images}


class CannotUndo(Conflict):
    """Rows would lose values, or would not be as the former plan says; `obstacles` lists all that stands in the way."""

    code, title = "cannot-undo", "The change cannot be taken back"

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        self.obstacles = tuple(obstacles)
        words = "; ".join(_words(each) for each in obstacles)
        super().__init__(words, obstacles=[each.document() for each in obstacles])


async def obstacles(
    connection: asyncpg.Connection, before: RelationPlan, after: RelationPlan, *, losing: Collection[str] = ()
) -> tuple[Obstacle, ...]:
    """All that stands in the way of going back from `after` to `before`; read in one pass over rows and images.

    Args:
        connection: of the owner of the relation. What is counted holds as long as nobody writes: under
            `ingest.lock_relation` until the transaction ends.
        before: the plan to go back to.
        after: the plan that the relation is of.
        losing: added columns whose values may go.

    Raises:
        NeedsNewVersion: there is no way from `before` to `after` either.
    """
    undone = undo_steps(before, after)
    if not undone:
        return ()
    rows = tuple(await _row(connection, statements.count_in_way(after.relation, undone)))
    images = tuple(await _row(connection, statements.count_in_way(after.before, undone)))
    found = [
        Obstacle(step.name, _kind(step), rows[place], images[place])
        for place, step in enumerate(undone)
        if rows[place] + images[place] and not (isinstance(step, DropColumn) and step.name in losing)
    ]
    if any(reads_all_rows(step) for step in undone) and not await is_small(connection, after):
        found += await _too_large(connection, after, undone)
    return tuple(found)


async def _too_large(connection: asyncpg.Connection, plan: RelationPlan, undone: Sequence[UndoStep]) -> list[Obstacle]:
    rows, images = [
        await connection.fetchval(f"SELECT count(*) FROM {name.sql}")  # noqa: S608 - the name is quoted
        for name in (plan.relation, plan.before)
    ]
    return [Obstacle(step.name, ObstacleKind.TOO_LARGE, rows, images) for step in undone if reads_all_rows(step)]


def _kind(step: UndoStep) -> ObstacleKind:
    if isinstance(step, DropColumn):
        return ObstacleKind.HAS_VALUES
    return ObstacleKind.DOES_NOT_FIT if isinstance(step, Narrow) else ObstacleKind.HAS_NULLS


_WORDS: Final = {
    ObstacleKind.HAS_VALUES: "have a value in",
    ObstacleKind.DOES_NOT_FIT: "have a value that does not fit the former type of",
    ObstacleKind.HAS_NULLS: "have no value in",
    ObstacleKind.TOO_LARGE: "are too many to be written anew for",
}


def _words(obstacle: Obstacle) -> str:
    counts = f"{obstacle.rows} rows and {obstacle.images} before-images"
    return f"{counts} {_WORDS[obstacle.kind]} column {quote(obstacle.column)}"


async def _row(connection: asyncpg.Connection, query: str) -> Any:
    row = await connection.fetchrow(query)
    assert row is not None
    return row
