"""Columns that no row of a batch brings: stored values in them stay. SQL is held to the reference in plain Python."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from itertools import product

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.warehouse.plan import Column, Mode, RelationPlan, Resolution
from app.warehouse.refused_rows import RejectLimits
from app.warehouse.rejections import Chunk, Rejection, RejectionCode
from app.warehouse.types import parse_type
from tests.reference.verdicts import Observation, Rules, Table, settle
from tests.warehouse.relations import START, WINDOW, Relation, content_hash, plan_of

EVERY = list(product(Mode, Resolution))
VALUES = (None, 1, 2)

Content = tuple[int | None, str | None]
"""What a row has in `v`, and in `w`, which some batches leave out."""
CONTENTS: Sequence[Content] = [(v, w) for v in VALUES for w in (None, "x", "y")]

Fact = tuple[str, int, int | None, str | None]
facts = st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.sampled_from(VALUES), st.sampled_from((None, "x", "y")))
batches = st.lists(st.tuples(st.booleans(), st.lists(facts, min_size=1, max_size=7)), min_size=2, max_size=4)


def plan(mode: Mode, resolution: Resolution) -> RelationPlan:
    """Columns: k (key), at (event time), v, got (processing time), and w text."""
    base = plan_of(mode, resolution)
    return replace(base, columns=(*base.columns, Column("w", parse_type("text"))))


def without_w(batch: Sequence[Fact]) -> list[Fact]:
    return [(key, hour, value, None) for key, hour, value, _ in batch]


def rows_of(batch: Sequence[Fact]) -> list[tuple[object, ...]]:
    return [(key, START + timedelta(hours=hour), v, w) for key, hour, v, w in batch]


@pytest.mark.parametrize(("mode", "resolution"), EVERY)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sent=batches)
async def test_batches_that_leave_a_column_out_settle_as_the_reference_says(
    connection: asyncpg.Connection, mode: Mode, resolution: Resolution, sent: list[tuple[bool, list[Fact]]]
) -> None:
    hashed = {c: await content_hash(connection, ("v", "integer", c[0]), ("w", "text", c[1])) for c in CONTENTS}
    contents = {hash_: content for content, hash_ in hashed.items()}

    def fill(content: int, stored: int) -> int:
        return hashed[contents[content][0], contents[stored][1]]

    rules = Rules(mode, resolution, WINDOW)
    relation = await Relation(connection, plan(mode, resolution)).make()
    table: Table = ()
    for seq, (leaves_out, batch) in enumerate(sent, 1):
        facts_ = without_w(batch) if leaves_out else batch
        observed = [Observation((k,), START + timedelta(hours=hour), hashed[v, w]) for k, hour, v, w in facts_]
        result = await relation.put(rows_of(facts_), absent=lambda out=leaves_out: {"w"} if out else set())
        table, verdicts = settle(table, observed, seq, rules, *([fill] if leaves_out else []))
        counts = asdict(result.counts)
        assert counts == dict.fromkeys(counts, 0) | {verdict.value: rows for verdict, rows in verdicts.items()}
        found = await relation.rows("k, at, v, w, _spyne_hash")
        expected = {(*s.row.key, s.row.time, *contents[s.row.content], s.row.content) for s in table}
        assert set(found) == expected
        assert len(found) == len(table)


AT = START


@pytest.mark.parametrize("resolution", Resolution)
@pytest.mark.parametrize("mode", Mode)
async def test_rows_that_come_again_without_a_column_change_nothing(
    connection: asyncpg.Connection, mode: Mode, resolution: Resolution
) -> None:
    relation = await Relation(connection, plan(mode, resolution)).make()
    await relation.put([("a", AT, 1, "x"), ("b", AT, 1, None)])
    before = await relation.rows("k, at, v, w, got, _spyne_hash")
    result = await relation.put([("a", AT, 1, None), ("b", AT, 1, None)], absent=lambda: ["w"])
    assert result.counts.unchanged + result.counts.duplicate == 2
    assert await relation.rows("k, at, v, w, got, _spyne_hash") == before


@pytest.mark.parametrize("mode", Mode)
async def test_a_null_that_a_row_brings_is_a_value_like_any_other(connection: asyncpg.Connection, mode: Mode) -> None:
    relation = await Relation(connection, plan(mode, Resolution.LAST_WRITE_WINS)).make()
    await relation.put([("a", AT, 1, "x")])
    await relation.put([("a", AT, 2, None)])
    assert await relation.rows("k, v, w") == [("a", 2, None)]


async def test_names_that_are_no_content_are_left_alone(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan(Mode.UPSERT, Resolution.LAST_WRITE_WINS)).make()
    await relation.put([("a", AT, 1, "x")])
    await relation.put([("a", AT, 2, "y")], absent=lambda: {"k", "at", "got", "unknown"})
    assert await relation.rows("k, v, w") == [("a", 2, "y")]


@pytest.mark.parametrize("mode", Mode)
async def test_a_batch_that_shall_not_go_on_is_read_and_merges_nothing(
    connection: asyncpg.Connection, mode: Mode
) -> None:
    relation = await Relation(connection, plan(mode, Resolution.LATEST_WINS)).make()
    await relation.put([("a", AT, 1, "x")])
    before = await relation.rows("*")
    result = await relation.put([("a", AT + timedelta(hours=1), 2, "y"), ("b", AT, 1, "x")], proceed=lambda: False)
    assert result.stopped
    assert (result.counts.received, result.images) == (0, 0)
    assert await relation.rows("*") == before
    assert not (await relation.put([("b", AT, 1, "x")])).stopped


async def test_limits_are_no_matter_for_a_batch_that_shall_not_go_on(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan(Mode.REPLACE, Resolution.LATEST_WINS)).make()
    refused = Chunk(0, b"", (Rejection(1, RejectionCode.WRONG_TYPE, "v", "no integer", "{}"),))
    result = await relation.put_chunks([refused], limits=RejectLimits(share=0.0), proceed=lambda: False)
    assert result.stopped
    assert result.counts.rejected == 1
    assert (await relation.put_chunks([], proceed=lambda: False)).stopped, "an empty replacement is no fault of it"


@pytest.mark.parametrize(("first", "second"), [("x", "y"), ("y", "x")])
@pytest.mark.parametrize("hours", [(0, 8), (8, 0)])
async def test_a_row_that_joins_two_sessions_keeps_what_the_preferred_row_has(
    connection: asyncpg.Connection, first: str, second: str, hours: tuple[int, int]
) -> None:
    relation = await Relation(connection, plan(Mode.APPEND, Resolution.LAST_WRITE_WINS)).make()
    for hour, value in zip(hours, (first, second), strict=True):
        await relation.put([("a", START + timedelta(hours=hour), 1, value)])
    await relation.put([("a", START + timedelta(hours=4), 2, None)], absent=lambda: ["w"])
    assert await relation.rows("v, w") == [(2, second)]
