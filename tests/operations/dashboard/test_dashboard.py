"""The dashboard: every domain's tile, whatever becomes of one of them."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import text

from app.kernel.clock import utc_now
from app.kernel.db.database import ReadSession
from app.kernel.ports.dashboard import DashboardTiles, StatementTile
from app.kernel.runtime.resources import Resources
from app.operations.dashboard.service import KEPT_SECONDS, Dashboard
from tests.ingestion.steps import ndjson, register, send

TILES = {"audit", "catalog", "exports", "ingestion", "jobs", "maintenance", "outbox", "platform", "query", "security"}


class Told(BaseModel):
    number: int


@dataclass
class Counting:
    name: str = "counting"
    sql: str = "SELECT 1"
    pause: float = 0
    asked: list[str] = field(default_factory=list)

    async def read(self, session: ReadSession) -> BaseModel:
        self.asked.append(self.name)
        await session.execute(text(self.sql))
        await asyncio.sleep(self.pause)
        return Told(number=len(self.asked))


@pytest.mark.usefixtures("open_for_data")
async def test_every_domain_shows_its_tile(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "things")
    bad = ndjson([(1, 0, 10), (2, 1, 20), (3, 1, 20)]) + b'{"id": "no"}\n'
    assert (await send(engineer, contract_id, bad)).status_code == 201
    window = {"mode": "read_only", "starts_at": "2099-01-01T00:00:00Z", "ends_at": "2099-01-01T01:00:00Z"}
    assert (await admin.post("/system/maintenance/windows", json=window | {"reason": "x"})).status_code == 201
    await owner.execute("INSERT INTO spyne.worker_heartbeats (id, label) VALUES (uuidv7(), 'here:1')")
    answer = await admin.get("/system/dashboard")
    assert answer.status_code == 200
    tiles: dict[str, Any] = answer.json()["tiles"]
    assert {name: tile["reason"] for name, tile in tiles.items() if tile["status"] != "ok"} == {}
    assert tiles.keys() >= TILES
    shown = {name: tile["data"] for name, tile in tiles.items()}
    assert shown["catalog"] == {"tables": {"SHADOW": 1}, "contracts": 1}
    assert shown["ingestion"]["rows_per_minute"] == pytest.approx(4 / 5)
    assert shown["ingestion"]["quarantined_last_day"] == 1
    assert shown["ingestion"]["lag_seconds"] is not None
    assert shown["platform"] == {"system_mode": "INGESTION_READY"}
    assert (shown["maintenance"]["mode"], shown["maintenance"]["next_window"]) == ("normal", "2099-01-01T00:00:00Z")
    assert shown["jobs"]["workers"] == 1
    assert shown["audit"]["oldest_unsealed_seconds"] > 0


async def test_a_tile_that_fails_or_dawdles_leaves_the_others_alone(resources: Resources) -> None:
    tiles = DashboardTiles(
        [
            Counting("fine"),
            Counting("broken", "SELECT 1 / 0"),
            Counting("slow", pause=30),
            Counting("writes", "CREATE TABLE x ()"),
            StatementTile("misfit", Told, "SELECT 'x' AS number"),
            Counting("last"),
        ]
    )
    async with asyncio.timeout(3):
        found = await Dashboard(tiles).look(resources.database, utc_now)
    ok = {name for name, tile in found.tiles.items() if tile.status == "ok"}
    assert ok == {"fine", "last"}
    assert found.tiles["slow"].reason == "TimeoutError"
    assert found.tiles["slow"].data is None


async def test_many_who_look_read_once(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    tile = Counting()
    dashboard = Dashboard(DashboardTiles([tile]))
    seen = await asyncio.gather(*(dashboard.look(resources.database, utc_now) for _ in range(20)))
    assert len(tile.asked) == 1
    assert {each.time for each in seen} == {seen[0].time}
    assert KEPT_SECONDS <= 2
    monkeypatch.setattr("app.operations.dashboard.service.KEPT_SECONDS", 0.0)
    await dashboard.look(resources.database, utc_now)
    assert len(tile.asked) == 2


async def test_every_tile_is_one_statement(app: FastAPI) -> None:
    database, tiles = app.state.resources.database, app.state.resources.extensions.of(Dashboard)._tiles
    assert len({tile.name for tile in tiles}) == len(tiles)
    for tile in tiles:
        asked: list[Any] = []
        async with database.read() as session:
            execute = session.execute

            async def counted(*args: Any, execute: Any = execute, asked: list[Any] = asked, **more: Any) -> Any:
                asked.append(args)
                return await execute(*args, **more)

            session.execute = counted  # type: ignore[method-assign]
            await tile.read(session)
        assert len(asked) == 1, tile.name
