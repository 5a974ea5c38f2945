"""The engine's promises beside the verdicts: limits, refusals, uniqueness, times, before-images, flat memory."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from app.kernel.embedded import ServerAddress
from app.warehouse.copying import encode_rows
from app.warehouse.ingest import EmptyReplacement, ingest
from app.warehouse.plan import Mode, Resolution
from app.warehouse.refused_rows import PORTION, RefusalBounds, RejectLimitExceeded, RejectLimits
from app.warehouse.rejections import Chunk, Rejection, RejectionCode, RowFault, rejection_of
from tests.warehouse.relations import NOW, START, Relation, plan_of


def hour(number: int) -> datetime:
    return START + timedelta(hours=number)


def refused(line: int, code: RejectionCode = RejectionCode.MALFORMED_LINE) -> Rejection:
    return Rejection(line, code, None, "no", "raw")


def mixed(accepted: int, bad: int) -> Chunk:
    rows = [(line, f"k{line}", hour(0), line) for line in range(1, accepted + 1)]
    return Chunk(accepted, encode_rows(rows), tuple(refused(accepted + n) for n in range(1, bad + 1)))


async def test_what_was_there_before_the_batch_is_kept(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan_of()).make()
    await relation.put([("a", hour(1), 1), ("b", hour(1), 1), ("c", hour(1), 1)])
    await relation.put([("a", hour(2), 2), ("b", hour(0), 2), ("c", hour(1), 1), ("d", hour(1), 1)])
    assert await relation.rows() == [("a", hour(2), 2), ("b", hour(1), 1), ("c", hour(1), 1), ("d", hour(1), 1)]
    assert await relation.images() == [(2, "U", "a", hour(1), 1, 1)]


async def test_the_processing_time_moves_with_content_only(connection: asyncpg.Connection) -> None:
    for mode in (Mode.UPSERT, Mode.APPEND):
        relation = await Relation(connection, plan_of(mode)).make()
        await relation.put([("a", hour(1), 1), ("b", hour(1), 1)])
        await relation.put([("a", hour(2), 2), ("b", hour(1), 1)])
        assert await relation.rows("k, got") == [("a", NOW + timedelta(hours=2)), ("b", NOW + timedelta(hours=1))]


async def test_replacing_deletes_with_images(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan_of(Mode.REPLACE)).make()
    await relation.put([("a", hour(1), 1), ("b", hour(1), 1), ("c", hour(1), 1)])
    result = await relation.put([("b", hour(0), 5), ("c", hour(1), 1)])
    assert (result.counts.updated, result.counts.unchanged, result.deleted) == (1, 1, 1)
    assert await relation.rows() == [("b", hour(0), 5), ("c", hour(1), 1)]
    assert [row[:3] for row in await relation.images()] == [(2, "D", "a"), (2, "U", "b")]


async def test_replacing_by_nothing_empties_nothing(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan_of(Mode.REPLACE)).make()
    await relation.put([("a", hour(1), 1)])
    with pytest.raises(EmptyReplacement):
        await relation.put_chunks([mixed(0, 0)])
    result = await relation.put_chunks([mixed(0, 3)])
    assert (result.nothing_accepted, result.deleted) == (True, 0)
    assert len(await relation.rows()) == 1


@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.APPEND])
async def test_a_row_that_is_known_already_is_accepted(connection: asyncpg.Connection, mode: Mode) -> None:
    relation = await Relation(connection, plan_of(mode, unique=True)).make()
    assert not (await relation.put([])).nothing_accepted, "no row came"
    await relation.put([("a", hour(1), 1)])
    assert not (await relation.put([("a", hour(1), 1)])).nothing_accepted
    assert not (await relation.put([("a", hour(0), 2)])).nothing_accepted
    assert not (await relation.put_chunks([mixed(2, 9)])).nothing_accepted
    taken = await relation.put([("b", hour(1), 1)])
    assert taken.nothing_accepted, "its value belongs to another key"
    assert [count.document() for count in taken.fault_counts] == [{"code": "unique", "column": "v", "rows": 1}]


async def test_a_batch_of_conflicts_has_its_verdicts(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan_of(Mode.UPSERT, Resolution.REJECT)).make()
    await relation.put([("a", hour(1), 1)])
    result = await relation.put([("a", hour(2), 2)])
    assert (result.nothing_accepted, result.counts.conflict, result.kept) == (False, 1, 1)


async def test_a_batch_is_not_read_to_its_end_when_nothing_is_accepted(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan_of()).make()
    chunks = [mixed(0, 40) for _ in range(5)]
    result = await relation.put_chunks(chunks, bounds=RefusalBounds(at_first=100))
    assert (result.ended_early, result.counts.rejected, result.kept) == (True, 120, 120)
    result = await relation.put_chunks([mixed(1, 0), *chunks], bounds=RefusalBounds(at_first=100))
    assert (result.ended_early, result.counts.rejected, result.counts.inserted) == (False, 200, 1)


async def test_of_refused_rows_the_first_are_kept(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan_of(Mode.UPSERT, Resolution.REJECT)).make()
    await relation.put([(f"k{n}", hour(1), 1) for n in range(1, 60)])
    rows = [(line, f"k{line}", hour(2), 2) for line in range(1, 51)]
    chunk = Chunk(50, encode_rows(rows), tuple(refused(50 + n) for n in range(1, 31)))
    for most, lines in ((80, 80), (79, 79), (35, 35), (30, 30), (7, 7), (0, 0)):
        relation.refused.clear()
        result = await relation.put_chunks([chunk], bounds=RefusalBounds(kept=most), roll_back=True)
        assert (result.counts.rejected, result.counts.conflict) == (30, 50), "all are counted"
        assert (result.kept, len(relation.refused)) == (lines, lines)
        assert {(count.code, count.rows) for count in result.fault_counts} == {("malformed-line", 30), ("conflict", 50)}
        conflicts = [row.line for row in relation.refused if row.code is RejectionCode.CONFLICT]
        assert conflicts == list(range(1, max(0, lines - 30) + 1))
        assert len(result.refusals["rejected_sample"]) == 20


@pytest.mark.parametrize(("accepted", "nothing"), [(0, True), (1, False)])
async def test_rows_that_are_set_aside_pass_every_limit_and_are_kept(
    connection: asyncpg.Connection, accepted: int, nothing: bool
) -> None:
    relation = await Relation(connection, plan_of()).make()
    fault = RowFault(RejectionCode.UNKNOWN_COLUMN, "vip", "no", set_aside=True)
    aside = tuple(rejection_of(accepted + n, "raw", [fault]) for n in range(1, 31))
    chunk = Chunk(accepted, mixed(accepted, 0).payload, aside)
    limits, bounds = RejectLimits(rows=0, share=0), RefusalBounds(at_first=5)
    result = await relation.put_chunks([chunk], limits=limits, bounds=bounds)
    assert (result.counts.inserted, result.counts.rejected, result.set_aside) == (accepted, 30, 30)
    assert (result.nothing_accepted, result.ended_early, result.kept) == (nothing, False, 30)
    assert [row.line for row in relation.refused] == list(range(accepted + 1, accepted + 31))


async def test_a_key_that_comes_back_only_in_a_refused_row_is_replaced_by_nothing(
    connection: asyncpg.Connection,
) -> None:
    relation = await Relation(connection, plan_of(Mode.REPLACE, unique=True)).make()
    await relation.put([("a", hour(1), 1), ("b", hour(1), 2), ("c", hour(1), 3)])
    rows = [(1, "a", hour(1), 1), (2, "d", hour(2), 2), (3, "b", hour(2), 2)]
    result = await relation.put_chunks([Chunk(3, encode_rows(rows), (refused(4),))])
    assert await relation.rows() == [("a", hour(1), 1), ("d", hour(2), 2)], "b and c came in refused rows only"
    assert (result.counts.unchanged, result.counts.inserted, result.counts.rejected, result.deleted) == (1, 1, 2, 2)
    assert [row[:3] for row in await relation.images()] == [(2, "D", "b"), (2, "D", "c")]
    assert [(row.line, row.code) for row in relation.refused] == [(4, "malformed-line"), (3, "unique")]


@pytest.mark.parametrize(
    ("limits", "violations", "malformed", "passes"),
    [
        (RejectLimits(share=0.2), 2, 0, True),
        (RejectLimits(share=0.2), 3, 0, False),
        (RejectLimits(share=0.2), 1, 1, True),
        (RejectLimits(share=0.2), 2, 1, False),
        (RejectLimits(rows=2), 2, 0, True),
        (RejectLimits(rows=2), 3, 0, False),
        (RejectLimits(rows=2), 2, 1, False),
    ],
)
@pytest.mark.parametrize("mode", list(Mode))
async def test_limits_hold_for_values_that_should_be_unique_too(
    connection: asyncpg.Connection, mode: Mode, limits: RejectLimits, violations: int, malformed: int, passes: bool
) -> None:
    relation = await Relation(connection, plan_of(mode, unique=True)).make()
    good = 10 - violations - malformed
    rows = [(n, f"k{n}", hour(0), n if n <= good else 1) for n in range(1, good + violations + 1)]
    chunk = Chunk(len(rows), encode_rows(rows), tuple(refused(10 - n) for n in range(malformed)))
    if passes:
        counts = (await relation.put_chunks([chunk], limits=limits)).counts
        assert (counts.inserted, counts.rejected, counts.received) == (good, 2, 10)
        return
    with pytest.raises(RejectLimitExceeded) as caught:
        await relation.put_chunks([chunk], limits=limits)
    assert (caught.value.fields["rejected_rows"], caught.value.fields["received_rows"]) == (3, 10)
    assert await relation.rows() == []


@pytest.mark.parametrize(
    ("limits", "good", "bad", "passes"),
    [
        (RejectLimits(rows=2), 5, 2, True),
        (RejectLimits(rows=2), 5, 3, False),
        (RejectLimits(rows=0), 5, 0, True),
        (RejectLimits(share=0.5), 5, 5, True),
        (RejectLimits(share=0.5), 5, 6, False),
        (RejectLimits(share=0.0), 5, 1, False),
    ],
)
async def test_limits_of_refused_rows(
    connection: asyncpg.Connection, limits: RejectLimits, good: int, bad: int, passes: bool
) -> None:
    relation = await Relation(connection, plan_of()).make()
    if passes:
        result = await relation.put_chunks([mixed(good, bad)], limits=limits)
        assert (result.counts.inserted, result.counts.rejected) == (good, bad)
        return
    with pytest.raises(RejectLimitExceeded) as caught:
        await relation.put_chunks([mixed(good, bad)], limits=limits)
    assert caught.value.fields["rejected_rows"] == bad
    assert caught.value.fields["rejected_sample"][0]["code"] == "malformed-line"
    assert await relation.rows() == []


async def test_refused_rows_go_out_in_bounded_portions(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan_of()).make()
    result = await relation.put_chunks([mixed(1, 0), *(mixed(0, 700) for _ in range(10))])
    assert (result.counts.rejected, len(relation.refused), result.kept) == (7000, 7000, 7000)
    assert max(relation.portions) <= PORTION
    await relation.put_chunks([mixed(1, 2500)])
    assert relation.portions[-3:] == [1000, 1000, 500]


async def test_conflicts_are_handed_over_with_line_and_content(connection: asyncpg.Connection) -> None:
    for mode in (Mode.UPSERT, Mode.APPEND):
        relation = await Relation(connection, plan_of(mode, Resolution.REJECT)).make()
        await relation.put([("a", hour(1), 1)])
        result = await relation.put([("b", hour(1), 1), ("a", hour(2), 2), ("b", hour(2), 7)])
        assert (result.counts.inserted, result.counts.conflict, result.counts.rejected) == (1, 2, 0)
        assert sorted((row.line, row.code) for row in relation.refused) == [(2, "conflict"), (3, "conflict")]
        assert '"v": 2' in min(relation.refused, key=lambda row: row.line).raw


async def test_a_value_that_must_be_unique(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan_of(unique=True)).make()
    await relation.put([("a", hour(1), 1), ("b", hour(1), 2), ("c", hour(1), None), ("d", hour(1), None)])
    result = await relation.put(
        [("a", hour(2), 1), ("e", hour(1), 2), ("f", hour(1), 9), ("g", hour(1), 9), ("f", hour(2), 9)]
    )
    assert [(row.line, row.code) for row in relation.refused] == [(2, "unique"), (4, "unique")]
    assert (result.counts.updated, result.counts.inserted, result.counts.late, result.counts.rejected) == (1, 1, 1, 2)
    assert result.counts.received == 5
    with pytest.raises(RejectLimitExceeded):
        await relation.put([("z", hour(1), 2)], limits=RejectLimits(rows=0))


@pytest.mark.parametrize(
    ("time_type", "early", "late"),
    [
        ("date", date(2026, 1, 1), date(2026, 1, 9)),
        ("timestamp", datetime(2026, 1, 1), datetime(2026, 1, 9)),  # noqa: DTZ001 - a column without zone
        ("timestamptz", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 9, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("mode", list(Mode))
async def test_event_times_of_every_type(
    connection: asyncpg.Connection, mode: Mode, time_type: str, early: date, late: date
) -> None:
    relation = await Relation(connection, plan_of(mode, time_type=time_type)).make()
    await connection.execute("SET timezone = 'Pacific/Auckland'")
    try:
        result = await relation.put([("a", late, 2), ("a", early, 1), ("b", early, 1)])
        await relation.put([("a", late, 2), ("b", early, 1)])
    finally:
        await connection.execute("RESET timezone")
    assert (result.first_event_time, result.last_event_time) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 1, 9, tzinfo=UTC),
    )
    expected = [("a", late, 2), ("b", early, 1)]
    assert await relation.rows() == ([("a", early, 1), *expected] if mode is Mode.APPEND else expected)


async def test_a_batch_of_nothing_changes_nothing(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan_of()).make()
    result = await relation.put_chunks([])
    assert result.counts.received == 0
    assert await connection.fetchval("SELECT count(*) FROM pg_class WHERE relnamespace = 'staging'::regnamespace") == 0


async def test_a_dry_run_leaves_nothing_and_says_the_same(connection: asyncpg.Connection) -> None:
    relation = await Relation(connection, plan_of()).make()
    rows = [("a", hour(1), 1), ("a", hour(2), 2)]
    dry = await relation.put_chunks(
        [Chunk(2, encode_rows([(n, *row) for n, row in enumerate(rows, 1)]))], roll_back=True
    )
    assert await relation.rows() == []
    assert (await relation.put(rows)).counts == dry.counts


async def test_batches_of_one_relation_wait_for_each_other(
    connection: asyncpg.Connection, server: ServerAddress, bare_database: str
) -> None:
    relation = await Relation(connection, plan_of()).make()

    async def batch(seq: int) -> None:
        own = await asyncpg.connect(**server.connect_kwargs(bare_database))

        async def chunks() -> AsyncIterator[Chunk]:
            yield Chunk(1, encode_rows([(1, "a", hour(seq), seq)]))

        async def sink(_: object) -> None:
            raise AssertionError

        async with own.transaction():
            await ingest(own, relation.plan, chunks(), batch_seq=seq, processing_time=NOW, sink=sink)
        await own.close()

    await asyncio.gather(*(batch(seq) for seq in range(1, 9)))
    assert await relation.rows() == [("a", hour(8), 8)]


async def test_readers_see_the_old_content_until_the_new_is_whole(
    connection: asyncpg.Connection, server: ServerAddress, bare_database: str
) -> None:
    relation = await Relation(connection, plan_of(Mode.REPLACE)).make()
    await relation.put([("a", hour(1), 1)])
    reader = await asyncpg.connect(**server.connect_kwargs(bare_database))

    async def chunks() -> AsyncIterator[Chunk]:
        yield Chunk(1, encode_rows([(1, "b", hour(1), 1)]))

    async def sink(_: object) -> None:
        raise AssertionError

    async with connection.transaction():
        await ingest(connection, relation.plan, chunks(), batch_seq=9, processing_time=NOW, sink=sink)
        assert [row[0] for row in await reader.fetch(f"SELECT k FROM {relation.plan.relation.sql}")] == ["a"]
    assert [row[0] for row in await reader.fetch(f"SELECT k FROM {relation.plan.relation.sql}")] == ["b"]
    await reader.close()
