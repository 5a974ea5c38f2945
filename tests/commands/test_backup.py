"""Backup of a service under writes, restored elsewhere, started there; then damage of every kind, each found."""

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.commands.environment import open_environment
from app.kernel.db import migrations
from app.settings import Settings
from tests import loopback
from tests.census import BOOKKEEPING, Census, census
from tests.ingestion.steps import contract, ndjson
from tests.processes import Installation, installation
from tests.waiting import eventually_blocking

pytestmark = pytest.mark.slow
NDJSON = {"Content-Type": "application/x-ndjson"}


@dataclass
class Copies:
    """A service that was backed up, and what was made of the backup."""

    original: Installation
    restored: Installation
    backup: Path
    before: Census
    after: Census
    written: int


def command(place: Installation, *arguments: str, code: int = 0) -> str:
    done = place.run(*arguments)
    assert done.returncode == code, (arguments, done.returncode, done.stdout[-2000:], done.stderr[-3000:])
    return done.stdout + done.stderr


def counted(place: Installation, doing: Callable[[asyncpg.Connection], Any]) -> Any:
    """What is answered by the owner's connection of the embedded server, started for the while."""

    async def work(url: str) -> Any:
        connection = await migrations.connect(url)
        try:
            return await doing(connection)
        finally:
            await connection.close()

    with open_environment(Settings(home=place.home)) as opened:
        return asyncio.run(work(opened.urls.owner))


def write_until(done: threading.Event, client: httpx.Client, batches: list[int]) -> None:
    number = 0
    while not done.is_set():
        number += 1
        rows = ndjson([(number * 10 + each, number, each) for each in range(5)])
        answer = client.post("/api/ingestion/things_v1/batches", content=rows, headers=NDJSON)
        batches.append(answer.status_code)


