"""Taking batches back on a real PostgreSQL against the reference in plain Python, for every mode and resolution."""

import time
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.warehouse.ingest import MergeOutcome
from app.warehouse.plan import Mode, Resolution
from app.warehouse.reversal import undo
from app.warehouse.reversal.dependents import Dependents, Standing
from app.warehouse.reversal.rollback import ImagesMissing, NotAsLeft, Recorded, Restored, UniqueTaken, take_back
from tests.reference.reversal import History, touched
from tests.reference.verdicts import Observation, Rules
from tests.warehouse.relations import START, WINDOW, Relation, content_hash, plan_of

EVERY = list(product(Mode, Resolution))
CONTENTS = (None, 1, 2)

Fact = tuple[str, int, int | None]
facts = st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.sampled_from(CONTENTS))
batches_of_facts = st.lists(st.lists(facts, min_size=1, max_size=5), min_size=2, max_size=5)
on_postgres = settings(
    max_examples=7, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@dataclass
class Recording:
    """A relation, and what the records of its batches say."""

    relation: Relation
    recorded: dict[int, Recorded] = field(default_factory=dict)
    standing: dict[int, Standing] = field(default_factory=dict)

    async def put(self, batch: Sequence[Fact], wanted: str | None = None, *, seq: int | None = None) -> MergeOutcome:
        """Merge a batch, under the next number or one that is free."""
        latest, self.relation.seq = self.relation.seq, self.relation.seq if seq is None else seq - 1
        rows = [(key, START + timedelta(hours=hour), value) for key, hour, value in batch]
        outcome = await self.relation.put(rows, wanted=wanted)
        seq = self.relation.seq
        self.recorded[seq] = Recorded(seq, outcome.counts.inserted, outcome.images, is_rollback=False)
        self.relation.seq = max(latest, seq)
        self.standing[seq] = Standing(seq, self.order)
        return outcome

    async def take_back(self, seq: int) -> Restored:
        relation, target = self.relation, self.standing[seq]
        relation.seq += 1
        async with relation.connection.transaction():
            restored = await take_back(relation.connection, relation.plan, self.recorded[seq], relation.seq)
        self.recorded[relation.seq] = Recorded(relation.seq, restored.put_back, restored.images, is_rollback=True)
        self.standing[relation.seq] = Standing(relation.seq, self.order, victim=seq)
        self.standing[seq] = replace(target, taken_back=True)
        if target.victim is not None:
            self.standing[target.victim] = replace(self.standing[target.victim], taken_back=False)
        return restored

    @property
    def order(self) -> int:
        """The place of the next batch in the order of merges."""
        return len(self.standing) + 1

    @property
    def dependents(self) -> Dependents:
        return Dependents(self.relation.plan.mode, self.standing.values(), self)

    async def overwriters(self, lowest: int) -> Collection[tuple[int, int]]:
        found = await self.relation.connection.fetch(undo.overwriters(self.relation.plan, lowest))
        return [(row[0], row[1]) for row in found]

    async def writers_of_same_keys(self, seq: int, lowest: int) -> Collection[int]:
        statement = undo.writers_of_same_keys(self.relation.plan, seq, lowest)
        return [row[0] for row in await self.relation.connection.fetch(statement)]

    async def everything(self) -> list[tuple[Any, ...]]:
        return sorted(await self.relation.rows("*"), key=repr)


async def recording(connection: asyncpg.Connection, mode: Mode, resolution: Resolution) -> Recording:
    return Recording(await Relation(connection, plan_of(mode, resolution)).make())


@dataclass
class Both:
    """The relation and the reference, side by side."""

    real: Recording
    history: History
    hashed: dict[int | None, int]

    def observed(self, batch: Sequence[Fact]) -> list[Observation]:
        return [Observation((k,), START + timedelta(hours=hour), self.hashed[v]) for k, hour, v in batch]

    async def put(self, batch: Sequence[Fact]) -> None:
        await self.real.put(batch)
        self.history.put(self.observed(batch))

    async def take_back(self, seq: int, *, then_replay: bool = False) -> list[int]:
        """The rollbacks of the batch and of all that depends on it."""
        order = await self.real.dependents.all(seq, then_replay=then_replay)
        expected = self.history.with_dependents(self.history.of(seq), then_replay=then_replay)
        assert order == [entry.seq for entry in expected]
        made = []
        for each in order:
            before = await self.real.everything()
            restored = await self.real.take_back(each)
            made.append(self.history.take_back(self.history.of(each)).seq)
            assert (restored.images == 0) == (before == await self.real.everything())
        return made

    async def agree(self) -> None:
        table = self.history.table
        if self.history.rules.mode is Mode.APPEND:
            found = await self.real.relation.rows("k, at, _spyne_hash, _spyne_from, _spyne_to, _spyne_origin")
            expected = {(*s.row.key, s.row.time, s.row.content, s.opens, s.closes, s.arrival[0]) for s in table}
        else:
            found = await self.real.relation.rows("k, at, _spyne_hash")
            expected = {(*s.row.key, s.row.time, s.row.content) for s in table}
        assert set(found) == expected
        assert len(found) == len(expected)


async def both(connection: asyncpg.Connection, mode: Mode, resolution: Resolution) -> Both:
    hashed = {v: await content_hash(connection, ("v", "integer", v)) for v in CONTENTS}
    return Both(await recording(connection, mode, resolution), History(Rules(mode, resolution, WINDOW)), hashed)


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@on_postgres
@given(batches=batches_of_facts, data=st.data())
async def test_any_batch_is_taken_back_with_what_depends_on_it_and_the_rest_is_replayed(
    connection: asyncpg.Connection, mode: Mode, resolution: Resolution, batches: list[list[Fact]], data: st.DataObject
) -> None:
    pair = await both(connection, mode, resolution)
    for batch in batches:
        await pair.put(batch)
    target = data.draw(st.integers(1, len(batches)))
    before = await pair.real.everything()
    made = await pair.take_back(target)
    await pair.agree()
    without = await pair.real.everything()
    for seq in reversed(made):
        await pair.take_back(seq)
    assert await pair.real.everything() == before, "hidden columns and all"
    again = await pair.take_back(target, then_replay=True)
    if mode is not Mode.APPEND:
        assert await pair.real.everything() == without
    undone = [pair.history.of(seq) for seq in again]
    for number, batch in enumerate(batches[target:], target + 1):
        whole = mode is Mode.REPLACE
        wanted = None if whole else undo.touched_by(pair.real.relation.plan, again)
        outcome = await pair.real.put(batch, wanted)
        rest = [seen for seen in pair.observed(batch) if whole or touched(undone, seen, pair.history.rules)]
        assert outcome.counts.received == len(rest), number
        pair.history.put(rest)
        await pair.agree()


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@on_postgres
@given(
    batches=st.lists(st.lists(facts, min_size=1, max_size=5), min_size=2, max_size=4),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 30)), min_size=2, max_size=7),
)
async def test_any_walk_of_batches_and_rollbacks_is_as_the_reference_says(
    connection: asyncpg.Connection,
    mode: Mode,
    resolution: Resolution,
    batches: list[list[Fact]],
    steps: list[tuple[bool, int]],
) -> None:
    pair = await both(connection, mode, resolution)
    await pair.put(batches[0])
    await pair.put(batches[1])
    for put, choice in steps:
        standing = [seq for seq, each in pair.real.standing.items() if not each.taken_back]
        if put:
            await pair.put(batches[choice % len(batches)])
        else:
            await pair.take_back(standing[choice % len(standing)])
        await pair.agree()


