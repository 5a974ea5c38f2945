"""A full disk is said: by health on every path that looks, by a gauge; and not any more once there is room again.

The disk is a real one, of a few MiB, that only root may make; elsewhere its failure is brought about by hand.
"""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from obstore.exceptions import BaseError
from sqlalchemy.exc import DBAPIError

from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import WriteSession, sqlstate
from app.kernel.db.room import require_room
from app.kernel.embedded import ServerAddress
from app.kernel.runtime.resources import Resources
from app.kernel.storage.free_space import disk_usage
from app.kernel.storage.object_storage import StorageUnavailable
from app.kernel.write_failures import REMEMBERED_SECONDS
from app.main import create_app
from app.settings import HealthSettings, Settings
from tests.conftest import SECRET

CHANNEL = {"name": "somewhere", "channel_type": "webhook", "target": "https://hooks.example.org/x"}


def mounted(place: Path) -> bool:
    """Whether a disk of 4 MiB is there now."""
    place.chmod(0o755)
    asked = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, check=False
    )
    return asked.returncode == 0


def given_to_the_owner_of(data_directory: str, folder: Path) -> None:
    """Make the folder, of the account that PostgreSQL runs as."""
    home = Path(data_directory).stat()
    folder.mkdir()
    os.chown(folder, home.st_uid, home.st_gid)


def unmount(place: Path) -> None:
    subprocess.run(["umount", "-l", str(place)], check=True)
    place.rmdir()


@pytest.fixture
async def small_disk(server: ServerAddress) -> AsyncIterator[Path]:
    """A disk of 4 MiB with the tablespace `small`, where a test may put what is to find no room."""
    place = Path(tempfile.mkdtemp())
    if not mounted(place):
        pytest.skip("no disk can be mounted here")
    owner = await asyncpg.connect(**server.connect_kwargs("postgres"))
    try:
        given_to_the_owner_of(await owner.fetchval("SHOW data_directory"), place / "data")
        await owner.execute(f"CREATE TABLESPACE small LOCATION '{place}/data'")
        yield place
        await owner.execute("DROP TABLESPACE small")
    finally:
        await owner.close()
        unmount(place)


