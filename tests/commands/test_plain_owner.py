"""All that an operator does, with an owner that is no superuser: as on managed PostgreSQL, `LOGIN CREATEROLE` and the
database alone. Restored on another server, by an owner of another name.
"""

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.db import migrations
from app.kernel.embedded import EmbeddedServer, ServerAddress
from app.kernel.security.secrets import ServiceSecret
from tests import loopback
from tests.census import Census, census, differences
from tests.homes import open_home
from tests.ingestion.steps import contract, ndjson
from tests.owners import IN_CLEAR, PASSWORD, TALKATIVE, plain_database
from tests.processes import Installation, Running, installation

pytestmark = pytest.mark.slow
NDJSON = {"Content-Type": "application/x-ndjson"}
SECRET = "the secret of an installation with a plain owner"
PROMOTED = {"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "a test"}
ADOPTED = (
    "CREATE SCHEMA shop; CREATE TABLE shop.orders (id int, note text); INSERT INTO shop.orders VALUES (1, 'first')"
)
UNREADABLE = "CREATE TABLE shop.secrets (id int)"


@dataclass
class Place:
    """An installation on a server that somebody manages."""

    server: ServerAddress
    log: Path
    spyne: Installation
    url: str


@contextmanager
def managed(owner: str) -> Iterator[Place]:
    with open_home() as home:
        server = EmbeddedServer(home / "postgres", password="of-the-superuser", settings=TALKATIVE)
        with server as address:
            url = asyncio.run(plain_database(address, "warehouse", owner))
            with installation(DATABASE_URL=url, SPYNE_SECRET=SECRET, SERVER_LOG_LEVEL="warning") as spyne:
                yield Place(address, home / "postgres.log", spyne, url)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with managed("first_owner") as place:
        yield place


def command(spyne: Installation, *arguments: str, code: int = 0) -> str:
    done = spyne.run(*arguments)
    assert done.returncode == code, (arguments, done.returncode, done.stdout[-2000:], done.stderr[-3000:])
    return done.stdout + done.stderr


def asked(url: str, doing: Callable[[asyncpg.Connection], Any]) -> Any:
    async def work() -> Any:
        connection = await migrations.connect(url)
        try:
            return await doing(connection)
        finally:
            await connection.close()

    return asyncio.run(work())


def executed(url: str, statement: str) -> None:
    asked(url, lambda connection: connection.execute(statement))


@contextmanager
def running(spyne: Installation, how: str = "run") -> Iterator[tuple[Running, httpx.Client]]:
    with spyne.started(how) as started:
        started.wait_until_ready()
        key = command(spyne, "client", "create", f"writer-{secrets.token_hex(4)}", "--role", "ADMIN").split()[-1]
        with loopback.blocking(spyne.url, headers={"X-API-Key": key}, timeout=30) as client:
            yield started, client
        assert started.stop() == 0


def test_it_starts_serves_and_starts_again(place: Place) -> None:
    executed(place.url, ADOPTED)
    with running(place.spyne) as (_, client):
        assert client.put("/system/mode", json={"mode": "INGESTION_READY"}).status_code == 200
        assert client.post("/api/contracts/register", json=contract("things")).status_code == 201
        sent = client.post("/api/ingestion/things_v1/batches", content=ndjson([(1, 1, 1), (2, 2, 2)]), headers=NDJSON)
        assert sent.status_code == 201, sent.text
        assert client.post("/api/tables/things/promote", json=PROMOTED).status_code == 200
        found = client.post("/api/tables/adopt", json={"relations": ["shop.orders"]})
        assert found.status_code < 300, found.text
    superuser = place.server.url("warehouse")
    executed(superuser, "ALTER ROLE spyne_app PASSWORD NULL; ALTER ROLE spyne_query PASSWORD NULL")
    with running(place.spyne) as (_, client):
        sent = client.post("/api/ingestion/things_v1/batches", content=ndjson([(3, 3, 3)]), headers=NDJSON)
        assert sent.status_code == 201, sent.text
        for sql in ("select count(*) as n from things", "select note from orders"):
            preview = client.post("/api/query/preview", json={"sql": sql})
            assert preview.status_code == 200, preview.text
            found = client.post("/api/query/execute", json={"preview_id": preview.json()["preview_id"]})
            assert ("3" if "things" in sql else "first") in found.text


def test_it_verifies_and_what_was_added_is_found(place: Place) -> None:
    told = json.loads(command(place.spyne, "verify", "--json"))
    assert told["findings"] == []
    assert told["looked_at"]["schema"] > 500
    assert "the owner is no superuser" in " ".join(told["notes"])
    executed(place.url, "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1")
    executed(place.url, "GRANT DELETE ON spyne.users TO spyne_query")
    told = json.loads(command(place.spyne, "verify", "--json", code=1))
    executed(place.url, "DROP FUNCTION public.mine(); REVOKE DELETE ON spyne.users FROM spyne_query")
    assert {each["area"] for each in told["findings"]} == {"foreign", "grants"}, told["findings"]


def test_a_backup_is_restored_by_another_owner_elsewhere(place: Place) -> None:
    superuser = place.server.url("warehouse")
    executed(superuser, UNREADABLE)
    target = place.spyne.home.parent / "backup.tar"
    told = command(place.spyne, "backup", "--to", str(target))
    assert "shop.secrets" in told
    before = asked(place.url, census)
    with managed("second_owner") as other:
        told = command(other.spyne, "restore", "--from", str(target))
        after: Census = asked(other.url, census)
        assert differences(before, after) == []
        told = json.loads(command(other.spyne, "verify", "--json"))
        assert told["findings"] == []
        with running(other.spyne, "serve") as (_, client):
            sent = client.post("/api/ingestion/things_v1/batches", content=ndjson([(9, 9, 9)]), headers=NDJSON)
            assert sent.status_code == 201, sent.text
            assert client.get("/api/tables/orders/profile").status_code == 200
        assert_no_password(other)


def test_no_password_was_ever_logged(place: Place) -> None:
    assert_no_password(place)


def assert_no_password(place: Place) -> None:
    written = place.log.read_text(errors="replace")
    assert "PASSWORD 'SCRAM-SHA-256$" in written
    assert IN_CLEAR.findall(written) == []
    derived = [ServiceSecret(SECRET.encode()).password(f"role:{role}") for role in ("spyne_app", "spyne_query")]
    assert [value for value in (*derived, PASSWORD, "of-the-superuser") if value in written] == []
