"""Parquet: every value is what PostgreSQL would store of it, or its row is refused and shown as it was sent."""

import contextlib
import io
import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingestion.decoding import parquet_pieces
from app.ingestion.decoding.inflate import InflateLimits
from app.ingestion.decoding.json_rows import MAX_ROW_BYTES
from app.ingestion.decoding.parquet import parquet_chunks
from app.ingestion.decoding.problems import BodyTooDense, HeaderMismatch, MalformedBody
from app.ingestion.rows.row_model import MAX_FIELDS, ChangePolicy
from app.warehouse.rejections import Rejection
from tests.ingestion.bodies import column, plan_of, read, staged
from tests.ingestion.files import parquet_file

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
DAY = 86_400
LAST_SECOND = 253_402_300_799
"""9999-12-31 23:59:59."""
FIRST_SECOND = -62_135_596_800
"""0001-01-01 00:00:00."""


def table(values: Any, **more: Any) -> pa.Table:
    """The values as the column `v` beside a key and an event time."""
    rows = len(values)
    fixed = {"id": pa.array(range(rows), pa.int64()), "at": pa.array([NOON] * rows, pa.timestamp("us", "UTC"))}
    return pa.table(fixed | {"v": values} | more)


async def taken(
    store: asyncpg.Connection, type_: str, values: Any, **options: Any
) -> tuple[dict[int, Any], dict[int, tuple[str, str]]]:
    """What becomes of the values of a column of the type: stored values and codes with columns, by position."""
    plan = plan_of(column("v", type_))
    payload, refused, _ = await read(parquet_chunks, parquet_file(table(values), **options), plan)
    found = await staged(store, plan, payload, "id, v::text AS v")
    return {row["id"]: row["v"] for row in found}, {row.line - 1: (row.code, row.column) for row in refused}


WHOLE_SECONDS = {
    "timestamp": [(0, "1970-01-01 00:00:00"), (FIRST_SECOND, "0001-01-01 00:00:00"),
                  (LAST_SECOND, "9999-12-31 23:59:59"), (LAST_SECOND + 1, None), (FIRST_SECOND - 1, None),
                  (2**40, None)],
    "timestamptz": [(0, "1970-01-01 00:00:00+00"), (FIRST_SECOND, "0001-01-01 00:00:00+00"),
                    (LAST_SECOND, "9999-12-31 23:59:59+00"), (LAST_SECOND + 1, None), (FIRST_SECOND - 1, None)],
}  # fmt: skip


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Lima", "+05:30", "Not/AZone"])
@pytest.mark.parametrize("unit", ["ms", "us"])
@pytest.mark.parametrize("type_", WHOLE_SECONDS)
async def test_instants_of_every_unit_and_zone_are_stored_or_their_row_is_refused(
    store: asyncpg.Connection, unit: str, zone: str, type_: str
) -> None:
    """The zone says how a reader shows an instant, not which it is."""
    await store.execute("SET timezone = 'UTC'")
    factor = {"ms": 10**3, "us": 10**6}[unit]
    kind = pa.timestamp(unit, zone if type_ == "timestamptz" else None)
    cases = WHOLE_SECONDS[type_]
    stored, refused = await taken(
        store, type_, pa.array([seconds * factor for seconds, _ in cases], pa.int64()).cast(kind)
    )
    assert stored == {place: text for place, (_, text) in enumerate(cases) if text is not None}
    assert refused == {place: ("out-of-range", "v") for place, (_, text) in enumerate(cases) if text is None}


@pytest.mark.parametrize("int96", [True, False])
async def test_nanoseconds_are_rounded_as_postgresql_rounds_text(store: asyncpg.Connection, *, int96: bool) -> None:
    counts = [
        0,
        1,
        499,
        500,
        501,
        1500,
        2500,
        999_999_499,
        999_999_500,
        -1,
        -500,
        -1500,
        123_456_500,
        1_767_225_600_123_456_500,
    ]
    values = pa.array(counts, pa.int64()).cast(pa.timestamp("ns"))
    stored, refused = await taken(store, "timestamp", values, use_deprecated_int96_timestamps=int96)
    assert refused == {}
    for place, count in enumerate(counts):
        seconds, rest = divmod(count, 10**9)
        text = f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}.{rest:09}"
        assert stored[place] == await store.fetchval(f"SELECT timestamp '{text}'::text"), count


