"""Reads all tiles side by side; one that fails or is slow says so and leaves the others alone."""

import asyncio
import logging
import time
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from app.kernel.clock import Clock
from app.kernel.db.database import Units
from app.kernel.ports.dashboard import DashboardTile, DashboardTiles

log = logging.getLogger(__name__)

TILE_SECONDS: Final = 1.0
KEPT_SECONDS: Final = 2.0
"""However many look, the tiles are read once in this time by a process."""
TOGETHER: Final = 3
"""Tiles read at once: connections that a look takes from the readers' pool."""


class TileDocument(BaseModel):
    """One tile."""

    status: Literal["ok", "unavailable"] = Field(description="Whether it could be read within a second.")
    data: dict[str, Any] | None = Field(None, description="What it shows; its fields depend on the tile.")
    reason: str | None = Field(None, description="Why it is unavailable.")
    ms: float = Field(description="How long its reading took, in milliseconds.")


class DashboardDocument(BaseModel):
    """Everything at a glance."""

    time: datetime = Field(description="When the tiles were read; at most two seconds ago.")
    tiles: dict[str, TileDocument] = Field(description="The tiles, by name.")


class Dashboard:
    """The page as this process read it last."""

    def __init__(self, tiles: DashboardTiles) -> None:
        self._tiles = sorted(tiles, key=lambda tile: tile.name)
        self._kept: tuple[float, DashboardDocument] | None = None
        self._reading = asyncio.Lock()

    async def look(self, units: Units, clock: Clock) -> DashboardDocument:
        """The page; read anew when the last one is old."""
        async with self._reading:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT_SECONDS:
                begun = time.monotonic()
                self._kept = begun, await self._read(units, clock)
            return self._kept[1]

    async def _read(self, units: Units, clock: Clock) -> DashboardDocument:
        now, slots = clock(), asyncio.Semaphore(TOGETHER)
        shown = await asyncio.gather(*(_shown(tile, units, slots) for tile in self._tiles))
        return DashboardDocument(time=now, tiles={tile.name: one for tile, one in zip(self._tiles, shown, strict=True)})


async def _shown(tile: DashboardTile, units: Units, slots: asyncio.Semaphore) -> TileDocument:
    async with slots:
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(TILE_SECONDS), units.read() as session:
                data = (await tile.read(session)).model_dump(mode="json")
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one tile, the page is shown
            log.warning("a tile cannot be read", extra={"tile": tile.name, "error": type(error).__name__})
            return TileDocument(status="unavailable", reason=type(error).__name__, ms=_ms(begun))
        return TileDocument(status="ok", data=data, ms=_ms(begun))


def _ms(begun: float) -> float:
    return round((time.perf_counter() - begun) * 1000, 2)
