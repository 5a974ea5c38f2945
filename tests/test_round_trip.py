"""What is written can be read: rows that leave in any format, as an answer or as a file, come back as the same values.

The way: a relation of the types that a contract may name, adopted; out of it as each format; into a contract of the
same columns; and PostgreSQL says whether the rows are the same, to the last digit and with null and '' apart.
"""

import csv
import io
import itertools
import json
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import asyncpg
import httpx
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.warehouse.types import TypeKind, parse_type
from tests.ingestion.steps import CSV, JSON, NDJSON, PARQUET, contract, send
from tests.operations.exports.steps import content, export
from tests.query.asking import preview
from tests.reference.csv_formulas import unguarded

EXAMPLES = int(os.environ.get("SPYNE_TEST_ROUND_TRIPS", "1"))

Texts: TypeAlias = list[str]
"""Values as PostgreSQL reads them."""

AWKWARD_TEXTS = [
    *("", " ", "a", "null", "NULL", "\\N", "\\.", "NaN", "true", "0", "-1", "=1+1", "+1", "-x", "@a", "\t=1", "'=1"),
    *('"', '""', "'", ",", ";", "a,b", 'a"b', "\n", "\r", "\r\n", "a\r\nb", "a\nb\n", "\ufeff", "\ufeffa", " a ", "\t"),
    *("\u2028", "\x85", "\x01\x02", "\\", "\\n", "\\u0000", "{}", "[1]", "é", "\U0001f600", "\uff1d1", "x" * 5000),
]

SOUND: dict[str, Texts] = {
    "text": AWKWARD_TEXTS,
    "varchar(20)": [text for text in AWKWARD_TEXTS if len(text) <= 20],
    "smallint": ["0", "-32768", "32767"],
    "integer": ["0", "-2147483648", "2147483647"],
    "bigint": ["0", "-9223372036854775808", "9223372036854775807", "9007199254740993"],
    "numeric": [
        "0",
        "0.00",
        "-1.10",
        "12345678901234567890.123456789",
        "1e30",
        "-1e-30",
        "9" * 299,
        "9" * 300,
        "9" * 900,
    ],
    "numeric(12,2)": ["0", "-0.01", "9999999999.99"],
    "numeric(38,10)": ["0", "-1234567890123456789012345678.0123456789"],
    "numeric(60,30)": ["0", "123456789012345678901234567890.123456789012345678901234567891"],
    "real": ["0", "0.1", "-3.4028235e38", "1e-45", "16777216"],
    "double precision": ["0", "0.1", "-1.7976931348623157e308", "5e-324", "1e16", "123456789012345680", "1"],
    "boolean": ["true", "false"],
    "date": ["0001-01-01", "1969-12-31", "2026-02-28", "9999-12-31"],
    "time": ["00:00", "05:00:00.25", "23:59:59.999999"],
    "timestamp": ["0001-01-01 00:00", "1969-12-31 23:59:59.999999", "2026-03-29 02:30", "9999-12-31 23:59:59.5"],
    "timestamptz": [
        "0001-01-01 00:00Z",
        "2026-03-29 02:30+02",
        "2026-01-01 00:00-12:45",
        "9999-12-31 23:59:59.999999Z",
    ],
    "uuid": ["00000000-0000-0000-0000-00000000000a", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "jsonb": ["{}", "[]", '""', "true", "1.50", '{"a": [1, 2.50, "=x"], "b": {"c": null}}', '"\\n\\r\\""', "1e30"],
    "bytea": ["", "\\x00", "\\x00ff0d0a22", "\\x" + "ab" * 200],
}
"""By type, values that come back as they are from every format."""

BEYOND: dict[str, Texts] = {
    "numeric": ["NaN", "Infinity", "-Infinity", "1e1200"],
    "real": ["NaN", "Infinity"],
    "double precision": ["NaN", "-Infinity"],
    "date": ["infinity", "0044-03-15 BC", "10000-01-01"],
    "time": ["24:00"],
    "timestamp": ["-infinity", "0044-03-15 00:00 BC", "10000-01-01 00:00"],
    "timestamptz": ["infinity", "0044-03-15 00:00Z BC", "10000-01-01 00:00Z"],
}
"""By type, values that a table may hold and ingestion may not: they come back as they are, or are refused."""

NAMES = {kind: f"c{number}" for number, kind in enumerate(SOUND)}


def _number(value: float) -> str:
    return repr(value + 0.0)  # a negative zero, which equals zero, comes back as zero


_CHARACTERS = st.characters(codec="utf-8", exclude_characters="\x00")
_STRATEGIES: dict[TypeKind, st.SearchStrategy[str]] = {
    TypeKind.TEXT: st.text(_CHARACTERS | st.sampled_from("\"',\r\n\ufeff=+-@;\\ "), max_size=12),
    TypeKind.VARCHAR: st.text(_CHARACTERS, max_size=20),
    TypeKind.SMALLINT: st.integers(-(2**15), 2**15 - 1).map(str),
    TypeKind.INTEGER: st.integers(-(2**31), 2**31 - 1).map(str),
    TypeKind.BIGINT: st.integers(-(2**63), 2**63 - 1).map(str),
    TypeKind.NUMERIC: st.decimals(-(10**9), 10**9, places=2).map(str),
    TypeKind.REAL: st.floats(allow_nan=False, allow_infinity=False, width=32).map(_number),
    TypeKind.DOUBLE: st.floats(allow_nan=False, allow_infinity=False).map(_number),
    TypeKind.BOOLEAN: st.sampled_from(["true", "false"]),
    TypeKind.DATE: st.dates().map(str),
    TypeKind.TIME: st.times().map(str),
    TypeKind.TIMESTAMP: st.datetimes().map(str),
    TypeKind.TIMESTAMPTZ: st.datetimes().map(lambda moment: f"{moment}+00"),
    TypeKind.UUID: st.uuids().map(str),
    TypeKind.JSONB: st.recursive(
        st.booleans() | st.integers() | st.text(_CHARACTERS, max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(_CHARACTERS, max_size=3), inner, max_size=3)
        ),
        max_leaves=5,
    ).map(json.dumps),
    TypeKind.BYTEA: st.binary(max_size=12).map(lambda value: "\\x" + value.hex()),
}

