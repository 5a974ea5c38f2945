"""What stands in a database beside Spyne's own: each kind is found, and what others may rightly have is not."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from app.kernel.db import migrations
from app.kernel.db.foreign_objects import Foreign, look
from app.kernel.embedded import EmbeddedServer, ServerAddress
from app.settings import DatabaseSettings
from tests.conftest import FAST, SECRET
from tests.homes import open_home

SETTINGS = DatabaseSettings()
EVIL = "CREATE FUNCTION {name}() RETURNS int LANGUAGE sql {more} RETURN 1"
THEIRS = EVIL.format(name="theirs.f", more="SECURITY DEFINER")
TRIGGER = (
    "CREATE FUNCTION public.evil() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; "
    "ALTER FUNCTION public.evil() OWNER TO other"
)


@pytest.fixture(scope="module")
def own() -> Iterator[ServerAddress]:
    """A server of the module's own: roles and settings are the server's."""
    with open_home() as home, EmbeddedServer(home / "postgres", password="of-the-owner", settings=FAST) as address:
        yield address


@pytest.fixture
async def connection(own: ServerAddress) -> AsyncIterator[asyncpg.Connection]:
    """The owner's, in a database with the logins and somebody else's role; all of it is undone at the end."""
    await migrations.prepare(own.url("postgres"), SETTINGS, SECRET)
    connection = await asyncpg.connect(**own.connect_kwargs("postgres"))
    undone = connection.transaction()
    await undone.start()
    await connection.execute("CREATE ROLE other")
    yield connection
    await undone.rollback()
    await connection.close()


async def seen(connection: asyncpg.Connection, *adopted: str, ours_alone: bool = False) -> Foreign:
    return await look(connection, SETTINGS, adopted, ours_alone=ours_alone)


FOUND = {
    "a schema": ("CREATE SCHEMA evil", "schema evil"),
    "a table in public": ("CREATE TABLE public.pwned (a int)", "relation public.pwned"),
    "a view of the runtime login's": (
        "CREATE VIEW public.v AS SELECT 1; ALTER VIEW public.v OWNER TO spyne_app",
        "relation public.v",
    ),
    "a function": (EVIL.format(name="public.evil", more=""), "function public.evil()"),
    "a function with a superuser's rights": (
        EVIL.format(name="public.evil", more="SECURITY DEFINER"),
        "function public.evil()",
    ),
    "a function among PostgreSQL's own": (
        "SET LOCAL allow_system_table_mods = on; " + EVIL.format(name="pg_catalog.evil", more=""),
        "function evil()",
    ),
    "an operator": (
        "CREATE OPERATOR public.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq)",
        "operator public.===(integer,integer)",
    ),
    "a cast": ("CREATE TYPE public.t AS (a int); CREATE CAST (public.t AS text) WITH INOUT", "cast public.t to text"),
    "an event trigger": (
        f"{TRIGGER}; CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION public.evil()",
        "event trigger t",
    ),
    "a publication": ("CREATE PUBLICATION p FOR ALL TABLES", "publication p"),
    "a setting of the database": (
        "ALTER DATABASE postgres SET search_path = evil",
        "setting of everybody search_path=evil",
    ),
    "a library for everybody": (
        "ALTER ROLE ALL SET session_preload_libraries = 'auto_explain'",
        "setting of everybody session_preload_libraries=auto_explain",
    ),
}


@pytest.mark.parametrize(("statements", "told"), FOUND.values(), ids=FOUND.keys())
async def test_what_somebody_left_there_is_found(connection: asyncpg.Connection, statements: str, told: str) -> None:
    before = await seen(connection)
    assert before.findings == []
    await connection.execute(statements)
    found = await seen(connection)
    assert told in {name for name, _ in found.findings}, found.findings


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE SCHEMA theirs AUTHORIZATION other; CREATE TABLE theirs.t (a int); ALTER TABLE theirs.t OWNER TO other",
        f"CREATE SCHEMA theirs AUTHORIZATION other; {THEIRS}; ALTER FUNCTION theirs.f() OWNER TO other",
        "ALTER DATABASE postgres SET timezone = 'Europe/Zurich'",
        "ALTER ROLE other SET search_path = theirs",
    ],
)
async def test_what_others_may_have_is_none_of_ours(connection: asyncpg.Connection, statements: str) -> None:
    await connection.execute(statements)
    assert (await seen(connection)).findings == []


async def test_what_was_adopted_is_known(connection: asyncpg.Connection) -> None:
    await connection.execute("CREATE SCHEMA shop; CREATE TABLE shop.orders (a int); CREATE TABLE shop.more (a int)")
    found = await seen(connection, "shop.orders")
    assert [name for name, _ in found.findings] == ["relation shop.more"]
    assert (await seen(connection, "shop.orders", "shop.more")).findings == []


async def test_on_a_server_of_ours_nobody_else_has_a_role(connection: asyncpg.Connection) -> None:
    await connection.execute("CREATE ROLE mighty SUPERUSER LOGIN")
    found = await seen(connection, ours_alone=True)
    assert {name for name, _ in found.findings} == {"role other", "role mighty"}
    shared = await seen(connection)
    assert shared.findings == []
    assert any("mighty" in note for note in shared.notes)


async def test_who_may_act_as_the_owner_is_noted(connection: asyncpg.Connection) -> None:
    await connection.execute("CREATE ROLE plain LOGIN; GRANT plain TO other; SET LOCAL ROLE plain")
    found = await seen(connection)
    assert any(note.endswith("as the owner login: other") for note in found.notes), found.notes
