"""A value is taken exactly when PostgreSQL takes it, at its bounds as well; a bound of Spyne's own is named as one."""

import io
import json
import math
import random
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import asyncpg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.ingestion.decoding.lines import ndjson_chunks
from app.ingestion.decoding.parquet import parquet_chunks
from app.ingestion.rows.row_model import RowModel
from app.ingestion.rows.values import BadCheckError
from app.warehouse import ddl
from app.warehouse.naming import RelationName
from app.warehouse.plan import Mode, RelationPlan
from app.warehouse.types import TypeKind
from tests.ingestion.bodies import column, plan_of, read, staged

AT = "2026-01-01T00:00:00Z"

FIRST_REAL, LAST_REAL = 7.006492321624087e-46, 3.4028235677973366e38
LAST_DOUBLE = "1.7976931348623157e308"
NINES = "9" * 1000

EDGES: list[tuple[str, list[str], list[str]]] = [
    ("smallint", ["32767", "-32768"], ["32768", "-32769"]),
    ("integer", ["2147483647", "-2147483648"], ["2147483648", "-2147483649"]),
    ("bigint", ["9223372036854775807", "-9223372036854775808"], ["9223372036854775808", "-9223372036854775809"]),
    (
        "numeric(12,2)",
        ["9999999999.99", "9999999999.994", "-9999999999.994", "9999999999.99499999999"],
        ["9999999999.995", "-9999999999.995", "10000000000"],
    ),
    ("numeric(3,3)", ["0.999", "-0.9994"], ["0.9995", "-0.9995", "1"]),
    ("numeric(3,0)", ["999", "-999.4"], ["999.5", "-999.5", "1000"]),
    ("numeric(1000,0)", [NINES, f"-{NINES}"], ["1e1000", "-1e1000"]),
    ("numeric(1000,2)", ["9" * 998, f"{'9' * 998}.99"], ["1e998"]),
    ("numeric(1000,1000)", [f"0.{NINES}", f"-0.{NINES}"], ["1", "-1"]),
    (
        "real",
        [repr(FIRST_REAL), repr(-FIRST_REAL), "1e-45", repr(LAST_REAL), repr(-LAST_REAL), "3.4028235e38", "0"],
        [repr(math.nextafter(FIRST_REAL, 0)), repr(math.nextafter(LAST_REAL, math.inf)), "-3.41e38", "-7e-46"],
    ),
    ("double precision", [LAST_DOUBLE, f"-{LAST_DOUBLE}", "5e-324"], ["1.7976931348623159e308", "-1e309"]),
    ("boolean", ["true", "false"], ['"maybe"', "2"]),
    ("date", ['"0001-01-01"', '"9999-12-31"'], ['"0000-12-31"', '"2026-02-29"', '"2026-13-01"']),
    ("time", ['"00:00:00"', '"23:59:59.999999"'], ['"24:00:01"', '"23:60:00"']),
    ("timestamp", ['"0001-01-01T00:00:00"', '"9999-12-31T23:59:59.999999"'], ['"0000-12-31T23:59:59"']),
    ("timestamptz", ['"0001-01-01T00:00:00Z"', '"9999-12-31T23:59:59.999999Z"'], ['"0000-12-31T23:59:59Z"']),
    ("varchar(1)", ['"a"', '"\U0001f600"', '""'], ['"ab"', '"\U0001f600\U0001f600"']),
    ("varchar(300)", [f'"{"x" * 300}"', f'"{"é" * 300}"'], [f'"{"x" * 301}"', f'"{"é" * 301}"']),
    ("text", ['""', f'"{"x" * 100_000}"'], []),
    ("uuid", ['"01890a5d-ac96-774b-bcce-b302099a8057"'], ['"01890a5d-ac96-774b-bcce-b302099a805"']),
    ("jsonb", ["[]", '{"a": 1e1000}', '"\\ud83d\\ude00"'], ['"\\u0000"', '"\\ud83d"']),
]
"""A type, JSON values at its bounds that PostgreSQL takes, and their neighbours beyond, which it refuses."""