async def test_int96_reaches_as_far_as_postgresql(store: asyncpg.Connection) -> None:
    """Nanoseconds of 64 bits end in 2262; INT96 counts days apart."""
    texts = ["9999-12-31 23:59:59.999999", "0001-01-01 00:00:00", "2262-04-12 00:00:00", "1970-01-01 00:00:00.000001"]
    moments = [datetime.fromisoformat(text) for text in texts]
    stored, refused = await taken(
        store, "timestamp", pa.array(moments, pa.timestamp("us")), use_deprecated_int96_timestamps=True
    )
    assert (stored, refused) == (dict(enumerate(texts)), {})


@pytest.mark.parametrize("where", ["key", "event time"])
@pytest.mark.parametrize("int96", [True, False])
async def test_what_tells_rows_apart_is_not_rounded(where: str, *, int96: bool) -> None:
    plan = plan_of(column("v", "timestamp"), key=("v",) if where == "key" else ("id",))
    fine = pa.array([0, 1, 1000], pa.int64()).cast(pa.timestamp("ns"))
    if where == "key":
        body = parquet_file(table(fine), use_deprecated_int96_timestamps=int96)
    else:
        body = parquet_file(
            table(pa.array([None] * 3, pa.timestamp("us"))).set_column(1, "at", fine.cast(pa.timestamp("ns", "UTC")))
        )
    _, refused, accepted = await read(parquet_chunks, body, plan)
    assert [(row.line, row.code, row.column) for row in refused] == [(2, "not-exact", "v" if where == "key" else "at")]
    assert accepted == 2


async def test_dates_and_times_of_day(store: asyncpg.Connection) -> None:
    days = [0, -719_162, 2_932_896, 2_932_897, -719_163, 2**31 - 1]
    stored, refused = await taken(store, "date", pa.array(days, pa.int32()).cast(pa.date32()))
    assert stored == {0: "1970-01-01", 1: "0001-01-01", 2: "9999-12-31"}
    assert refused == dict.fromkeys((3, 4, 5), ("out-of-range", "v"))
    for unit, width, factor in (("ms", 32, 10**3), ("us", 64, 10**6), ("ns", 64, 10**9)):
        kind = pa.time32(unit) if width == 32 else pa.time64(unit)
        counts = [0, 3600 * factor, DAY * factor - 1, DAY * factor]
        values = pa.array(counts, pa.int32() if width == 32 else pa.int64()).view(kind)
        stored, refused = await taken(store, "time", values)
        last = {"ms": "23:59:59.999", "us": "23:59:59.999999"}.get(unit)
        assert {place: stored.get(place) for place in range(3)} == {0: "00:00:00", 1: "01:00:00", 2: last}
        assert refused == dict.fromkeys((3,) if last else (2, 3), ("out-of-range", "v"))


async def test_a_refused_row_shows_what_was_sent_and_costs_no_other() -> None:
    values = pa.array([0, 2_932_897, 1], pa.int32()).cast(pa.date32())
    _, refused, accepted = await read(parquet_chunks, parquet_file(table(values)), plan_of(column("v", "date")))
    assert accepted == 2
    assert [json.loads(row.raw) for row in refused] == [
        {"id": 1, "at": "2026-01-02T12:00:00+00:00", "v": "10000-01-01"}
    ]
    assert refused[0].message == "v: 10000-01-01 is before year 1 or after year 9999"


