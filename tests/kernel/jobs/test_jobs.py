"""Jobs on a real PostgreSQL, worked by real processes which are killed, stopped and cut off."""

import asyncio
import itertools
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from app.kernel.correlation import bind, unbind
from app.kernel.db import migrations
from app.kernel.db.connections import database_urls
from app.kernel.db.database import Database, OperationClass
from app.kernel.embedded import EmbeddedServer
from app.kernel.jobs import cancel, depths, enqueue, enqueue_once, runs, workers_seen
from app.kernel.security.authorization import SYSTEM
from app.kernel.security.secrets import ServiceSecret
from app.settings import DatabaseSettings
from tests.kernel.jobs.jobs_worker import TIMINGS
from tests.spawning import Spawned, spawned
from tests.waiting import eventually, offered_again

pytestmark = pytest.mark.slow

SECRET = ServiceSecret(b"the secret of the tests, which is long enough to be taken")
QUICK = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB", "max_connections": "60"}
LONG = 25.0
_numbers = itertools.count()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server of this module's own, which it may restart."""
    server = EmbeddedServer(tmp_path_factory.mktemp("jobs") / "postgres", password="jobs-tests", settings=QUICK)
    server.start()
    yield server
    server.stop()


@dataclass
class Place:
    """A database and what the tests look at in it."""

    owner: asyncpg.Connection
    database: Database
    app_url: str

    async def run(self, run_id: UUID) -> asyncpg.Record:
        row = await self.owner.fetchrow("SELECT * FROM spyne.job_runs WHERE id = $1", run_id)
        assert row is not None
        return row

    async def notes(self, run_id: UUID | None = None) -> list[str]:
        rows = await self.owner.fetch(
            "SELECT note FROM data.effects WHERE $1::uuid IS NULL OR run_id = $1 ORDER BY at", run_id
        )
        return [row["note"] for row in rows]

    async def in_turn(self, run_ids: list[UUID]) -> list[str]:
        """What these runs noted, in the order of the clock: a run's own times are those of its transactions."""
        rows = await self.owner.fetch("SELECT note FROM data.effects WHERE run_id = ANY($1) ORDER BY at", run_ids)
        return [row["note"] for row in rows]

    async def tickets(self) -> int:
        return int(await self.owner.fetchval("SELECT count(*) FROM jobs.pgqueuer"))

    async def enqueue(self, name: str, payload: dict[str, Any] | None = None, **options: Any) -> UUID:
        async with self.database.write(OperationClass.CONTROL) as session:
            return await enqueue(session, name, payload or {}, actor=SYSTEM, **options)

    async def until(self, run_id: UUID, *states: str, seconds: float = LONG) -> asyncpg.Record:
        async def there() -> bool:
            return (await self.run(run_id))["state"] in states

        await eventually(there, seconds)
        return await self.run(run_id)

    async def noted(self, run_id: UUID, *notes: str) -> None:
        async def there() -> bool:
            return await self.notes(run_id) == list(notes)

        await eventually(there, LONG)


EFFECTS = """
CREATE TABLE data.effects (run_id uuid, attempt int, note text, at timestamptz DEFAULT clock_timestamp());
CREATE TABLE data.shield (up bool);
GRANT SELECT, INSERT ON data.effects TO spyne_app;
GRANT SELECT ON data.shield TO spyne_app;
"""


@pytest.fixture(scope="module")
def jobs_template(postgres: EmbeddedServer) -> str:
    """The name of a database built by the real migrations, with tables for the tests' handlers."""
    address = postgres.start()

    async def execute(database: str, script: str) -> None:
        connection = await asyncpg.connect(**address.connect_kwargs(database))
        await connection.execute(script)
        await connection.close()

    async def build() -> None:
        await execute("postgres", "CREATE DATABASE jobs_template")
        url = address.url("jobs_template")
        await migrations.prepare(url, DatabaseSettings(), SECRET)
        await asyncio.to_thread(migrations.upgrade, url)
        await execute("jobs_template", EFFECTS)

    asyncio.run(build())
    return "jobs_template"


@pytest.fixture
async def place(postgres: EmbeddedServer, jobs_template: str) -> AsyncIterator[Place]:
    name = f"jobs_{next(_numbers)}"
    address = postgres.start()
    admin = await asyncpg.connect(**address.connect_kwargs())
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {jobs_template}")
    await admin.close()
    urls = database_urls(address.url(name), DatabaseSettings(), SECRET)
    database = Database(urls.app, DatabaseSettings(pool_size=4, read_pool_size=2))
    place = Place(await asyncpg.connect(**address.connect_kwargs(name)), database, urls.app)
    yield place
    await database.dispose()
    await place.owner.close()
    admin = await asyncpg.connect(**postgres.start().connect_kwargs())
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@asynccontextmanager
async def worker(place: Place, tmp_path: Path, **orders: Any) -> AsyncIterator[Spawned]:
    """A worker process; killed at the end if it is still there."""
    log = tmp_path / f"worker-{next(_numbers)}.log"
    environment = os.environ | {"ORDERS": json.dumps({"url": place.app_url} | orders)}
    process = await spawned("tests.kernel.jobs.jobs_worker", env=environment, output=log)
    try:
        yield process
    finally:
        process.kill()
        await process.ended()
        print(log.read_text())