NARROWER: list[tuple[str, list[str], list[str]]] = [
    ("numeric", [NINES, "1e999", "1e-1000", f"0.{NINES}"], [f"{NINES}9", "1e1000", "-1e1000", "1e-1001"]),
    ("numeric(1000,2)", [f"{'9' * 998}.99"], [f"{'9' * 998}.994"]),
    ("date", ['"9999-12-31"'], ['"10000-01-01"']),
    (
        "timestamptz",
        ['"0001-01-01T00:01:00+00:01"', '"9999-12-31T23:58:59.999999-00:01"'],
        ['"0001-01-01T00:00:59.999999+00:01"', '"9999-12-31T23:59:00-00:01"'],
    ),
    ("time", ['"23:59:59"'], ['"24:00:00"']),
    ("varchar(3)", ['"abc"'], ['"abc "']),
    ("jsonb", [NINES, "1e1000", "1e-1000"], [f"{NINES}9", "1e1001", "1e-1001"]),
]
"""A type, values at a bound of Spyne's own, and their neighbours: PostgreSQL would take these (and cut the blank)."""


def text_of(value: str) -> str:
    """The text that a JSON value is to PostgreSQL."""
    return str(json.loads(value)) if value.startswith('"') else value


async def postgres_takes(store: asyncpg.Connection, type_text: str, values: Sequence[str]) -> list[bool]:
    texts = values if type_text == "jsonb" else [text_of(value) for value in values]
    query = "SELECT pg_input_is_valid(v, $1) FROM unnest($2::text[]) WITH ORDINALITY AS u(v, n) ORDER BY n"
    return [row[0] for row in await store.fetch(query, type_text, texts)]


async def spyne_takes(store: asyncpg.Connection, plan: RelationPlan, values: Sequence[str]) -> list[bool]:
    """Which values of the column c are taken; PostgreSQL stores them all."""
    body = "\n".join(f'{{"id": {n}, "at": "{AT}", "c": {value}}}' for n, value in enumerate(values, 1)).encode()
    payload, refused, accepted = await read(ndjson_chunks, body, plan)
    assert len(await staged(store, plan, payload)) == accepted == len(values) - len(refused)
    lines = {row.line for row in refused}
    return [n not in lines for n in range(1, len(values) + 1)]


def test_every_type_has_bounds() -> None:
    assert {name.partition("(")[0] for name, *_ in EDGES + NARROWER} | {"bytea"} == set(TypeKind)


@pytest.mark.parametrize(("type_text", "taken", "refused"), EDGES, ids=[edge[0] for edge in EDGES])
async def test_at_its_bounds_a_value_is_taken_exactly_when_postgresql_takes_it(
    store: asyncpg.Connection, type_text: str, taken: list[str], refused: list[str]
) -> None:
    values, expected = [*taken, *refused], [True] * len(taken) + [False] * len(refused)
    assert await postgres_takes(store, type_text, values) == expected
    plan = plan_of(column("c", type_text))
    assert await spyne_takes(store, plan, values) == expected
    for value, takes in zip(values, expected, strict=True):
        assert await spyne_takes(store, plan, [value]) == [takes], "alone as among others"


@pytest.mark.parametrize(("type_text", "taken", "refused"), NARROWER, ids=[edge[0] for edge in NARROWER])
async def test_bounds_of_spynes_own(
    store: asyncpg.Connection, type_text: str, taken: list[str], refused: list[str]
) -> None:
    values = [*taken, *refused]
    assert all(await postgres_takes(store, type_text, values))
    expected = [True] * len(taken) + [False] * len(refused)
    assert await spyne_takes(store, plan_of(column("c", type_text)), values) == expected


