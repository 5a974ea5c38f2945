"""What is asked for twice is done once: of one plan one run, of one part one batch."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.ingestion.configuration import batch_rules
from app.ingestion.runs.applying import Parts, RunStopped, Tools
from app.ingestion.runs.repository import RunReads
from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.runtime.resources import Resources
from tests.ingestion.runs.steps import planned, rollback, started
from tests.ingestion.steps import Row, register, stored, taken

pytestmark = pytest.mark.usefixtures("open_for_data")

ROWS: list[Row] = [(1, 0, 10), (2, 0, 20)]


@pytest.fixture
def resources(app: Any) -> Resources:
    found: Resources = app.state.resources
    return found


async def test_of_a_plan_that_is_started_several_times_at_once_there_is_one_run(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    batch = await taken(engineer, await register(engineer, "prices"), ROWS)
    plan = await planned(admin, rollback(batch["id"]))
    places = await asyncio.gather(*(started(admin, rollback(batch["id"]), plan) for _ in range(4)))
    assert len(set(places)) == 1
    assert await owner.fetchval("SELECT count(*) FROM spyne.ingestion_runs") == 1
    assert await owner.fetchval("SELECT count(*) FROM spyne.job_runs WHERE name = 'ingestion:run'") == 1


async def test_a_part_that_was_done_meanwhile_is_not_done_again(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    batch = await taken(engineer, await register(engineer, "prices"), ROWS)
    place = await started(admin, rollback(batch["id"]), await planned(admin, rollback(batch["id"])))
    rules, kinds = batch_rules(resources.configuration), resources.extensions.of(EventKinds)
    tools = Tools(resources.database, resources.storage, rules, kinds, resources.clock)

    async def late(session: WriteSession) -> None:
        run = await RunReads(session).by_id(UUID(place.rpartition("/")[2]))
        assert run is not None
        await owner.execute("UPDATE spyne.ingestion_runs SET status = 'RUNNING', parts_done = 1")
        await Parts(session, tools).next(run)

    with pytest.raises(RunStopped):
        await resources.database.run(late)
    assert await stored(owner, "prices") == ROWS, "nothing of it stays"
