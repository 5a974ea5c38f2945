"""What decoding observes: the same in every format, under every policy, however a body is cut, each row once."""

import io
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.contracts.definition import ChangePolicy
from app.ingestion.decoding import json_rows, parquet_pieces, tables
from app.ingestion.decoding.arrays import array_chunks
from app.ingestion.decoding.json_rows import JsonRows
from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.decoding.parquet import parquet_chunks
from app.ingestion.decoding.tables import csv_chunks
from app.ingestion.rows.observations import MAX_UNKNOWN_NAMES, Observed
from app.ingestion.rows.row_model import RowModel
from app.warehouse.plan import Column, RelationPlan
from app.warehouse.rejections import MAX_NAME_CHARACTERS, Chunk
from app.warehouse.types import parse_type
from tests.ingestion.bodies import Reader, column, pieces, plan_of
from tests.reference.observations import Expected, expected, is_numeric, is_text, is_whole

AT = "2026-01-01T00:00:00Z"
PLAN = plan_of(
    column("code", "varchar(3)"),
    column("n", "integer", minimum=-5),
    column("amount", "numeric(4,1)"),
    column("ok", "boolean"),
)
TAKES = {
    "id": is_whole(-(2**63), 2**63 - 1),
    "at": lambda value: value == AT,
    "code": is_text(3),
    "n": is_whole(-(2**31), 2**31 - 1),
    "amount": is_numeric(Decimal("999.95")),
    "ok": lambda value: isinstance(value, bool),
}
FORMATS: dict[str, Reader] = {
    "ndjson": ndjson_chunks,
    "json": array_chunks,
    "csv": csv_chunks,
    "parquet": parquet_chunks,
}
Rows = Sequence[Mapping[str, Any]]


def cell(value: Any) -> str:
    """The value as a field of CSV; texts need no quotes."""
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, bool) else str(value)


def written(form: str, rows: Rows) -> bytes:
    """The rows as a body. CSV and Parquet have the columns of the first row, in their order."""
    if form == "ndjson":
        return "\n".join(map(json.dumps, rows)).encode()
    if form == "json":
        return json.dumps(rows).encode()
    names = list(rows[0])
    if form == "csv":
        fields = [[cell(row[name]) for name in names] for row in rows]
        return "".join(",".join(record) + "\n" for record in [names, *fields]).encode()
    file = io.BytesIO()
    pq.write_table(pa.table({name: [row[name] for row in rows] for name in names}), file)
    return file.getvalue()


async def decoded(reader: Reader, body: bytes, model: RowModel, cuts: Sequence[int] = ()) -> list[Chunk]:
    return [chunk async for chunk in reader(pieces(body, cuts), model)]


async def observed(form: str, rows: Rows, plan: RelationPlan = PLAN) -> Observed:
    model = RowModel(plan)
    await decoded(FORMATS[form], written(form, rows), model)
    return model.observed()


def agrees(found: Observed, wanted: Expected) -> None:
    assert found.rows == wanted.rows
    assert found.absent == {name: rows for name, rows in wanted.absent.items() if rows}
    assert list(found.unknown) == list(wanted.unknown)
    for name, values in wanted.unknown.items():
        seen = found.unknown[name]
        there = sum(1 for value in values if value is not None)
        assert (seen.rows, seen.summary.values) == (len(values), there)
        assert seen.values is not None
        assert (seen.values.rows, seen.values.nulls) == (wanted.rows, wanted.rows - there)
        assert seen.values.sketch == wanted.sketch(name)
    assert {name: seen.rows for name, seen in found.misfits.items()} == {
        name: len(values) for name, values in wanted.misfits.items()
    }


numbers = [0, 7, -9, 40_000, 2**31, 2**70, 1.5, 2.0, 999.94, 12345.6]
values = st.sampled_from([None, *numbers, "a", "abc", "abcd", "x,y", '"', True, False, [1], {"a": 1}])
others = st.sampled_from(["vip", "tier", "got", "a`b", 'q"', "line\nbreak", "N", "", "/slash", "ä"])
json_rows_sent = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(0, 99), "at": st.just(AT)},
        optional=dict.fromkeys(("code", "n", "amount", "ok"), values) | {"vip": values, "z": values},
    )
    | st.dictionaries(st.sampled_from(list(TAKES)) | others, values, max_size=5).map(
        lambda row: {"id": 1, "at": AT, **row}
    ),
    min_size=1,
    max_size=12,
)
policies = st.sampled_from(ChangePolicy)
cuts_of = st.lists(st.integers(0, 4000), max_size=5)