BACK_THEN: Sequence[Fact] = [("a", 1, 1), ("b", 1, 1)]
SINCE: Sequence[Fact] = [("a", 2, 2), ("c", 2, 2)]


async def test_images_that_are_gone_or_were_never_counted_are_missed(connection: asyncpg.Connection) -> None:
    found = await recording(connection, Mode.UPSERT, Resolution.LATEST_WINS)
    await found.put(BACK_THEN)
    await found.put(SINCE)
    before = await found.everything()
    await connection.execute(f"DELETE FROM {found.relation.plan.before.sql} WHERE k = 'a'")
    with pytest.raises(ImagesMissing, match="1 rows, of which 0"):
        await found.take_back(2)
    found.recorded[2] = Recorded(2, 1, None, is_rollback=False)
    with pytest.raises(ImagesMissing, match="before rows were counted"):
        await found.take_back(2)
    assert await found.everything() == before


@pytest.mark.parametrize("change", ["DELETE FROM {} WHERE k = 'c'", "UPDATE {} SET _spyne_batch = 7 WHERE k = 'c'"])
async def test_rows_that_are_not_as_the_batch_left_them_are_noticed(
    connection: asyncpg.Connection, change: str
) -> None:
    found = await recording(connection, Mode.UPSERT, Resolution.LATEST_WINS)
    await found.put(BACK_THEN)
    await found.put(SINCE)
    await connection.execute(change.format(found.relation.plan.relation.sql))
    before = await found.everything()
    with pytest.raises(NotAsLeft):
        await found.take_back(2)
    assert await found.everything() == before


