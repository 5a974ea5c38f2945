"""Tables as files: every row, in every form, and nothing that was not to leave."""

import io
import json
from decimal import Decimal
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from app.kernel.runtime.resources import Resources
from tests.conftest import ClientOf
from tests.operations.exports.steps import asked, content, export, plain_table, row, rows, table

AWKWARD = [
    row(
        1, note="=cmd|'/c calc'!A0", v=-5, price="-12.50", free="-0.1234567890123456789", ratio=-1.5, born="1969-12-31"
    ),
    row(2, note='a "quoted" one,\nof two\r\nlines', price="0.00", doc={"a": [1, "=x"], "t": 'q"\n'}),
    row(3, note="", price="9999999999.99", free="1e30", ratio=1e300, doc="-1"),
    row(4, note=None),
    row(5, note="-1"),
    row(6, note="+49 30 1234"),
    row(7, note="@here"),
    row(8, note="\tTab"),
    row(9, note="ünïcode \u2028 \U0001f600 \x01\x02\\"),
]


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    found: Resources = app.state.resources
    return found


@pytest.mark.usefixtures("open_for_data")
async def test_csv_is_rfc_4180_and_holds_no_formula(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, resources: Resources
) -> None:
    await table(admin, "things", AWKWARD)
    shown = await export(analyst, resources, filter_params={"table": "things"})
    text = (await content(analyst, shown)).decode()
    assert text.startswith("id,at,v,note,price,free,ratio,born,doc,got\r\n")
    found = {int(each["id"]): each for each in await rows(analyst, shown)}
    assert shown["rows"] == len(AWKWARD) == len(found)
    assert found[1]["note"] == "'=cmd|'/c calc'!A0"
    assert [found[1][name] for name in ("v", "price", "free", "ratio", "born")] == [
        "-5", "-12.50", "-0.1234567890123456789", "-1.5", "1969-12-31",
    ]  # fmt: skip  # numbers are numbers
    assert found[2]["note"] == 'a "quoted" one,\nof two\r\nlines'
    assert json.loads(found[2]["doc"]) == {"a": [1, "=x"], "t": 'q"\n'}
    assert [found[number]["note"] for number in (5, 6, 7, 8)] == ["-1", "'+49 30 1234", "'@here", "\tTab"]
    assert found[9]["note"] == AWKWARD[8]["note"]
    lines = text.replace("\r\n", "").count("\n")
    assert lines == 1, "a line feed alone is one within quotes"
    assert '\r\n3,2026-01-01T00:00:00+00:00,,"",9999999999.99' in text, "an empty text is not null"


@pytest.mark.usefixtures("open_for_data")
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
async def test_ndjson_holds_what_json_can(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, resources: Resources, compression: str
) -> None:
    await table(admin, "things", AWKWARD)
    shown = await export(
        analyst, resources, filter_params={"table": "things@1"}, format="ndjson", compression=compression
    )
    lines = (await content(analyst, shown)).split(b"\n")
    assert lines.pop() == b""
    found = {each["id"]: each for each in (json.loads(line, parse_float=Decimal) for line in lines)}
    assert len(lines) == shown["rows"] == len(AWKWARD)
    for sent in AWKWARD:
        got = found[sent["id"]]
        assert got["note"] == sent["note"]
        assert got["doc"] == sent["doc"]
        assert got["price"] == (None if sent["price"] is None else Decimal(sent["price"]))
    assert found[1]["free"] == Decimal("-0.1234567890123456789")
    assert found[1]["at"] == "2026-01-01T00:00:00+00:00"


@pytest.mark.usefixtures("open_for_data")
async def test_parquet_has_the_types(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, resources: Resources
) -> None:
    await table(admin, "things", AWKWARD)
    shown = await export(analyst, resources, filter_params={"table": "things"}, format="parquet")
    found = pq.read_table(io.BytesIO(await content(analyst, shown)))
    types = {field.name: str(field.type) for field in found.schema}
    assert types == {
        "id": "int64",
        "at": "timestamp[us, tz=UTC]",
        "v": "int32",
        "note": "string",
        "price": "decimal128(12, 2)",
        "free": "string",
        "ratio": "double",
        "born": "date32[day]",
        "doc": "string",
        "got": "timestamp[us, tz=UTC]",
    }
    by_id: dict[int, dict[str, Any]] = {each["id"]: each for each in found.to_pylist()}
    assert shown["rows"] == len(by_id) == len(AWKWARD)
    assert by_id[1]["price"] == Decimal("-12.50")
    assert by_id[1]["note"] == AWKWARD[0]["note"], "no formula is read out of Parquet"
    assert str(by_id[1]["born"]) == "1969-12-31"
    assert by_id[1]["at"].isoformat() == "2026-01-01T00:00:00+00:00"
    assert by_id[4]["note"] is None


