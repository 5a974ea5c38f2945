"""Exports by real workers: cancelled in PostgreSQL, told as they go on, stored in a bucket, announced."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import boto3
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from app.main import create_app
from app.settings import Settings
from tests import loopback
from tests.conftest import SECRET
from tests.identities import Identities
from tests.operations.exports.steps import asked, content, plain_table
from tests.service_processes import Surroundings, worker_process
from tests.spawning import free_port
from tests.waiting import eventually

SLOW = (
    "CREATE VIEW public.slow AS SELECT n AS id, pg_sleep(0.002)::text AS nothing FROM generate_series(1, 100000) AS n"
)
PUBLIC = "GRANT SELECT ON public.slow TO spyne_app, spyne_query; GRANT USAGE ON SCHEMA public TO spyne_app, spyne_query"


async def reading(owner: asyncpg.Connection) -> bool:
    """Whether an export reads."""
    return bool(
        await owner.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY (%slow%'"
        )
    )


@pytest.mark.timeout(120)
async def test_cancelling_ends_the_statement(
    app: FastAPI,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    superuser: asyncpg.Connection,
    urls: DatabaseUrls,
    tmp_path: Path,
) -> None:
    await owner.execute(SLOW)
    await owner.execute(PUBLIC)
    await owner.execute("GRANT EXECUTE ON FUNCTION pg_sleep(double precision) TO spyne_query, spyne_app")
    adopted = await admin.post("/api/tables/adopt", json={"relations": ["public.slow"], "reason": "a test"})
    assert adopted.status_code == 200, adopted.text
    resources: Resources = app.state.resources
    async with worker_process(Surroundings(urls, SECRET, resources.settings.home, tmp_path)):
        shown = await asked(admin, filter_params={"table": "slow"}, format="ndjson")
        place = shown["links"]["self"]

        async def told() -> bool:
            found = (await admin.get(place)).json()
            return found["status"] == "running" and found["rows"] > 0 and found["eta_seconds"] is not None

        await eventually(lambda: reading(superuser), 40)
        await eventually(told, 20)
        assert (await admin.post(f"{place}/cancel")).status_code == 200

        async def ended() -> bool:
            state = await owner.fetchval("SELECT state FROM spyne.job_runs WHERE name = 'exports:make'")
            return not await reading(superuser) and state in {"succeeded", "cancelled"}

        await eventually(ended, 10)
    assert (await admin.get(place)).json()["status"] == "cancelled"
    assert [info.key async for info in resources.storage.list("exports")] == []
    assert list((resources.settings.home / "objects" / ".uploads").iterdir()) == []


@asynccontextmanager
async def s3_server(log: Path) -> AsyncIterator[str]:
    """The address of a server of S3's protocol."""
    port = free_port()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port), stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}"
    try:
        async with loopback.client() as client:

            async def there() -> bool:
                try:
                    return (await client.get(f"{url}/moto-api/")).status_code < 500
                except httpx.TransportError:
                    return False

            await eventually(there, 60, 0.2)
        yield url
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
def bucket_environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Where the bucket is, as a provider's own tools are told; filled in by the test."""
    variables = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    variables |= {"AWS_ALLOW_HTTP": "true", "NO_PROXY": "127.0.0.1"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_files_in_a_bucket(
    urls: DatabaseUrls,
    settings: Settings,
    tmp_path: Path,
    bucket_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with s3_server(tmp_path / "s3.log") as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        bucket_environment |= {"AWS_ENDPOINT_URL": address, "SPYNE_STORAGE_URL": "s3://spyne-tests"}
        s3 = boto3.client("s3", endpoint_url=address, region_name="us-east-1")
        await asyncio.to_thread(s3.create_bucket, Bucket="spyne-tests")
        app = create_app(settings.model_copy(update={"storage_url": "s3://spyne-tests"}), urls, SECRET)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            token = await Identities(app.state.resources).token("ADMIN")
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://spyne.test", headers=headers) as admin:
                assert (await admin.put("/system/mode", json={"mode": "INGESTION_READY"})).status_code == 200
                await plain_table(admin, "numbers", 60_000)
                surroundings = Surroundings(urls, SECRET, settings.home, tmp_path, extra=bucket_environment)
                async with worker_process(surroundings):
                    shown = await asked(admin, filter_params={"table": "numbers"})

                    async def over() -> bool:
                        return bool((await admin.get(shown["links"]["self"])).json()["status"] == "completed")

                    await eventually(over, 60, 0.2)
                found = (await admin.get(shown["links"]["self"])).json()
                body = await content(admin, found)
                part = await admin.get(found["links"]["download"], headers={"Range": "bytes=-10"})
        stored = await asyncio.to_thread(s3.get_object, Bucket="spyne-tests", Key=found["object_key"])
        kept = await asyncio.to_thread(stored["Body"].read)
        s3.close()
    assert hashlib.sha256(kept).hexdigest() == found["checksum"]
    assert kept == body
    assert (part.status_code, part.content) == (206, body[-10:])
    assert found["rows"] == 60_000
