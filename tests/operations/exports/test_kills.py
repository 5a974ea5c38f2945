"""Workers that are killed while they export: every export ends once, with one object, the right one, and nothing else.

`SPYNE_EXPORT_KILLS=100` gives the full figure.
"""

import asyncio
import hashlib
import os
import random
import re
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from tests.conftest import SECRET
from tests.operations.exports.steps import asked, plain_table
from tests.service_processes import Surroundings, worker_process
from tests.waiting import eventually

KILLS = int(os.environ.get("SPYNE_EXPORT_KILLS", "4"))
ROWS = 150_000
WAITING = 2
WORKERS = 2
LONGEST = 2.0
"""Seconds from finding a worker that exports to its end, at most: some exports are through by then, and others not."""


@pytest.fixture
async def big(admin: httpx.AsyncClient, open_for_data: None, owner: asyncpg.Connection) -> None:  # noqa: ARG001 - for what it does
    """A table that takes a while."""
    await plain_table(admin, "big", 1)
    await owner.execute(
        "INSERT INTO data.big__v1 (id, at, v, got, _spyne_hash, _spyne_batch) "
        f"SELECT n, at + n * interval '1 s', n % 1000, got, n, 1 FROM data.big__v1, generate_series(1, {ROWS - 1}) AS n"
    )
    await owner.execute("VACUUM (ANALYZE) data.big__v1")


@pytest.mark.slow
@pytest.mark.timeout(3_000)
@pytest.mark.usefixtures("big")
async def test_killed_workers_lose_no_export_and_leave_nothing(
    app: FastAPI, admin: httpx.AsyncClient, owner: asyncpg.Connection, urls: DatabaseUrls, tmp_path: Path
) -> None:
    resources: Resources = app.state.resources
    home, chance = resources.settings.home, random.Random(20_260_101)
    surroundings = Surroundings(urls, SECRET, home, tmp_path, {"JOBS_CONCURRENCY": "2"})
    ids: list[str] = []

    async def more() -> None:
        for form in ("csv", "ndjson"):
            ids.append((await asked(admin, filter_params={"table": "big"}, format=form))["id"])  # noqa: PERF401 - one by one

    async def standing() -> Counter[str]:
        rows = await owner.fetch("SELECT status, count(*) AS many FROM spyne.export_jobs GROUP BY 1")
        return Counter({row["status"]: row["many"] for row in rows})

    async def at_work() -> list[int]:
        """Process ids of the workers that are exporting now."""
        rows = await owner.fetch(
            "SELECT DISTINCT w.label FROM spyne.job_runs r JOIN spyne.worker_heartbeats w ON w.id = r.worker_id "
            "WHERE r.name = 'exports:make' AND r.state = 'running'"
        )
        return [int(re.split(r"\D", row["label"])[-1]) for row in rows]

    begun, killed = time.monotonic(), 0
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(worker_process(surroundings)) for _ in range(WORKERS)]
        while killed < KILLS:
            if (await standing())["pending"] < WAITING:
                await more()
            busy = set(await at_work())
            victims = [worker for worker in workers if worker.running and worker.pid in busy]
            if not victims:
                await asyncio.sleep(0.05)
                continue
            await asyncio.sleep(chance.uniform(0, LONGEST))
            victim = chance.choice(victims)
            await victim.kill()
            killed += 1
            await victim.spawn()

        async def all_over() -> bool:
            return not (await standing()).keys() & {"pending", "running"}

        await eventually(all_over, 600, 0.5)
    starts = await owner.fetchval("SELECT sum(attempt) FROM spyne.job_runs WHERE name = 'exports:make'")
    print(
        f"{len(ids)} exports, {killed} workers killed, {starts} starts, {time.monotonic() - begun:.0f} s: "
        f"{dict(await standing())}"
    )
    assert starts > len(ids), "no kill met an export"
    assert await standing() == {"completed": len(ids)}
    ends = await owner.fetch(
        "SELECT entity_id, count(*) AS many FROM spyne.audit_log WHERE action IN ('export:complete', 'export:fail') "
        "GROUP BY 1"
    )
    assert {row["entity_id"]: row["many"] for row in ends} == dict.fromkeys(ids, 1)
    found = await owner.fetch("SELECT object_key, checksum, rows, bytes FROM spyne.export_jobs")
    assert {info.key async for info in resources.storage.list("exports")} == {row["object_key"] for row in found}
    whole = await owner.fetchval("SELECT count(*) FROM data.big__v1")
    for row in found:
        digest, size, lines = hashlib.sha256(), 0, 0
        async for block in resources.storage.get_stream(row["object_key"]):
            digest.update(block)
            size, lines = size + len(block), lines + block.count(b"\n")
        assert (digest.hexdigest(), size) == (row["checksum"], row["bytes"])
        assert lines - row["object_key"].endswith("csv") == row["rows"] == whole
    assert list((home / "objects" / ".uploads").iterdir()) == [], "what killed workers had begun is swept"
