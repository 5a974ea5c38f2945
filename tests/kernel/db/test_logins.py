"""The logins, made and refreshed by an owner that is no superuser, on a server that logs every statement."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from alembic import command

from app.kernel.db import logins, migrations
from app.kernel.db.connections import database_urls
from app.kernel.embedded import EmbeddedServer, ServerAddress
from app.kernel.security.secrets import ServiceSecret
from app.settings import DatabaseSettings
from tests.conftest import FAST, SECRET
from tests.homes import open_home
from tests.owners import IN_CLEAR, NAME, PASSWORD, TALKATIVE, database_of, plain_database

SETTINGS = DatabaseSettings()
OTHER = ServiceSecret(b"another secret of the tests, which is long enough as well")


@dataclass(frozen=True)
class Place:
    """A server of the module's own, and its log."""

    address: ServerAddress
    log: Path

    async def superuser(self, *statements: str, database: str = "postgres") -> None:
        connection = await asyncpg.connect(**self.address.connect_kwargs(database))
        for statement in statements:
            await connection.execute(statement)
        await connection.close()


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with open_home() as home:
        server = EmbeddedServer(home / "postgres", password="of-the-superuser", settings=FAST | TALKATIVE)
        with server as address:
            yield Place(address, home / "postgres.log")


@pytest.fixture
async def url(place: Place) -> AsyncIterator[str]:
    """An empty database of an owner that is no superuser; neither login is there."""
    name = f"logins_{secrets.token_hex(4)}"
    yield await plain_database(place.address, name)
    drop = [
        f"DO $$ BEGIN IF to_regrole('{role}') IS NOT NULL THEN DROP OWNED BY {role}; DROP ROLE {role}; END IF; END $$"
        for role in (SETTINGS.app_role, SETTINGS.query_role)
    ]
    await place.superuser(*drop, database=name)
    await place.superuser(f"DROP DATABASE {name} WITH (FORCE)", f"ALTER ROLE {NAME} CREATEROLE")


def passwords(secret: ServiceSecret) -> list[str]:
    return [secret.password(f"role:{role}") for role in (SETTINGS.app_role, SETTINGS.query_role)]


async def works(url: str, secret: ServiceSecret) -> None:
    """Both logins are let in with the passwords of the secret."""
    urls = database_urls(url, SETTINGS, secret)
    for login in (urls.app, urls.query):
        await (await migrations.connect(login)).close()


@pytest.mark.parametrize(
    "meanwhile",
    [
        "SELECT 1",
        "ALTER ROLE spyne_app PASSWORD NULL",
        "ALTER ROLE spyne_query PASSWORD NULL",
        "ALTER ROLE spyne_app NOLOGIN",
        "ALTER ROLE spyne_query INHERIT",
        "DROP OWNED BY spyne_query; DROP ROLE spyne_query",
        f"REVOKE spyne_app FROM {NAME} GRANTED BY {NAME}",
    ],
)
async def test_a_second_start_finds_the_logins_as_they_should_be(place: Place, url: str, meanwhile: str) -> None:
    await migrations.prepare(url, SETTINGS, SECRET)
    await works(url, SECRET)
    await place.superuser(meanwhile, database=database_of(url))
    for _ in range(2):
        await migrations.prepare(url, SETTINGS, SECRET)
        await works(url, SECRET)
    owner = await migrations.connect(url)
    columns = ", ".join(logins.ATTRIBUTES)
    found = await owner.fetch(f"SELECT {columns} FROM pg_roles WHERE rolname IN ('spyne_app', 'spyne_query')")
    assert [dict(row) for row in found] == [{name: value for name, (value, _) in logins.ATTRIBUTES.items()}] * 2
    assert await owner.fetchval("SELECT pg_has_role('spyne_app', 'SET') AND pg_has_role('spyne_app', 'USAGE')")
    await owner.close()