def logged(folder: Path) -> str:
    """Everything that workers have logged there."""
    return "".join(log.read_text() for log in folder.glob("worker-*.log"))


async def ended(process: Spawned, seconds: float = 10) -> int:
    process.send_signal(signal.SIGTERM)
    return await asyncio.wait_for(process.ended(), seconds)


async def test_a_rolled_back_job_never_exists_and_a_committed_one_runs(place: Place, tmp_path: Path) -> None:
    async def refused() -> None:
        async with place.database.write() as session:
            await enqueue(session, "simple", {"n": 1}, actor=SYSTEM)
            raise LookupError

    async with worker(place, tmp_path) as process:
        with pytest.raises(LookupError):
            await refused()
        bound = bind("request-9")
        run_id = await place.enqueue("simple", {"n": 2})
        unbind(bound)
        row = await place.until(run_id, "succeeded")
        assert await place.notes() == ["2 request-9 system"]
        assert await place.owner.fetchval("SELECT count(*) FROM spyne.job_runs") == 1
        assert (row["starts"], row["attempt"], row["last_error"], row["actor"]) == (1, 1, None, "system")
        assert row["queued_at"] <= row["started_at"] <= row["finished_at"]
        assert await ended(process) == 0
    assert await place.tickets() == 0


async def test_nothing_of_a_job_shows_before_the_commit(place: Place) -> None:
    async with place.database.write() as session:
        await enqueue(session, "simple", {"n": 1}, actor=SYSTEM)
        assert await place.tickets() == 0
        assert await place.owner.fetchval("SELECT count(*) FROM spyne.job_runs") == 0
    assert await place.tickets() == 1


async def test_a_killed_worker_has_its_job_run_again_and_applied_once(place: Place, tmp_path: Path) -> None:
    run_id = await place.enqueue("hang_once")
    async with worker(place, tmp_path) as first, worker(place, tmp_path) as second:
        await place.noted(run_id, "begin")
        holder = str((await place.run(run_id))["worker_id"])
        label = await place.owner.fetchval("SELECT label FROM spyne.worker_heartbeats WHERE id = $1::uuid", holder)
        victim = first if label.endswith(f":{first.pid}") else second
        victim.send_signal(signal.SIGKILL)
        row = await place.until(run_id, "succeeded")
    assert await place.notes(run_id) == ["begin", "begin", "end"]
    assert (row["starts"], row["attempt"]) == (2, 2)


async def test_an_effect_applied_before_the_kill_is_not_doubled(place: Place, tmp_path: Path) -> None:
    run_id = await place.enqueue("half_done")
    async with worker(place, tmp_path) as process:
        await process.ended()
    async with worker(place, tmp_path):
        await place.until(run_id, "succeeded")
    assert await place.notes(run_id) == ["effect"]


async def test_a_worker_that_wakes_too_late_applies_nothing(place: Place, tmp_path: Path) -> None:
    run_id = await place.enqueue("zombie")
    async with worker(place, tmp_path) as stopped:
        await place.noted(run_id, "begin")
        async with worker(place, tmp_path):
            await place.until(run_id, "succeeded")
            assert await place.notes(run_id) == ["begin", "begin", "end"]
        stopped.send_signal(signal.SIGCONT)
        await place.until(await place.enqueue("simple", {"n": 1}), "succeeded")  # it works again
        assert await ended(stopped) == 0  # and has come to the end of whatever it had begun
        assert await place.notes(run_id) == ["begin", "begin", "end"]
        assert (await place.run(run_id))["attempt"] == 2


async def test_a_poison_job_stops_after_its_starts(place: Place, tmp_path: Path) -> None:
    run_id = await place.enqueue("poison")
    for _ in range(3):
        async with worker(place, tmp_path) as process:
            assert await process.ended() == 1
    async with worker(place, tmp_path):
        row = await place.until(run_id, "dead")
        other = await place.enqueue("simple", {"n": 1})
        await place.until(other, "succeeded")
    assert row["starts"] == 3
    assert await place.notes(run_id) == ["begin"] * 3
    assert "worker died" in row["last_error"]