@pytest.fixture(scope="module")
def copies() -> Iterator[Copies]:
    with installation(SERVER_LOG_LEVEL="warning") as original, installation(SERVER_LOG_LEVEL="warning") as restored:
        folder = original.home.parent / "backup"
        with original.started("run") as running:  # a worker seals the audit log
            running.wait_until_ready()
            key = command(original, "client", "create", "writer", "--role", "ADMIN").split()[-1]
            with loopback.blocking(original.url, headers={"X-API-Key": key}, timeout=30) as client:
                assert client.put("/system/mode", json={"mode": "INGESTION_READY"}).status_code == 200
                assert client.post("/api/contracts/register", json=contract("things")).status_code == 201
                promoted = {"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "a test"}
                batches: list[int] = []
                done = threading.Event()
                writer = threading.Thread(target=write_until, args=(done, client, batches))
                writer.start()
                try:
                    eventually_blocking(lambda: len(batches) >= 3, what="three batches")
                    assert client.post("/api/tables/things/promote", json=promoted).status_code == 200
                    command(original, "backup", "--to", str(folder))
                    during = len(batches)
                    eventually_blocking(lambda: len(batches) > during, what="a batch after the backup")
                finally:
                    done.set()
                    writer.join()
            assert set(batches) == {201}
            assert len(batches) > during, "it was written all the while"
            assert running.stop() == 0
        before = counted(original, census)
        restored.home.mkdir(parents=True)
        shutil.copy2(original.home / "secret", restored.home / "secret")
        command(restored, "restore", "--from", str(folder))
        yield Copies(original, restored, folder, before, counted(restored, census), during)


def test_the_backup_is_of_one_moment_and_restored_as_it_was(copies: Copies) -> None:
    manifest = json.loads((copies.backup / "manifest.json").read_text())
    assert manifest["gone"] == []
    batches = copies.after["spyne.ingestion_history"][0]
    assert 3 <= batches <= copies.before["spyne.ingestion_history"][0]
    assert len(manifest["objects"]) == batches
    assert copies.after["data.things__v1"][0] == 5 * batches, "rows and batches are of the same moment"
    same = {name for name in copies.before if not name.startswith(("data.", "jobs.")) and name not in BOOKKEEPING}
    same -= {"spyne.ingestion_history", "spyne.audit_seals", "spyne.audit_sealed_entries", "spyne.api_keys"}
    differ = {name for name in same if copies.before[name] != copies.after.get(name)}
    assert differ <= {"spyne.spyne_metrics"}, differ


def test_a_second_backup_of_the_restored_place_is_the_same(copies: Copies) -> None:
    """Nothing writes there: what goes in comes out, table by table."""
    with installation() as third:
        target = third.home.parent / "again.tar"
        command(copies.restored, "backup", "--to", str(target))
        third.home.mkdir(parents=True)
        shutil.copy2(copies.original.home / "secret", third.home / "secret")
        command(third, "restore", "--from", str(target))
        assert counted(third, census) == counted(copies.restored, census)


def test_the_restored_place_verifies(copies: Copies) -> None:
    manifest = json.loads((copies.backup / "manifest.json").read_text())
    checkpoint = copies.backup.with_name("checkpoint.json")
    checkpoint.write_text(json.dumps(manifest["checkpoint"]))
    told = json.loads(command(copies.restored, "verify", "--json", "--checkpoint", str(checkpoint)))
    assert told["clean"] is True, told["findings"]
    assert told["looked_at"]["schema"] > 500
    assert told["looked_at"]["objects"] >= 3
    assert told["looked_at"]["memory"] == 1


def test_the_service_starts_there_and_goes_on(copies: Copies) -> None:
    with copies.restored.started("serve") as running:
        running.wait_until_ready()
        key = command(copies.restored, "client", "create", "other", "--role", "ADMIN").split()[-1]
        with loopback.blocking(copies.restored.url, headers={"X-API-Key": key}) as client:
            rows = ndjson([(1_000_000, 1, 1)])
            sent = client.post("/api/ingestion/things_v1/batches", content=rows, headers=NDJSON)
            assert sent.status_code == 201, sent.text
            asked = client.post("/api/query/preview", json={"sql": "select count(*) as n from things"}).json()
            found = client.post("/api/query/execute", json={"preview_id": asked["preview_id"]}).json()
            assert str(copies.after["data.things__v1"][0] + 1) in json.dumps(found)
        assert running.stop() == 0


def test_what_is_refused(copies: Copies) -> None:
    assert "not empty" in command(copies.restored, "restore", "--from", str(copies.backup), code=1)
    assert "is there already" in command(copies.restored, "backup", "--to", str(copies.backup), code=1)
    with installation() as empty:
        assert "no service secret here" in command(empty, "restore", "--from", str(copies.backup), code=1)
        assert not (empty.home / "postgres").exists()
        empty.environment["SPYNE_SECRET"] = "another secret that is long enough to be taken"
        assert "another service secret" in command(empty, "restore", "--from", str(copies.backup), code=1)
        del empty.environment["SPYNE_SECRET"]
        empty.home.mkdir(parents=True, exist_ok=True)
        shutil.copy2(copies.original.home / "secret", empty.home / "secret")
        damaged = copies.backup.with_name("damaged")
        shutil.copytree(copies.backup, damaged)
        victim = next(path for path in (damaged / "objects").rglob("*") if path.is_file())
        victim.write_bytes(victim.read_bytes() + b"x")
        assert "has more bytes" in command(empty, "restore", "--from", str(damaged), code=1)
        (damaged / "manifest.json").unlink()
        assert "cannot be read as a backup" in command(empty, "restore", "--from", str(damaged), code=1)
        assert [path.name for path in empty.home.iterdir()] == ["secret"], "nothing was made"


EDIT = """
    ALTER TABLE spyne.audit_log DISABLE TRIGGER append_only;
    UPDATE spyne.audit_log SET actor_label = 'nobody'
     WHERE id = (SELECT entry_id FROM spyne.audit_sealed_entries ORDER BY seal, leaf LIMIT 1);
    ALTER TABLE spyne.audit_log ENABLE ALWAYS TRIGGER append_only
"""
ALWAYS = "CREATE EVENT TRIGGER always ON ddl_command_end EXECUTE FUNCTION public.t()"
SQL_DAMAGE = {
    "a grant is added": ("GRANT UPDATE ON spyne.users TO spyne_query", "grants", "spyne.users"),
    "a grant to everybody": ("GRANT SELECT ON spyne.api_keys TO PUBLIC", "grants", "spyne.api_keys"),
    "a grant of a column": ("GRANT SELECT (_spyne_hash) ON data.things__v1 TO spyne_query", "data", "data.things__v1"),
    "a grant is taken": ("REVOKE INSERT ON spyne.audit_log FROM spyne_app", "grants", "spyne.audit_log"),
    "a trigger is off": ("ALTER TABLE spyne.audit_log DISABLE TRIGGER append_only", "schema", "append_only"),
    "a trigger is not always on": ("ALTER TABLE spyne.audit_seals ENABLE TRIGGER append_only", "schema", "append_only"),
    "a column is dropped": ("ALTER TABLE spyne.feature_flags DROP COLUMN owner", "schema", "feature_flags.owner"),
    "an index is dropped": ("DROP INDEX spyne.ix_audit_log_time", "schema", "ix_audit_log_time"),
    "a constraint is dropped": (
        "ALTER TABLE spyne.tables DROP CONSTRAINT ck_tables_state",
        "schema",
        "ck_tables_state",
    ),
    "a function is changed": (
        "ALTER FUNCTION spyne.publish(regclass, text[]) SET search_path = public",
        "schema",
        "spyne.publish",
    ),
    "a table is unlogged": ("ALTER TABLE spyne.login_attempts SET UNLOGGED", "schema", "login_attempts"),
    "a role may more": ("ALTER ROLE spyne_app CREATEDB", "grants", "spyne_app"),
    "a wall is down": (
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO spyne_query",
        "grants",
        "pg_read_file",
    ),
    "a governed column is dropped": ("ALTER TABLE data.things__v1 DROP COLUMN v", "data", "data.things__v1"),
    "a function of the owner's": (
        "CREATE FUNCTION public.evil() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1",
        "foreign",
        "public.evil()",
    ),
    "a table beside": ("CREATE TABLE public.pwned (a int)", "foreign", "public.pwned"),
    "a schema beside": ("CREATE SCHEMA beside", "foreign", "beside"),
    "an event trigger": (
        f"CREATE FUNCTION public.t() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; {ALWAYS}",
        "foreign",
        "event trigger always",
    ),
    "another superuser": ("CREATE ROLE mighty SUPERUSER LOGIN", "foreign", "role mighty"),
    "a member of the runtime login": ("CREATE ROLE joined; GRANT spyne_app TO joined", "grants", "role spyne_app"),
    "rights to come": (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA spyne GRANT SELECT ON TABLES TO spyne_query",
        "grants",
        "grants to come",
    ),
    "a function in the data schema": (
        "CREATE FUNCTION data.f() RETURNS int LANGUAGE sql RETURN 1",
        "schema",
        "function data.f()",
    ),
    "a schema of another owner": ("ALTER SCHEMA staging OWNER TO spyne_app", "schema", "schema staging"),
    "an unknown relation": ("CREATE TABLE data.strange (a int)", "data", "data.strange"),
    "an audit row is edited": (EDIT, "audit", ""),
    "commits may be lost": ("ALTER DATABASE spyne SET synchronous_commit = off", "settings", "synchronous_commit"),
    "another migration": ("UPDATE spyne.alembic_version SET version_num = '0001'", "schema", "migration"),
}


def test_damage_of_every_kind_is_found(copies: Copies) -> None:
    """All of it in one place, so that one look finds all; that each is looked for is told by its own finding."""
    together = [EDIT] + [
        statement for name, (statement, _, _) in SQL_DAMAGE.items() if statement != EDIT and name != "another migration"
    ]

    async def damage(owner: asyncpg.Connection) -> None:
        for statement in together:
            await owner.execute(statement)

    counted(copies.original, damage)
    objects = sorted(path for path in (copies.original.home / "objects" / "raw").rglob("*") if path.is_file())
    objects[0].unlink()
    objects[1].write_bytes(objects[2].read_bytes())
    objects[2].write_bytes(objects[2].read_bytes()[:-3])
    found = json.loads(command(copies.original, "verify", "--json", code=1))
    findings = found["findings"]
    for name, (_, area, subject) in SQL_DAMAGE.items():
        if name != "another migration":
            told = [each for each in findings if each["area"] == area and subject in each["subject"]]
            assert told, f"{name}: {findings}"
    broken = {each["subject"]: each["detail"] for each in findings if each["area"] == "objects"}
    assert len(broken) == 3
    assert sorted(text.split(" (")[0] for text in broken.values()) == [
        "it cannot be decoded",
        "it is gone",
        "it was changed",
    ]

    async def stale(owner: asyncpg.Connection) -> None:
        await owner.execute(SQL_DAMAGE["another migration"][0])

    counted(copies.original, stale)
    (only,) = json.loads(command(copies.original, "verify", "--json", code=1))["findings"]
    assert only["subject"] == "migration"


def test_where_nothing_can_be_said(tmp_path: Path) -> None:
    nowhere = Installation(tmp_path / "home", 1, {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"})
    command(nowhere, "verify", code=2)