NUMBERS: list[tuple[Any, str, dict[int, str], dict[int, str]]] = [
    (pa.array([5.0, 5.5, None, float("nan"), 1e300, -0.0, 2.0**62]), "bigint",
     {0: "5", 5: "0", 6: "4611686018427387904"}, {1: "wrong-type", 3: "wrong-type", 4: "out-of-range"}),
    (pa.array([Decimal("5.00"), Decimal("5.50")], pa.decimal128(10, 2)), "bigint", {0: "5"}, {1: "wrong-type"}),
    (pa.array([1.0, 40_000.0], pa.float32()), "smallint", {0: "1"}, {1: "out-of-range"}),
    (pa.array([1.0, 1.5], pa.float16()), "smallint", {0: "1"}, {1: "wrong-type"}),
    (pa.array([1, 2**63], pa.uint64()), "bigint", {0: "1"}, {1: "out-of-range"}),
    (pa.array([1, -1], pa.int8()), "numeric(5,2)", {0: "1.00", 1: "-1.00"}, {}),
    (pa.array([1.5, float("nan"), float("inf"), float("-inf")]), "double precision",
     {0: "1.5", 1: "NaN", 2: "Infinity", 3: "-Infinity"}, {}),
    (pa.array([1.5, float("nan"), float("inf"), 1e300]), "real",
     {0: "1.5", 1: "NaN", 2: "Infinity"}, {3: "out-of-range"}),
    (pa.array([1.5, float("nan"), float("inf")]), "numeric", {0: "1.5", 1: "NaN", 2: "Infinity"}, {}),
    (pa.array([1.5, float("nan"), float("inf")]), "numeric(5,1)", {0: "1.5", 1: "NaN"}, {2: "out-of-range"}),
    (pa.array([Decimal("1.25")], pa.decimal256(60, 2)), "double precision", {0: "1.25"}, {}),
    (pa.array([True, False]), "boolean", {0: "true", 1: "false"}, {}),
    (pa.array([1, 0]), "boolean", {}, {0: "wrong-type", 1: "wrong-type"}),
    (pa.array(["1.5", "1_0", "NaN"]), "numeric", {0: "1.5", 2: "NaN"}, {1: "wrong-type"}),
    (pa.array(["12"]), "bigint", {}, {0: "wrong-type"}),
    (pa.array(["2026-01-01 00:00:00+00", "2026-01-01"]), "timestamptz",
     {0: "2026-01-01 00:00:00+00"}, {1: "wrong-type"}),
    (pa.array([b"hi", b""]), "bytea", {0: r"\x6869", 1: r"\x"}, {}),
    (pa.array([r"\x6869", "aGk=", "?"]), "bytea", {0: r"\x6869", 1: r"\x6869"}, {2: "wrong-type"}),
    (pa.array([b"\x00" * 16], pa.binary(16)), "uuid", {0: "00000000-0000-0000-0000-000000000000"}, {}),
    (pa.array([b"\x00" * 16], pa.uuid()), "uuid", {0: "00000000-0000-0000-0000-000000000000"}, {}),
    (pa.array(["a", "b", "a"]).dictionary_encode(), "text", {0: "a", 1: "b", 2: "a"}, {}),
    (pa.array([b"x"]), "text", {}, {0: "wrong-type"}),
    (pa.array([{"a": 1}]), "text", {}, {0: "wrong-type"}),
    (pa.array([None, None], pa.null()), "text", {0: None, 1: None}, {}),
    (pa.array([NOON], pa.timestamp("us")), "timestamptz", {}, {0: "wrong-type"}),
    (pa.array([NOON], pa.timestamp("us", "UTC")), "timestamp", {}, {0: "wrong-type"}),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(NUMBERS)))
async def test_values_of_other_types(store: asyncpg.Connection, case: int) -> None:
    values, type_, wanted, codes = NUMBERS[case]
    await store.execute("SET timezone = 'UTC'")
    stored, refused = await taken(store, type_, values)
    nulls = {place: None for place, value in enumerate(values.to_pylist()) if value is None}
    assert stored == nulls | wanted
    assert refused == {place: (code, "v") for place, code in codes.items()}


async def test_text_that_is_no_utf8_costs_its_row() -> None:
    broken = pa.Array.from_buffers(pa.string(), 3, pa.array([b"a", b"\xff", b"c"]).buffers())
    _, refused, accepted = await read(parquet_chunks, parquet_file(table(broken)), plan_of(column("v", "text")))
    assert accepted == 2
    assert [(row.line, row.code, row.column) for row in refused] == [(2, "invalid-text", "v")]


