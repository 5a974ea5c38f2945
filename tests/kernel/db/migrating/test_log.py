"""The log of migrations says what was done, exactly when it was done."""

import asyncio
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from alembic import command
from sqlalchemy.exc import DBAPIError

from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.migrating import log
from app.kernel.db.migrating.log import Direction, done

HEAD = migrations.head()
BEFORE = f"{int(HEAD) - 1:04}"
ALL = "SELECT revision, direction FROM spyne.schema_migrations_log ORDER BY id"


async def logged(owner: asyncpg.Connection) -> list[tuple[str, str]]:
    return [tuple(row) for row in await owner.fetch(ALL)]


async def run(urls: DatabaseUrls, doing: Any, revision: str) -> None:
    await asyncio.to_thread(doing, migrations.configuration(urls.owner), revision)


async def test_a_fresh_database_has_every_revision_in_its_log(owner: asyncpg.Connection) -> None:
    assert await logged(owner) == [(f"{number:04}", "upgrade") for number in range(1, int(HEAD) + 1)]
    rows = await owner.fetch("SELECT * FROM spyne.schema_migrations_log ORDER BY id")
    assert {row["applied_by"] for row in rows} == {await owner.fetchval("SELECT session_user::text")}
    assert [row["applied_at"] for row in rows] == sorted({row["applied_at"] for row in rows})
    assert max(row["duration_ms"] for row in rows) > 0
    assert {row["service_version"] for row in rows} == {"0.1.0"}


async def test_downgrades_and_stamps_are_logged(urls: DatabaseUrls, owner: asyncpg.Connection) -> None:
    await owner.execute("DELETE FROM spyne.schema_migrations_log")
    await run(urls, command.stamp, "0001")
    await run(urls, command.stamp, "base")
    await run(urls, command.stamp, "head")
    assert await logged(owner) == [("0001", "stamp"), ("base", "stamp"), (HEAD, "stamp")]
    assert (await log.latest(owner))[HEAD].direction is Direction.STAMP


async def test_a_downgrade_below_the_log_loses_the_log_alone(urls: DatabaseUrls, owner: asyncpg.Connection) -> None:
    await run(urls, command.downgrade, "0033")
    assert await owner.fetchval("SELECT to_regclass('spyne.schema_migrations_log')") is None
    assert await log.latest(owner) == {}
    assert await log.current(owner) == "0033"
    assert await owner.fetchval("SELECT count(*) FROM spyne.roles") > 0
    await run(urls, command.upgrade, "head")
    assert await logged(owner) == [(f"{number:04}", "upgrade") for number in range(34, int(HEAD) + 1)]


async def test_what_was_rolled_back_is_not_in_the_log(urls: DatabaseUrls, owner: asyncpg.Connection) -> None:
    await run(urls, command.downgrade, "0033")
    await owner.execute("CREATE TYPE spyne.schema_migrations_log AS ENUM ()")  # in the way of the migration
    with pytest.raises(DBAPIError, match="already exists"):
        await run(urls, command.upgrade, "head")
    assert await log.current(owner) == "0033"
    await owner.execute("DROP TYPE spyne.schema_migrations_log")
    await run(urls, command.upgrade, "head")
    assert len(await logged(owner)) == int(HEAD) - 33


async def test_the_runtime_login_reads_the_log_and_cannot_write_it(urls: DatabaseUrls) -> None:
    app = await migrations.connect(urls.app)
    try:
        assert len(await app.fetch(ALL)) == int(HEAD)
        for statement in (
            "DELETE FROM spyne.schema_migrations_log",
            "UPDATE spyne.schema_migrations_log SET applied_by = 'me'",
            "INSERT INTO spyne.schema_migrations_log (revision) VALUES ('x')",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)
    finally:
        await app.close()


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"is_upgrade": True, "up_revision_ids": ("0002",)}, (Direction.UPGRADE, ("0002",))),
        ({"is_upgrade": False, "up_revision_ids": ("0002",)}, (Direction.DOWNGRADE, ("0002",))),
        ({"is_stamp": True, "destination_revision_ids": ("0002",)}, (Direction.STAMP, ("0002",))),
        ({"is_stamp": True, "destination_revision_ids": ()}, (Direction.STAMP, ("base",))),
    ],
)
def test_what_a_step_did(step: dict[str, Any], expected: tuple[Direction, tuple[str, ...]]) -> None:
    assert done(SimpleNamespace(**{"is_stamp": False, **step})) == expected  # type: ignore[arg-type]