@st.composite
def decimals_about(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A numeric type, and numbers about its bounds with up to three digits more than it keeps."""
    precision = draw(st.integers(1, 30))
    scale = draw(st.integers(0, precision))
    bound = Decimal(1).scaleb(precision - scale)
    steps = draw(st.lists(st.integers(-12_000, 12_000), min_size=1, max_size=30))
    values = [bound + Decimal(step).scaleb(-scale - 3) for step in steps]
    return f"numeric({precision},{scale})", [format(sign * value, "f") for value in values for sign in (1, -1)]


@given(case=decimals_about())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_decimal_is_taken_exactly_when_postgresql_takes_it(
    store: asyncpg.Connection, case: tuple[str, list[str]]
) -> None:
    type_text, values = case
    expected = await postgres_takes(store, type_text, values)
    assert await spyne_takes(store, plan_of(column("c", type_text)), values) == expected


OFFSETS = ["+00:01", "+15:59", "-15:59", "+16:00", "-16:00", "+23:59", "-23:59", "+16", "-0530"]
NO_OFFSETS = ["+24:00", "-24:00", "+15:60", "+1:00", "+5", "+05:3"]


@pytest.mark.parametrize("together", [True, False])
async def test_every_offset_of_rfc_3339_is_stored_as_its_instant(store: asyncpg.Connection, together: bool) -> None:
    """Also those which PostgreSQL does not read: from 16 hours on they reach it in UTC."""
    instants = [f"2026-01-01T00:00:00{offset}" for offset in [*OFFSETS, *NO_OFFSETS]]
    plan = plan_of(column("c", "timestamptz"))
    bodies = [instants] if together else [[instant] for instant in instants]
    stored: list[datetime] = []
    faults: list[str] = []
    for part in bodies:
        lines = [json.dumps({"id": n, "at": AT, "c": instant}) for n, instant in enumerate(part)]
        payload, refused, _ = await read(ndjson_chunks, "\n".join(lines).encode(), plan)
        stored += [row["c"] for row in await staged(store, plan, payload)]
        faults += [row.code for row in refused]
    assert stored == [datetime.fromisoformat(instant) for instant in instants[: len(OFFSETS)]]
    assert faults == ["wrong-type"] * len(NO_OFFSETS)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "+15:59", "+16:00", "-16:00", "-23:59"])
async def test_instants_of_parquet_are_stored_whatever_zone_the_file_shows_them_in(
    store: asyncpg.Connection, zone: str
) -> None:
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    plan, zoned = plan_of(), pa.timestamp("us", tz=zone)
    for instants in ([datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)], [first], [last]):
        numbers = [(instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for instant in instants]
        file = io.BytesIO()
        pq.write_table(pa.table({"id": range(len(instants)), "at": pa.array(numbers, zoned)}), file)
        payload, refused, _ = await read(parquet_chunks, file.getvalue(), plan)
        assert refused == []
        assert [row["at"] for row in await staged(store, plan, payload)] == instants


_CHANCE = random.Random(1)  # text that does not compress, the same on each run


def noise(characters: int) -> str:
    return "".join(chr(_CHANCE.randrange(33, 127)) for _ in range(characters))


def digits(count: int) -> str:
    return "9" + "".join(_CHANCE.choices("0123456789", k=count - 1))


def binary(count: int) -> str:
    return b64encode(_CHANCE.randbytes(count)).decode()


UUID = "01890a5d-ac96-774b-bcce-b302099a8057"
KEYS: list[tuple[list[str], list[str], list[str]]] = [
    (["text"], [noise(2400)], [noise(2401)]),
    (["text"], ["é" * 1200], ["é" * 1200 + "x"]),
    (["text", "text"], [noise(1200), noise(1200)], [noise(1200), noise(1201)]),
    (["varchar(5000)", "text"], [noise(1200), "b"], [noise(1201), "b"]),
    (["varchar(10)", "text"], [noise(10), noise(1200)], [noise(11), "b"]),
    (["text", *["uuid"] * 15], [noise(2400), *[UUID] * 15], [noise(2401), *[UUID] * 15]),
    (["text", *["numeric(16,3)"] * 15], [noise(2400), *[f"{digits(13)}.999"] * 15], [noise(2401), *["1"] * 15]),
    (["text", "numeric"], [noise(1200), digits(1000)], [noise(1201), "1"]),
    (["text", "numeric(17,0)"], [noise(1200), digits(17)], [noise(1201), "1"]),
    (["numeric"] * 4, [digits(1000)] * 4, [*[digits(1000)] * 3, digits(1001)]),
    (["numeric"] * 5, [digits(938)] * 5, [*[digits(938)] * 4, digits(939)]),
    (["numeric"] * 16, [digits(278)] * 16, [*[digits(278)] * 15, digits(279)]),
    (["numeric(278,100)"] * 16, [f"{digits(178)}.{digits(100)}"] * 16, [digits(279)] * 16),
    (["bytea"], [binary(2400)], [binary(2401)]),
    (["bytea", "text"], [binary(1200), noise(1200)], [binary(1201), "b"]),
    (["text"] * 16, [noise(150)] * 16, [*[noise(150)] * 15, noise(151)]),
]
"""Types of a key's columns, values that fit into its index, and values that do not."""


async def indexed(store: asyncpg.Connection, plan: RelationPlan, rows: Sequence[dict[str, object]]) -> list[str]:
    """The codes of the refused rows; the others stand in a relation with the indexes of the plan."""
    body = "\n".join(json.dumps({"id": n, "at": AT} | row) for n, row in enumerate(rows)).encode()
    payload, refused, accepted = await read(ndjson_chunks, body, plan)
    assert accepted == len(await staged(store, plan, payload))
    relation = RelationName("pg_temp", "keyed")
    await store.execute(f"{ddl.drop(relation)}; CREATE TEMPORARY TABLE keyed AS TABLE pg_temp.staging")
    for statement in ddl.create_identity(replace(plan, relation=relation)):
        await store.execute(statement)
    return [row.code for row in refused]


@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.APPEND])
@pytest.mark.parametrize(("types", "fits", "too_long"), KEYS)
async def test_a_key_that_is_taken_fits_into_its_index(
    store: asyncpg.Connection, types: list[str], fits: list[str], too_long: list[str], mode: Mode
) -> None:
    names = [f"k{number}" for number in range(len(types))]
    plan = plan_of(*map(column, names, types), key=names, mode=mode)
    rows: list[dict[str, object]] = [dict(zip(names, values, strict=True)) for values in (fits, too_long)]
    (code,) = await indexed(store, plan, rows)
    assert code in {"too-long", "out-of-range"}


