"""Workers that are killed while they generate and validate: no more runs at once than slots, none lost, none twice.

`SPYNE_ADDON_KILLS=100` gives the full figure.
"""

import asyncio
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.addons.requests.work import MODULE
from app.kernel.confinement import ROOT
from app.kernel.db.connections import DatabaseUrls
from app.kernel.runtime.resources import Resources
from tests.addons.requests.steps import approved
from tests.conftest import SECRET
from tests.service_processes import Surroundings, worker_process
from tests.waiting import eventually

KILLS = int(os.environ.get("SPYNE_ADDON_KILLS", "8"))
WORKERS, SLOTS, WAITING = 3, 2, 3
LONGEST = 2.5
"""Seconds from finding a worker at work to its end, at most: some runs are through by then, and others not."""

WATCH = """
CREATE TABLE public.begun (at timestamptz DEFAULT clock_timestamp(), running int);
CREATE FUNCTION public.note_begun() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO public.begun (running) SELECT count(*) FROM spyne.addon_validation_runs WHERE status = 'RUNNING';
    RETURN NULL;
END $$;
CREATE TRIGGER note_begun AFTER UPDATE OF status ON spyne.addon_validation_runs
    FOR EACH ROW WHEN (NEW.status = 'RUNNING') EXECUTE FUNCTION public.note_begun();
"""
"""How many runs are RUNNING each time that one begins: slots are taken one after another, so the count is exact."""


@pytest.mark.slow
@pytest.mark.timeout(3_000)
@pytest.mark.usefixtures("real_work")
async def test_killed_workers_keep_the_slots_and_lose_no_run(
    requestor: httpx.AsyncClient,
    approver: httpx.AsyncClient,
    running: Resources,
    owner: asyncpg.Connection,
    urls: DatabaseUrls,
    tmp_path: Path,
) -> None:
    await owner.execute(WATCH)
    chance = random.Random(20_260_301)
    extra = {"JOBS_CONCURRENCY": "4", "MAX_PARALLEL_VALIDATIONS": str(SLOTS)}
    surroundings = Surroundings(urls, SECRET, running.settings.home, tmp_path, extra)
    requests: list[str] = []

    async def standing() -> Counter[str]:
        rows = await owner.fetch("SELECT status, count(*) AS many FROM spyne.addon_requests GROUP BY 1")
        return Counter({row["status"]: row["many"] for row in rows})

    async def at_work() -> set[int]:
        """Process ids of the workers that validate now."""
        rows = await owner.fetch(
            "SELECT DISTINCT w.label FROM spyne.job_runs r JOIN spyne.worker_heartbeats w ON w.id = r.worker_id "
            "WHERE r.name = 'addons:validate' AND r.state = 'running'"
        )
        return {int(re.split(r"\D", row["label"])[-1]) for row in rows}

    begun, killed = time.monotonic(), 0
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(worker_process(surroundings)) for _ in range(WORKERS)]
        while killed < KILLS:
            if sum((await standing()).values()) - (await standing())["COMPLETED"] < WAITING + SLOTS:
                requests.append(await approved(requestor, approver))
            busy = await at_work()
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
            return (await standing()).keys() <= {"COMPLETED", "FAILED"}

        await eventually(all_over, 600, 0.25)
    counts = [row["running"] for row in await owner.fetch("SELECT running FROM public.begun ORDER BY at")]
    starts = await owner.fetchval("SELECT sum(attempt) FROM spyne.job_runs WHERE name = 'addons:validate'")
    print(
        f"{len(requests)} requests, {killed} workers killed, {starts} starts of validations, at most {max(counts)} "
        f"RUNNING, {time.monotonic() - begun:.0f} s: {dict(await standing())}"
    )
    assert max(counts) == SLOTS
    assert starts > len(requests), "no kill met a validation"
    failed = await owner.fetch("SELECT reason_code, reason FROM spyne.addon_requests WHERE status = 'FAILED'")
    assert [dict(row) for row in failed] == []
    assert await standing() == {"COMPLETED": len(requests)}
    ends = await owner.fetch(
        "SELECT entity_id, count(*) AS many FROM spyne.audit_log WHERE action = 'addon-validation:end' GROUP BY 1"
    )
    assert [row["many"] for row in ends] == [1] * len(requests)
    revisions = await owner.fetch("SELECT version, object_key FROM spyne.addon_revisions")
    assert [row["version"] for row in revisions] == [1] * len(requests)
    runs = await owner.fetch("SELECT number, status FROM spyne.addon_validation_runs")
    assert [(row["number"], row["status"]) for row in runs] == [(1, "PASSED")] * len(requests)
    stored = {info.key async for info in running.storage.list("addons")}
    assert {row["object_key"] for row in revisions} <= stored


async def test_the_process_goes_with_its_parent() -> None:
    """Whoever holds the other end of the lifeline is gone: the process is too, though it waits for its input."""
    theirs, ours = os.pipe()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", MODULE, "build", str(theirs),
        stdin=asyncio.subprocess.PIPE, pass_fds=(theirs,), env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)
    assert await asyncio.wait_for(process.wait(), 30) == -signal.SIGKILL