@pytest.mark.usefixtures("open_for_data")
async def test_columns_and_rows_are_chosen(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, resources: Resources
) -> None:
    await plain_table(admin, "numbers", 50)
    where = [
        {"column": "id", "op": "ge", "value": "10"},
        {"column": "v", "op": "in", "values": ["20", "30", "200"]},
        {"column": "at", "op": "is_not_null"},
    ]
    shown = await export(analyst, resources, filter_params={"table": "numbers", "columns": ["v", "id"], "where": where})
    assert await content(analyst, shown) in {b"v,id\r\n20,10\r\n30,15\r\n", b"v,id\r\n30,15\r\n20,10\r\n"}


HOSTILE = [
    "O'Hare",
    "' OR ''='",
    "'; DROP TABLE data.things__v1; --",
    "back\\'slash\\",
    "$1 %s :note {x}",
    '"q"',
    "''",
    "",
]


@pytest.mark.usefixtures("open_for_data")
async def test_a_value_means_itself_whatever_it_holds(
    admin: httpx.AsyncClient, analyst: httpx.AsyncClient, resources: Resources
) -> None:
    await table(admin, "things", [row(number, note=note) for number, note in enumerate(HOSTILE)])

    async def found(**condition: Any) -> set[int]:
        where = [{"column": "note"} | condition]
        shown = await export(analyst, resources, filter_params={"table": "things", "columns": ["id"], "where": where})
        return {int(each["id"]) for each in await rows(analyst, shown)}

    everyone = set(range(len(HOSTILE)))
    assert await found(op="in", values=HOSTILE) == everyone
    for number, note in enumerate(HOSTILE):
        assert await found(op="eq", value=note) == {number}, note
    assert await found(op="ne", value=HOSTILE[0]) == everyone - {0}


@pytest.mark.usefixtures("open_for_data")
async def test_what_cannot_be_asked_is_told_by_place(admin: httpx.AsyncClient, analyst: httpx.AsyncClient) -> None:
    await plain_table(admin, "numbers", 1)
    where = [{"column": "nope", "op": "eq", "value": "1"}]
    shown = await asked(
        analyst, status=422, filter_params={"table": "numbers", "columns": ["id", "_spyne_hash"], "where": where}
    )
    assert [fault["pointer"] for fault in shown["faults"]] == [
        "/filter_params/columns/1",
        "/filter_params/where/0/column",
    ]
    where = [{"column": "v", "op": "eq", "value": "1); DROP TABLE spyne.users; --"}]
    shown = await asked(analyst, status=422, filter_params={"table": "numbers", "where": where})
    assert [fault["pointer"] for fault in shown["faults"]] == ["/filter_params/where/0"]
    for more, pointer in (
        ({"job_type": "nothing"}, "/job_type"),
        ({"filter_params": {}}, "/filter_params/table"),
        ({"filter_params": {"table": "numbers", "more": 1}}, "/filter_params/more"),
        ({"filter_params": {"table": "numbers"}, "format": "tar"}, "/format"),
        ({"filter_params": {"table": "numbers"}, "format": "parquet", "compression": "gzip"}, "/compression"),
    ):
        shown = await asked(analyst, status=422, **({"job_type": "table"} | more))
        assert pointer in [fault["pointer"] for fault in shown["faults"]]
    await asked(analyst, status=404, filter_params={"table": "nothing"})


@pytest.mark.usefixtures("open_for_data")
async def test_shadow_is_for_who_sees_it(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, analyst: httpx.AsyncClient, resources: Resources
) -> None:
    await plain_table(admin, "hidden", 3, state=None)
    await asked(analyst, status=404, filter_params={"table": "hidden"})
    shown = await export(engineer, resources, filter_params={"table": "hidden"})
    assert len(await rows(engineer, shown)) == 3


async def test_a_viewer_exports_nothing(as_role: ClientOf) -> None:
    viewer = await as_role("VIEWER")
    answer = await viewer.post("/system/exports/", json={"job_type": "table", "filter_params": {"table": "x"}})
    assert answer.status_code == 403