async def test_a_unique_value_has_an_index_of_its_own_whatever_the_key_takes(store: asyncpg.Connection) -> None:
    plan = plan_of(column("c", "text", unique=True), column("k1", "text"), column("k2", "text"), key=("k1", "k2"))
    rows: list[dict[str, object]] = [{"c": noise(size), "k1": str(size), "k2": noise(1200)} for size in (2400, 2401)]
    assert await indexed(store, plan, rows) == ["too-long"]


@pytest.mark.parametrize("choices", [(noise(2400), noise(2401)), ("é" * 1200, "é" * 1201)])
async def test_a_choice_that_no_index_can_hold_is_refused_as_any_text(
    store: asyncpg.Connection, choices: tuple[str, ...]
) -> None:
    plan = plan_of(column("c", "text", one_of=choices), key=("c",))
    assert await indexed(store, plan, [{"c": choice} for choice in choices]) == ["too-long"]


@pytest.mark.parametrize(
    ("pattern", "taken", "refused"), [("^x*$", "x" * 10_000, "x" * 10_001), ("^é*$", "é" * 10_000, "é" * 10_001)]
)
async def test_a_pattern_is_tried_on_texts_up_to_a_bound(pattern: str, taken: str, refused: str) -> None:
    body = "\n".join(json.dumps({"id": 1, "at": AT, "c": text}) for text in (taken, refused)).encode()
    _, faults, accepted = await read(ndjson_chunks, body, plan_of(column("c", "text", pattern=pattern)))
    assert (accepted, [(row.line, row.code) for row in faults]) == (1, [(2, "pattern")])


def test_a_pattern_has_a_bound_of_its_own() -> None:
    RowModel(plan_of(column("c", "text", pattern="x" * 512)))
    with pytest.raises(BadCheckError):
        RowModel(plan_of(column("c", "text", pattern="x" * 513)))


@pytest.mark.parametrize("type_text", ["smallint", "integer", "numeric(5,2)", "double precision"])
async def test_a_declared_range_holds_its_ends(type_text: str) -> None:
    plan = plan_of(column("c", type_text, minimum=-7, maximum=12))
    body = "\n".join(f'{{"id": 1, "at": "{AT}", "c": {value}}}' for value in (-8, -7, 12, 13)).encode()
    _, faults, accepted = await read(ndjson_chunks, body, plan)
    assert (accepted, [(row.line, row.code) for row in faults]) == (2, [(1, "out-of-range"), (4, "out-of-range")])
