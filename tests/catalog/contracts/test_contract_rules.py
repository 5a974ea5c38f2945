"""What a contract may say: durations, names, types, checks, and that every fault is told at once."""

import contextlib
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.contracts.definition import column_document, columns_of
from app.catalog.contracts.durations import InvalidDurationError, parse_duration
from app.catalog.contracts.literals import UnfitValueError, literal, written
from app.catalog.contracts.review import InvalidContract, review
from app.catalog.names import column_name_fault, logical_name_fault, table_name_fault
from app.warehouse.naming import governed_relation
from app.warehouse.plan import Checks
from app.warehouse.types import ColumnType, TypeKind, UnknownTypeError, parse_type
from tests.catalog.bodies import SEMANTICS, contract, with_checks, with_column, with_semantics


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("24h", 86_400),
        ("90s", 90),
        ("15m", 900),
        ("7d", 604_800),
        ("2w", 1_209_600),
        ("PT24H", 86_400),
        ("P1D", 86_400),
        ("P1DT12H", 129_600),
        ("P2W", 1_209_600),
        ("PT1H30M15S", 5_415),
        ("PT0.5H", 1_800),
        ("PT1,5M", 90),
        ("P3660D", 316_224_000),
    ],
)
def test_durations(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "24",
        "h",
        "24 h",
        "-1h",
        "0h",
        "PT0S",
        "P",
        "PT",
        "P1DT",
        "P1Y",
        "P1M",
        "PT0.5S",
        "1.5h",
        "24H",
        "pt24h",
        "P3661D",
        "9999999999h",
        "999999999w",
        "PT" + "1" * 40 + "H",
        "P1W2D",
        "٢h",
        "1h\n",
    ],
)
def test_durations_that_are_none(text: str) -> None:
    with pytest.raises(InvalidDurationError):
        parse_duration(text)


@given(st.text(max_size=40))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidDurationError):
        assert timedelta(0) < parse_duration(text) <= timedelta(days=3660)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("INT8", "bigint"),
        ("numeric ( 12 , 2 )", "numeric(12,2)"),
        ("decimal(5)", "numeric(5,0)"),
        ("numeric", "numeric"),
        ("character varying(20)", "varchar(20)"),
        ("timestamp with time zone", "timestamptz"),
        ("Timestamp", "timestamp"),
        ("bool", "boolean"),
        ("float8", "double precision"),
    ],
)
def test_types_have_one_spelling(text: str, canonical: str) -> None:
    assert parse_type(text).sql == canonical
    assert parse_type(canonical) == parse_type(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "string",
        "json",
        "serial",
        "text(3)",
        "int4(3)",
        "varchar(0)",
        "varchar(99999999)",
        "numeric(0)",
        "numeric(1001)",
        "numeric(2,3)",
        "numeric(5,-1)",
        "text[]",
        "int; drop table x",
        "interval",
        "x" * 500,
    ],
)
def test_types_that_are_none(text: str) -> None:
    with pytest.raises(UnknownTypeError):
        parse_type(text)


@given(st.from_regex(r"[a-z_][a-z0-9_]{0,70}", fullmatch=True))
def test_a_table_name_that_passes_can_name_a_relation(name: str) -> None:
    if table_name_fault(name) is None:
        assert len(f"{governed_relation(name, 10**9).name}__before") <= 63
        assert logical_name_fault(name) is None


@pytest.mark.parametrize(
    "name", ["Amount", "1st", "", "a-b", "a b", "_spyne_hash", "xmin", "ctid", "a" * 64, 'a"b', "ä"]
)
def test_names_no_column_may_bear(name: str) -> None:
    assert column_name_fault(name) is not None


@pytest.mark.parametrize("name", ["amount", "_x", "order", "select", "a" * 63])
def test_names_a_column_may_bear(name: str) -> None:
    assert column_name_fault(name) is None