Row: TypeAlias = dict[str, str]
"""Values by type; a type that is absent is a null."""
rows_of_any_values = st.lists(
    st.fixed_dictionaries({}, optional={kind: _STRATEGIES[parse_type(kind).kind] for kind in SOUND}),
    min_size=1,
    max_size=40,
)


class Doors:
    """The ways out of the adopted relation, and the ways into contracts."""

    def __init__(self, app: FastAPI, owner: asyncpg.Connection, client: httpx.AsyncClient) -> None:
        self.app, self.owner, self.client = app, owner, client
        self._numbers = itertools.count()

    async def source(self, rows: Sequence[Row]) -> str:
        """The name of an adopted relation of these rows."""
        name = f"source_{next(self._numbers)}"
        columns = ", ".join(f"{column} {kind}" for kind, column in NAMES.items())
        await self.owner.execute(f"CREATE TABLE public.{name} (id bigint, at timestamptz, {columns})")
        shown = ", ".join(f"${place}::text::{kind}" for place, kind in enumerate(NAMES, 2))
        await self.owner.executemany(
            f"INSERT INTO public.{name} VALUES ($1, '2026-01-01Z', {shown})",
            [(number, *(row.get(kind) for kind in NAMES)) for number, row in enumerate(rows)],
        )
        answer = await self.client.post("/api/tables/adopt", json={"relations": [f"public.{name}"]})
        assert answer.json()["adopted"] == 1, answer.text
        return name

    async def target(self, resolution: str = "latest_wins") -> str:
        """The name of a contract's table with the same columns."""
        name = f"target_{next(self._numbers)}"
        columns = [{"name": "id", "type": "bigint"}, {"name": "at", "type": "timestamptz"}]
        columns += [{"name": column, "type": kind} for kind, column in NAMES.items()]
        answer = await self.client.post(
            "/api/contracts/register", json=contract(name, "upsert", resolution, columns=columns)
        )
        assert answer.status_code == 201, answer.text
        return name

    async def values(self, relation: str) -> dict[int, str]:
        """PostgreSQL's text of each row, by id."""
        found = await self.owner.fetch(f"SELECT id, ROW({', '.join(NAMES.values())})::text FROM {relation}")
        return dict(found)

    async def file(self, table: str, form: str, formulas: str = "plain") -> bytes:
        """The rows as an export."""
        more = {"csv_formulas": formulas, "csv_bom": True} if form == "csv" else {}
        shown = await export(self.client, self.app.state.resources, filter_params={"table": table}, format=form, **more)
        return await content(self.client, shown)

    async def answer(self, table: str, accept: str, formulas: str = "plain") -> bytes:
        """The rows as an answer."""
        asked = await preview(self.client, f"SELECT * FROM {table}")
        body = {"preview_id": asked["preview_id"], "csv_formulas": formulas}
        answer = await self.client.post("/api/query/execute", json=body, headers={"Accept": accept})
        assert answer.status_code == 200, answer.text
        return answer.content


