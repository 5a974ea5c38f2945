"""Tiles of the dashboard: what a domain shows of itself, in one statement.

A domain declares its tile in the registry; most are a model and a statement whose one row fits it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel
from sqlalchemy import text

from app.kernel.db.database import ReadSession


class DashboardTile(Protocol):
    """One tile."""

    @property
    def name(self) -> str:
        """Unique among the tiles."""
        ...

    async def read(self, session: ReadSession) -> BaseModel:
        """What it shows now; one statement, well under a second."""
        ...


@dataclass(frozen=True, slots=True)
class StatementTile:
    """A tile that is the one row of a statement."""

    name: str
    model: type[BaseModel]
    sql: str

    async def read(self, session: ReadSession) -> BaseModel:
        """The row."""
        row = (await session.execute(text(self.sql))).mappings().one()
        return self.model.model_validate(dict(row))


class DashboardTiles:
    """Every tile of the service."""

    def __init__(self, tiles: Iterable[DashboardTile] = ()) -> None:
        self.tiles = tuple(sorted(tiles, key=lambda tile: tile.name))
