"""Data and service secret belong together: another secret, or none, is refused before anything is written.

A migration gives the logins the passwords of its secret, and logins are the whole server's: the server is the module's.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from app import cli
from app.commands import environment
from app.commands.environment import NoEnvironmentError
from app.commands.own_secret import require_own_secret
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls, database_urls
from app.kernel.db.installation import PURPOSE, belongs
from app.kernel.embedded import EmbeddedServer, ServerAddress
from app.kernel.security.secrets import ServiceSecret
from app.settings import DatabaseSettings, Settings
from tests.conftest import FAST, SECRET
from tests.homes import open_home

OWN = SECRET._value.decode()
OTHER = "another secret of the tests, which is long enough too"
THIRD = "a third secret of the tests, which nobody has ever used"
FINGERPRINT = "SELECT secret_fingerprint FROM spyne.installation"
TEMPLATE = "migrated"


@pytest.fixture(scope="module")
def own_server() -> Iterator[ServerAddress]:
    """A server of the module's own, with a migrated database that belongs to no secret yet."""
    with open_home() as home, EmbeddedServer(home / "postgres", password="of-the-superuser", settings=FAST) as address:

        async def build() -> None:
            await told(address, f"CREATE DATABASE {TEMPLATE}")
            await migrations.prepare(address.url(TEMPLATE), DatabaseSettings(), SECRET)
            await asyncio.to_thread(migrations.upgrade, address.url(TEMPLATE))

        asyncio.run(build())
        yield address


async def told(server: ServerAddress, *statements: str) -> None:
    """The superuser has run these statements."""
    superuser = await asyncpg.connect(**server.connect_kwargs("postgres"))
    try:
        for statement in statements:
            await superuser.execute(statement)
    finally:
        await superuser.close()


@pytest.fixture
async def urls(own_server: ServerAddress) -> AsyncIterator[DatabaseUrls]:
    """This test's database, as its three logins see it while their passwords are those of the tests' secret."""
    await told(own_server, f"CREATE DATABASE own TEMPLATE {TEMPLATE}")
    yield database_urls(own_server.url("own"), DatabaseSettings(), SECRET)
    await told(own_server, "DROP DATABASE own WITH (FORCE)")


@pytest.fixture
def place(urls: DatabaseUrls, tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a process at this test's database: `place(secret, previous)`."""

    def settings(secret: str | None = None, previous: str | None = None, home: str = "home") -> Settings:
        return Settings(
            home=tmp_path / home,
            secret=None if secret is None else SecretStr(secret),
            secret_previous=None if previous is None else SecretStr(previous),
            database=DatabaseSettings(url=SecretStr(urls.owner)),
        )

    return settings


def opened(settings: Settings) -> ServiceSecret:
    """The secret of the environment that these settings open."""
    with environment.open_environment(settings) as here:
        return here.secret


def migrated(settings: Settings) -> None:
    with environment.open_environment(settings) as here:
        here.migrate()


async def refused(settings: Settings, why: str) -> None:
    """The environment is refused with these words, and the state directory is as it was."""
    before = sorted(settings.home.rglob("*")) if settings.home.exists() else None
    with pytest.raises(NoEnvironmentError, match=why):
        await asyncio.to_thread(opened, settings)
    assert (sorted(settings.home.rglob("*")) if settings.home.exists() else None) == before


async def test_a_database_belongs_to_the_secret_that_it_was_migrated_with(
    place: Callable[..., Settings], owner: asyncpg.Connection
) -> None:
    await asyncio.to_thread(migrated, place(OWN))
    assert await owner.fetchval(FINGERPRINT) == SECRET.fingerprint(PURPOSE)
    assert (await asyncio.to_thread(opened, place(OWN))).key("x") == SECRET.key("x")
    since = await owner.fetchval("SELECT secret_since FROM spyne.installation")
    await asyncio.to_thread(migrated, place(OWN))
    assert await owner.fetchval("SELECT secret_since FROM spyne.installation") == since


async def test_another_secret_is_refused_and_the_logins_stay(
    place: Callable[..., Settings], urls: DatabaseUrls
) -> None:
    await asyncio.to_thread(migrated, place(OWN))
    await refused(place(OTHER), "belongs to another service secret .* Nothing was changed")
    await refused(place(OTHER, previous=THIRD), "belongs to another service secret")
    await (await migrations.connect(urls.app)).close()  # its password is that of the first secret still


async def test_a_lost_secret_is_not_replaced(place: Callable[..., Settings]) -> None:
    await asyncio.to_thread(migrated, place(OWN))
    settings = place()
    await refused(
        settings, r"service secret is not here\. Bring the secret back: SPYNE_SECRET, or its file at .*secret"
    )
    assert not settings.home.exists()


async def test_a_secret_file_counts_like_a_setting(place: Callable[..., Settings]) -> None:
    first = place()
    await asyncio.to_thread(migrated, first)
    assert (first.home / "secret").exists()
    await asyncio.to_thread(opened, first)
    (first.home / "secret").rename(first.home / "elsewhere")
    await refused(first, "service secret is not here")
    (first.home / "elsewhere").rename(first.home / "secret")
    await asyncio.to_thread(opened, first)


async def test_the_secret_is_changed_on_purpose_with_the_one_before_beside_it(
    place: Callable[..., Settings], owner: asyncpg.Connection, urls: DatabaseUrls
) -> None:
    await asyncio.to_thread(migrated, place(OWN))
    await asyncio.to_thread(opened, place(OTHER, previous=OWN))
    assert await owner.fetchval(FINGERPRINT) == SECRET.fingerprint(PURPOSE), "nothing changes before the migration"
    await asyncio.to_thread(migrated, place(OTHER, previous=OWN))
    assert await owner.fetchval(FINGERPRINT) == ServiceSecret(OTHER.encode()).fingerprint(PURPOSE)
    await asyncio.to_thread(opened, place(OTHER))
    await refused(place(OWN), "belongs to another")
    fresh = database_urls(urls.owner, DatabaseSettings(), ServiceSecret(OTHER.encode()))
    await (await migrations.connect(fresh.app)).close()


async def test_a_database_that_belongs_to_nobody_yet_takes_any_secret(
    place: Callable[..., Settings], owner: asyncpg.Connection
) -> None:
    assert await owner.fetchval(FINGERPRINT) is None
    await asyncio.to_thread(opened, place(OTHER))
    assert await owner.fetchval(FINGERPRINT) is None, "looking is not taking"
    await owner.execute("DROP TABLE spyne.installation")
    await asyncio.to_thread(opened, place(OTHER))


async def test_without_a_secret_and_without_the_database_none_is_made(tmp_path: Path) -> None:
    away = DatabaseSettings(url=SecretStr("postgresql+asyncpg://spyne_owner:x@127.0.0.1:1/spyne"))
    settings = Settings(home=tmp_path / "home", database=away)
    await refused(settings, "No secret was made")
    assert not settings.home.exists()
    await asyncio.to_thread(require_own_secret, settings.model_copy(update={"secret": SecretStr(OWN)}))


@pytest.mark.parametrize("data", ["directory", "link"])
def test_a_database_of_the_home_without_its_secret_is_refused(tmp_path: Path, data: str) -> None:
    home = tmp_path / "home"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "PG_VERSION").write_text("18\n")
    home.mkdir()
    if data == "link":
        (home / "postgres").symlink_to(elsewhere)
    else:
        elsewhere.rename(home / "postgres")
    before = sorted(home.rglob("*"))
    with pytest.raises(NoEnvironmentError, match="but not the service secret that it was made with"):
        opened(Settings(home=home))
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize("made", ["nothing", "home", "empty"])
def test_a_fresh_home_is_none_of_this(tmp_path: Path, made: str) -> None:
    home = tmp_path / "home"
    if made != "nothing":
        home.mkdir()
    if made == "empty":
        (home / "postgres").mkdir()
    require_own_secret(Settings(home=home))