def _objects(document: bytes) -> bytes:
    """The rows of an answer in JSON as an array of objects, no digit touched."""

    class Answer(msgspec.Struct):
        columns: list[dict[str, str]]
        rows: list[list[msgspec.Raw]]

    answer = msgspec.json.decode(document, type=Answer)
    names = [column["name"] for column in answer.columns]
    return msgspec.json.encode([dict(zip(names, row, strict=True)) for row in answer.rows])


def _parquet(stream: bytes) -> bytes:
    """An Arrow stream as Parquet."""
    target = io.BytesIO()
    pq.write_table(pa.ipc.open_stream(stream).read_all(), target)
    return target.getvalue()


Way: TypeAlias = Callable[[Doors, str], Awaitable[bytes]]


def _file(form: str) -> Way:
    return lambda doors, table: doors.file(table, form)


def _answer(accept: str, change: Callable[[bytes], bytes] = bytes) -> Way:
    async def way(doors: Doors, table: str) -> bytes:
        return change(await doors.answer(table, accept))

    return way


WAYS: dict[str, tuple[Way, str]] = {
    "file csv": (_file("csv"), CSV),
    "file ndjson": (_file("ndjson"), NDJSON),
    "file parquet": (_file("parquet"), PARQUET),
    "answer json": (_answer(JSON, _objects), JSON),
    "answer ndjson": (_answer(NDJSON), NDJSON),
    "answer csv": (_answer(CSV), CSV),
    "answer parquet": (_answer(PARQUET), PARQUET),
    "answer arrow": (_answer("application/vnd.apache.arrow.stream", _parquet), PARQUET),
}


@pytest.fixture
async def doors(app: FastAPI, owner: asyncpg.Connection, admin: httpx.AsyncClient, open_for_data: None) -> Doors:  # noqa: ARG001 - for what it does
    return Doors(app, owner, admin)


async def _same(doors: Doors, rows: Sequence[Row], ways: Sequence[str]) -> None:
    source = await doors.source(rows)
    expected = await doors.values(f"public.{source}")
    for name in ways:
        way, media = WAYS[name]
        target = await doors.target()
        answer = await send(doors.client, f"{target}_v1", await way(doors, source), media)
        assert answer.status_code == 201, (name, answer.text)
        assert answer.json()["counts"]["inserted"] == len(rows), (name, answer.json()["quarantined"][:3])
        assert await doors.values(f"data.{target}__v1") == expected, name


@pytest.mark.parametrize("way", WAYS)
async def test_every_value_comes_back(doors: Doors, way: str) -> None:
    longest = max(map(len, SOUND.values()))
    rows: list[Row] = [{kind: texts[number % len(texts)] for kind, texts in SOUND.items()} for number in range(longest)]
    await _same(doors, [*rows, {}], [way])


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(rows=rows_of_any_values)
async def test_any_values_come_back(doors: Doors, rows: list[Row]) -> None:
    await _same(doors, rows, list(WAYS))