async def test_the_query_login_is_bounded_wherever_it_comes_from(place: Place, url: str) -> None:
    await migrations.prepare(url, SETTINGS, SECRET)
    await place.superuser("ALTER ROLE spyne_query SET lock_timeout = '5s'; ALTER ROLE spyne_query RESET search_path")
    await migrations.prepare(url, SETTINGS, SECRET)
    query = await migrations.connect(database_urls(url, SETTINGS, SECRET).query)
    expected = logins.QUERY_LIMITS | {"lock_timeout": "5s", "statement_timeout": "2min"}
    expected |= {"idle_in_transaction_session_timeout": "1min"}
    assert {name: await query.fetchval(f"SHOW {name}") for name in expected} == expected
    limit = await query.fetchval("SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user")
    assert limit == logins.QUERY_CONNECTIONS
    await query.close()


async def test_another_secret_is_taken_up(url: str) -> None:
    await migrations.prepare(url, SETTINGS, SECRET)
    await migrations.prepare(url, SETTINGS, OTHER)
    await works(url, OTHER)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await works(url, SECRET)


async def test_no_password_is_in_any_statement_also_where_it_fails(
    place: Place, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrations.prepare(url, SETTINGS, SECRET)
    await migrations.prepare(url, SETTINGS, OTHER)
    monkeypatch.setattr(logins, "_require_rights", lambda *_, **__: None)
    await place.superuser(f"ALTER ROLE {NAME} NOCREATEROLE")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await migrations.prepare(url, SETTINGS, SECRET)
    written = place.log.read_text()
    assert 'ALTER ROLE "spyne_app" PASSWORD' in written, "the log has the statements"
    assert "42501" in written, "and the failure"
    known = [*passwords(SECRET), *passwords(OTHER), PASSWORD, place.address.password]
    assert [value for value in known if value in written] == []
    assert IN_CLEAR.findall(written) == []


REFUSED = {
    "no right to make roles": (
        [f"ALTER ROLE {NAME} NOCREATEROLE"],
        'may not make the login spyne_app. Whoever manages the server can run: ALTER ROLE "plain_owner" CREATEROLE;',
    ),
    "somebody else's login": (
        ["CREATE ROLE spyne_app LOGIN NOINHERIT"],
        "The login spyne_app was made by somebody else",
    ),
    "a login that may everything": (
        ["CREATE ROLE spyne_app LOGIN NOINHERIT SUPERUSER", f"GRANT spyne_app TO {NAME} WITH ADMIN OPTION"],
        'can run: ALTER ROLE "spyne_app" NOSUPERUSER;',
    ),
    "a login that makes databases and passes policies by": (
        ["CREATE ROLE spyne_app LOGIN NOINHERIT CREATEDB BYPASSRLS", f"GRANT spyne_app TO {NAME} WITH ADMIN OPTION"],
        'can run: ALTER ROLE "spyne_app" NOCREATEDB NOBYPASSRLS;',
    ),
    "somebody else's database": (["ALTER DATABASE {database} OWNER TO spyne_owner"], "does not own the database"),
}


@pytest.mark.parametrize(("before", "told"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_right_that_the_owner_lacks_is_named_with_the_way_out(
    place: Place, url: str, before: list[str], told: str
) -> None:
    database = database_of(url)
    await place.superuser(*(statement.replace("{database}", database) for statement in before))
    with pytest.raises(logins.OwnerRightsError, match=re.escape(told)) as refused:
        await migrations.prepare(url, SETTINGS, SECRET)
    way_out = str(refused.value).partition("can run: ")[2]
    await place.superuser(way_out)
    await migrations.prepare(url, SETTINGS, SECRET)
    await works(url, SECRET)


async def test_migrations_go_up_and_down_and_agree_with_the_models(url: str) -> None:
    await migrations.prepare(url, SETTINGS, SECRET)
    await asyncio.to_thread(migrations.upgrade, url)
    await asyncio.to_thread(migrations.check, url)
    await asyncio.to_thread(command.downgrade, migrations.configuration(url), "base")
    await asyncio.to_thread(migrations.upgrade, url)