async def test_a_failing_handler_is_tried_again_and_then_failed_without_its_data(place: Place, tmp_path: Path) -> None:
    async with worker(place, tmp_path):
        run_id = await place.enqueue("failing")
        row = await place.until(run_id, "failed")
        assert await place.notes(run_id) == ["begin"] * 2
        assert row["last_error"].startswith("ValueError at __main__:")
        assert "hunter2" not in row["last_error"]
        late = await place.until(await place.enqueue("timed_out"), "failed")
        assert late["last_error"].startswith("TimeoutError")


async def test_only_starts_without_a_step_count_when_workers_die(place: Place, tmp_path: Path) -> None:
    run_id = await place.enqueue("steps", {"steps": 3, "dies": True})
    for _ in range(4):
        async with worker(place, tmp_path) as process:
            assert await process.ended() == 1
    async with worker(place, tmp_path):
        row = await place.until(run_id, "dead")
    assert (row["starts"], row["attempt"]) == (2, 4), "the last one with a step, and the one without"
    assert await place.notes(run_id) == ["step"] * 3


async def test_only_starts_without_a_step_count_when_the_handler_raises(place: Place, tmp_path: Path) -> None:
    async with worker(place, tmp_path):
        run_id = await place.enqueue("steps", {"steps": 3, "dies": False})
        row = await place.until(run_id, "failed")
    assert (row["starts"], row["attempt"]) == (2, 4)
    assert await place.notes(run_id) == ["step"] * 3


async def test_jobs_of_one_key_exclude_each_other(place: Place, tmp_path: Path) -> None:
    async with worker(place, tmp_path), worker(place, tmp_path):
        same = [await place.enqueue("slow", {"seconds": 0.2}, key="table:flights") for _ in range(4)]
        other = await place.enqueue("slow", {"seconds": 0.2}, key="table:planes")
        for run_id in [*same, other]:
            await place.until(run_id, "succeeded")
    assert await place.in_turn(same) == ["begin", "end"] * 4


async def test_without_a_key_jobs_overlap(place: Place, tmp_path: Path) -> None:
    async with worker(place, tmp_path):
        run_ids = [await place.enqueue("slow", {"seconds": 0.8}) for _ in range(3)]
        for run_id in run_ids:
            await place.until(run_id, "succeeded")
    rows = [await place.run(run_id) for run_id in run_ids]
    assert max(row["started_at"] for row in rows) < min(row["finished_at"] for row in rows)


async def test_a_kind_with_a_limit_runs_one_at_a_time(place: Place, tmp_path: Path) -> None:
    async with worker(place, tmp_path), worker(place, tmp_path):
        run_ids = [await place.enqueue("one_at_a_time", {"seconds": 0.2}) for _ in range(4)]
        for run_id in run_ids:
            await place.until(run_id, "succeeded")
    assert await place.in_turn(run_ids) == ["begin", "end"] * 4


async def test_enqueue_once_finds_the_waiting_job(place: Place) -> None:
    async def once(key: str) -> UUID:
        async with place.database.write() as session:
            return await enqueue_once(session, "simple", {"n": 1}, actor=SYSTEM, key=key)

    ids = await asyncio.gather(*[once("a") for _ in range(4)])
    assert len(set(ids)) == 1
    assert await once("b") not in ids
    await place.owner.execute("UPDATE spyne.job_runs SET state = 'running'")
    assert await once("a") not in ids
    assert await place.tickets() == 3


async def test_jobs_wait_for_their_time(place: Place, tmp_path: Path) -> None:
    due = datetime.now(UTC) + timedelta(seconds=1.5)
    async with worker(place, tmp_path):
        run_id = await place.enqueue("simple", {"n": 1}, run_at=due)
        row = await place.until(run_id, "succeeded")
    assert row["started_at"] >= due


async def test_schedules_fire_once_for_all_workers(place: Place, tmp_path: Path) -> None:
    async with worker(place, tmp_path, crons=["* * * * * */1"]), worker(place, tmp_path, crons=["* * * * * */1"]):

        async def twice() -> bool:
            return len(await place.notes()) >= 2

        await eventually(twice, LONG)
    seconds = await place.owner.fetch(
        "SELECT date_trunc('second', queued_at) AS at, count(*) FROM spyne.job_runs GROUP BY 1"
    )
    assert {row["count"] for row in seconds} == {1}
    assert {row["key"] for row in await place.owner.fetch("SELECT key FROM spyne.job_runs")} == {"schedule:ticking"}


async def test_the_shield_makes_jobs_wait_without_counting(place: Place, tmp_path: Path) -> None:
    async with worker(place, tmp_path) as process:
        midway = await place.enqueue("slow", {"seconds": 0.5})
        await place.noted(midway, "begin")
        await place.owner.execute("INSERT INTO data.shield VALUES (true)")
        waiting = await place.enqueue("simple", {"n": 1})
        await place.until(midway, "queued")
        await offered_again(place.owner)
        assert await place.notes() == ["begin"]
        assert (await place.run(midway))["starts"] == 0
        assert (await place.run(waiting))["starts"] == 0
        await place.owner.execute("DELETE FROM data.shield")
        assert (await place.until(waiting, "succeeded"))["starts"] == 1
        assert (await place.until(midway, "succeeded"))["starts"] == 1
        assert await ended(process) == 0