@pytest.mark.parametrize("way", ["file csv", "file ndjson", "answer json", "answer ndjson", "answer csv"])
async def test_what_ingestion_does_not_take_is_refused_and_never_changed(doors: Doors, way: str) -> None:
    rows = [{kind: text} for kind, texts in BEYOND.items() for text in texts]
    source, target = await doors.source([*rows, {"text": "sound"}]), await doors.target()
    leave, media = WAYS[way]
    answer = await send(doors.client, f"{target}_v1", await leave(doors, source), media)
    assert answer.status_code == 201, answer.text
    expected, found = await doors.values(f"public.{source}"), await doors.values(f"data.{target}__v1")
    counts = answer.json()["counts"]
    assert counts["inserted"] + counts["rejected"] == len(rows) + 1 == len(found) + counts["rejected"]
    assert len(rows) in found, "the sound one"
    assert {number: expected[number] for number in found} == found


async def test_a_row_that_was_refused_beside_another_comes_back_from_quarantine(doors: Doors) -> None:
    short = {kind: [text for text in texts if len(text) <= 100] for kind, texts in SOUND.items()}
    rows: list[Row] = [{kind: texts[number % len(texts)] for kind, texts in short.items()} for number in range(15)]
    source, refusing, target = await doors.source(rows), await doors.target("reject"), await doors.target()
    first = b"".join(b'{"id": %d, "at": "2025-12-31T00:00:00Z"}\n' % number for number in range(len(rows)))
    assert (await send(doors.client, f"{refusing}_v1", first)).json()["counts"]["inserted"] == len(rows)
    again = await doors.answer(source, NDJSON) + b'{"id": 1000, "at": "2025-12-31T00:00:00Z"}\n'
    answer = await send(doors.client, f"{refusing}_v1", again)
    assert answer.json()["counts"]["conflict"] == len(rows), answer.text
    refused = await doors.client.get(answer.json()["links"]["quarantine"], params={"limit": 100})
    body = "".join(f"{row['raw']}\n" for row in refused.json()["items"]).encode()
    answer = await send(doors.client, f"{target}_v1", body)
    assert answer.json()["counts"]["inserted"] == len(rows), answer.text
    assert await doors.values(f"data.{target}__v1") == await doors.values(f"public.{source}")


async def test_a_refused_row_is_one_that_its_contract_reads(doors: Doors) -> None:
    long = "x" * 100
    columns = [
        {"name": "id", "type": "bigint", "source": "/the id/value"},
        {"name": "at", "type": "timestamptz", "source": "happenedAt"},
        {"name": "raw", "type": "bytea", "source": f"/the id/{long}"},
        *({"name": f"n{number}", "type": "integer"} for number in range(120)),
    ]
    answer = await doors.client.post(
        "/api/contracts/register", json=contract("nested", "upsert", "reject", columns=columns)
    )
    assert answer.status_code == 201, answer.text
    record = {"the id": {"value": 1, long: "AP8="}, "happenedAt": "2026-01-01T00:00:00+00:00", "n0": 5}
    assert (await send(doors.client, "nested_v1", json.dumps(record).encode())).status_code == 201
    sent = json.dumps(record | {"n119": 7}).encode()
    for _ in range(2):  # as it was sent, then as it was kept
        answer = await send(doors.client, "nested_v1", sent + b"\n" + json.dumps(record).encode())
        (refused,) = answer.json()["quarantined"]
        assert (refused["code"], answer.json()["counts"]["unchanged"]) == ("conflict", 1), answer.text
        sent = refused["raw"].encode()
    kept = {name: value for name, value in json.loads(sent).items() if value is not None}
    assert kept == record | {"the id": {"value": 1, long: "\\x00ff"}, "n119": 7}


@pytest.mark.parametrize("door", ["file", "answer"])
async def test_a_guarded_csv_comes_back_by_the_rule(doors: Doors, door: str) -> None:
    source = await doors.source([{"text": text} for text in AWKWARD_TEXTS])
    cells: dict[str, list[list[str]]] = {}
    for formulas in ("plain", "guard"):
        body = await (doors.file(source, "csv", formulas) if door == "file" else doors.answer(source, CSV, formulas))
        records = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        cells[formulas] = sorted(records, key=lambda record: record[0])
    assert cells["guard"] != cells["plain"]
    assert [[unguarded(cell) for cell in record] for record in cells["guard"]] == cells["plain"]


def test_every_type_of_a_contract_is_here() -> None:
    assert {parse_type(kind).kind for kind in SOUND} == set(TypeKind)
