"""The body that an open run is about to replay stays until the run is over, however old it is."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.ingestion.bodies import RawBodies
from app.ingestion.configuration import batch_rules
from app.ingestion.retention.targets import RAW_BATCHES
from app.ingestion.runs.replays import Replays
from app.kernel.ports.events import EventKinds
from app.kernel.runtime.resources import Resources
from tests.ingestion.retention.steps import open_run
from tests.ingestion.runs.steps import REPLAY, planned, started
from tests.ingestion.runs.test_http_backfill import BACKFILL
from tests.ingestion.steps import register, taken
from tests.operations.retention.steps import amount, previewed, ran

pytestmark = pytest.mark.usefixtures("open_for_data")


@pytest.fixture
async def bodies(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> list[str]:
    """Two batches of two hundred days ago, with their bodies."""
    contract_id = await register(engineer, "prices")
    ids = [str((await taken(engineer, contract_id, [(key, 0, key)]))["id"]) for key in (1, 2)]
    await owner.execute("UPDATE spyne.ingestion_history SET created_at = now() - interval '200 days'")
    return ids


async def kept(owner: asyncpg.Connection) -> list[str]:
    found = await owner.fetch("SELECT id FROM spyne.ingestion_history WHERE raw_key IS NOT NULL ORDER BY sequence")
    return [str(row[0]) for row in found]


async def test_a_body_stays_while_a_run_that_replays_it_is_open(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, bodies: list[str]
) -> None:
    wanted = {"contract_id": "prices_v1", "batch_ids": bodies[:1]}
    place = await started(admin, REPLAY, await planned(admin, REPLAY, **wanted), **wanted)
    preview = await previewed(admin, "raw_batches")
    assert preview["objects"] == 1, "neither counted as going nor as held"
    assert preview["held"]["objects"] == 0
    run = await ran(resources, admin, "raw_batches", cut_off=preview["cut_off"])
    assert (amount(run), await kept(owner)) == (amount(preview), bodies[:1])
    assert (await admin.post(f"{place}/cancel", json={"reason": "the batch was right"})).status_code == 200
    assert (await ran(resources, admin, "raw_batches"))["objects"] == 1
    assert await kept(owner) == []


@pytest.mark.parametrize(
    ("action", "status", "stays"),
    [
        ("replay", "PENDING", True),
        ("quarantine", "RUNNING", True),
        ("rollback", "RUNNING", False),
        ("replay", "COMPLETED", False),
        ("replay", "FAILED", False),
        ("replay", "CANCELLED", False),
    ],
)
@pytest.mark.parametrize("again", [False, True])
async def test_the_body_that_stays_is_that_of_the_batch_whose_rows_are_taken_again(
    owner: asyncpg.Connection,
    resources: Resources,
    bodies: list[str],
    action: str,
    status: str,
    stays: bool,
    again: bool,
) -> None:
    """A replay has no body of its own: where it is replayed, the body of its source is."""
    batch = UUID(bodies[1])
    if again:
        batch = uuid4()
        await owner.execute(
            "INSERT INTO spyne.ingestion_history (id, contract_id, status, kind, source_batch_id, actor_kind, "
            "actor_label) VALUES ($1, 'prices_v1', 'completed', 'replay', $2, 'user', 'ada')",
            batch,
            UUID(bodies[1]),
        )
    await open_run(owner, "prices_v1", batch, action, status)
    await _retain(resources)
    assert await kept(owner) == (bodies[1:] if stays else [])


async def test_a_body_stays_while_a_run_that_will_replay_it_is_being_started(
    owner: asyncpg.Connection, resources: Resources, bodies: list[str]
) -> None:
    replays = (RawBodies(resources.storage), batch_rules(resources.configuration), resources.extensions.of(EventKinds))
    async with resources.database.write() as starting:
        await Replays(starting, *replays).draft(
            "prices_v1", batch_ids=[UUID(bodies[0])], begin=None, end=None, into=None, skip_missing=False
        )
        async with resources.database.write() as session:
            removed = await RAW_BATCHES.delete_some(session, datetime.now(UTC), None, 10)
        assert removed.amount.objects == 1
    assert await kept(owner) == bodies[:1]


async def test_the_bodies_that_an_open_backfill_reads_stay(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    bodies: list[str],
) -> None:
    other = await taken(engineer, await register(engineer, "others"), [(3, 0, 3)])
    target = await register(engineer, "prices_again")
    wanted = {"contract_id": target, "source": {"kind": "batches", "contract_id": "prices_v1"}}
    place = await started(admin, BACKFILL, await planned(admin, BACKFILL, **wanted), **wanted)
    await owner.execute(  # its items are keys, no ids of batches
        "INSERT INTO spyne.ingestion_runs (kind, contract_id, status, request, items, world, plan_hash, reason, "
        "actor_kind, actor_label) VALUES ('backfill', $1, 'RUNNING', "
        """'{"source": {"kind": "object"}}', '["backfill/a.csv"]', '{}', '', 'why', 'user', 'ada')""",
        target,
    )
    await _retain(resources)
    assert await kept(owner) == bodies
    assert other["id"] not in bodies
    assert (await admin.post(f"{place}/cancel", json={"reason": "it is not wanted"})).status_code == 200
    await _retain(resources)
    assert await kept(owner) == []


async def _retain(resources: Resources) -> None:
    async with resources.database.write() as session:
        await RAW_BATCHES.delete_some(session, datetime.now(UTC), None, 10)
