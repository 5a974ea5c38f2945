"""Batches, changes, rollbacks, and changes taken back, in any order: hashes and rows are right after each."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.warehouse.evolution import CannotUndo, DropColumn, undo_steps
from app.warehouse.plan import Mode, RelationPlan, Resolution
from tests.reference.verdicts import Observation, Rules, StoredRow, Table, settle
from tests.warehouse.evolution.evolving import Evolving, at, changed, evolving
from tests.warehouse.relations import WINDOW, content_hash, plan_of

EVERY = list(product(Mode, Resolution))
SEEN = settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

records = st.fixed_dictionaries(
    {"k": st.sampled_from("abc"), "at": st.integers(0, 20).map(at), "v": st.sampled_from((None, 1, 2))},
    optional={"w": st.sampled_from((None, "x", "yy")), "z": st.sampled_from((None, 0.5, 1))},
)
batches = st.lists(records, min_size=1, max_size=5)
moves = st.one_of(batches, st.sampled_from(("change", "change", "undo", "undo and lose", "take back")))


def start(mode: Mode, resolution: Resolution) -> RelationPlan:
    return changed(plan_of(mode, resolution), "w", "varchar(3)")


CHANGES: tuple[Callable[[RelationPlan], RelationPlan], ...] = (
    lambda plan: changed(plan, "z", "real"),
    lambda plan: changed(plan, "v", "bigint"),
    lambda plan: changed(plan, "w", "text"),
    lambda plan: changed(plan, "v", "numeric"),
    lambda plan: changed(plan, "z", "double precision"),
    lambda plan: replace(plan, columns=tuple(reversed(plan.columns))),
)
"""In this order, one after another."""


async def do(found: Evolving, move: Any) -> None:
    """One move; those that cannot be made change nothing, and are skipped."""
    if isinstance(move, list):
        known = {column.name for column in found.plan.columns}
        await found.put([{name: value for name, value in record.items() if name in known} for record in move])
    elif move == "change":
        if len(found.plans) <= len(CHANGES):
            await found.evolve(CHANGES[len(found.plans) - 1](found.plan))
    elif move == "take back":
        if found.recorded:
            await found.take_back(max(found.recorded))
    elif len(found.plans) > 1:
        undone = undo_steps(found.plans[-2], found.plans[-1])
        losing = [step.name for step in undone if isinstance(step, DropColumn)] if move == "undo and lose" else []
        before = await found.everything()
        try:
            await found.undo(losing=losing)
        except CannotUndo:
            assert await found.everything() == before


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@SEEN
@given(first=batches, walk=st.lists(moves, min_size=3, max_size=14))
async def test_hashes_are_those_of_the_values_after_any_walk(
    connection: asyncpg.Connection, mode: Mode, resolution: Resolution, first: list[Any], walk: list[Any]
) -> None:
    found = await evolving(connection, start(mode, resolution))
    for move in [first, *walk]:
        await do(found, move)
        assert await found.wrong_hashes() == 0, move
        relation, images = await found.shapes()
        assert [each for each in images if not each[0].startswith("_spyne_image")] == relation


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@SEEN
@given(first=batches, second=batches, walk=st.lists(moves, min_size=1, max_size=4))
async def test_a_batch_is_taken_back_across_changes_and_their_undo(
    connection: asyncpg.Connection, mode: Mode, resolution: Resolution, first: list[Any], second: list[Any], walk: Any
) -> None:
    """Images that were written before a change come back after it; the table is as if the batch had never been."""
    found = await evolving(connection, start(mode, resolution))
    await do(found, first)
    columns = "k, at, v::text, w, got, _spyne_batch"
    before = await found.relation.rows(columns)
    await do(found, second)
    for move in walk:
        if isinstance(move, str) and move != "take back":
            await do(found, move)
    await found.take_back(2)
    assert await found.relation.rows(columns) == before
    assert await found.wrong_hashes() == 0


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@SEEN
@given(walk=st.lists(st.one_of(batches, st.just("change"), st.just("undo and lose")), min_size=2, max_size=10))
async def test_changes_are_no_matter_for_what_batches_leave_in_the_table(
    connection: asyncpg.Connection, mode: Mode, resolution: Resolution, walk: list[Any]
) -> None:
    """Changes that leave hashes alone: the table is what the reference says, which knows nothing of plans."""
    hashed = {
        (v, w): await content_hash(connection, ("v", "integer", v), ("w", "text", w))
        for v, w in product((None, 1, 2), (None, "x", "yy"))
    }
    contents = {hash_: content for content, hash_ in hashed.items()}

    def fill(content: int, stored: int) -> int:
        return hashed[contents[content][0], contents[stored][1]]

    found = await evolving(connection, start(mode, resolution))
    table: Table = ()
    for move in walk:
        if isinstance(move, str):
            if move != "change" or len(found.plans) <= 3:  # the next one changes hashes
                await do(found, move)
            continue
        batch = [{name: value for name, value in record.items() if name != "z"} for record in move]
        await do(found, batch)
        observed = [Observation((row["k"],), row["at"], hashed[row["v"], row.get("w")]) for row in batch]
        left_out = [] if any("w" in row for row in batch) else [fill]
        table, _ = settle(table, observed, found.relation.seq, Rules(mode, resolution, WINDOW), *left_out)
        assert set(await found.relation.rows("k, at, v, w")) == _visible(table, contents)


def _visible(table: tuple[StoredRow, ...], contents: dict[int, tuple[int | None, str | None]]) -> set[tuple[Any, ...]]:
    return {(*stored.row.key, stored.row.time, *contents[stored.row.content]) for stored in table}
