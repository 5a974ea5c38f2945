"""Retention and rollbacks of the same batch beside each other, and what is seen of a batch whose images are gone."""

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from app.ingestion.retention.repository import ImageAge, ImageWrites
from app.ingestion.runs.rollbacks import Rollbacks
from app.kernel.clock import utc_now
from app.kernel.runtime.resources import Resources
from app.operations.retention import running
from app.warehouse.reversal.rollback import ImagesMissing
from tests.ingestion.retention.steps import (
    TARGET,
    age,
    batches,
    cut_off,
    everything_removed,
    open_run,
    step,
    take_back,
    tried,
)
from tests.ingestion.runs.steps import REASON, everything, rollback
from tests.ingestion.steps import Row, register, taken
from tests.operations.retention.steps import amount, held, previewed, ran
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("open_for_data")

FIRST: list[Row] = [(1, 0, 10), (2, 0, 20), (3, 0, 30)]
SECOND: list[Row] = [(1, 1, 11), (2, 1, 21)]
THIRD: list[Row] = [(2, 2, 22), (3, 2, 32), (4, 2, 42)]


@pytest.fixture
async def prices(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> list[str]:
    """Three batches, all of them old: of 0, 2 and 2 images."""
    contract_id = await register(engineer, "prices")
    ids = [str((await taken(engineer, contract_id, rows))["id"]) for rows in (FIRST, SECOND, THIRD)]
    for days, batch_id in zip((200, 190, 180), ids, strict=True):
        await age(owner, batch_id, days)
    return ids


async def found(owner: asyncpg.Connection) -> list[int]:
    """How many images each batch of the table has."""
    return [each.found for each in await batches(owner, "prices")]


async def test_a_step_passes_over_a_batch_that_is_being_taken_back_and_all_after_it(
    owner: asyncpg.Connection, resources: Resources, prices: list[str]
) -> None:
    before = await cut_off(owner)
    async with AsyncExitStack() as stack:
        rolling = await stack.enter_async_context(resources.database.write())
        await take_back(rolling, UUID(prices[1]))
        async with asyncio.timeout(5), resources.database.write() as session:
            removed = await step(session, before)
        assert (removed.amount.rows, removed.cursor) == (0, None)
        assert await found(owner) == [0, 2, 2]
    left = await batches(owner, "prices")
    assert [each.found for each in left] == [0, 2, 2, 3, 2], "with the two rollbacks of today"
    assert await everything_removed(resources, before) == 4, "it goes in the next run"
    assert await found(owner) == [0, 0, 0, 3, 2]


async def test_a_later_batch_that_is_being_taken_back_stays_and_what_is_older_goes(
    owner: asyncpg.Connection, resources: Resources, prices: list[str]
) -> None:
    async with resources.database.write() as rolling:
        await take_back(rolling, UUID(prices[2]))
        async with asyncio.timeout(5), resources.database.write() as session:
            removed = await step(session, await cut_off(owner))
        assert (removed.amount.rows, removed.cursor) == (2, "prices_v1")
    assert await found(owner) == [0, 0, 2, 3]


@pytest.mark.parametrize("committed", [True, False])
async def test_a_rollback_waits_for_the_step_that_is_under_way(
    owner: asyncpg.Connection, resources: Resources, prices: list[str], committed: bool
) -> None:
    rows, before = await everything(owner, "prices"), await cut_off(owner)

    async def rolled_back() -> None:
        async with resources.database.write() as session:
            await take_back(session, UUID(prices[2]))

    async def waits() -> bool:
        blocked = "SELECT count(*) FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
        return bool(await owner.fetchval(blocked))

    async with resources.database.write() as session:
        assert (await step(session, before)).amount.rows == 4
        rolling = asyncio.create_task(rolled_back())
        await eventually(waits, 5)
        assert not rolling.done()
        if not committed:
            await session.rollback()
    if committed:
        with pytest.raises(ImagesMissing, match=f"Retention removed the before-images of batch {prices[2]} at"):
            await rolling
        assert await everything(owner, "prices") == rows
        assert await found(owner) == [0, 0, 0]
    else:
        await rolling
        assert await found(owner) == [0, 2, 2, 3]


async def test_a_run_that_begins_between_the_look_and_the_lock_keeps_its_batch(
    owner: asyncpg.Connection, resources: Resources, prices: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = ImageWrites.lock

    async def late(self: ImageWrites, *args: object) -> object:
        await open_run(owner, "prices_v1", prices[2], status="PENDING")
        return await genuine(self, *args)

    monkeypatch.setattr(ImageWrites, "lock", late)
    async with resources.database.write() as session:
        assert (await step(session, await cut_off(owner))).amount.rows == 2
    assert await found(owner) == [0, 0, 2]


async def test_a_batch_with_more_images_than_a_step_takes_goes_in_one(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    contract_id = await register(engineer, "prices")
    for hour, keys in enumerate((range(20), range(2), range(2, 3), range(20), range(2, 4), range(4))):
        report = await taken(engineer, contract_id, [(key, hour, hour) for key in keys])
        await age(owner, report["id"], 200 - hour)
    steps = list[int]()
    genuine = ImageWrites.remove

    async def counted(self: ImageWrites, *args: object) -> object:
        gone = await genuine(self, *args)
        steps.append(gone.rows)
        return gone

    monkeypatch.setattr(ImageWrites, "remove", counted)
    monkeypatch.setattr(running, "STEP_ROWS", 3)
    preview = await previewed(admin, "before_images")
    run = await ran(resources, admin, "before_images", cut_off=preview["cut_off"])
    assert (run["status"], amount(run)) == ("completed", amount(preview))
    assert steps == [3, 20, 2, 4], "two batches together, a large one alone, one that the next has no room beside"
    assert await found(owner) == [0] * 6


async def test_a_run_that_is_being_planned_or_started_keeps_all_that_it_is_about_to_take_back(
    owner: asyncpg.Connection, resources: Resources, prices: list[str]
) -> None:
    async with resources.database.write() as starting:
        draft = await Rollbacks(starting, utc_now).draft(UUID(prices[0]), cascade=True, then_replay=False, hold=True)
        assert [str(part.batch_id) for part in draft.parts] == prices[::-1]
        async with asyncio.timeout(5), resources.database.write() as session:
            assert (await step(session, await cut_off(owner))).amount.rows == 0
    assert await found(owner) == [0, 2, 2]


@pytest.mark.parametrize("reason", ["held", "young", "needed"])
async def test_what_stays_keeps_all_that_was_merged_after_it_and_nothing_before(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    prices: list[str],
    reason: str,
) -> None:
    later = await taken(engineer, "prices_v1", [(1, 3, 13), (4, 3, 43)])
    await age(owner, later["id"], 170)
    match reason:
        case "held":
            await held(admin, "before_images", batch_id=prices[2])
        case "young":  # it was merged before the later batch, and took longer
            await age(owner, prices[2], 10)
        case "needed":
            await open_run(owner, "prices_v1", prices[2])
    outcome = await tried(resources, UUID(prices[2]), "prices")
    preview = await previewed(admin, "before_images")
    assert (preview["rows"], preview["held"]["rows"]) == (2, 4 if reason == "held" else 0)
    assert await everything_removed(resources, await cut_off(owner)) == 2
    assert await found(owner) == [0, 0, 2, 2]
    assert await tried(resources, UUID(prices[2]), "prices") == outcome
    assert isinstance(outcome, list)


async def test_a_run_of_retention_finds_a_hold_on_the_oldest_batch(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, prices: list[str]
) -> None:
    outcome = await tried(resources, UUID(prices[1]), "prices")
    await held(admin, "before_images", batch_id=prices[1])
    preview = await previewed(admin, "before_images")
    assert (preview["rows"], preview["held"]["rows"]) == (0, 4)
    run = await ran(resources, admin, "before_images")
    assert (run["rows"], await found(owner)) == (0, [0, 2, 2])
    assert await tried(resources, UUID(prices[1]), "prices") == outcome
    assert isinstance(outcome, list)


async def test_a_batch_whose_images_are_gone_says_so_and_is_refused_before_any_work(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    prices: list[str],
) -> None:
    path = f"/api/ingestion/batches/{prices[2]}"
    shown = (await engineer.get(path)).json()
    assert (shown["images"], shown["images_removed_at"]) == (2, None)
    rows = await everything(owner, "prices")
    assert await everything_removed(resources, await cut_off(owner)) == 4
    shown = (await engineer.get(path)).json()
    assert shown["images"] == 2, "what was recorded stays"
    gone_at = datetime.fromisoformat(shown["images_removed_at"])
    refused = await admin.post(rollback(prices[2]), json=REASON | {"dry_run": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "images-missing")
    assert f"{prices[2]} at {gone_at.isoformat()}" in refused.json()["detail"]
    assert await everything(owner, "prices") == rows


async def test_a_batch_without_images_is_taken_back_for_ever_unless_others_wrote_its_rows(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, prices: list[str]
) -> None:
    apart = await taken(engineer, "prices_v1", [(7, 0, 70)])
    await age(owner, apart["id"], 170)
    rows = await everything(owner, "prices")
    assert await everything_removed(resources, await cut_off(owner)) == 4
    with pytest.raises(ImagesMissing, match=f"Later batches have written its rows.*{prices[1]}"):
        async with resources.database.write() as session:
            await take_back(session, UUID(prices[0]))
    assert await everything(owner, "prices") == rows
    async with resources.database.write() as session:
        assert await take_back(session, UUID(apart["id"])) == [UUID(apart["id"])]
    assert await everything(owner, "prices") == [row for row in rows if row[0] != 7]


async def test_images_of_batches_that_are_older_than_the_count_go_by_whole_batches_too(
    owner: asyncpg.Connection, resources: Resources, prices: list[str]
) -> None:
    await owner.execute("UPDATE spyne.ingestion_history SET images = NULL")
    before = await cut_off(owner)
    async with resources.database.write() as session:
        removed = await step(session, before, None, 3)
    assert (removed.amount.rows, await found(owner)) == (2, [0, 0, 2])
    assert await everything_removed(resources, before, 3) == 2
    assert all(each.removed_at is not None for each in await batches(owner, "prices")), "none is looked at again"
    assert await tried(resources, UUID(prices[2]), "prices") == "images-missing"


async def test_a_run_looks_at_batches_that_have_images_alone(
    owner: asyncpg.Connection, resources: Resources, prices: list[str]
) -> None:
    """Thousands of batches whose images are gone, or that had none, are not looked at step after step."""
    await owner.execute(
        "INSERT INTO spyne.ingestion_history (contract_id, status, actor_kind, actor_label, merge_order, images, "
        "images_removed_at, completed_at) SELECT 'prices_v1', 'completed', 'user', 'ada', -n, n % 2, "
        "CASE WHEN n % 2 = 1 THEN now() END, now() - interval '300 days' FROM generate_series(1, 20000) n"
    )
    await owner.execute("ANALYZE spyne.ingestion_history")
    async with resources.database.write() as session:
        images = ImageWrites(session, ImageAge(TARGET.category, await cut_off(owner), TARGET.window_days))
        [table] = await images.tables_to_clear("")
        assert [str(each.id) for each in await images.oldest(table, 10)] == prices[1:]
        await session.execute(text("SELECT pg_stat_force_next_flush()"))
    scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'ix_ingestion_history_images'"
    await eventually(lambda: owner.fetchval(scans), 5, what="use of the partial index")
