"""Workers that are killed in the middle of runs: the run ends once, each part is done once, and the table is the same.

`SPYNE_TEST_CRASHES=50 python -m pytest -n0 -s tests/ingestion/runs/test_crashes.py` kills more often than the suite
does.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import pytest

from tests.ingestion.crash_place import KILLS as ASKED_FOR
from tests.ingestion.runs.steps import BACKFILL, REPLAY, applied, over, planned, rollback, started
from tests.ingestion.steps import at, contract, register, taken
from tests.service_processes import Surroundings, worker_process
from tests.waiting import eventually

KILLS = ASKED_FOR if ASKED_FOR > 3 else 2
"""Of each run; in the suite fewer than elsewhere, as there are three kinds."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 30 * KILLS), pytest.mark.usefixtures("open_for_data")]

PER_BATCH = 2_000
NEW = 500
"""Rows of a batch whose ids no earlier one had; all others overwrite rows of batches before it."""
TAKEN_BACK = max(10, 2 * KILLS)
"""Batches; all but one of them come again afterwards."""
REPLAYED = max(16, 4 * KILLS)
LONGEST = 0.08
"""Seconds from seeing a part done to the kill, at most: the time of two parts."""


def body(number: int) -> bytes:
    """A batch: a quarter of its rows are new, one row in ten is older than what is stored."""
    first = number * NEW
    times = [at(number), at(-number)]
    lines = (
        f'{{"id":{first + n},"at":"{times[n % 10 == 0]}","v":{(number * 7 + n) % 1_000}}}\n' for n in range(PER_BATCH)
    )
    return "".join(lines).encode()


async def sent(engineer: httpx.AsyncClient, contract_id: str, batches: int) -> list[str]:
    """The ids of batches that were taken in."""
    return [(await taken(engineer, contract_id, body(number)))["id"] for number in range(batches)]


@dataclass
class Killing:
    """Kills the worker of a run at random moments, and starts the next one."""

    surroundings: Surroundings
    owner: asyncpg.Connection
    run_id: str
    kills: int = 0

    async def until_enough(self) -> None:
        """Kill as often as is asked for, and until a kill has met a part that had begun."""
        chance, begun, before = random.Random(13), time.monotonic(), await self.last_number()
        while self.kills < KILLS or await self.given_up(before) == 0:
            least = await self.parts_done() + chance.randrange(1, 3)
            async with worker_process(self.surroundings) as worker:

                async def far_enough(least: int = least) -> bool:
                    assert worker.running
                    return await self.parts_done() >= least

                await eventually(far_enough, 60, 0.01, what="the next part")
                await asyncio.sleep(chance.uniform(0, LONGEST))
                await worker.kill()
            self.kills += 1
            assert not await self.completed(), "the run was over before the kill"
        seconds = time.monotonic() - begun
        print(f"{self.kills} kills, {await self.given_up(before)} parts given up midway, {seconds:.0f} s")

    async def completed(self) -> bool:
        """Whether the run is over."""
        status = await self.owner.fetchval("SELECT status FROM spyne.ingestion_runs WHERE id = $1", self.run_id)
        return bool(status == "COMPLETED")

    async def parts_done(self) -> int:
        done = "SELECT parts_done FROM spyne.ingestion_runs WHERE id = $1"
        return int(await self.owner.fetchval(done, self.run_id))

    async def last_number(self) -> int:
        """The number of the newest part that was begun: a part that is given up has used its number up."""
        return int(await self.owner.fetchval("SELECT last_value FROM spyne.ingestion_history_sequence_seq"))

    async def given_up(self, before: int) -> int:
        """Parts that had begun and were not done."""
        return await self.last_number() - before - await self.parts_done()


async def done_under_kills(
    surroundings: Surroundings, admin: httpx.AsyncClient, owner: asyncpg.Connection, path: str, **wanted: Any
) -> dict[str, Any]:
    """The run as it ended, its workers killed on the way: what was planned was done, each part once."""
    plan = await planned(admin, path, **wanted)
    place = await started(admin, path, plan, **wanted)
    run_id = place.rpartition("/")[2]
    await Killing(surroundings, owner, run_id).until_enough()
    async with worker_process(surroundings):
        run = await over(admin, place)
    assert run["status"] == "COMPLETED", run
    assert (run["counts"], run["deleted"], run["parts_done"]) == (plan["counts"], plan["deleted"], plan["parts_total"])
    parts = await owner.fetch(
        "SELECT part, status, counts::text AS counts, deleted FROM spyne.ingestion_history WHERE run_id = $1 "
        "ORDER BY part",
        run_id,
    )
    assert [row["part"] for row in parts] == list(range(1, plan["parts_total"] + 1))
    assert {row["status"] for row in parts} == {"completed"}
    sums = sum((Counter(json.loads(row["counts"])) for row in parts), Counter[str]())
    assert sums == +Counter(plan["counts"])
    assert sum(row["deleted"] for row in parts) == plan["deleted"]
    audited = await owner.fetch(
        "SELECT action, count(*) FROM spyne.audit_log WHERE entity_id = $1 GROUP BY 1 ORDER BY 1", run_id
    )
    assert [tuple(row) for row in audited] == [("ingestion-run:complete", 1), ("ingestion-run:start", 1)]
    return run


NUMBERED = """
(SELECT sequence, completed_at, row_number() OVER (PARTITION BY contract_id ORDER BY merge_order) AS nth
 FROM spyne.ingestion_history)
"""
"""Batches and parts by their place among those of their contract: the same in two contracts with the same story."""


