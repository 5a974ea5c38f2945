"""CSV and Parquet over HTTP: what is said of a file as a whole, and what becomes of it."""

import asyncpg
import httpx
import pyarrow as pa
import pytest

from tests.census import census, differences
from tests.ingestion.files import parquet_file
from tests.ingestion.steps import COLUMNS, CSV, PARQUET, counted, register, send, taken

pytestmark = pytest.mark.usefixtures("open_for_data")

AT = "2026-01-01T00:00:00Z"
NOTED = [*COLUMNS, {"name": "note", "type": "text"}]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (f"ID,At,V\n1,{AT},5\n".encode(), '"ID" seems to be meant for id.'),
        (f"id;at;v\n1;{AT};5\n".encode(), "separated by semicolons"),
        (f"id\tat\tv\n1\t{AT}\t5\n".encode(), "separated by tabs"),
        (b"x,y\n1,2\n", 'needs "id", "at"'),
    ],
)
async def test_a_header_that_does_not_fit_is_one_refusal_and_nothing_is_stored(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str, body: bytes, said: str
) -> None:
    before = await census(owner)
    answer = await send(engineer, things, body, CSV)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert problem["code"] == "header-mismatch"
    assert said in problem["detail"]
    assert {fault["pointer"] for fault in problem["faults"]} == {"/id", "/at"}
    assert problem["expected_columns"] == ["id", "at", "v"]
    assert differences(before, await census(owner)) == []


async def test_quotes_move_no_border_of_a_later_record(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    contract = await register(engineer, "noted", columns=NOTED)
    filling = "".join(f"{number},{AT},{number},text to fill the blocks with\n" for number in range(10, 7000))
    body = f'id,at,v,note\n1,{AT},1,5" pipe\n{filling}7777,{AT},1,"note\n8888,{AT},1,evil"\n'.encode()
    report = await taken(engineer, contract, body, CSV)
    assert counted(report) == {"inserted": 6991, "rejected": 1}
    stored = {row["id"]: row["note"] for row in await owner.fetch("SELECT id, note FROM data.noted__v1")}
    assert stored[7777] == f"note\n8888,{AT},1,evil"
    assert not {1, 8888} & stored.keys()
    rows = (await engineer.get(report["links"]["quarantine"])).json()["items"]
    assert [(row["line"], row["code"], row["raw"]) for row in rows] == [(2, "malformed-line", f'1,{AT},1,5" pipe')]


async def test_the_index_of_a_data_frame_is_noticed_in_the_report(engineer: httpx.AsyncClient, things: str) -> None:
    table = pa.table({"id": [1], "at": [AT], "v": [1.0], "__index_level_0__": [0]})
    report = await taken(engineer, things, parquet_file(table), PARQUET)
    assert report["notices"] == ['The column "__index_level_0__" is not read: it is the row index of a data frame.']
    assert counted(report) == {"inserted": 1}


async def test_a_first_batch_leaves_codes_as_they_are(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    contract = await register(engineer, "coded", declared=False)
    await taken(engineer, contract, f",id,at,sku,zip,n\n0,1,{AT},1E5,00123,7\n1,2,{AT},2E10,12345,8\n".encode(), CSV)
    rows = await owner.fetch("SELECT id, sku, zip, n FROM data.coded__v1 ORDER BY id")
    assert [tuple(row) for row in rows] == [(1, "1E5", "00123", 7), (2, "2E10", "12345", 8)]


async def test_an_empty_text_and_a_null_stay_apart(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    contract = await register(engineer, "apart", columns=NOTED)
    await taken(engineer, contract, f'id,at,v,note\n1,{AT},,\n2,{AT},,""\n3,{AT},,null\n'.encode(), CSV)
    rows = await owner.fetch("SELECT note FROM data.apart__v1 ORDER BY id")
    assert [row["note"] for row in rows] == [None, "", "null"]


async def test_a_date_beyond_costs_its_row(engineer: httpx.AsyncClient) -> None:
    contract = await register(engineer, "dated", columns=[*COLUMNS, {"name": "day", "type": "date"}])
    days = pa.array([0, 2_932_897], pa.int32()).cast(pa.date32())
    table = pa.table({"id": [1, 2], "at": [AT, AT], "v": [1, 2], "day": days})
    report = await taken(engineer, contract, parquet_file(table), PARQUET)
    assert counted(report) == {"inserted": 1, "rejected": 1}


async def test_an_open_quote_says_how_much_has_no_verdict(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    before = await census(owner)
    body = f'id,at,v\n1,{AT},1\n2,"{AT},2\n'.encode() + f"3,{AT},3\n".encode() * 9
    answer = await send(engineer, things, body, CSV)
    assert answer.status_code == 422
    assert answer.json()["code"] == "malformed-body"
    assert "opens a field on line 3 is never closed: from that line on, 10 in all have no verdict" in answer.text
    assert differences(before, await census(owner)) == []
