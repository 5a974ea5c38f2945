"""Evidence that follows batches is the evidence of the whole table, or is not taken at all."""

from random import Random
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.runtime.resources import Resources
from app.warehouse.evidence.collecting import RelationEvidence, collect, follow
from app.warehouse.naming import RelationName
from tests.ingestion.drift.steps import good, merged
from tests.ingestion.runs.steps import applied, rollback
from tests.ingestion.steps import register
from tests.service_processes import Surroundings, worker_process

pytestmark = pytest.mark.usefixtures("open_for_data")

PRICES = RelationName("data", "prices__v1")
SEED = 4711
NAMES = ("id", "at", "v")
MODES = [
    ("upsert", "latest_wins"),
    ("upsert", "reject"),
    ("append", "latest_wins"),
    ("append", "first_write_wins"),
    ("replace", "latest_wins"),
    ("replace", "last_write_wins"),
]


async def whole(resources: Resources) -> RelationEvidence:
    """The evidence by one pass over all rows."""
    async with resources.database.snapshot() as session:
        return await collect(session, PRICES, NAMES, governed=True, seed=SEED, seconds=30)


async def followed(resources: Resources, before: RelationEvidence) -> RelationEvidence | None:
    """The evidence as batches changed it since."""
    async with resources.database.snapshot() as session:
        return await follow(session, PRICES, before, seed=SEED, seconds=30)


def contents(found: RelationEvidence) -> list[Any]:
    """Everything but the ranges, which only grow."""
    columns = [(each.name, each.nulls, each.sample) for each in found.columns]
    return [found.rows, found.mark, columns]


@pytest.mark.parametrize(("mode", "resolution"), MODES)
async def test_random_batches(engineer: httpx.AsyncClient, resources: Resources, mode: str, resolution: str) -> None:
    random = Random(f"{mode} {resolution}")
    contract_id = await register(engineer, "prices", mode, resolution)
    await merged(engineer, contract_id, [good(number, number % 7) for number in range(300)])
    before, by_change = await whole(resources), 0
    for batch in range(8):
        keys = random.sample(range(400), random.choice([1, 5, 30, 45]))
        hour = batch / 10 + random.choice([0, 0.05])
        rows = [good(key, random.choice([1, 2, 3, None, 10 + key]), hour) for key in keys]
        if mode == "replace":
            rows += [good(key, key % 7) for key in range(random.randint(0, 20), 300) if key not in keys]
        await merged(engineer, contract_id, rows)
        if random.random() < 0.3:
            continue  # the next look follows two batches
        found, now = await followed(resources, before), await whole(resources)
        if found is not None:
            by_change += 1
            assert contents(found) == contents(now)
            for column, other in zip(found.columns, now.columns, strict=True):
                assert (column.low is None) == (other.low is None)
                assert column.low is None or (other.low is not None and column.low <= other.low)
        before = now
    assert by_change > 2, "most changes are small enough to be followed"
    before = await whole(resources)
    assert await followed(resources, before) is before, "nothing has changed"


async def test_what_is_no_batch_is_never_followed(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    surroundings: Surroundings,
) -> None:
    contract_id = await register(engineer, "prices")
    await merged(engineer, contract_id, [good(number, number % 7) for number in range(300)])
    wrong = await merged(engineer, contract_id, [good(number, 1000 + number, 1) for number in range(290, 310)])
    before = await whole(resources)
    async with worker_process(surroundings):
        _, run = await applied(admin, rollback(wrong["id"]))
        assert await followed(resources, before) is None, "rows came back as they were"
        back = await whole(resources)
        await applied(admin, rollback(run["parts"][0]["batch_id"]))
        assert await followed(resources, back) is None
    before = await whole(resources)
    await merged(engineer, contract_id, [good(1, 5, 2)])
    await owner.execute("DELETE FROM data.prices__v1__before")
    assert await followed(resources, before) is None, "what was overwritten is not known any more"
    before = await whole(resources)
    await owner.execute("DELETE FROM data.prices__v1 WHERE id = 7")
    assert await followed(resources, before) is None, "somebody removed a row by hand"
    before = await whole(resources)
    await owner.execute("ALTER TABLE data.prices__v1 ALTER COLUMN v TYPE numeric")
    assert await followed(resources, before) is None, "the same value has another type"


async def test_a_large_change_is_looked_at_as_a_whole(engineer: httpx.AsyncClient, resources: Resources) -> None:
    contract_id = await register(engineer, "prices")
    await merged(engineer, contract_id, [good(number) for number in range(100)])
    before = await whole(resources)
    await merged(engineer, contract_id, [good(number, 2, 1) for number in range(60)])
    assert await followed(resources, before) is None


async def test_samples_of_a_large_table_follow(engineer: httpx.AsyncClient, resources: Resources) -> None:
    contract_id = await register(engineer, "prices")
    await merged(engineer, contract_id, [good(number, number) for number in range(40_000)])
    before = await whole(resources)
    assert not before.columns[0].sample.complete
    rows = [good(number, -number, 1) for number in range(39_000, 42_000)]
    await merged(engineer, contract_id, rows)
    found, now = await followed(resources, before), await whole(resources)
    assert found is not None
    assert (found.rows, found.mark) == (now.rows, now.mark)
    for column, other in zip(found.columns, now.columns, strict=True):
        threshold = min(column.sample.threshold, other.sample.threshold)
        ours, theirs = column.sample.below(threshold), other.sample.below(threshold)
        assert column.sample.hashes[:ours] == other.sample.hashes[:theirs]
        assert column.sample.counts[:ours] == other.sample.counts[:theirs]
        assert ours > 500 or column.sample.complete