def test_a_sound_contract_is_completed() -> None:
    found = review(contract())
    assert found.columns is not None
    by_name = {column.name: column for column in found.columns}
    assert list(by_name) == ["api_id", "event_id", "event_time", "amount", "currency", "ingested_at"]
    assert by_name["event_id"].type.kind is TypeKind.BIGINT
    assert [name for name, column in by_name.items() if column.nullable] == ["currency"]
    assert by_name["ingested_at"].type == ColumnType(TypeKind.TIMESTAMPTZ)
    assert by_name["amount"].checks == Checks(minimum=Decimal(0))
    assert by_name["currency"].checks == Checks(one_of=("EUR", "USD"))
    assert found.semantics.dedupe_window == timedelta(hours=24)


def test_a_schema_may_be_left_to_the_first_batch() -> None:
    assert review(contract(declared=False)).columns is None
    assert review(contract(declared=False) | {"schema": None}).columns is None


def test_a_declared_processing_time_stays_where_it_is() -> None:
    body = contract()
    body["schema"]["columns"].insert(0, {"name": "ingested_at", "type": "timestamp"})
    columns = review(body).columns
    assert columns is not None
    assert columns[0].name == "ingested_at"
    assert not columns[0].nullable
    assert len(columns) == 6


def test_not_null_as_a_check_is_not_null() -> None:
    columns = review(with_checks("text", {"type": "not_null"})).columns
    assert columns is not None
    assert not columns[5].nullable


def faults(body: Any) -> set[tuple[str, str]]:
    with pytest.raises(InvalidContract) as caught:
        review(body)
    return {(fault.pointer, fault.code) for fault in caught.value.faults}


def test_every_fault_is_told_at_once() -> None:
    body = contract(table="Customers", endpoint="no-path", colour="red")
    body["ingestion_semantics"] |= {"dedupe_window": "P1Y", "mode": "merge", "event_time_column": "happened_at"}
    del body["ingestion_semantics"]["conflict_resolution"]
    body["schema"]["columns"][3] = {"name": "xmin", "type": "strng", "checks": [{"type": "max"}]}
    body["schema"]["columns"].append({"name": "api_id", "type": "text", "nullable": "yes"})
    assert faults(body) == {
        ("/table_name", "invalid-table-name"),
        ("/endpoint", "invalid-endpoint"),
        ("/colour", "extra-forbidden"),
        ("/ingestion_semantics/dedupe_window", "invalid-duration"),
        ("/ingestion_semantics/mode", "enum"),
        ("/ingestion_semantics/event_time_column", "unknown-column"),
        ("/ingestion_semantics/conflict_resolution", "missing"),
        ("/schema/columns/3/name", "invalid-column-name"),
        ("/schema/columns/3/type", "unknown-type"),
        ("/schema/columns/3/checks/0/value", "missing"),
        ("/schema/columns/5/name", "duplicate-column"),
        ("/schema/columns/5/nullable", "bool-type"),
    }


@pytest.mark.parametrize("field", sorted(SEMANTICS))
def test_all_six_fields_are_required(field: str) -> None:
    assert faults(with_semantics(**{field: None})) == {(f"/ingestion_semantics/{field}", "missing")}