COMMANDS = (
    ("migrate",),
    ("run",),
    ("serve",),
    ("worker",),
    ("admin", "create", "ann"),
    ("backup", "--to", "x"),
    ("verify",),
)


def refused_in_one_line(code: object, said: str, home: Path) -> None:
    assert code in {1, 2}, said
    assert said.count("\n") == 1
    assert "service secret is not here" in said
    assert not home.exists()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_every_command_refuses_in_one_line(
    place: Callable[..., Settings],
    urls: DatabaseUrls,
    tmp_path: Path,
    command: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    await asyncio.to_thread(migrated, place(OWN))
    home = tmp_path / "fresh"
    for name, value in {"DATABASE_URL": urls.owner, "SPYNE_HOME": str(home), "SERVER_PORT": "0"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["spyne", *command])
    monkeypatch.setattr(cli.process, "begin", lambda: None)  # signals and the collector are the run's
    with pytest.raises(SystemExit) as left:
        await asyncio.to_thread(cli.main)
    refused_in_one_line(left.value.code, capsys.readouterr().err, home)


@pytest.mark.parametrize("command", ["migrate", "serve"])
async def test_a_process_refuses_in_one_line(
    place: Callable[..., Settings], urls: DatabaseUrls, tmp_path: Path, command: str
) -> None:
    await asyncio.to_thread(migrated, place(OWN))
    home = tmp_path / "fresh"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app.cli", command),
        env=os.environ | {"DATABASE_URL": urls.owner, "SPYNE_HOME": str(home), "SERVER_PORT": "0"},
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    refused_in_one_line(process.returncode, said.decode(), home)


def test_a_fingerprint_tells_secrets_apart_and_is_of_its_purpose() -> None:
    secret, other = ServiceSecret(OWN.encode()), ServiceSecret(OTHER.encode())
    assert secret.fingerprint(PURPOSE) == ServiceSecret(OWN.encode()).fingerprint(PURPOSE)
    assert len({secret.fingerprint(PURPOSE), other.fingerprint(PURPOSE), secret.fingerprint("backup:1")}) == 3
    assert secret.fingerprint(PURPOSE) not in secret.key(PURPOSE).hex()
    following = ServiceSecret(OTHER.encode(), secret)
    assert belongs(secret.fingerprint(PURPOSE), following)
    assert belongs(other.fingerprint(PURPOSE), following)
    assert not belongs(other.fingerprint(PURPOSE), secret)