async def rows_of(owner: asyncpg.Connection, relation: str) -> Sequence[Any]:
    """Every row with its hash and the place of the batch that wrote it, whose processing time the row must bear."""
    found = await owner.fetch(
        f'SELECT t.id, t."at", t.v, t._spyne_hash, h.nth, t.got = h.completed_at FROM data.{relation} t '
        f"LEFT JOIN {NUMBERED} h ON h.sequence = t._spyne_batch ORDER BY 1, 2"
    )
    rows = [tuple(row) for row in found]
    assert all(row[-1] for row in rows)
    return rows


async def images_of(owner: asyncpg.Connection, relation: str) -> Sequence[Any]:
    """How many before-images of each kind each batch has left, and the sum of what they say."""
    found = await owner.fetch(
        f"SELECT h.nth, b._spyne_image_op::text, count(*), sum(hashtextextended(ROW(b.id, b.at, b.v, w.nth)::text, 0)) "
        f"FROM data.{relation}__before b JOIN {NUMBERED} h ON h.sequence = b._spyne_image_by "
        f"JOIN {NUMBERED} w ON w.sequence = b._spyne_batch GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return [tuple(row) for row in found]


async def each_image_is_counted(owner: asyncpg.Connection, contract_id: str, relation: str) -> None:
    """Assert that each batch has as many before-images as its record says, and that no other are there."""
    counted = await owner.fetch(
        f"SELECT h.images, count(b._spyne_image_by) AS found FROM spyne.ingestion_history h "
        f"LEFT JOIN data.{relation}__before b ON b._spyne_image_by = h.sequence WHERE h.contract_id = $1 "
        f"GROUP BY h.id, h.images",
        contract_id,
    )
    assert all(row["images"] == row["found"] for row in counted)
    assert sum(row["found"] for row in counted) == await owner.fetchval(f"SELECT count(*) FROM data.{relation}__before")


async def test_a_rollback_with_all_that_follows_outlives_its_workers(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, surroundings: Surroundings
) -> None:
    how: dict[str, Any] = {"cascade": True, "then_replay": True}
    calm, shaken = await register(engineer, "calm"), await register(engineer, "shaken")
    kept = await sent(engineer, calm, TAKEN_BACK + 1)
    async with worker_process(surroundings):
        plan, _ = await applied(admin, rollback(kept[1]), **how)
    assert plan["parts_total"] == 2 * TAKEN_BACK - 1, (
        "all but the first were taken back, all but the wrong one came again"
    )
    batches = await sent(engineer, shaken, TAKEN_BACK + 1)
    run = await done_under_kills(surroundings, admin, owner, rollback(batches[1]), **how)
    assert await rows_of(owner, "shaken__v1") == await rows_of(owner, "calm__v1")
    assert await images_of(owner, "shaken__v1") == await images_of(owner, "calm__v1")
    await each_image_is_counted(owner, shaken, "shaken__v1")
    taken_back = await owner.fetch(
        "SELECT entity_id FROM spyne.audit_log WHERE action = 'batch:take-back' AND after ->> 'run_id' = $1", run["id"]
    )
    assert sorted(row["entity_id"] for row in taken_back) == sorted(batches[1:]), "each was taken back once"


async def test_a_replay_outlives_its_workers(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, surroundings: Surroundings
) -> None:
    first = await register(engineer, "events")
    batches = await sent(engineer, first, REPLAYED)
    calm, shaken = await _next_version(engineer, "6h"), await _next_version(engineer, "7h")
    wanted = {"contract_id": first, "batch_ids": batches}
    async with worker_process(surroundings):
        plan, _ = await applied(admin, REPLAY, **wanted, into=calm)
    assert plan["parts_total"] == REPLAYED
    await done_under_kills(surroundings, admin, owner, REPLAY, **wanted, into=shaken)
    assert (
        await rows_of(owner, "events__v3") == await rows_of(owner, "events__v2") == await rows_of(owner, "events__v1")
    )
    assert await images_of(owner, "events__v3") == await images_of(owner, "events__v2")
    await each_image_is_counted(owner, shaken, "events__v3")


async def test_a_backfill_outlives_its_workers(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, surroundings: Surroundings
) -> None:
    """Each body is two parts, so that runs are taken up in the middle of bodies as well."""
    first = await register(engineer, "events")
    for number in range(0, REPLAYED, 2):
        await taken(engineer, first, body(number) + body(number + 1))
    calm, shaken = await _next_version(engineer, "6h"), await _next_version(engineer, "7h")
    wanted = {"source": {"kind": "batches", "contract_id": first}, "batch_size": PER_BATCH}
    async with worker_process(surroundings):
        plan, _ = await applied(admin, BACKFILL, **wanted, contract_id=calm)
    assert plan["parts_total"] == REPLAYED
    await done_under_kills(surroundings, admin, owner, BACKFILL, **wanted, contract_id=shaken)
    assert await rows_of(owner, "events__v3") == await rows_of(owner, "events__v2")
    assert await images_of(owner, "events__v3") == await images_of(owner, "events__v2")
    assert await content_of(owner, "events__v3") == await content_of(owner, "events__v1")
    await each_image_is_counted(owner, shaken, "events__v3")


async def content_of(owner: asyncpg.Connection, relation: str) -> Sequence[Any]:
    """What readers see, without the processing time."""
    return [tuple(row) for row in await owner.fetch(f"SELECT id, at, v FROM data.{relation} ORDER BY 1, 2")]


async def _next_version(engineer: httpx.AsyncClient, window: str) -> str:
    """The id of a further version of the table, with another window."""
    wanted = contract("events")
    wanted["ingestion_semantics"]["dedupe_window"] = window
    answer = await engineer.post("/api/contracts/register", json=wanted)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])
