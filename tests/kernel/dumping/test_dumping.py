"""The engine of copies: one moment, another owner, all or nothing, ended with who asked for it, no password shown."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.kernel.dumping import engine, programs
from app.kernel.dumping import repository as rows
from app.kernel.embedded import ServerAddress
from app.kernel.embedded.binaries import MAJOR, binary
from app.kernel.quoting import quote_literal
from app.kernel.scram import verifier
from tests.census import census, differences
from tests.service_processes import eventually

SELECTED = ["--schema=spyne", "--schema=data", "--schema=jobs"]
OWNERS = {
    "another superuser": ("SUPERUSER", [], False),
    "an owner with no rights beyond": ("NOSUPERUSER", SELECTED, False),
    "an owner that has joined the runtime login": ("NOSUPERUSER", SELECTED, True),
}
"""A dump of all holds what only superusers may say: who may call PostgreSQL's own functions."""


@pytest.fixture
async def filled(owner: asyncpg.Connection) -> None:
    await owner.execute(
        "SET ROLE spyne_app; CREATE TABLE data.things__v1 (id bigint PRIMARY KEY, note text);"
        "INSERT INTO data.things__v1 SELECT n, 'it''s ' || n FROM generate_series(1, 20000) AS n;"
        "GRANT SELECT (id) ON data.things__v1 TO spyne_query; RESET ROLE"
    )


@pytest.fixture(params=list(OWNERS.values()), ids=list(OWNERS))
async def elsewhere(
    request: pytest.FixtureRequest, server: ServerAddress
) -> AsyncIterator[tuple[str, list[str], bool]]:
    """The URL of an empty database of another owner, what that owner can restore, and whether it stays a member."""
    attributes, selected, joined = request.param
    name = f"elsewhere_{os.getpid()}"
    admin = await asyncpg.connect(**server.connect_kwargs("postgres"))
    await admin.execute(f"CREATE ROLE {name} LOGIN {attributes} PASSWORD {quote_literal(verifier('p_w_of_another'))}")
    await admin.execute(f"GRANT spyne_app TO {name} WITH ADMIN TRUE, INHERIT {joined}, SET {joined}")
    await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    url = make_url(server.url(name)).set(username=name, password="p_w_of_another")
    yield url.render_as_string(hide_password=False), selected, joined
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.execute(f"REVOKE spyne_app FROM {name} CASCADE")
    await admin.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")
    await admin.close()


@pytest.mark.usefixtures("filled")
async def test_another_owner_restores_what_there_was_at_one_moment(
    urls: DatabaseUrls, owner: asyncpg.Connection, elsewhere: tuple[str, list[str], bool], tmp_path: Path
) -> None:
    url, selected, joined = elsewhere
    dump = tmp_path / "dump"
    async with engine.exported_snapshot(urls.owner) as (connection, snapshot):
        before = await census(owner)
        await owner.execute("INSERT INTO data.things__v1 VALUES (-1, 'too late')")
        await engine.dump_into(dump, urls.owner, MAJOR, [f"--snapshot={snapshot}", *selected])
        relations = await rows.relations_of(connection, "spyne_app")
    assert relations == [("data", "things__v1")]
    there = await migrations.connect(url)
    try:
        left_out = await engine.restore(there, url, dump, MAJOR, engine.RestoreContext(relations, "spyne_app"))
        assert left_out == []
        found = await there.fetch(
            "SELECT relowner::regrole::text, has_column_privilege('spyne_query', oid, 'id', 'SELECT'), "
            "has_column_privilege('spyne_query', oid, 'note', 'SELECT') FROM pg_class "
            "WHERE oid = 'data.things__v1'::regclass"
        )
        assert [tuple(row) for row in found] == [("spyne_app", True, False)]
        defaults = "SELECT defaclrole::regrole::text = current_user, defaclacl::text FROM pg_default_acl"
        ((of_the_owner, granted),) = await there.fetch(defaults)
        assert of_the_owner, "privileges by default are the restoring owner's"
        assert granted.startswith("{spyne_app=r/")
        if selected:
            member = await there.fetchval("SELECT pg_has_role(current_user, 'spyne_app', 'SET')")
            assert member is joined, "who was a member is one, who became one was it for the while"
            await there.execute("GRANT spyne_app TO CURRENT_USER WITH INHERIT TRUE")  # to look at its rows
        assert await there.fetchval("SELECT count(*) FROM spyne.alembic_version") == 1
        assert differences(before, await census(there)) == []
    finally:
        await there.close()


