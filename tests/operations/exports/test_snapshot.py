"""A snapshot restored into an empty database is the same, table by table, and everything in it works."""

import gzip
from pathlib import Path

import asyncpg
import httpx
import pytest
import zstandard
from fastapi import FastAPI

from app.audit.seals.signing import SealingKey
from app.audit.verification.verify_database import LogVerification, Scope
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.query_login import QueryLimits
from app.kernel.embedded import ServerAddress
from app.kernel.runtime.resources import Resources
from app.main import create_app
from app.operations.exports.snapshot.archive import NotASnapshotError
from app.operations.exports.snapshot.restoring import CannotRestoreError, restore
from app.settings import Settings
from tests.audit.logs import sealer
from tests.census import census, differences
from tests.conftest import SECRET, fresh_database
from tests.identities import Identities
from tests.operations.exports.steps import asked, made, plain_table, table
from tests.operations.exports.test_tables import AWKWARD

ELSEWHERE = frozenset(
    {
        "spyne.alembic_version",
        "spyne.worker_heartbeats",
        "jobs.pgqueuer",
        "jobs.pgqueuer_log",
        "jobs.pgqueuer_schedules",
    }
)
"""What says nothing about another database; tickets of open jobs are issued anew by its workers."""

SHAPE = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attacl::text, c.relacl::text,
    c.relowner::regrole::text, c.reloptions::text, pg_get_indexdef(c.oid), c.relkind::text,
    pg_get_expr(c.relpartbound, c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE n.nspname = 'data' ORDER BY 1, a.attnum
"""
SEQUENCES = "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname IN ('spyne', 'data') ORDER BY 1"
DIVIDED = """
SET ROLE spyne_app;
CREATE TABLE data.divided__v1 (id bigint NOT NULL, t text DEFAULT 'x', twice bigint GENERATED ALWAYS AS (id * 2) STORED,
    PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE data.divided__v1_a PARTITION OF data.divided__v1 FOR VALUES FROM (0) TO (10);
CREATE TABLE data.divided__v1_b PARTITION OF data.divided__v1 DEFAULT;
INSERT INTO data.divided__v1 SELECT n FROM generate_series(0, 20) AS n;
GRANT SELECT (id) ON data.divided__v1 TO spyne_query;
RESET ROLE
"""


@pytest.fixture
async def archive(
    app: FastAPI,
    admin: httpx.AsyncClient,
    open_for_data: None,  # noqa: ARG001 - for what it does
    owner: asyncpg.Connection,
    tmp_path: Path,
) -> Path:
    """A snapshot of a service with something of everything, which is at rest from then on."""
    resources: Resources = app.state.resources
    await table(admin, "things", AWKWARD)
    await plain_table(admin, "numbers", 5_000)
    await plain_table(admin, "shadow", 3, state=None)
    await owner.execute(DIVIDED)
    refused = '{"id": 1, "at": "2026-01-01T00:00:00Z", "v": 1}\n{"id": \n'
    headers = {"Content-Type": "application/x-ndjson"}
    assert (await admin.post("/api/ingestion/numbers_v1/batches", content=refused, headers=headers)).status_code == 201
    client = await admin.post("/api/clients", json={"name": "service", "roles": ["VIEWER"]})
    assert client.status_code == 201
    webhook = {
        "name": "hook",
        "channel_type": "webhook",
        "target": "https://hooks.example.org/x",
        "event_filter": ["*"],
    }
    assert (await admin.post("/system/notify/channels", json=webhook)).status_code == 201
    await sealer(resources).seal_waiting()
    shown = await asked(admin, "snapshot", format="tar", compression="zstd")
    await made(resources, shown["id"])
    path = tmp_path / "snapshot.tar.zst"
    found = (await admin.get(shown["links"]["self"])).json()
    assert found["status"] == "completed", found
    stored = b"".join([block async for block in resources.storage.get_stream(found["object_key"])])
    path.write_bytes(stored)
    return path


async def test_it_comes_back_as_it_was(
    app: FastAPI, archive: Path, owner: asyncpg.Connection, server: ServerAddress, template: str, settings: Settings
) -> None:
    assert app is not None  # whose snapshot it is
    async with fresh_database(server, template) as empty:
        done = await restore(empty.owner, archive, SECRET, "spyne_app")
        there = await migrations.connect(empty.owner)
        try:
            # The export itself went on after its own snapshot was taken; put that aside on both sides.
            for connection in (owner, there):
                await connection.execute(
                    "ALTER TABLE spyne.audit_log DISABLE TRIGGER append_only;"
                    "DELETE FROM spyne.audit_log WHERE action IN ('export:complete', 'export:create');"
                    "DELETE FROM spyne.job_runs; DELETE FROM spyne.export_jobs; DELETE FROM spyne.notification_outbox;"
                    "ALTER TABLE spyne.audit_log ENABLE ALWAYS TRIGGER append_only"
                )
            before, after = await census(owner, ELSEWHERE), await census(there, ELSEWHERE)
            assert differences(before, after) == []
            assert {
                "data.things__v1",
                "data.numbers__v1",
                "data.numbers__v1__before",
                "data.divided__v1_b",
            } <= after.keys()
            assert after["data.numbers__v1"][0] == 5_000
            assert await owner.fetch(SHAPE) == await there.fetch(SHAPE)
            assert await owner.fetch(SEQUENCES) == await there.fetch(SEQUENCES)
            assert done.relations == await there.fetchval(
                "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = 'data' AND relkind IN ('r', 'p')"
            )
        finally:
            await there.close()
        await works(create_app(settings, empty, SECRET))


async def works(app: FastAPI) -> None:
    """Seals verify and go on, tables are queried by the query login, rows come in behind the others."""
    async with app.router.lifespan_context(app):
        resources: Resources = app.state.resources
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://spyne.test") as client:
            async with resources.query_login.transaction(QueryLimits()) as connection:
                assert await connection.fetchval("SELECT count(id) FROM data.numbers__v1") == 5_000
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetchval("SELECT count(_spyne_hash) FROM data.numbers__v1")
            token = await Identities(resources).token("ADMIN")
            client.headers["Authorization"] = f"Bearer {token}"
            asked_ = await client.post("/api/query/preview", json={"sql": "SELECT note FROM things WHERE id = 1"})
            assert asked_.status_code == 200, asked_.text
            answer = await client.post("/api/query/execute", json={"preview_id": asked_.json()["preview_id"]})
            assert "=cmd" in answer.text
            body = '{"id": 90000, "at": "2026-01-01T00:00:00Z", "v": 1}\n'
            headers = {"Content-Type": "application/x-ndjson"}
            sent = await client.post("/api/ingestion/numbers_v1/batches", content=body, headers=headers)
            assert sent.json()["counts"]["inserted"] == 1, sent.text
        for _ in range(2):
            async with resources.database.snapshot() as session:
                log = LogVerification(session, [SealingKey(resources.secret).public], None)
                verified = await log.verify(Scope(), None, 60)
            assert verified.report.clean, verified
            await sealer(resources).seal_waiting()


async def test_a_database_that_was_used_is_left_alone(
    archive: Path, urls: DatabaseUrls, owner: asyncpg.Connection, server: ServerAddress, template: str
) -> None:
    before = await census(owner)
    with pytest.raises(CannotRestoreError, match="used before"):
        await restore(urls.owner, archive, SECRET, "spyne_app")
    assert differences(before, await census(owner)) == []
    async with fresh_database(server, template) as empty:
        there = await migrations.connect(empty.owner)
        await there.execute("UPDATE spyne.alembic_version SET version_num = '0001'")
        with pytest.raises(CannotRestoreError, match="migration"):
            await restore(empty.owner, archive, SECRET, "spyne_app")
        with pytest.raises(CannotRestoreError, match="runtime login"):
            await restore(empty.owner, archive, SECRET, "another_app")
        await there.close()


async def test_a_damaged_file_changes_nothing(
    archive: Path, server: ServerAddress, template: str, tmp_path: Path
) -> None:
    whole = _unpacked(archive)
    place = whole.rindex(b"\t1998\t") + 1  # a value of `numbers`
    damaged = {
        "flipped": whole[:place] + b"1999" + whole[place + 4 :],
        "cut": whole[: len(whole) // 2],
        "cut-at-a-member": whole[: whole.index(b"manifest.json")],
        "text": b"nothing of the kind",
        "empty": b"",
        "packed-text": gzip.compress(b"nothing"),
        "cut-gzip": gzip.compress(whole, 1)[:-5000],
    }
    async with fresh_database(server, template) as empty:
        there = await migrations.connect(empty.owner)
        before = await census(there)
        for name, data in damaged.items():
            with pytest.raises(NotASnapshotError):
                await restore(empty.owner, _written(tmp_path / name, data), SECRET, "spyne_app")
            assert differences(before, await census(there)) == [], name
        sound = _written(tmp_path / "sound", gzip.compress(whole, 1))
        assert (await restore(empty.owner, sound, SECRET, "spyne_app")).rows > 5_000
        await there.close()


def _unpacked(path: Path) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes())


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