KEY = "/ingestion_semantics/idempotency_key"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"idempotency_key": []}, (KEY, "invalid-key")),
        ({"idempotency_key": ["api_id", "api_id"]}, (f"{KEY}/1", "duplicate-column")),
        ({"idempotency_key": ["api_id", "nothing"]}, (f"{KEY}/1", "unknown-column")),
        ({"idempotency_key": ["Api"]}, (f"{KEY}/0", "invalid-column-name")),
        ({"event_time_column": "amount"}, ("/ingestion_semantics/event_time_column", "unusable-type")),
        ({"processing_time_column": "amount"}, ("/ingestion_semantics/processing_time_column", "unusable-type")),
        (
            {"processing_time_column": "event_time"},
            ("/ingestion_semantics/processing_time_column", "processing-time-in-use"),
        ),
        (
            {"processing_time_column": "_spyne_at"},
            ("/ingestion_semantics/processing_time_column", "invalid-column-name"),
        ),
        ({"dedupe_window": "0h"}, ("/ingestion_semantics/dedupe_window", "invalid-duration")),
        ({"conflict_resolution": "newest"}, ("/ingestion_semantics/conflict_resolution", "enum")),
    ],
)
def test_semantics(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected in faults(with_semantics(**changes))


@pytest.mark.parametrize("column_type", ["real", "float8", "jsonb"])
def test_types_that_cannot_be_a_key(column_type: str) -> None:
    body = with_column(name="k", type=column_type)
    body["ingestion_semantics"]["idempotency_key"] = ["k"]
    assert (f"{KEY}/0", "unusable-type") in faults(body)


CHECKS = "/schema/columns/5/checks"


@pytest.mark.parametrize(
    ("column_type", "checks", "expected"),
    [
        ("text", [{"type": "min", "value": 1}], ("/0/type", "check-not-applicable")),
        ("integer", [{"type": "pattern", "value": "a"}], ("/0/type", "check-not-applicable")),
        ("jsonb", [{"type": "one_of", "values": [1]}], ("/0/type", "check-not-applicable")),
        ("real", [{"type": "unique"}], ("/0/type", "check-not-applicable")),
        ("integer", [{"type": "min", "value": 0.5}], ("/0/value", "invalid-min")),
        ("smallint", [{"type": "max", "value": 40_000}], ("/0/value", "invalid-max")),
        ("integer", [{"type": "max", "value": True}], ("/0/value", "invalid-max")),
        ("numeric(4,2)", [{"type": "max", "value": 100}], ("/0/value", "invalid-max")),
        ("date", [{"type": "min", "value": "31.1.2026"}], ("/0/value", "invalid-min")),
        ("date", [{"type": "min", "value": "2026-W01-1"}], ("/0/value", "invalid-min")),
        ("timestamptz", [{"type": "min", "value": "2026-01-01T00:00:00"}], ("/0/value", "invalid-min")),
        ("timestamp", [{"type": "min", "value": "2026-01-01T00:00:00Z"}], ("/0/value", "invalid-min")),
        ("text", [{"type": "pattern", "value": "(a"}], ("/0/value", "invalid-pattern")),
        ("text", [{"type": "pattern", "value": "(a)\\1"}], ("/0/value", "invalid-pattern")),
        ("text", [{"type": "pattern", "value": "x" * 513}], ("/0/value", "invalid-pattern")),
        ("text", [{"type": "pattern", "value": "((a{1000}){1000}){1000}"}], ("/0/value", "invalid-pattern")),
        ("text", [{"type": "one_of", "values": []}], ("/0/values", "invalid-one_of")),
        ("text", [{"type": "one_of", "values": ["a", 1]}], ("/0/values/1", "invalid-one_of")),
        ("varchar(2)", [{"type": "one_of", "values": ["abc"]}], ("/0/values/0", "invalid-one_of")),
        ("text", [{"type": "one_of", "values": ["a", "a"]}], ("/0/values/1", "duplicate-value")),
        ("uuid", [{"type": "one_of", "values": ["x"]}], ("/0/values/0", "invalid-one_of")),
        ("boolean", [{"type": "one_of", "values": ["true"]}], ("/0/values/0", "invalid-one_of")),
        ("text", [{"type": "unique"}, {"type": "unique"}], ("/1/type", "duplicate-check")),
        ("integer", [{"type": "min", "value": 2}, {"type": "max", "value": 1}], ("", "empty-range")),
        ("integer", [{"type": "max", "value": 1}, {"type": "min", "value": 2}], ("", "empty-range")),
        ("numeric(4,2)", [{"type": "min", "value": 1.01}, {"type": "max", "value": 1}], ("", "empty-range")),
        ("date", [{"type": "min", "value": "2026-02-01"}, {"type": "max", "value": "2026-01-31"}], ("", "empty-range")),
        ("integer", [{"type": "between"}], ("/0", "union-tag-invalid")),
        ("integer", [{"value": 1}], ("/0", "union-tag-not-found")),
        ("integer", [{"type": "min", "value": None}], ("/0/value", "scalar")),
        ("integer", ["min"], ("/0", "model-attributes-type")),
    ],
)
def test_checks(column_type: str, checks: list[Any], expected: tuple[str, str]) -> None:
    assert (CHECKS + expected[0], expected[1]) in faults(with_checks(column_type, *checks))


@pytest.mark.parametrize(
    ("column_type", "checks"),
    [
        ("integer", [{"type": "min", "value": -5}, {"type": "max", "value": 5}, {"type": "unique"}]),
        ("numeric(12,2)", [{"type": "min", "value": 0.01}, {"type": "max", "value": 9999999999}]),
        ("integer", [{"type": "min", "value": 0}, {"type": "max", "value": 0}]),  # pinned to one value
        ("numeric(4,2)", [{"type": "min", "value": 1.01}, {"type": "max", "value": 1.01}]),
        ("date", [{"type": "min", "value": "2026-01-31"}, {"type": "max", "value": "2026-01-31"}]),
        ("numeric(2,2)", [{"type": "min", "value": 0}]),
        ("numeric(40,20)", [{"type": "max", "value": "0.12345678901234567891"}]),
        ("double precision", [{"type": "min", "value": -1.5}]),
        ("text", [{"type": "pattern", "value": "^[A-Z]{3}$"}, {"type": "one_of", "values": ["EUR", "USD"]}]),
        ("date", [{"type": "min", "value": "2020-01-01"}]),
        ("time", [{"type": "max", "value": "23:59:00"}]),
        ("timestamptz", [{"type": "min", "value": "2026-01-01T00:00:00+00:00"}]),
        ("timestamp", [{"type": "min", "value": "2026-01-01T00:00:00"}]),
        ("uuid", [{"type": "one_of", "values": ["01890a5d-ac96-774b-bcce-b302099a8057"]}]),
        ("boolean", [{"type": "one_of", "values": [True]}]),
        ("jsonb", []),
        ("bytea", [{"type": "unique"}]),
    ],
)
def test_checks_are_kept_as_they_were_written(column_type: str, checks: list[dict[str, Any]]) -> None:
    columns = review(with_checks(column_type, *checks)).columns
    assert columns is not None
    document = column_document(columns[5])
    assert document["checks"] == checks
    assert columns_of([document])[0] == columns[5]


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=Decimal(-(10**30)), max_value=Decimal(10**30), places=12
    )
)
def test_numbers_survive_being_written(number: Decimal) -> None:
    kept = literal(written(number), ColumnType(TypeKind.NUMERIC))
    assert kept == number