def in_written_form(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row by names as paths are written."""
    return {name.replace("/slash", "/~1slash"): value for name, value in row.items()}


@settings(max_examples=300)
@given(json_rows_sent, cuts_of, policies, policies, st.sampled_from([1, 3, 1000]), st.sampled_from([1, 100]))
async def test_json_rows_are_observed_as_plain_python_does_however_they_are_read(
    rows: list[dict[str, Any]], cuts: list[int], unknown: ChangePolicy, types: ChangePolicy, at_once: int, most: int
) -> None:
    wanted = expected([in_written_form(row) for row in rows], TAKES, "got")
    bodies = {form: written(form, rows) for form in ("ndjson", "json")}
    seen = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_rows, "WHOLE_VALUES", at_once * 7)
        patch.setattr(json_rows, "MOST_FAULTS", most)
        for form, body in bodies.items():
            model = RowModel(PLAN, unknown, types)
            chunks = await decoded(FORMATS[form], body, model, cuts)
            assert sum(chunk.received for chunk in chunks) == len(rows)
            seen.append(model.observed())
    model = RowModel(PLAN, unknown, types)
    JsonRows(model).each(enumerate(bodies["ndjson"].split(b"\n"), 1))
    seen.append(model.observed())
    agrees(seen[0], wanted)
    assert seen[1:] == seen[:1] * 2


headers = st.permutations(["code", "n", "amount", "ok", "vip", "got"]).flatmap(
    lambda names: st.integers(0, 6).map(lambda count: ["id", "at", *names[:count]])
)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "code": st.sampled_from([None, "a", "abc", "abcd"]),
    "n": st.sampled_from([None, 1, -9, 2**31, 2**40]),
    "amount": st.sampled_from([None, 1.5, 999.94, 12345.5]),
    "ok": st.sampled_from([None, True, False]),
    "vip": st.sampled_from([None, "x", "y"]),
    "got": st.just("whenever"),
    "id": st.integers(1, 99),
    "at": st.just(AT),
}
table_rows = headers.flatmap(
    lambda names: st.lists(st.fixed_dictionaries({name: CELLS[name] for name in names}), min_size=1, max_size=12)
)


@settings(max_examples=150)
@given(table_rows, cuts_of, policies, policies, st.sampled_from([1, 2, 1000]), st.sampled_from(["csv", "parquet"]))
async def test_tables_are_observed_as_plain_python_does_however_they_are_read(
    rows: list[dict[str, Any]], cuts: list[int], unknown: ChangePolicy, types: ChangePolicy, chunk: int, form: str
) -> None:
    model = RowModel(PLAN, unknown, types)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "CHUNK_RECORDS", chunk)
        patch.setattr(parquet_pieces, "BATCH_ROWS", chunk)
        chunks = await decoded(FORMATS[form], written(form, rows), model, cuts)
    assert sum(found.received for found in chunks) == len(rows)
    agrees(model.observed(), expected(rows, TAKES, "got"))
    assert all(seen.textual == (form == "csv") for seen in model.observed().unknown.values())


UNKNOWN_ROW = {"id": 1, "at": AT, "code": "a", "vip": "x"}
MISFIT_ROW = {"id": 1, "at": AT, "code": "abcd", "amount": 12345.5}
GOOD_ROW = {"id": 2, "at": AT, "code": "b"}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("policy", "accepted", "set_aside"),
    [
        (ChangePolicy.FREEZE, 0, False),
        (ChangePolicy.QUARANTINE_ROW, 0, True),
        (ChangePolicy.DISCARD_VALUE, 3, None),
        (ChangePolicy.EVOLVE, 3, None),
    ],
)
async def test_an_unknown_field_under_every_policy(
    form: str, policy: ChangePolicy, accepted: int, set_aside: bool | None
) -> None:
    model = RowModel(PLAN, policy)
    chunks = await decoded(FORMATS[form], written(form, [UNKNOWN_ROW] * 3), model)
    refused = [row for chunk in chunks for row in chunk.rejected]
    assert sum(chunk.accepted for chunk in chunks) == accepted
    assert [row.set_aside for row in refused] == [set_aside] * (3 - accepted)
    found = model.observed()
    assert (found.rows, found.unknown["vip"].rows, found.nothing) == (3, 3, False)
    assert str(found.inferred_type("vip")) == "text"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("policy", "accepted", "set_aside"),
    [
        (ChangePolicy.FREEZE, 0, False),
        (ChangePolicy.QUARANTINE_ROW, 0, True),
        (ChangePolicy.DISCARD_VALUE, 3, None),
        (ChangePolicy.EVOLVE, 0, True),
    ],
)
async def test_values_of_no_type_under_every_policy(
    form: str, policy: ChangePolicy, accepted: int, set_aside: bool | None
) -> None:
    model = RowModel(PLAN, types=policy)
    chunks = await decoded(FORMATS[form], written(form, [MISFIT_ROW] * 3), model)
    refused = [row for chunk in chunks for row in chunk.rejected]
    assert sum(chunk.accepted for chunk in chunks) == accepted
    assert [row.set_aside for row in refused] == [set_aside] * (3 - accepted)
    found = model.observed()
    assert {name: seen.rows for name, seen in found.misfits.items()} == {"code": 3, "amount": 3}
    assert [str(found.inferred_type(name)) for name in ("code", "amount")] == ["text", "numeric(6,1)"]
    notices = {notice for chunk in chunks for notice in chunk.notices}
    words = {
        f"Values of {name} were left out."
        for name in ("amount that are no numeric(4,1)", "code that are no varchar(3)")
    }
    assert notices == (words if accepted else set())
    if accepted:
        stored = b"".join(chunk.payload for chunk in chunks).splitlines()
        assert [line.split(b",")[3:] for line in stored] == [[b"null"] * 4] * 3, "null in place of both values"


NOT_ASIDE, ASIDE = False, True
FREEZE, QUARANTINE = ChangePolicy.FREEZE, ChangePolicy.QUARANTINE_ROW


@pytest.mark.parametrize(
    ("row", "unknown", "types", "set_aside"),
    [
        ({"vip": 1}, QUARANTINE, FREEZE, ASIDE),
        ({"vip": 1}, FREEZE, QUARANTINE, NOT_ASIDE),
        ({"vip": 1, "ok": 5}, QUARANTINE, FREEZE, NOT_ASIDE),
        ({"vip": 1, "ok": 5}, QUARANTINE, QUARANTINE, ASIDE),
        ({"ok": 5}, QUARANTINE, FREEZE, NOT_ASIDE),
        ({"n": 2**40}, FREEZE, QUARANTINE, ASIDE),
        ({"n": -6}, FREEZE, QUARANTINE, NOT_ASIDE),  # below the minimum, which is a check
        ({"n": -(2**40)}, FREEZE, QUARANTINE, ASIDE),  # below the minimum, and no integer at all
        ({"code": "abcd"}, FREEZE, QUARANTINE, ASIDE),
        ({"amount": 1000}, FREEZE, QUARANTINE, ASIDE),
        ({"amount": 1000, "n": -6}, FREEZE, QUARANTINE, NOT_ASIDE),
        ({"id": "x"}, FREEZE, QUARANTINE, ASIDE),
        ({"id": None, "ok": 5}, QUARANTINE, QUARANTINE, NOT_ASIDE),
        ({"code": "\0", "ok": 5}, QUARANTINE, QUARANTINE, NOT_ASIDE),
        ({"at": "0001-01-01T00:00:00+05:00"}, FREEZE, QUARANTINE, ASIDE),
        ({f"u{n}": 1 for n in range(50)}, QUARANTINE, FREEZE, ASIDE),
        ({f"u{n}": 1 for n in range(50)} | {"id": None}, QUARANTINE, FREEZE, NOT_ASIDE),
    ],
)
@pytest.mark.parametrize("among", [0, 9])
async def test_a_row_is_set_aside_when_nothing_else_is_wrong_with_it(
    row: dict[str, Any], unknown: ChangePolicy, types: ChangePolicy, set_aside: bool, among: int
) -> None:
    body = written("ndjson", [*[GOOD_ROW] * among, {"id": 1, "at": AT, **row}, *[GOOD_ROW] * among])
    chunks = await decoded(ndjson_chunks, body, RowModel(PLAN, unknown, types))
    assert [found.set_aside for chunk in chunks for found in chunk.rejected] == [set_aside]


@pytest.mark.parametrize(
    ("declared", "characters", "set_aside"),
    [("varchar(10)", 11, True), ("varchar(5000)", 3000, False), ("varchar(5000)", 6000, False), ("text", 3000, False)],
)
async def test_what_an_index_cannot_hold_is_no_matter_of_the_type(
    declared: str, characters: int, set_aside: bool
) -> None:
    plan = plan_of(column("k", declared, nullable=False), key=("k",))
    model = RowModel(plan, types=QUARANTINE)
    chunks = await decoded(ndjson_chunks, written("ndjson", [{"id": 1, "at": AT, "k": "x" * characters}]), model)
    assert [(row.code, row.set_aside) for chunk in chunks for row in chunk.rejected] == [("too-long", set_aside)]
    assert len(model.observed().misfits) == set_aside


@pytest.mark.parametrize("form", FORMATS)
async def test_nothing_is_observed_in_rows_that_are_as_declared(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(JsonRows, "each")  # nor is any row of them read by itself
    rows = [{"id": n, "at": AT, "code": None, "n": n, "amount": 1.5, "ok": True, "got": "x"} for n in range(500)]
    found = await observed(form, rows)
    assert (found.rows, found.nothing, found.vanished) == (500, True, ())
    assert (found.absent, found.unknown, found.misfits, found.more) == ({}, {}, {}, 0)


@pytest.mark.parametrize("form", FORMATS)
async def test_a_column_has_vanished_when_no_row_has_it_and_null_is_no_absence(form: str) -> None:
    rows: list[dict[str, Any]] = [{"id": n, "at": AT, "code": "a", "n": None} for n in range(300)]
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(JsonRows, "each")  # no row of them is read by itself
        found = await observed(form, rows)
    assert (found.vanished, found.absent, found.nothing) == (("amount", "ok"), {"amount": 300, "ok": 300}, False)
    if form in {"ndjson", "json"}:
        found = await observed(form, [*rows, {**rows[0], "ok": None}, {"at": AT}])
        assert (found.vanished, found.absent["ok"], found.absent["id"]) == (("amount",), 301, 1)


async def test_no_column_vanishes_from_no_rows() -> None:
    for form, body in {"ndjson": b"", "json": b"[]", "csv": b"id,at\n"}.items():
        model = RowModel(PLAN)
        await decoded(FORMATS[form], body, model)
        assert (model.observed().rows, model.observed().vanished, model.observed().nothing) == (0, (), True)


@pytest.mark.parametrize(
    "odd",
    [
        f'{{"id": 1, "id": 2, "at": "{AT}"}}',  # seen only when the block was decoded and checked
        f'{{"id": 1, "at": "{AT}", "amount": "1_0"}}',
        f'{{"id": 1, "at": "{AT}", "code": "\\ud800"}}',
        f'{{"id": 1, "at": "{AT}", "ok": "x"}}',
        f'{{"id": 1, "at": "{AT}", "amount": 1e9}}',
    ],
)
async def test_a_row_is_counted_once_though_its_block_is_read_again(odd: str) -> None:
    good = f'{{"id": 7, "at": "{AT}", "n": 1, "code": "a"}}'
    for form, body in {
        "ndjson": "\n".join([good] * 50 + [odd] + [good] * 50),
        "json": f"[{good}, {odd}, {good}]",
    }.items():
        model = RowModel(PLAN, types=ChangePolicy.DISCARD_VALUE)
        await decoded(FORMATS[form], body.encode(), model)
        rows = 101 if form == "ndjson" else 3
        assert model.observed().rows == rows
        assert model.observed().absent["n"] == 1
        assert model.observed().absent["ok"] == rows - odd.count('"ok"')
        assert sum(seen.rows for seen in model.observed().misfits.values()) == odd.count("1e9") + odd.count(
            '"x"'
        ) + odd.count("1_0")


async def test_rows_that_cannot_be_read_say_nothing_of_columns() -> None:
    model = RowModel(PLAN)
    await decoded(ndjson_chunks, b'{"id": 1\n[1]\n{"id": 1, "at": "x"}\n\xff', model)
    assert (model.observed().rows, model.observed().absent["n"], model.observed().misfits["at"].rows) == (1, 1, 1)
    model = RowModel(PLAN)
    await decoded(csv_chunks, f"id,at,n,vip\n1,{AT}\n1,{AT},2,x\n1,{AT},\xff,\n".encode("latin-1"), model)
    found = model.observed()
    assert (found.rows, found.unknown["vip"].rows, found.absent) == (1, 1, {"code": 1, "amount": 1, "ok": 1})


NESTED = plan_of(
    Column("city", parse_type("text"), source="/customer/address/city"),
    Column("level", parse_type("integer"), source="/customer/level"),
    column("note", "text"),
)


@pytest.mark.parametrize("policy", ChangePolicy)
@pytest.mark.parametrize("form", ["ndjson", "json"])
async def test_fields_of_nested_objects_are_named_by_their_paths(form: str, policy: ChangePolicy) -> None:
    base = {"id": 1, "at": AT}
    rows = [
        {**base, "customer": {"address": {"city": "x"}, "level": 1, "vip": True}, "note": "n"},
        {**base, "customer": {"address": {"zip": 5}, "level": "high"}, "note": "n"},
        {**base, "customer": {"address": None, "a/b": 1}, "note": "n", "other": {"a": 1}},
        {**base, "customer": None, "note": "n"},
        {**base, "note": "n"},
    ]
    model = RowModel(NESTED, policy)
    await decoded(FORMATS[form], written(form, rows), model)
    found = model.observed()
    assert {name: seen.rows for name, seen in found.unknown.items()} == {
        "/customer/vip": 1, "/customer/address/zip": 1, "/customer/a~1b": 1, "other": 1,
    }  # fmt: skip
    assert {name: str(found.inferred_type(name)) for name in found.unknown} == {
        "/customer/vip": "boolean", "/customer/address/zip": "bigint", "/customer/a~1b": "bigint", "other": "jsonb",
    }  # fmt: skip
    assert found.absent == {"city": 2, "level": 2}, "what a null stands for is not absent"
    assert {name: seen.rows for name, seen in found.misfits.items()} == {"level": 1}


@pytest.mark.parametrize(
    ("types", "accepted", "set_aside"),
    [
        (ChangePolicy.FREEZE, 1, [False]),
        (ChangePolicy.QUARANTINE_ROW, 1, [True]),
        (ChangePolicy.DISCARD_VALUE, 2, []),
        (ChangePolicy.EVOLVE, 1, [True]),
    ],
)
async def test_what_is_no_object_fits_no_column_in_it(
    types: ChangePolicy, accepted: int, set_aside: list[bool]
) -> None:
    rows = [{"id": 1, "at": AT, "customer": 5}, {"id": 1, "at": AT, "customer": {"level": 1}}]
    model = RowModel(NESTED, types=types)
    chunks = await decoded(ndjson_chunks, written("ndjson", rows), model)
    assert sum(chunk.accepted for chunk in chunks) == accepted
    assert [row.set_aside for chunk in chunks for row in chunk.rejected] == set_aside
    found = model.observed()
    assert {name: seen.rows for name, seen in found.misfits.items()} == {"city": 1, "level": 1}
    assert found.absent == {"note": 2, "city": 1}


@pytest.mark.parametrize("form", FORMATS)
async def test_a_required_column_keeps_its_rule_when_values_are_left_out(form: str) -> None:
    model = RowModel(PLAN, types=ChangePolicy.DISCARD_VALUE)
    rows = [{"id": "x", "at": AT, "n": 1}, {"id": "1" if form == "csv" else "y", "at": AT, "n": 1}]
    chunks = await decoded(FORMATS[form], written(form, rows), model)
    refused = [row for chunk in chunks for row in chunk.rejected]
    assert {(row.code, row.column, row.set_aside) for row in refused} == {("wrong-type", "id", False)}
    assert model.observed().misfits["id"].rows == len(refused)


async def test_an_instant_beyond_all_years_is_left_out_as_well() -> None:
    plan = plan_of(column("seen", "timestamptz"), column("name", "text"))
    rows = [{"id": n, "at": AT, "seen": "0001-01-01T00:00:00+05:00", "name": "x"} for n in range(5)]
    model = RowModel(plan, types=ChangePolicy.DISCARD_VALUE)
    chunks = await decoded(ndjson_chunks, written("ndjson", rows), model)
    assert (sum(chunk.accepted for chunk in chunks), model.observed().misfits["seen"].rows) == (5, 5)
    assert chunks[0].notices == ("Values of seen that are no timestamptz were left out.",)


@pytest.mark.parametrize("policy", [ChangePolicy.FREEZE, ChangePolicy.DISCARD_VALUE])
@pytest.mark.parametrize("form", FORMATS)
async def test_so_many_names_are_kept_and_the_others_counted(form: str, policy: ChangePolicy) -> None:
    extra = 7
    row = {"id": 1, "at": AT} | {f"u{n}": "x" for n in range(MAX_UNKNOWN_NAMES + extra)}
    model = RowModel(PLAN, policy)
    await decoded(FORMATS[form], written(form, [row] * 3), model)
    found = model.observed()
    assert list(found.unknown) == [f"u{n}" for n in range(MAX_UNKNOWN_NAMES)]
    assert found.more == 3 * extra


@pytest.mark.parametrize("form", FORMATS)
async def test_names_that_are_one_when_they_are_cut_count_once_for_a_row(form: str) -> None:
    long = "x" * MAX_NAME_CHARACTERS
    rows = [{"id": 1, "at": AT, f"{long}1": "a", f"{long}2": "b"}] * 4
    found = await observed(form, rows)
    assert {name: seen.rows for name, seen in found.unknown.items()} == {long: 4}
    assert found.more == 4


@pytest.mark.parametrize(
    "name", ["a`b", "`$.x` ", 'say "x"', "two\nlines", "of length <= 3", "out of range", "\0", "ünï"]
)
@pytest.mark.parametrize("policy", ChangePolicy)
async def test_a_name_may_hold_anything(name: str, policy: ChangePolicy) -> None:
    rows = [GOOD_ROW, {**GOOD_ROW, name: 2**63, "n": "x"}, GOOD_ROW]
    model = RowModel(PLAN, policy)
    chunks = await decoded(ndjson_chunks, written("ndjson", rows), model)
    refused = [row for chunk in chunks for row in chunk.rejected]
    kept = name.replace("\0", "\\x00")
    passed = policy in {ChangePolicy.DISCARD_VALUE, ChangePolicy.EVOLVE}
    assert [(fault.code, fault.column) for row in refused for fault in row.faults] == [
        *([] if passed else [("unknown-column", kept)]),
        ("wrong-type", "n"),
    ]
    assert str(model.observed().inferred_type(kept)) == "numeric"


@pytest.mark.parametrize("text", ["of length <= 9", "out of range", "Expected `int` >= 5"])
async def test_a_value_that_looks_like_a_message_is_none(text: str) -> None:
    plan = plan_of(column("kind", "text", one_of=("a", "b")))
    model = RowModel(plan)
    chunks = await decoded(ndjson_chunks, written("ndjson", [{"id": 1, "at": AT, "kind": text}]), model)
    assert [row.code for chunk in chunks for row in chunk.rejected] == ["one-of"]
    assert model.observed().nothing


@pytest.mark.parametrize("form", FORMATS)
async def test_a_field_of_nulls_alone_has_no_type_yet(form: str) -> None:
    found = await observed(form, [{"id": 1, "at": AT, "vip": None}] * 3)
    assert (found.unknown["vip"].rows, found.unknown["vip"].summary.values) == (3, 0)
    assert found.inferred_type("vip") is None
    assert not found.nothing


INFERRED: list[tuple[str, list[Any], str | None]] = [
    ("bigint", [2**63], "numeric"),
    ("integer", [5_000_000_000], "bigint"),
    ("integer", [1.5], "numeric"),
    ("integer", ["x"], "text"),
    ("smallint", [40_000], "integer"),
    ("smallint", [-40_000, 2**40], "bigint"),
    ("varchar(5)", ["123456789"], "text"),
    ("numeric(12,2)", [12345678901.0], "numeric(13,2)"),
    ("date", ["2026-01-01T10:00:00"], "timestamp"),
    ("date", ["2026-01-01T10:00:00Z"], "timestamptz"),
    ("date", ["2026-01-01T10:00:00", "2026-01-01T10:00:00Z"], "text"),
    ("boolean", ["maybe"], "text"),
    ("uuid", ["x"], "text"),
    ("real", [1e300], "double precision"),
]


@pytest.mark.parametrize(("declared", "sent", "wider"), INFERRED)
@pytest.mark.parametrize("form", FORMATS)
async def test_the_type_that_would_have_held_the_values(
    form: str, declared: str, sent: list[Any], wider: str | None
) -> None:
    if form == "parquet" and 2**63 in sent:
        return  # no column of Parquet holds it as an integer
    plan = plan_of(column("v", declared))
    found = await observed(form, [{"id": 1, "at": AT, "v": value} for value in sent], plan)
    assert found.misfits["v"].rows == len(sent)
    assert str(found.inferred_type("v")) == str(wider)


@pytest.mark.parametrize("form", FORMATS)
async def test_a_finer_number_in_a_key_has_no_wider_type_of_the_family(form: str) -> None:
    plan = plan_of(column("price", "numeric(12,2)", nullable=False), key=("id", "price"))
    found = await observed(form, [{"id": 1, "at": AT, "price": 1.125}], plan)
    assert (found.misfits["price"].rows, found.inferred_type("price")) == (1, None)
