"""Tiles of the dashboard: what a domain shows of itself, in one statement.

A domain declares its tile in the registry; most are a model and a statement whose one row fits it.
"""

from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel
from sqlalchemy import text

from app.kernel.db.database import ReadSession
from app.kernel.ports.catalogue import Catalogue


class DashboardTile(Protocol):
    """A tile of the dashboard."""

    @property
    def name(self) -> str:
        """Unique among the tiles."""

    async def read(self, session: ReadSession) -> BaseModel:
        """What it shows now; one statement, well under a second."""


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


class DashboardTiles(Catalogue[DashboardTile]):
    """Every tile of the service."""