NESTED: list[tuple[Any, list[Any]]] = [
    (pa.array([{"a": 1, "b": None}, None]), [{"a": 1, "b": None}, None]),
    (pa.array([[1, None], [], None]), [[1, None], [], None]),
    (pa.array([[{"x": [b"hi"]}]]), [[{"x": [r"\x6869"]}]]),
    (pa.array([[("k", 1), ("l", None)], None], pa.map_(pa.string(), pa.int32())), [{"k": 1, "l": None}, None]),
    (pa.array([[(1, "x")]], pa.map_(pa.int32(), pa.string())), [[{"key": 1, "value": "x"}]]),
    (pa.array([{"d": date(2026, 1, 2), "t": time(10), "at": NOON}],
              pa.struct({"d": pa.date32(), "t": pa.time64("us"), "at": pa.timestamp("us", "Europe/Berlin")})),
     [{"d": "2026-01-02", "t": "10:00:00", "at": "2026-01-02T12:00:00+00:00"}]),
    (pa.array([{"n": Decimal("1.50")}], pa.struct({"n": pa.decimal128(5, 2)})), [{"n": 1.5}]),
    (pa.array([[1.5, float("nan")]]), [[1.5, "NaN"]]),
    (pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int32(), 2)), [[1, 2], None, [3, 4]]),
    (pa.array([1, 2.5]), [1, 2.5]),
    (pa.array([True]), [True]),
    (pa.array([NOON], pa.timestamp("us", "UTC")), ["2026-01-02T12:00:00+00:00"]),
    (pa.array([1_500_000_000, 1], pa.duration("ns")), ["PT1.5S", "P0D"]),
    (pa.array([timedelta(days=1)]), ["P1D"]),
    (pa.array(['{"already": "JSON"}', "[1]", "null", None]), [{"already": "JSON"}, [1], None, None]),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(NESTED)))
async def test_nested_values_in_documents(store: asyncpg.Connection, case: int) -> None:
    values, wanted = NESTED[case]
    stored, refused = await taken(store, "jsonb", values)
    assert refused == {}
    assert [None if stored[place] is None else json.loads(stored[place]) for place in range(len(wanted))] == wanted


async def test_what_no_document_can_hold_costs_its_row(store: asyncpg.Connection) -> None:
    twice = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert await taken(store, "jsonb", twice) == ({}, {0: ("duplicate-field", "v")})
    assert await taken(store, "jsonb", pa.array([2**62], pa.duration("s"))) == ({}, {0: ("out-of-range", "v")})
    days = pa.array([0, 2_932_897], pa.int32()).cast(pa.date32())
    stored, refused = await taken(store, "jsonb", pa.StructArray.from_arrays([days], ["d"]))
    assert stored == {0: '{"d": "1970-01-01"}'}
    assert refused == {1: ("out-of-range", "v")}
    stored, refused = await taken(store, "jsonb", pa.array(["{", "{}", '"\\u0000"']))
    assert (stored, refused) == ({1: "{}"}, {0: ("invalid-text", "v"), 2: ("invalid-text", "v")})


async def test_unknown_columns_are_shown_with_their_values() -> None:
    body = parquet_file(table(pa.array(["x", "y"]), more=pa.array([{"a": b"\x01"}, None]), n=pa.array([1, 2])))
    _, refused, accepted = await read(parquet_chunks, body, plan_of(column("v", "text")))
    assert accepted == 0
    at = "2026-01-02T12:00:00+00:00"
    assert [json.loads(row.raw) for row in refused] == [
        {"id": 0, "at": at, "v": "x", "more": {"a": r"\x01"}, "n": 1},
        {"id": 1, "at": at, "v": "y", "more": None, "n": 2},
    ]
    assert [[(fault.code, fault.column) for fault in row.faults] for row in refused] == [
        [("unknown-column", "more"), ("unknown-column", "n")]
    ] * 2
    _, refused, accepted = await read(
        parquet_chunks, body, plan_of(column("v", "text")), unknown=ChangePolicy.DISCARD_VALUE
    )
    assert (refused, accepted) == ([], 2)


