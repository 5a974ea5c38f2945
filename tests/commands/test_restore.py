"""A restore that cannot be finished leaves the place as it was: database, logins, objects, state directory."""

import secrets
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.commands import login_settings
from app.commands.environment import Environment, NoEnvironmentError
from app.commands.login_settings import LoginSettings
from app.commands.manifest import Manifest
from app.commands.restore import opened, restore, restore_into
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls, database_urls
from app.kernel.dumping.programs import ProgramError
from app.kernel.embedded import ServerAddress
from app.kernel.storage.object_storage import ObjectStorage
from app.settings import Settings
from tests.commands.backups import manifest, write_folder, write_tar
from tests.conftest import SECRET, _admin
from tests.homes import open_home
from tests.owners import belonging, owner_url

ROLES = "SELECT rolname, rolconnlimit, rolsuper FROM pg_authid WHERE rolname LIKE 'spyne%' ORDER BY 1"
"""Passwords are left out: every start of a test beside this one writes the same anew, with another salt."""


@pytest.fixture
async def empty(server: ServerAddress, template: str) -> AsyncIterator[str]:  # noqa: ARG001 - whose logins are there
    """The owner's URL of a database in which nothing is."""
    name = f"restored_{secrets.token_hex(4)}"
    await _admin(server, f'CREATE DATABASE "{name}"{belonging()}')
    yield owner_url(server, name)
    await _admin(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def place(url: str, home: Path) -> Environment:
    settings = Settings(home=home)
    return Environment(settings, database_urls(url, settings.database, SECRET), SECRET)


async def stored(home: Path) -> list[str]:
    storage = ObjectStorage.open((home / "objects").as_uri())
    return sorted([info.key async for info in storage.list()])


async def test_a_dump_that_postgresql_cannot_read_leaves_nothing(
    empty: str, server: ServerAddress, tmp_path: Path
) -> None:
    superuser = await asyncpg.connect(**server.connect_kwargs("postgres"))
    before = await superuser.fetch(ROLES)
    source = write_tar(tmp_path / "backup.tar", manifest())
    with opened(source, SECRET) as backup, pytest.raises(ProgramError, match="pg_restore failed"):
        await restore(place(empty, tmp_path / "home"), backup)
    assert await stored(tmp_path / "home") == []
    assert await superuser.fetch(ROLES) == before
    owner = await migrations.connect(empty)
    assert await owner.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname IN ('spyne', 'data')") == 0
    assert await owner.fetchval("SELECT has_database_privilege('public', current_database(), 'CONNECT')")
    await owner.close()
    await superuser.close()


async def test_an_object_that_changes_while_it_is_read_leaves_nothing(empty: str, tmp_path: Path) -> None:
    source = write_folder(tmp_path / "backup", manifest())
    with opened(source, SECRET) as backup:
        last = [path for path in sorted((source / "objects").rglob("*")) if path.is_file()][-1]
        last.write_bytes(b"y" * last.stat().st_size)
        with pytest.raises(NoEnvironmentError, match="changed on the way"):
            await restore(place(empty, tmp_path / "home"), backup)
    assert await stored(tmp_path / "home") == []


async def test_it_goes_into_an_empty_place_alone(empty: str, urls: DatabaseUrls, tmp_path: Path) -> None:
    with opened(write_folder(tmp_path / "backup", manifest()), SECRET) as backup:
        with pytest.raises(NoEnvironmentError, match="database is not empty"):
            await restore(place(urls.owner, tmp_path / "home"), backup)
        assert await stored(tmp_path / "home") == []
        occupied = tmp_path / "used" / "objects" / "occupied"
        occupied.parent.mkdir(parents=True)
        occupied.write_bytes(b"")
        with pytest.raises(NoEnvironmentError, match="object storage is not empty"):
            await restore(place(empty, tmp_path / "used"), backup)
        assert await stored(tmp_path / "used") == ["occupied"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"migration": "9999"}, "at migration 9999, which this version of Spyne does not have"),
        ({"app_role": "another_app"}, "logins of the backup are another_app and spyne_query"),
        ({"query_role": "another_query"}, "logins of the backup are spyne_app and another_query"),
    ],
)
async def test_a_backup_that_does_not_fit_is_refused(
    empty: str, tmp_path: Path, changed: dict[str, str], told: str
) -> None:
    described: Manifest = manifest(**changed)
    source = write_folder(tmp_path / "backup", described)
    with opened(source, SECRET) as backup, pytest.raises(NoEnvironmentError, match=told):
        await restore(place(empty, tmp_path / "home"), backup)
    assert not (tmp_path / "home").exists()


def test_an_embedded_server_that_was_not_there_is_gone_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "SPYNE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with open_home() as folder:
        home = folder / "home"
        settings = Settings(home=home, secret=SECRET._value.decode())
        source = write_tar(tmp_path / "backup.tar", manifest())
        with opened(source, SECRET) as backup, pytest.raises(ProgramError):
            restore_into(settings, backup)
        assert sorted(path.name for path in home.iterdir()) == []
        shutil.rmtree(home)


async def test_settings_of_logins_come_back_as_values(empty: str) -> None:
    """What a restore runs of them is made here, by name and value; nothing of it came from a file as SQL."""
    wanted = LoginSettings(connection_limit=61, settings={"statement_timeout": "119s"})
    owner = await migrations.connect(empty)
    transaction = owner.transaction()
    await transaction.start()
    if await owner.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
        await owner.execute("CREATE ROLE restored_login")
        for statement in login_settings.statements("restored_login", wanted):
            await owner.execute(statement)
        found = await owner.fetchrow(
            "SELECT rolconnlimit, (SELECT setconfig FROM pg_db_role_setting WHERE setrole = r.oid) FROM pg_roles r "
            "WHERE rolname = 'restored_login'"
        )
        assert found is not None
        assert tuple(found) == (61, ["statement_timeout=119s"])
    await transaction.rollback()
    await owner.close()
