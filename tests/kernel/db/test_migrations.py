"""Migrations: one runner, no queueing behind locks, no start on a schema that is not at head, no old server."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import asyncpg
import pytest
from alembic import command
from sqlalchemy.exc import DBAPIError

from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls, UnsupportedUrlError, database_urls
from app.kernel.db.database import Database, sqlstate
from app.kernel.embedded import ServerAddress
from app.kernel.security.secrets import ServiceSecret
from app.main import create_app
from app.settings import DatabaseSettings, Settings
from tests import owners
from tests.conftest import SECRET, _admin
from tests.promises import kept
from tests.spawning import spawned
from tests.waiting import eventually


@pytest.fixture
async def empty(server: ServerAddress, administrator: None, worker_id: str) -> AsyncIterator[str]:  # noqa: ARG001
    """The owner's URL of a database in which nothing is yet."""
    name = f"empty_{worker_id}"
    await _admin(server, f'CREATE DATABASE "{name}"{owners.belonging()}')
    yield owners.owner_url(server, name)
    await _admin(server, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE spyne.alembic_version SET version_num = '0001'",
        "UPDATE spyne.alembic_version SET version_num = 'from-the-future'",
        "DELETE FROM spyne.alembic_version",
        "DROP TABLE spyne.alembic_version",
    ],
)
async def test_the_application_does_not_start_on_a_schema_that_is_not_at_head(
    change: str, settings: Settings, urls: DatabaseUrls, owner: asyncpg.Connection
) -> None:
    await owner.execute(change)
    app = create_app(settings, urls, SECRET)
    with pytest.raises(migrations.StaleSchemaError, match="Run `spyne migrate`"):
        async with app.router.lifespan_context(app):
            pass


async def test_it_starts_at_head_and_models_agree_with_it(urls: DatabaseUrls) -> None:
    database = Database(urls.app, DatabaseSettings())
    async with database.read() as session:
        await migrations.require_head(session)
    await database.dispose()
    await asyncio.to_thread(migrations.check, urls.owner)


async def test_migrating_again_changes_nothing(urls: DatabaseUrls, owner: asyncpg.Connection) -> None:
    digest = "SELECT md5(string_agg(c.oid::text || c.relname, ',' ORDER BY c.oid)) FROM pg_class c"
    before = await owner.fetchval(digest)
    await migrations.prepare(urls.owner, DatabaseSettings(), SECRET)
    await asyncio.to_thread(migrations.upgrade, urls.owner)
    assert await owner.fetchval(digest) == before


LONG_WAITING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND clock_timestamp() - waitstart > $1 "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


async def test_two_runners_at_once_come_to_the_same_end(empty: str, tmp_path: Path) -> None:
    environment = os.environ | {
        "DATABASE_URL": empty,
        "SPYNE_SECRET": SECRET._value.decode(),
        "SPYNE_HOME": str(tmp_path),
    }
    log = tmp_path / "log"
    runners = [await spawned("app.cli", "migrate", env=environment, output=log) for _ in range(2)]
    assert [await runner.ended() for runner in runners] == [0, 0], log.read_text()
    await asyncio.to_thread(migrations.check, empty)


async def test_a_runner_waits_for_another_one_longer_than_for_a_lock(
    empty: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "100ms")
    await migrations.prepare(empty, DatabaseSettings(), SECRET)
    other = await migrations.connect(empty)
    await other.execute("SELECT pg_advisory_lock($1)", migrations.LOCK_KEY)
    waiting = asyncio.create_task(asyncio.to_thread(migrations.upgrade, empty))

    async def waits() -> bool:
        return bool(await other.fetchval(LONG_WAITING, timedelta(seconds=0.3)))

    await eventually(waits, what="a runner that waits")
    assert not waiting.done()
    await other.close()
    await waiting
    await asyncio.to_thread(migrations.check, empty)


async def test_an_older_server_is_refused_in_words(urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> None:
    version = SimpleNamespace(major=17, minor=4)
    monkeypatch.setattr(asyncpg.Connection, "get_server_version", lambda _: version)
    with pytest.raises(migrations.UnsupportedServerError, match=r"PostgreSQL 18 or newer; .* is 17\.4"):
        await migrations.prepare(urls.owner, DatabaseSettings(), SECRET)


async def test_a_migration_does_not_queue_behind_a_long_lock(
    urls: DatabaseUrls, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives up, having changed nothing; readers that would have queued behind it are served."""
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "300ms")
    await asyncio.to_thread(command.downgrade, migrations.configuration(urls.owner), "0004")
    reader = await migrations.connect(urls.owner)
    try:
        async with owner.transaction():
            await owner.execute(
                "LOCK TABLE spyne.alembic_version IN ACCESS SHARE MODE; LOCK TABLE spyne.users IN SHARE MODE"
            )
            await owner.execute("SELECT 1 FROM spyne.alembic_version FOR UPDATE")
            started = time.monotonic()
            with pytest.raises(DBAPIError) as failed:
                await asyncio.to_thread(migrations.upgrade, urls.owner)
            await kept(time.monotonic() - started, 5, "a migration that gives up")
            assert sqlstate(failed.value) == "55P03"
            assert await reader.fetchval("SELECT version_num FROM spyne.alembic_version") == "0004"
            assert await reader.fetchval("SELECT to_regclass('spyne.tables')") is None
        await asyncio.to_thread(migrations.upgrade, urls.owner)
        assert await reader.fetchval("SELECT version_num FROM spyne.alembic_version") == migrations.head()
    finally:
        await reader.close()


async def test_the_logins_hold_the_derived_passwords_and_nothing_else(
    urls: DatabaseUrls, owner: asyncpg.Connection
) -> None:
    rows = await owner.fetch(
        "SELECT rolname, rolcanlogin, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls, "
        "(SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid OR m.roleid = r.oid "
        "AND pg_get_userbyid(m.member) <> current_user "
        "AND pg_get_userbyid(m.member) NOT LIKE 'elsewhere%') AS memberships "  # made by tests beside this one
        "FROM pg_roles r WHERE rolname IN ('spyne_app', 'spyne_query')"
    )
    assert [tuple(row)[1:] for row in rows] == [(True, False, 0)] * 2
    for url in (urls.app, urls.query):
        connection = await migrations.connect(url)
        await connection.close()
    wrong = database_urls(urls.owner, DatabaseSettings(), ServiceSecret(b"another secret, and as long as is needed"))
    with pytest.raises(asyncpg.InvalidPasswordError):
        await migrations.connect(wrong.app)


def test_urls_never_show_themselves() -> None:
    urls = database_urls("postgres://owner:hush@h/d", DatabaseSettings(), SECRET)
    assert "hush" not in repr(urls)
    assert urls.owner == "postgresql+asyncpg://owner:hush@h/d"
    assert urls.app.startswith("postgresql+asyncpg://spyne_app:")
    assert urls.query.startswith("postgresql+asyncpg://spyne_query:")


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/d", "sqlite://", "http://h/d", "postgresql//h/d"])
def test_addresses_of_something_else_are_refused(url: str) -> None:
    with pytest.raises(UnsupportedUrlError, match="DATABASE_URL"):
        database_urls(url, DatabaseSettings(), SECRET)