async def test_a_long_row_is_shown_by_its_beginning_and_said_to_be_cut() -> None:
    body = parquet_file(table(pa.array(["é" * 100_000]), zzz=pa.array([1])))
    _, refused, _ = await read(parquet_chunks, body, plan_of(column("v", "text")))
    assert isinstance(refused[0], Rejection)
    assert (len(refused[0].raw), refused[0].clipped) == (2000, True)
    assert refused[0].raw.startswith('{"id":0,"at":')


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (pa.array([True]), "v: true is not"),
        (pa.array([[True, None]]), "v: [true,null] is not"),
        (pa.array([{"a": b"x"}]), r'v: {"a":"\\x78"} is not'),
        (pa.array([date(2026, 1, 2)]), "v: 2026-01-02 is not"),
        (pa.array([[1] * 100_000]), "v: [1,1,1"),
        (pa.array([timedelta(days=1)]), "v: P1D is not"),
    ],
)
async def test_no_message_shows_how_python_prints_a_value(value: pa.Array, said: str) -> None:
    _, refused, _ = await read(parquet_chunks, parquet_file(table(value)), plan_of(column("v", "integer")))
    assert refused[0].message.startswith(said)


LONG = "x" * (MAX_ROW_BYTES // 2)


@pytest.mark.parametrize(
    ("values", "type_", "begins"),
    [
        (pa.array(["a", LONG * 2 + "x", "c"]), "text", '"v":"xxxx'),
        (pa.array([["a"], [LONG, LONG, "x"], ["c"]]), "jsonb", '"v":"(83886'),
        (pa.array([{"a": "a"}, {"a": LONG * 2 + "x"}, None]), "jsonb", '"v":"(83886'),
    ],
)
async def test_a_row_that_is_too_long_costs_itself(values: pa.Array, type_: str, begins: str) -> None:
    _, refused, accepted = await read(parquet_chunks, parquet_file(table(values)), plan_of(column("v", type_)))
    assert accepted == 2
    assert [(row.line, row.code, row.column) for row in refused] == [(2, "too-long", None)]
    assert refused[0].raw.startswith('{"id":1,"at":"2026-01-02T12:00:00+00:00",' + begins)


async def test_every_fault_of_a_row_is_said() -> None:
    plan = plan_of(column("v", "integer"), column("w", "date", nullable=False), column("x", "jsonb"))
    body = parquet_file(table(pa.array(["a"]), w=pa.array([None], pa.date32()), x=pa.array(["{"])))
    _, refused, _ = await read(parquet_chunks, body, plan)
    assert [[(fault.code, fault.column) for fault in row.faults] for row in refused] == [
        [("wrong-type", "v"), ("not-null", "w"), ("invalid-text", "x")]
    ]


async def test_an_empty_file_has_no_rows() -> None:
    body = parquet_file(table(pa.array([], pa.int64())))
    assert await read(parquet_chunks, body, plan_of(column("v", "bigint"))) == (b"", [], 0)


@settings(max_examples=20)
@given(
    rows=st.integers(1, 60),
    batch=st.integers(1, 30),
    piece=st.sampled_from([1, 100, 8 << 20]),
    groups=st.integers(1, 20),
)
async def test_rows_and_their_numbers_are_the_same_in_pieces_of_every_size(
    rows: int, batch: int, piece: int, groups: int
) -> None:
    values = pa.array([None if number % 7 == 3 else f"text {number}" for number in range(rows)])
    moments = pa.array([number * 10**15 + number for number in range(rows)], pa.timestamp("ns"))
    body = parquet_file(
        table(values, m=moments, w=pa.array(range(rows))), use_deprecated_int96_timestamps=True, row_group_size=groups
    )
    plan = plan_of(column("v", "text"), column("m", "timestamp"), column("w", "integer", maximum=40))
    whole = await read(parquet_chunks, body, plan)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_pieces, "BATCH_ROWS", batch)
        patch.setattr(parquet_pieces, "PIECE_BYTES", piece)
        assert await read(parquet_chunks, body, plan) == whole
    assert [row.line for row in whole[1]] == list(range(42, rows + 1))


