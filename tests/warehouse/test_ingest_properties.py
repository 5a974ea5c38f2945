"""The set-based merge on a real PostgreSQL against the reference in plain Python, for every mode and resolution."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from itertools import pairwise, product

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.warehouse.plan import BY_EVENT_TIME, Mode, Resolution
from tests.reference.verdicts import Observation, Rules, Table, outcome, settle
from tests.warehouse.relations import START, WINDOW, Relation, content_hash, plan_of

EVERY = list(product(Mode, Resolution))
CONTENTS = (None, 1, 2, 3)

Fact = tuple[str, int, int | None]
facts = st.tuples(st.sampled_from("abc"), st.integers(0, 30), st.sampled_from(CONTENTS))
batches_of_facts = st.lists(st.lists(facts, min_size=1, max_size=9), min_size=1, max_size=4)
on_postgres = settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


async def hashes(connection: asyncpg.Connection) -> dict[int | None, int]:
    return {v: await content_hash(connection, ("v", "integer", v)) for v in CONTENTS}


def rows_of(batch: Sequence[Fact]) -> list[tuple[object, ...]]:
    return [(k, START + timedelta(hours=hour), v) for k, hour, v in batch]


def observations_of(batch: Sequence[Fact], hashed: dict[int | None, int]) -> list[Observation]:
    return [Observation((k,), START + timedelta(hours=hour), hashed[v]) for k, hour, v in batch]


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@on_postgres
@given(batches=batches_of_facts, pieces=st.integers(1, 3))
async def test_every_batch_settles_as_the_reference_says(
    connection: asyncpg.Connection, mode: Mode, resolution: Resolution, batches: list[list[Fact]], pieces: int
) -> None:
    rules = Rules(mode, resolution, WINDOW)
    hashed = await hashes(connection)
    relation = await Relation(connection, plan_of(mode, resolution)).make()
    table: Table = ()
    for seq, batch in enumerate(batches, 1):
        result = await relation.put(rows_of(batch), pieces)
        table, verdicts = settle(table, observations_of(batch, hashed), seq, rules)
        counts = asdict(result.counts)
        assert counts == dict.fromkeys(counts, 0) | {verdict.value: rows for verdict, rows in verdicts.items()}
        assert result.counts.received == len(batch)
        if mode is Mode.APPEND:
            found = await relation.rows("k, at, _spyne_hash, _spyne_from, _spyne_to")
            assert set(found) == {(*s.row.key, s.row.time, s.row.content, s.opens, s.closes) for s in table}
        else:
            found = await relation.rows("k, at, _spyne_hash")
            assert set(found) == {(*s.row.key, s.row.time, s.row.content) for s in table}
        assert len(found) == len(table)
    expected = outcome([observations_of(batch, hashed) for batch in batches], rules)
    assert {((k,), at): content for k, at, content in await relation.rows("k, at, _spyne_hash")} == expected


@pytest.mark.parametrize(
    ("mode", "resolution"), [(m, r) for m, r in EVERY if m is not Mode.REPLACE and r in BY_EVENT_TIME]
)
@on_postgres
@given(batch=st.lists(facts, min_size=1, max_size=12), data=st.data())
async def test_order_splitting_and_repetition_do_not_matter(
    connection: asyncpg.Connection, mode: Mode, resolution: Resolution, batch: list[Fact], data: st.DataObject
) -> None:
    once = await Relation(connection, plan_of(mode, resolution)).make()
    await once.put(rows_of(batch))
    expected = await once.rows()
    again = await Relation(connection, plan_of(mode, resolution)).make()
    shuffled = data.draw(st.permutations(batch))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(batch)), max_size=3)) | {0, len(batch)})
    parts = [shuffled[low:high] for low, high in pairwise(cuts)]
    for part in data.draw(st.permutations([*parts, *data.draw(st.lists(st.sampled_from(parts), max_size=2))])):
        await again.put(rows_of(part))
    assert await again.rows() == expected


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@on_postgres
@given(batches=batches_of_facts)
async def test_images_are_enough_to_take_the_last_batch_back(
    connection: asyncpg.Connection, mode: Mode, resolution: Resolution, batches: list[list[Fact]]
) -> None:
    relation = await Relation(connection, plan_of(mode, resolution)).make()
    everything = "*"
    for batch in batches[:-1]:
        await relation.put(rows_of(batch))
    before = await relation.rows(everything)
    await relation.put(rows_of(batches[-1]))
    names = [
        row[0]
        for row in await connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum",
            relation.plan.relation.sql,
        )
    ]
    columns, table = ", ".join(f'"{name}"' for name in names), relation.plan.relation.sql
    await connection.execute(f"DELETE FROM {table} WHERE _spyne_batch = {relation.seq}")
    await connection.execute(
        f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {relation.plan.before.sql} "
        f"WHERE _spyne_image_by = {relation.seq}"
    )
    assert Counter(await relation.rows(everything)) == Counter(before)