@given(st.dates())
def test_dates_survive_being_written(day: date) -> None:
    assert literal(written(day), ColumnType(TypeKind.DATE)) == day


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(
    JSON,
    st.sampled_from(
        [
            *contract(),
            "ingestion_semantics.mode",
            "schema.columns",
            "schema.columns.0",
            "schema.columns.3.checks",
            "schema.columns.3.source",
        ]
    ),
)
def test_whatever_json_comes_is_read_or_refused(value: Any, place: str) -> None:
    body: Any = contract()
    *path, last = place.split(".")
    inner = body
    for part in path:
        inner = inner[int(part) if part.isdigit() else part]
    inner[int(last) if last.isdigit() else last] = value
    refused: InvalidContract | None = None
    try:
        review(body)
    except InvalidContract as refusal:
        refused = refusal
    if refused is not None:
        assert refused.faults
        assert all(fault.pointer == "" or fault.pointer.startswith("/") for fault in refused.faults)


@given(JSON, st.sampled_from([parse_type(kind.value) for kind in TypeKind]))
def test_any_value_is_of_a_type_or_refused(value: Any, column_type: ColumnType) -> None:
    if column_type.kind in {TypeKind.JSONB, TypeKind.BYTEA}:
        return
    with contextlib.suppress(UnfitValueError):
        literal(value, column_type)
