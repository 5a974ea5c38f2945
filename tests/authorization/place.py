"""A service with things in every state and everybody who may knock, for the tests that walk all operations."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI

from app.kernel.db.migrations import connect
from app.kernel.embedded import ServerAddress
from app.main import create_app
from app.settings import DatabaseSettings, Settings
from tests.authorization.holders import Holder, Registrar, bearer
from tests.authorization.world import World
from tests.conftest import SECRET, fresh_database
from tests.identities import Identities
from tests.waiting import eventually


@dataclass
class Place:
    """The service, its things, its holders, and a look behind its back."""

    app: FastAPI
    world: World
    holders: list[Holder]
    owner: asyncpg.Connection

    def holder(self, name: str) -> Holder:
        return next(holder for holder in self.holders if holder.name == name)

    async def switch(self, mode: str) -> None:
        """Switch the maintenance mode, and wait until the door knows."""
        self.world.maintenance = mode
        await self.world.as_admin("PUT", "/system/maintenance", json={"mode": mode, "reason": "a test"})
        modes: Any = next(layer.kwargs["modes"] for layer in self.app.user_middleware if "modes" in layer.kwargs)

        async def known() -> bool:
            return bool(modes.current().mode == mode)

        await eventually(known)


@asynccontextmanager
async def opened(server: ServerAddress, template: str, home: Path) -> AsyncIterator[Place]:
    """A place of one's own, open for data."""
    async with world(server, template, home) as (app, things):
        yield Place(app, things, await Registrar(app, things.anonymous, things.owner).all(), things.owner)


@asynccontextmanager
async def world(server: ServerAddress, template: str, home: Path) -> AsyncIterator[tuple[FastAPI, World]]:
    """A service of one's own that is open for data, and its things."""
    settings = Settings(home=home, database=DatabaseSettings(pool_size=5, read_pool_size=5, query_pool_size=3))
    async with AsyncExitStack() as stack:
        urls = await stack.enter_async_context(fresh_database(server, template))
        owner = await connect(urls.owner)
        stack.push_async_callback(owner.close)
        await owner.execute(
            "UPDATE spyne.security_rate_rules SET enabled = false"
        )  # the walks ask more than they allow
        app = create_app(settings, urls, SECRET)
        await stack.enter_async_context(app.router.lifespan_context(app))
        identities = Identities(app.state.resources)
        anonymous = await stack.enter_async_context(_client(app, {}))
        admin = await stack.enter_async_context(_client(app, bearer(await identities.token("ADMIN"))))
        people = [(await identities.user("VIEWER"))[0] for _ in range(2)]
        things = World(admin, anonymous, owner, *people)
        await things.as_admin("PUT", "/system/mode", json={"mode": "INGESTION_READY"})
        yield app, things


def _client(app: FastAPI, headers: dict[str, str]) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://spyne.test", headers=headers)