@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.APPEND])
async def test_rows_that_a_later_batch_overwrote_are_noticed_although_its_images_are_gone(
    connection: asyncpg.Connection, mode: Mode
) -> None:
    found = await recording(connection, mode, Resolution.LATEST_WINS)
    await found.put([("a", 1, 1)])
    await found.put([("a", 2, 2)])
    await found.put([("a", 3, 1)])
    before = await found.everything()
    await connection.execute(f"DELETE FROM {found.relation.plan.before.sql} WHERE _spyne_image_by = 3")
    assert await found.dependents.all(2) == [2], "nothing says so but the rows themselves"
    with pytest.raises(NotAsLeft):
        await found.take_back(2)
    assert await found.everything() == before


async def test_a_unique_value_that_is_taken_by_now_is_not_given_twice(connection: asyncpg.Connection) -> None:
    found = Recording(await Relation(connection, plan_of(unique=True)).make())
    await found.put([("a", 1, 1)])
    await found.put([("a", 2, 2)])
    await found.put([("b", 1, 1)])
    before = await found.everything()
    with pytest.raises(UniqueTaken, match="Column v"):
        await found.take_back(2)
    assert await found.everything() == before
    await found.take_back(3)
    await found.take_back(2)
    assert await found.relation.rows() == [("a", START + timedelta(hours=1), 1)]


async def test_a_batch_that_was_accepted_earlier_and_merged_later_stands_in_the_way(
    connection: asyncpg.Connection,
) -> None:
    found = await recording(connection, Mode.UPSERT, Resolution.LAST_WRITE_WINS)
    await found.put([("a", 1, 1), ("b", 1, 1)], seq=2)
    before = await found.everything()
    await found.put([("a", 1, 2)], seq=4)
    await found.put([("a", 1, 3)], seq=1)
    assert await found.dependents.all(4) == [1, 4]
    assert await found.dependents.all(2) == [1, 4, 2]
    assert await found.dependents.all(1) == [1]
    for seq in (1, 4):
        await found.take_back(seq)
    assert await found.everything() == before
    assert await found.dependents.all(5) == [6, 5], "the rollback of 4 came after that of 1"


MANY = 10_000


@pytest.mark.parametrize(
    ("mode", "unique"), [(Mode.UPSERT, False), (Mode.UPSERT, True), (Mode.REPLACE, False), (Mode.APPEND, False)]
)
async def test_the_time_does_not_grow_with_rows_times_images(
    connection: asyncpg.Connection, mode: Mode, *, unique: bool
) -> None:
    """Nobody has told the planner how many images there are, as when a batch is taken back soon after it came.

    A row compared with every image takes twenty times as long as the batch at this size, and more at any larger one.
    """
    found = Recording(await Relation(connection, plan_of(mode, unique=unique)).make())

    async def seconds(work: Awaitable[object]) -> float:
        begun = time.monotonic()
        await work
        return time.monotonic() - begun

    def batch(turn: int) -> list[Fact]:
        return [(f"k{number:07d}", turn, turn * MANY + number) for number in range(MANY)]

    await found.put(batch(0))
    written = await seconds(found.put(batch(1)))
    assert await seconds(found.take_back(2)) < 5 * written
    again = batch(1), undo.touched_by(found.relation.plan, [3])
    assert await seconds(found.put(*again)) < 5 * written