@pytest.mark.parametrize("body", [b"", b"PAR1", b"PAR1 nothing", b"PAR1" + b"\x00" * 40 + b"PAR1", b"x" * 100])
async def test_what_is_no_parquet_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody, match="not a readable Parquet file"):
        await read(parquet_chunks, body, plan_of())


@settings(max_examples=60)
@given(place=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.integers(0, 40))
async def test_a_damaged_file_is_refused_or_read_and_nothing_else(place: int, byte: int, cut: int) -> None:
    body = bytearray(parquet_file(table(pa.array(["a", None, "c"]), d=pa.array([{"x": [1]}] * 3))))
    body[place % len(body)] = byte
    with contextlib.suppress(MalformedBody, BodyTooDense, HeaderMismatch):
        await read(parquet_chunks, bytes(body[: len(body) - cut]), plan_of(column("v", "text"), column("d", "jsonb")))


async def test_a_file_has_so_many_columns_at_most() -> None:
    for columns, fits in ((MAX_FIELDS - 3, True), (MAX_FIELDS - 2, False)):
        more = {f"c{number}": pa.array([1]) for number in range(columns)}
        body = parquet_file(table(pa.array([1]), **more))
        if fits:
            await read(parquet_chunks, body, plan_of(column("v", "integer")), unknown=ChangePolicy.DISCARD_VALUE)
        else:
            with pytest.raises(MalformedBody, match=f"the file has {MAX_FIELDS + 1} columns"):
                await read(parquet_chunks, body, plan_of(column("v", "integer")))


def repeated(text: str, times: int) -> pa.Array:
    """The text so many times, of which a file holds one."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), pa.array([text]))


def many_in_a_list() -> pa.Array:
    texts = repeated("x" * 1_000_000, 400).dictionary_decode()
    return pa.ListArray.from_arrays(pa.array([0, 200, 400], pa.int32()), texts)


def many_in_a_map() -> pa.Array:
    texts = repeated("x" * 1_000_000, 300).dictionary_decode()
    return pa.MapArray.from_arrays(pa.array([0, 300], pa.int32()), pa.array(map(str, range(300))), texts)


BOMBS = {
    "texts": lambda: repeated("x" * 1_000_000, 300),
    "a list": many_in_a_list,
    "a struct": lambda: pa.StructArray.from_arrays([many_in_a_list()], ["a"]),
    "a map": many_in_a_map,
}


@pytest.mark.parametrize("shape", BOMBS)
def test_what_a_dictionary_stands_for_is_never_written_out(shape: str) -> None:
    """What Arrow allocates is a small part of what the file says it has, before the file is refused."""
    body = parquet_file(pa.table({"v": BOMBS[shape]()}))
    assert len(body) < 200_000
    usual, counted = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(counted)
    try:
        with pytest.raises(BodyTooDense, match="unpacks to more than"):
            list(parquet_pieces.parquet_pieces(io.BytesIO(body), len(body)))
    finally:
        pa.set_memory_pool(usual)
    assert 1_000_000 <= counted.max_memory() < 80_000_000


def test_a_file_may_unpack_to_its_limit_and_no_further(tmp_path: Path) -> None:
    body = parquet_file(table(pa.array(["x" * 1000] * 1000)))
    path = tmp_path / "file"
    path.write_bytes(body)
    with path.open("rb") as file:
        size = sum(piece.rows for piece in parquet_pieces.parquet_pieces(file, len(body)))
        assert size == 1000
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parquet_pieces, "RATIO_GRACE", 0)
            with pytest.raises(BodyTooDense, match="unpacks to more than"):
                list(parquet_pieces.parquet_pieces(file, len(body), InflateLimits(max_ratio=50)))
        with pytest.raises(BodyTooDense):
            list(parquet_pieces.parquet_pieces(file, len(body), InflateLimits(max_bytes=1_000_000)))