@pytest.mark.usefixtures("filled")
async def test_a_dump_that_breaks_off_changes_nothing(
    urls: DatabaseUrls, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    dump = tmp_path / "dump"
    await engine.dump_into(dump, urls.owner, MAJOR, ["--schema=spyne", "--schema=data", "--compress=none"])
    whole = dump.read_bytes()
    dump.write_bytes(whole[: whole.index(b"it's 15000")])
    before = await census(owner)
    context = engine.RestoreContext([], "spyne_app", more=["--clean", "--if-exists"])
    with pytest.raises(programs.ProgramError):
        await engine.restore(owner, urls.owner, dump, MAJOR, context)
    assert differences(before, await census(owner)) == []


@pytest.mark.usefixtures("filled")
async def test_what_the_database_refuses_is_said_in_a_line_and_changes_nothing(
    urls: DatabaseUrls, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    dump = tmp_path / "dump"
    await engine.dump_into(dump, urls.owner, MAJOR, [])
    before = await census(owner)
    with pytest.raises(programs.ProgramError, match="already exists") as refused:
        await engine.restore(owner, urls.owner, dump, MAJOR, engine.RestoreContext([], "spyne_app"))
    assert "\n" not in str(refused.value)
    assert differences(before, await census(owner)) == []


@pytest.mark.usefixtures("filled")
async def test_a_dump_ends_with_whoever_takes_it(urls: DatabaseUrls, owner: asyncpg.Connection) -> None:
    dumping = (
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_dump' AND datname = current_database()"
    )

    async def taken() -> int:
        async with aclosing(engine.dump(urls.app, MAJOR, ["--schema=data"])) as blocks:
            return sum([len(block) async for block in blocks])

    blocking = await migrations.connect(urls.owner)  # within its transaction, the activity of others stands still
    try:
        await blocking.execute("BEGIN; LOCK TABLE data.things__v1")
        taking = asyncio.create_task(taken())
        await eventually(lambda: owner.fetchval(f"{dumping} AND wait_event_type = 'Lock'"))
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        await eventually(lambda: owner.fetchval(f"SELECT ({dumping}) = 0"))
    finally:
        await blocking.close()
    assert await taken() > 0


async def test_passwords_are_in_the_environment_alone(urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[object, ...]] = []
    start = asyncio.create_subprocess_exec

    async def noted(*arguments: object, **options: object) -> asyncio.subprocess.Process:
        started.append(arguments)
        return await start(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    password = "no-such-password"
    wrong = make_url(urls.app).set(password=password).render_as_string(hide_password=False)
    with pytest.raises(programs.ProgramError) as refused:
        [block async for block in programs.output(binary("pg_dump"), ["--no-password"], wrong)]
    assert password not in f"{started} {refused.value!r}"
    assert len(started) == 1


async def test_a_program_knows_none_of_our_secrets(urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program's environment holds can be read by whoever runs as its account, and is kept in core dumps."""
    environments: list[dict[str, str]] = []
    start = asyncio.create_subprocess_exec

    async def noted(*arguments: str, env: dict[str, str], **options: object) -> asyncio.subprocess.Process:
        environments.append(env)
        return await start(*arguments, env=env, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    for name in ("SPYNE_SECRET", "DATABASE_URL", "NOTIFY_SMTP_URL", "OIDC_CLIENT_SECRET", "PGSERVICE", "PGOPTIONS"):
        monkeypatch.setenv(name, "of-the-service")
    monkeypatch.setenv("PGSSLROOTCERT", "/etc/ours.pem")
    [block async for block in programs.output(binary("psql"), ["--no-psqlrc", "--command=SELECT 1"], urls.app)]
    (environment,) = environments
    assert "of-the-service" not in environment.values()
    assert environment["PGSSLROOTCERT"] == "/etc/ours.pem"


def test_a_server_that_no_program_here_understands() -> None:
    with pytest.raises(programs.NoProgramError, match="install PostgreSQL's client programs"):
        programs.program("pg_dump", 999)
