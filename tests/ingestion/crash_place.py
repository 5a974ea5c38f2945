"""A PostgreSQL of a module's own that is killed, reached through a door at which commits are slow."""

import os
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from app.kernel.db.connections import DatabaseUrls
from app.kernel.embedded import EmbeddedServer
from tests import loopback
from tests.ingestion.steps import COLUMNS, contract
from tests.service_processes import ApiProcess, Surroundings
from tests.slow_commits import SlowCommits

KILLS = int(os.environ.get("SPYNE_TEST_CRASHES", "3"))
"""How often a test of crashes kills."""


@dataclass
class Place:
    """A database on a server of this module's own, reached through the slow door, open for data."""

    server: EmbeddedServer
    door: SlowCommits
    urls: DatabaseUrls
    surroundings: Surroundings
    token: str
    database: str

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(**self.door.address.connect_kwargs(self.database))
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()

    def client(self, url: str) -> httpx.AsyncClient:
        return loopback.client(url, headers={"Authorization": f"Bearer {self.token}"}, timeout=60)

    async def start_postgres(self) -> None:
        """Start the server again after it was killed."""
        self.server = EmbeddedServer(self.surroundings.home / "postgres", password="crash-tests")
        self.door.address = await self.server.astart()


async def opened(place: Place, api: ApiProcess) -> None:
    """The platform open, with one append contract: a row that is sent again at another event time is another row."""
    async with place.client(api.url) as client:
        assert (await client.put("/system/mode", json={"mode": "INGESTION_READY"})).status_code == 200
        body = contract("events", "append", columns=COLUMNS)
        assert (await client.post("/api/contracts/register", json=body)).status_code == 201
