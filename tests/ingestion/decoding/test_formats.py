"""Readers: the same rows however the bytes are cut, and every fault with its line, code and column."""

import asyncio
import gzip
import io
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from app.ingestion.decoding import arrays, csv_records, lines
from app.ingestion.decoding import inflate as inflating
from app.ingestion.decoding.arrays import array_chunks
from app.ingestion.decoding.inflate import Coding, InflateLimits, inflate
from app.ingestion.decoding.json_rows import MAX_ROW_BYTES
from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.decoding.parquet import parquet_chunks
from app.ingestion.decoding.problems import BodyTooDense, MalformedBody
from app.ingestion.decoding.tables import csv_chunks
from app.ingestion.rows.row_model import ChangePolicy, RowModel
from tests.ingestion.bodies import Reader, column, pieces, plan_of, read

LIMITS = InflateLimits()
PLAN = plan_of(column("name", "text"), column("doc", "jsonb"), column("n", "integer"))
AT = "2026-01-01T00:00:00Z"


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small bodies, too, are read in many blocks."""
    for module in (lines, arrays):
        monkeypatch.setattr(module, "BLOCK_BYTES", 64)
    monkeypatch.setattr(lines.line_blocks, "__defaults__", (64,))
    monkeypatch.setattr(csv_records.record_blocks, "__defaults__", (64,))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=12)
hard_texts = st.one_of(
    texts,
    st.sampled_from(['},{"', '"', "\\", "\\\\n", "]\n[", "a,b", '":', "\n", "\r\n", "null", "\\.", "\x1f", "é😀"]),
)
records = st.fixed_dictionaries(
    {"id": st.integers(-(2**63), 2**63 - 1), "at": st.just(AT)},
    optional={
        "name": st.none() | hard_texts,
        "n": st.none() | st.integers(-9, 9),
        "doc": st.none() | st.lists(st.dictionaries(hard_texts, st.integers(0, 9), max_size=2), max_size=2),
    },
)
bad_lines = st.sampled_from(
    [
        '{"id": 1}',
        '{"id": "x", "at": "AT"}',
        '{"id": 1, "at": "AT", "id": 2}',
        '{"id": 1, "at": "AT", "zzz": 2}',
        '{"id": tru}',
        '{"id": 1, "at": "AT", "name": "\u0000"}',
        "[1]",
        "5",
    ]
).map(lambda line: line.replace("AT", AT))
entries = st.lists(
    st.one_of(
        records.map(json.dumps),
        records.map(lambda r: json.dumps(r, ensure_ascii=False, separators=(",", ":"))),
        bad_lines,
    ),
    max_size=12,
)
cuts = st.lists(st.integers(0, 4000), max_size=6)


def lines_of(payload: bytes) -> int:
    return payload.count(b"\n")


@pytest.mark.usefixtures("small_blocks")
@settings(max_examples=200)
@given(entries=entries, cuts=cuts)
async def test_ndjson_is_the_same_however_it_is_cut(entries: list[str], cuts: list[int]) -> None:
    body = "\n".join(entries).encode()
    whole = await read(ndjson_chunks, body, PLAN)
    assert await read(ndjson_chunks, body, PLAN, cuts) == whole
    assert whole[2] + len(whole[1]) == len(entries)


@pytest.mark.usefixtures("small_blocks")
@settings(max_examples=200)
@given(entries=entries, cuts=cuts, gap=st.sampled_from([",", ", ", ",\n", " , "]))
async def test_a_json_array_is_the_same_however_it_is_cut_and_equals_its_lines(
    entries: list[str], cuts: list[int], gap: str
) -> None:
    body = ("[" + gap.join(entries) + "]").encode()
    whole = await read(array_chunks, body, PLAN)
    assert await read(array_chunks, body, PLAN, cuts) == whole
    assert whole == await read(ndjson_chunks, "\n".join(entries).encode(), PLAN)


@pytest.mark.usefixtures("small_blocks")
@settings(max_examples=200)
@given(
    rows=st.lists(st.tuples(st.integers(-99, 99), hard_texts, st.sampled_from(["", "1", "x", "2.0"])), max_size=10),
    cuts=cuts,
    end=st.sampled_from(["\n", "\r\n"]),
)
async def test_csv_is_the_same_however_it_is_cut(rows: list[tuple[int, str, str]], cuts: list[int], end: str) -> None:
    quoted = [f'{key},{AT},"{text.replace(chr(34), chr(34) * 2)}",{number}' for key, text, number in rows]
    body = ("id,at,name,n" + end + "".join(row + end for row in quoted)).encode()
    whole = await read(csv_chunks, body, PLAN)
    assert await read(csv_chunks, body, PLAN, cuts) == whole
    assert whole[2] == sum(1 for row in rows if row[2] != "x")


def test_of_arrays() -> None:
    good = f'{{"id":1,"at":"{AT}"}}'
    for body in ("[]", " [ ] ", f"[{good}]", f"\ufeff[{good} , {good}]\n"):
        _, refused, _ = asyncio.run(read(array_chunks, body.encode(), PLAN))
        assert refused == []


@pytest.mark.parametrize(
    "body",
    ["", "{}", "[", "[1", '[{"a":1}', "[] x", "[1,]", "[,1]", "[1,,2]", '["a', "[[1]", "null", "[1]]", '[{"a":1]}'],
)
async def test_a_broken_array_is_refused_as_a_whole(body: str) -> None:
    with pytest.raises(MalformedBody):
        await read(array_chunks, body.encode(), PLAN)


@pytest.mark.parametrize("body", ["", "\n", "a,a\n1,2\n", '"a\n1,2', "\xff\xfe"])
async def test_a_broken_csv_is_refused_as_a_whole(body: str) -> None:
    with pytest.raises(MalformedBody):
        await read(csv_chunks, body.encode("latin-1"), PLAN)


FAULTS = [
    ('{"id": 1', "malformed-line", None),
    ("nonsense", "malformed-line", None),
    ("[1, 2]", "malformed-line", None),
    ('{"id": 1, "at": "AT"} {"id": 2, "at": "AT"}', "malformed-line", None),
    ('{"at": "AT"}', "missing-key", "id"),
    ('{"id": null, "at": "AT"}', "missing-key", "id"),
    ('{"id": 1}', "missing-key", "at"),
    ('{"id": 1, "at": "AT", "more": 1}', "unknown-column", "more"),
    ('{"id": "1", "at": "AT"}', "wrong-type", "id"),
    ('{"id": 1.5, "at": "AT"}', "wrong-type", "id"),
    ('{"id": 9223372036854775808, "at": "AT"}', "out-of-range", "id"),
    ('{"id": 1, "at": "2026-01-01T00:00:00"}', "wrong-type", "at"),
    ('{"id": 1, "at": 1700000000}', "wrong-type", "at"),
    ('{"id": 1, "at": "2026-02-30T00:00:00Z"}', "wrong-type", "at"),
    ('{"id": 1, "at": "0001-01-01T00:00:00+05:00"}', "out-of-range", "at"),
    ('{"id": 1, "at": "AT", "name": "a\\u0000b"}', "invalid-text", "name"),
    ('{"id": 1, "at": "AT", "name": "\\ud800"}', "invalid-text", "name"),
    ('{"id": 1, "at": "AT", "doc": {"a": "\\u0000"}}', "invalid-text", "doc"),
    ('{"id": 1, "at": "AT", "doc": 1e-20000}', "invalid-text", "doc"),
    ('{"id": 1, "id": 2, "at": "AT"}', "duplicate-field", "id"),
    ('{"id": 1, "at": "AT", "id" :2}', "duplicate-field", "id"),
    ('{"id": 1, "id": 2, "at": "2026-01-01T00:00:00+0200"}', "duplicate-field", "id"),
    ('{"id": 1, "id": 2, "at": "AT", "name": "\\u002c\\u003a"}', "duplicate-field", "id"),
]


@pytest.mark.parametrize(("line", "code", "name"), FAULTS)
@pytest.mark.parametrize("alone", [True, False])
async def test_faults_of_json_rows(line: str, code: str, name: str | None, alone: bool) -> None:
    line = line.replace("AT", AT)
    good = f'{{"id": 7, "at": "{AT}", "name": "x"}}'
    body = line if alone else f"{good}\n\n{line}\n{good}"
    payload, refused, accepted = await read(ndjson_chunks, body.encode(), PLAN)
    assert [(row.line, row.code, row.column, row.raw) for row in refused] == [(1 if alone else 3, code, name, line)]
    assert accepted == lines_of(payload) == (0 if alone else 2)


async def test_bytes_that_are_no_utf8_are_refused_by_row() -> None:
    body = b'{"id": 1, "at": "%s", "name": "\xff"}\n{"id": 2, "at": "%s"}' % (AT.encode(), AT.encode())
    _, refused, accepted = await read(ndjson_chunks, body, PLAN)
    assert [row.code for row in refused] == ["invalid-text"]
    assert accepted == 1


async def test_the_processing_time_may_come_and_is_not_taken() -> None:
    body = f'{{"id": 1, "at": "{AT}", "got": "whatever"}}'.encode()
    assert await read(ndjson_chunks, body, PLAN) == await read(
        ndjson_chunks, f'{{"id": 1, "at": "{AT}"}}'.encode(), PLAN
    )


async def test_unknown_columns_can_be_discarded() -> None:
    body = f'{{"id": 1, "at": "{AT}", "more": 1}}'.encode()
    _, refused, accepted = await read(ndjson_chunks, body, PLAN, unknown=ChangePolicy.DISCARD_VALUE)
    assert (refused, accepted) == ([], 1)
    _, refused, accepted = await read(
        csv_chunks, f"id,at,more\n1,{AT},5\n".encode(), PLAN, unknown=ChangePolicy.DISCARD_VALUE
    )
    assert (refused, accepted) == ([], 1)


@pytest.mark.parametrize("step", [1 << 16, 1 << 25])
@pytest.mark.parametrize("more", [0, 1 << 18])
async def test_a_row_that_is_too_long_costs_one_row_and_the_next_keep_their_numbers(step: int, more: int) -> None:
    """Just too long, it is in the buffer as a whole; by several pieces, its end is skipped as it comes."""
    good = f'{{"id": 1, "at": "{AT}"}}\n'.encode()
    overlong = b'{"name": "' + b"x" * (MAX_ROW_BYTES + more) + b'"}\n'
    body = good + overlong + good + b"nonsense\n" + overlong + good + b"nonsense"
    _, refused, accepted = await read(ndjson_chunks, body, PLAN, range(0, len(body), step))
    assert [(row.line, row.code, len(row.raw)) for row in refused] == [
        (2, "too-long", 2000), (4, "malformed-line", 8), (5, "too-long", 2000), (7, "malformed-line", 8),
    ]  # fmt: skip
    assert accepted == 3


@pytest.mark.parametrize(
    ("reader", "begin", "gap", "end"),
    [(ndjson_chunks, b"", b"\n", b""), (ndjson_chunks, b"", b"\n", b"\n"), (array_chunks, b"[", b",", b"]")],
)
async def test_a_row_may_have_so_many_bytes_and_no_more(reader: Reader, begin: bytes, gap: bytes, end: bytes) -> None:
    head, tail = f'{{"id": 1, "at": "{AT}", "name": "'.encode(), b'"}'
    longest = head + b"x" * (MAX_ROW_BYTES - len(head) - len(tail)) + tail
    longer = longest[:50] + longest[49:]
    assert len(longest) == MAX_ROW_BYTES == 8 << 20
    for rows, taken, refused_lines in (([longest, longer], 1, [2]), ([longer], 0, [1]), ([longest], 1, [])):
        _, refused, accepted = await read(reader, begin + gap.join(rows) + end, PLAN)
        assert (accepted, [row.line for row in refused]) == (taken, refused_lines)
        assert all(row.code == "too-long" for row in refused)


CSV_FAULTS = [
    ("x,AT,a,1", "wrong-type", "id"),
    (",AT,a,1", "missing-key", "id"),
    ("1,,a,1", "missing-key", "at"),
    ("1,1700000000,a,1", "wrong-type", "at"),
    ("1,AT,a", "malformed-line", None),
    ("1,AT,a,1,2", "malformed-line", None),
    ('1,AT,"a"b,1', "malformed-line", None),
    ("1,AT,a,99999999999", "out-of-range", "n"),
    ("1,AT,a\x00,1", "invalid-text", "name"),
]


@pytest.mark.parametrize(("line", "code", "name"), CSV_FAULTS)
async def test_faults_of_csv_records(line: str, code: str, name: str | None) -> None:
    body = f'id,at,name,n\n1,{AT},"two\nlines",\n{line.replace("AT", AT)}\n1,{AT},,2\n'
    _, refused, accepted = await read(csv_chunks, body.encode(), PLAN)
    assert [(row.line, row.code, row.column) for row in refused] == [(4, code, name)]
    assert accepted == 2


async def test_csv_columns_may_come_in_any_order_and_be_left_out() -> None:
    straight = await read(csv_chunks, f"id,at,name,n\n1,{AT},a,2\n2,{AT},b,\n".encode(), PLAN)
    assert await read(csv_chunks, f"\ufeffn,got,name,at,id\n2,z,a,{AT},1\n,z,b,{AT},2\n".encode(), PLAN) == straight


def parquet(table: pa.Table) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


async def test_parquet_rows_are_those_of_the_same_json() -> None:
    times = pa.array([1767225600_000_000_000] * 3, pa.timestamp("ns", tz="UTC"))
    table = pa.table(
        {
            "at": times,
            "id": [1, 2, 3],
            "n": pa.array([1, None, 2**40]),
            "doc": [{"a": 1}, None, {"a": 2}],
            "name": ["a", None, "c"],
        }
    )
    payload, refused, accepted = await read(parquet_chunks, parquet(table), PLAN, [100, 200])
    assert [(row.line, row.code, row.column) for row in refused] == [(3, "out-of-range", "n")]
    assert accepted == 2
    rows = [{"id": 1, "at": AT, "name": "a", "doc": {"a": 1}, "n": 1}, {"id": 2, "at": AT}]
    lines_of_json = "\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    assert payload == (await read(ndjson_chunks, lines_of_json.encode(), PLAN))[0]


async def test_not_parquet() -> None:
    with pytest.raises(MalformedBody):
        await read(parquet_chunks, b"PAR1 nothing", PLAN)


async def inflated(body: bytes, coding: Coding, cuts: list[int] | None = None, limits: InflateLimits = LIMITS) -> bytes:
    return b"".join([piece async for piece in inflate(pieces(body, cuts or []), coding, limits)])


def packed(data: bytes, coding: Coding) -> bytes:
    if coding is Coding.IDENTITY:
        return data
    return gzip.compress(data) if coding is Coding.GZIP else zstandard.compress(data)


@pytest.mark.parametrize("coding", [Coding.GZIP, Coding.ZSTD])
@settings(max_examples=50)
@given(parts=st.lists(st.binary(max_size=500), min_size=1, max_size=3), cuts=cuts)
async def test_codings_are_undone_however_they_are_cut(coding: Coding, parts: list[bytes], cuts: list[int]) -> None:
    assert await inflated(b"".join(packed(part, coding) for part in parts), coding, cuts) == b"".join(parts)


@pytest.mark.parametrize("coding", [Coding.GZIP, Coding.ZSTD])
@pytest.mark.parametrize("damage", [lambda b: b[:-3], lambda b: b"x" + b, lambda b: b + b"garbage", lambda _: b""])
async def test_a_damaged_coding_is_refused(coding: Coding, damage: object) -> None:
    with pytest.raises(MalformedBody):
        await inflated(damage(packed(b"abc" * 999, coding)), coding)  # type: ignore[operator]


@pytest.mark.parametrize("coding", [Coding.GZIP, Coding.ZSTD])
async def test_a_bomb_is_refused_before_it_fills_memory(coding: Coding) -> None:
    pump = zlib.compressobj(wbits=31) if coding is Coding.GZIP else zstandard.ZstdCompressor().compressobj()
    body = b"".join(pump.compress(b"\0" * (1 << 20)) for _ in range(300)) + pump.flush()
    sizes: list[int] = []

    async def unpack() -> None:
        async for piece in inflate(pieces(body), coding, LIMITS):
            sizes.append(len(piece))  # noqa: PERF401 - what came before the refusal must be kept

    tracemalloc.start()
    try:
        with pytest.raises(BodyTooDense):
            await unpack()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert max(sizes) <= 9 << 20
    assert 64 << 20 <= sum(sizes) + max(sizes) < 100 << 20
    assert peak < 32 << 20, "nothing waits to be taken"


@pytest.mark.parametrize("coding", list(Coding))
async def test_a_body_may_unpack_to_its_limit_and_no_further(coding: Coding) -> None:
    limits = InflateLimits(max_bytes=3000)
    assert await inflated(packed(b"x" * 3000, coding), coding, limits=limits) == b"x" * 3000
    assert len(await inflated(packed(b"x" * 1500, coding) * 2, coding, [9], limits)) == 3000
    for body in (packed(b"x" * 3001, coding), packed(b"x" * 1500, coding) * 2 + packed(b"x", coding)):
        with pytest.raises(BodyTooDense):
            await inflated(body, coding, [9], limits)


@pytest.mark.parametrize("coding", [Coding.GZIP, Coding.ZSTD])
async def test_a_body_may_be_as_dense_as_its_limit_and_no_denser(
    coding: Coding, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = b"x" * 3000
    body = packed(plain, coding)
    ratio = len(plain) / len(body)
    just_below = InflateLimits(max_ratio=ratio * 0.999)
    assert await inflated(body, coding, limits=just_below) == plain, "small bodies may be as dense as they like"
    monkeypatch.setattr(inflating, "RATIO_GRACE", len(plain))
    assert await inflated(body, coding, limits=just_below) == plain
    monkeypatch.setattr(inflating, "RATIO_GRACE", len(plain) - 1)
    assert await inflated(body, coding, [5], InflateLimits(max_ratio=ratio)) == plain, "however it comes"
    with pytest.raises(BodyTooDense):
        await inflated(body, coding, limits=just_below)


def test_the_limits_of_bodies() -> None:
    assert (LIMITS.max_bytes, LIMITS.max_ratio, inflating.RATIO_GRACE) == (64 << 30, 200.0, 64 << 20)


@pytest.mark.parametrize("reader", [ndjson_chunks, array_chunks, csv_chunks])
async def test_memory_stays_flat(reader: Reader) -> None:
    row = {
        ndjson_chunks: f'{{"id":1,"at":"{AT}"}}\n',
        array_chunks: f'{{"id":1,"at":"{AT}"}},',
        csv_chunks: f"1,{AT}\n",
    }[reader]
    head = {ndjson_chunks: "", array_chunks: "[", csv_chunks: "id,at\n"}[reader]

    async def body() -> AsyncIterator[bytes]:
        yield head.encode()
        for _ in range(200):
            yield row.encode() * 500
        if reader is array_chunks:
            yield (row[:-1] + "]").encode()

    sizes = [chunk.accepted async for chunk in reader(body(), RowModel(PLAN))]
    assert sum(sizes) >= 100_000
    assert max(sizes) < 25_000
