"""`spyne migrate` gives way to who holds a lock, and comes back."""

import asyncio
import time
from collections.abc import Callable

import asyncpg
import pytest
from alembic import command
from sqlalchemy.exc import DBAPIError

from app.commands import environment as places
from app.commands.environment import Environment
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.settings import Settings
from tests.conftest import SECRET


async def test_a_migration_is_tried_again_until_the_lock_is_gone(
    settings: Settings, urls: DatabaseUrls, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(places, "MIGRATION_PAUSES", (0.3,) * 20)
    await asyncio.to_thread(command.downgrade, migrations.configuration(urls.owner), "0015")
    tried: list[float] = []
    upgrade: Callable[[str, str], None] = migrations.upgrade

    def counting(url: str, revision: str) -> None:
        tried.append(time.monotonic())
        upgrade(url, revision)

    monkeypatch.setattr(migrations, "upgrade", counting)
    place = Environment(settings, urls, SECRET)
    async with owner.transaction():
        await owner.execute("LOCK TABLE spyne.alembic_version IN SHARE MODE; LOCK TABLE spyne.roles IN SHARE MODE")
        migrating = asyncio.create_task(asyncio.to_thread(place.migrate))
        while len(tried) < 2:
            assert not migrating.done()
            await asyncio.sleep(0.05)
    await migrating
    assert await owner.fetchval("SELECT version_num FROM spyne.alembic_version") == migrations.head()


async def test_another_failure_is_told_at_once(
    settings: Settings, urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def failing(_: str, __: str) -> None:
        tried.append(1)
        raise DBAPIError("statement", None, Exception("broken"))

    monkeypatch.setattr(migrations, "upgrade", failing)
    with pytest.raises(places.NoEnvironmentError, match=r"cannot be migrated: .*broken"):
        await asyncio.to_thread(Environment(settings, urls, SECRET).migrate)
    assert len(tried) == 1