def fill(disk: Path) -> Path:
    """Take all the room that there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return ballast


@pytest.fixture
def uncached(app: FastAPI) -> FastAPI:
    app.state.checkup.fresh_seconds = 0.0
    return app


async def disk_of(client: httpx.AsyncClient, path: str) -> tuple[int, str, str | None]:
    """Status of the answer, and verdict and words of the check."""
    answer = await client.get(path)
    check = answer.json()["checks"]["disk"]
    return answer.status_code, check["status"], check["detail"]


async def gauge(admin: httpx.AsyncClient) -> float:
    found = re.search(r"^spyne_writes_failing (\S+)$", (await admin.get("/metrics")).text, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def test_a_full_disk_is_said_while_writes_fail_and_not_once_there_is_room(
    small_disk: Path, uncached: FastAPI, admin: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    failures = uncached.state.resources.database.write_failures
    await superuser.execute("ALTER TABLE spyne.notification_channels SET TABLESPACE small")
    assert [await disk_of(admin, path) for path in ("/health", "/health/ready")] == [(200, "ok", None)] * 2
    ballast = fill(small_disk)
    refused = await admin.post("/system/notify/channels", json=CHANNEL)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    said = (200, "degraded", "writes fail: database: the disk is full")
    assert [await disk_of(admin, path) for path in ("/health", "/health/ready")] == [said] * 2
    assert (await admin.get("/health")).json()["status"] == "degraded"
    assert (await admin.get("/health/live")).status_code == 200
    assert await gauge(admin) == 1.0
    ballast.unlink()
    assert (await admin.post("/system/notify/channels", json=CHANNEL)).status_code == 201
    now = failures._now()
    failures._now = lambda: now + REMEMBERED_SECONDS
    assert [await disk_of(admin, path) for path in ("/health", "/health/ready")] == [(200, "ok", None)] * 2
    assert await gauge(admin) == 0.0


async def test_a_full_disk_is_found_before_anybody_writes(
    small_disk: Path, uncached: FastAPI, anonymous: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    database, name = uncached.state.resources.database, await superuser.fetchval("SELECT current_database()")
    await superuser.execute("GRANT CREATE ON TABLESPACE small TO spyne_app")
    await superuser.execute(f'ALTER ROLE spyne_app IN DATABASE "{name}" SET temp_tablespaces = small')
    await database.reader.dispose()  # its connections are to see the setting
    await require_room(database)
    ballast = fill(small_disk)
    with pytest.raises(DBAPIError) as refused:
        await require_room(database)
    assert sqlstate(refused.value) == "53100"
    uncached.state.checkup._room_looked_at = -1e9
    assert await disk_of(anonymous, "/health") == (200, "degraded", "writes fail: database: the disk is full")
    ballast.unlink()
    await require_room(database)


async def test_the_look_for_room_leaves_nothing_and_comes_every_ten_seconds(
    uncached: FastAPI, anonymous: httpx.AsyncClient, superuser: asyncpg.Connection
) -> None:
    files = "SELECT coalesce(sum(size), 0) FROM pg_ls_tmpdir()"
    spilled = "SELECT temp_files FROM pg_stat_database WHERE datname = current_database()"
    await require_room(uncached.state.resources.database)
    assert await superuser.fetchval(files) == 0
    await superuser.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
    looked = uncached.state.checkup._room_looked_at
    for _ in range(3):
        await anonymous.get("/health")
    assert uncached.state.checkup._room_looked_at > looked
    first = uncached.state.checkup._room_looked_at
    await anonymous.get("/health")
    assert uncached.state.checkup._room_looked_at == first
    assert await superuser.fetchval(spilled) is not None


@pytest.mark.parametrize(("less", "status"), [(0, "degraded"), (2**62, "ok")])
async def test_too_little_free_space_is_said(urls: DatabaseUrls, tmp_path: Path, less: int, status: str) -> None:
    home = tmp_path / "home"
    least = 0 if less else 2**62
    application = create_app(Settings(home=home, health=HealthSettings(min_free_bytes=least)), urls, SECRET)
    async with (
        application.router.lifespan_context(application),
        httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://spyne.test") as client,
    ):
        answered, verdict, words = await disk_of(client, "/health/ready")
    assert (answered, verdict) == (200, status)
    assert words is None or re.fullmatch(r"\d+ MiB are free in the state directory", words)


async def test_a_storage_that_takes_nothing_is_said(
    uncached: FastAPI, anonymous: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = uncached.state.resources.storage

    def full(*_: object) -> None:
        raise BaseError("no space left on device")

    monkeypatch.setattr("app.kernel.storage.object_storage._publish", full)
    with pytest.raises(StorageUnavailable):
        async with storage.writer("raw/x") as writer:
            await writer.write(b"x")
    said = (200, "degraded", "writes fail: object storage: it cannot be written to")
    assert await disk_of(anonymous, "/health/ready") == said


async def fail(opening: Callable[[], AbstractAsyncContextManager[WriteSession]], error: type[Exception]) -> None:
    with contextlib.suppress(error):
        async with opening() as session:
            await session.connection()
            raise error


async def test_what_else_fails_is_no_failure_to_write(resources: Resources) -> None:
    database = resources.database
    for error in (LookupError, asyncpg.UniqueViolationError, asyncpg.SerializationError):
        await fail(database.write, error)
    assert database.write_failures.recent() is None
    await fail(database.load, asyncpg.DiskFullError)
    assert database.write_failures.recent() == "database: the disk is full"


def test_the_room_of_a_directory_that_is_not_there_yet_is_that_of_its_parent(tmp_path: Path) -> None:
    assert disk_usage(tmp_path / "a" / "b").total == shutil.disk_usage(tmp_path).total