async def test_the_end_of_a_worker_finishes_or_puts_back_its_jobs(place: Place, tmp_path: Path) -> None:
    async with worker(place, tmp_path) as process:
        short = await place.enqueue("slow", {"seconds": 0.7})
        long = await place.enqueue("slow", {"seconds": 600})
        await place.noted(short, "begin")
        await place.noted(long, "begin")
        assert await ended(process) == 0
    assert (await place.run(short))["state"] == "succeeded"
    row = await place.run(long)
    assert (row["state"], row["starts"], row["attempt"]) == ("queued", 0, 1)
    assert await place.owner.fetchval("SELECT status::text FROM jobs.pgqueuer") == "queued"
    assert await place.owner.fetchval("SELECT count(*) FROM spyne.worker_heartbeats") == 0
    async with worker(place, tmp_path):
        await place.noted(long, "begin", "begin")


async def test_cancelling(place: Place, tmp_path: Path) -> None:
    async def ask(run_id: UUID) -> bool:
        async with place.database.write() as session:
            return await cancel(session, run_id)

    waiting = await place.enqueue("simple", {"n": 1})
    assert await ask(waiting)
    async with worker(place, tmp_path):
        await place.until(waiting, "cancelled")
        running = await place.enqueue("slow", {"seconds": 600})
        await place.noted(running, "begin")
        assert await ask(running)
        await place.until(running, "cancelled")
        assert not await ask(running)
    assert await place.notes() == ["begin"]


async def test_progress_and_depths_and_workers(place: Place, tmp_path: Path) -> None:
    async def seen() -> int:
        async with place.database.read() as session:
            return await workers_seen(session, TIMINGS.lease * 2)

    async def one() -> bool:
        return await seen() == 1

    async def none() -> bool:
        return await seen() == 0

    assert await none()
    run_id = await place.enqueue("telling")
    async with place.database.read() as session:
        assert await depths(session) == {"queued": 1, "running": 0}
    async with worker(place, tmp_path):
        await eventually(one)
        row = await place.until(run_id, "succeeded")
        assert json.loads(row["progress"]) == {"rows": 7, "of": 9}
    await eventually(none)


async def test_a_lost_ticket_is_issued_again(place: Place, tmp_path: Path) -> None:
    run_id = await place.enqueue("simple", {"n": 1})
    await place.owner.execute("DELETE FROM jobs.pgqueuer")
    async with worker(place, tmp_path):
        await place.until(run_id, "succeeded")


async def test_the_runtime_role_cannot_change_the_engine(place: Place) -> None:
    for statement in (
        "TRUNCATE jobs.pgqueuer",
        "ALTER TABLE jobs.pgqueuer ADD x int",
        "CREATE TABLE jobs.x ()",
        "DROP TABLE jobs.pgqueuer",
    ):
        with pytest.raises(Exception, match=r"permission denied|must be owner"):
            async with place.database.write() as session:
                await session.execute(text(statement))


async def test_pruning_drops_only_what_is_old(place: Place) -> None:
    await place.enqueue("simple", {"n": 1})
    await place.enqueue("simple", {"n": 2})
    await place.owner.execute(
        "UPDATE jobs.pgqueuer_log SET created = now() - interval '2 days' "
        "WHERE id = (SELECT min(id) FROM jobs.pgqueuer_log)"
    )
    async with place.database.write() as session:
        await runs.prune(session)
    assert await place.owner.fetchval("SELECT count(*) FROM jobs.pgqueuer_log") == 1
    assert await place.tickets() == 2


async def test_workers_outlive_a_restart_of_the_database(
    place: Place, tmp_path: Path, postgres: EmbeddedServer
) -> None:
    async with worker(place, tmp_path) as process:
        before = await place.enqueue("simple", {"n": 1})
        await place.until(before, "succeeded")
        midway = await place.enqueue("slow", {"seconds": 3})
        await place.noted(midway, "begin")
        await place.owner.close()
        await place.database.dispose()
        await postgres.astop()
        await eventually(lambda: "background task failed" in logged(tmp_path), what="a worker that misses the database")
        address = await postgres.astart()
        name = place.app_url.split("@/")[1].split("?")[0]
        place.owner = await asyncpg.connect(**address.connect_kwargs(name))
        after = await place.enqueue("simple", {"n": 2})
        assert (await place.until(after, "succeeded"))["starts"] == 1
        row = await place.until(midway, "succeeded")
        assert (row["starts"], row["attempt"]) == (1, 1), "the handler was not in the database, so it was not disturbed"
        assert process.returncode is None
        assert await ended(process) == 0
