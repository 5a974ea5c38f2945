"""A batch has all of its before-images or none, whatever retention is interrupted by. Random walks, seeded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from fastapi import FastAPI

from app.kernel.runtime.resources import Resources
from tests.ingestion.retention.steps import (
    TARGET,
    Batch,
    age,
    batches,
    cut_off,
    everything_removed,
    open_run,
    step,
    take_back,
    tried,
)  # fmt: skip
from tests.ingestion.steps import register, taken

pytestmark = pytest.mark.usefixtures("open_for_data")

TABLES = {"prices": "upsert", "clicks": "append", "stock": "replace"}
GONE, NOT_IN_TABLE = "images-missing", "nothing-to-take-back"


class Crash(Exception):  # noqa: N818 - what ends a step before its commit
    pass


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    found: Resources = app.state.resources
    return found


def of_table(found: Iterable[Batch]) -> list[list[Batch]]:
    """The batches that wrote images, by table, in the order of merges."""
    listed = sorted((each for each in found if each.images), key=lambda each: (each.contract_id, each.merge_order))
    return [list(group) for _, group in groupby(listed, key=lambda each: each.contract_id)]


@dataclass
class Walk:
    """What is done to three tables, and what must be so after each step of it."""

    random: Random
    engineer: httpx.AsyncClient
    owner: asyncpg.Connection
    resources: Resources
    days: float = 300
    cursor: str | None = None
    before: datetime | None = None

    async def all(self) -> list[Batch]:
        return await batches(self.owner, *TABLES)

    async def put(self) -> None:
        """A batch: mostly merged after the one before it, and at times with an earlier time than that."""
        table = self.random.choice(list(TABLES))
        rows = [
            (key, self.random.randint(0, 40), self.random.randint(0, 9))
            for key in self.random.sample(range(8), self.random.randint(1, 6))
        ]
        report = await taken(self.engineer, f"{table}_v1", rows)
        self.days = max(0, self.days - self.random.uniform(0, 15))
        await age(self.owner, report["id"], self.days + self.random.choice([0, 0, 0, 60]))

    async def roll_back(self) -> None:
        """Take back a batch with all that depends on it, when that can be done."""
        standing = [each for each in await self.all() if each.removed_at is None]
        if not standing or isinstance(await self._tried(target := self.random.choice(standing)), str):
            return
        async with self.resources.database.write() as session:
            await take_back(session, target.id)
        for each in await self.all():
            if each.completed_at > datetime.now(each.completed_at.tzinfo) - timedelta(minutes=5):
                await age(self.owner, each.id, self.days)

    async def hold(self) -> None:
        found = await self.all()
        if not found:
            return
        batch = self.random.choice(found)
        await self._hold(
            self.random.choice(
                [
                    {"batch_id": str(batch.id)},
                    {"contract_id": batch.contract_id, "until": batch.completed_at.isoformat()},
                    {"since": batch.completed_at.isoformat(), "until": (batch.completed_at + timedelta(1)).isoformat()},
                ]
            )
        )

    async def hold_within(self) -> None:
        """Holds on single batches, in every table one that is not the oldest with images."""
        await self.end_runs()
        await self.owner.execute("UPDATE spyne.retention_holds SET released_at = now(), released_by = 'ada'")
        for group in of_table(await self.all()):
            whole = [each for each in group if each.removed_at is None]
            if len(whole) > 1:
                await self._hold({"batch_id": str(self.random.choice(whole[1:]).id)})

    async def _hold(self, filter_: dict[str, str]) -> None:
        await self.owner.execute(
            "INSERT INTO spyne.retention_holds (category, filter, reason, made_by) "
            "VALUES ('before_images', $1, 'why', 'ada')",
            orjson.dumps(filter_).decode(),
        )

    async def release(self) -> None:
        await self.owner.execute(
            "UPDATE spyne.retention_holds SET released_at = now(), released_by = 'ada' WHERE id = "
            "(SELECT id FROM spyne.retention_holds WHERE released_at IS NULL ORDER BY id LIMIT 1)"
        )

    async def begin_run(self) -> None:
        """An open run that is about to take a batch back."""
        found = await self.all()
        if found:
            batch = self.random.choice(found)
            await open_run(self.owner, batch.contract_id, batch.id)

    async def end_runs(self) -> None:
        await self.owner.execute("UPDATE spyne.ingestion_runs SET status = 'CANCELLED'")

    async def retain(self) -> None:
        """A few steps of a run, which may crash within a step, or be given up behind one."""
        if self.cursor is None or self.before is None:
            self.before = await cut_off(self.owner)
        for _ in range(self.random.randint(1, 4)):
            before, limit, crash = await self.all(), self.random.randint(1, 8), self.random.random() < 0.2
            kept = await self.must_stay(before)
            try:
                async with self.resources.database.write() as session:
                    removed = await step(session, self.before, self.cursor, limit)
                    if crash:
                        raise Crash  # noqa: TRY301 - as a step ends that does not come to its commit
            except Crash:
                assert await self.all() == before
                return
            await self.check(before, kept, limit, removed.amount.rows)
            self.cursor = removed.cursor
            if self.cursor is None:
                return
        if self.random.random() < 0.3:
            self.cursor = None

    async def must_stay(self, found: Sequence[Batch]) -> set[UUID]:
        """Batches that are young, held or needed by a run; and all that were merged after one into its table."""
        needed = {row[0] for row in await self.owner.fetch(
            "SELECT p.batch_id FROM spyne.ingestion_run_parts p JOIN spyne.ingestion_runs r ON r.id = p.run_id "
            "WHERE r.status IN ('PENDING', 'RUNNING')"
        )}  # fmt: skip
        holds = [orjson.loads(row[0]) for row in await self.owner.fetch(
            "SELECT filter FROM spyne.retention_holds WHERE released_at IS NULL"
        )]  # fmt: skip
        assert self.before is not None
        stay = set[UUID]()
        for group in of_table(found):
            staying = False
            for batch in [each for each in group if each.removed_at is None]:
                staying |= (
                    batch.completed_at >= self.before or batch.id in needed or any(covers(h, batch) for h in holds)
                )
                stay |= {batch.id} if staying else set()
        return stay

    async def check(self, before: Sequence[Batch], kept: set[UUID], limit: int, rows: int) -> None:
        """Whether what a step has left is whole, what must stay is there, and what went was the oldest."""
        after = {each.id: each for each in await self.all()}
        went = [each for each in before if each.found and not after[each.id].found]
        for each in after.values():
            assert each.found in {0, each.images}, "half of the images"
            assert (each.found == each.images) is (each.removed_at is None or not each.images)
        assert not kept & {each.id for each in went}
        assert sum(each.found for each in went) == rows
        assert rows <= limit or len(went) == 1
        for group in of_table(after.values()):
            gone = [each.removed_at is not None for each in group]
            assert gone == sorted(gone, reverse=True), "the oldest first, and none is passed over"

    async def _tried(self, batch: Batch) -> Any:
        return await tried(self.resources, batch.id, batch.contract_id.removesuffix("_v1"))

    async def outcomes(self) -> dict[UUID, Any]:
        """What comes of taking back each batch."""
        return {batch.id: await self._tried(batch) for batch in await self.all()}


def covers(hold: dict[str, str], batch: Batch) -> bool:
    return (
        hold.get("batch_id", str(batch.id)) == str(batch.id)
        and hold.get("contract_id", batch.contract_id) == batch.contract_id
        and ("since" not in hold or batch.completed_at >= datetime.fromisoformat(hold["since"]))
        and ("until" not in hold or batch.completed_at < datetime.fromisoformat(hold["until"]))
    )


@pytest.mark.parametrize("seed", range(8))
async def test_a_batch_has_all_of_its_images_or_none_and_with_all_of_them_it_can_be_taken_back(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, seed: int
) -> None:
    walk = Walk(Random(seed), engineer, owner, resources)
    for table, mode in TABLES.items():
        await register(engineer, table, mode)
    lifted = [walk.release] * 2 + [walk.end_runs] * 2
    deeds = [walk.put] * 12 + [walk.retain] * 5 + [walk.roll_back] * 2 + [walk.hold, walk.begin_run, *lifted]
    for _ in range(45):
        await walk.random.choice(deeds)()
    if seed % 2:
        await walk.hold_within()
    outcomes, found = await walk.outcomes(), {each.id: each for each in await walk.all()}
    walk.before, walk.cursor = await cut_off(owner), None
    stay = await walk.must_stay(list(found.values()))
    async with resources.database.read() as session:
        preview = await TARGET.preview(session, walk.before)
    going = [each for each in found.values() if each.found and each.id not in stay]
    assert preview.amount.rows == sum(each.found for each in going)
    assert preview.oldest == min((each.completed_at for each in going), default=None)
    assert preview.newest == max((each.completed_at for each in going), default=None)
    assert await everything_removed(resources, walk.before, walk.random.randint(1, 20)) == preview.amount.rows
    left = {each.id: each for each in await walk.all()}
    assert {each.id for each in left.values() if each.found} == stay
    for id_, after in (await walk.outcomes()).items():
        if outcomes[id_] == NOT_IN_TABLE:
            assert after == NOT_IN_TABLE
        elif left[id_].removed_at is not None:
            assert after == GONE
        elif left[id_].images:
            assert isinstance(after, list)
            assert after == outcomes[id_], "as if nothing had been removed"
        else:
            assert after in (GONE, outcomes[id_]), "it wrote no images, but those that overwrote it did"
