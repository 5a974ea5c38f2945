"""Refused rows over HTTP: every fault of a row, looked for by code and column, as a file, and marked as dealt with."""

import csv
import io
import json
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pyarrow.parquet as pq
import pytest

from app.ingestion.quarantine.repository import QuarantineWrites
from app.kernel.runtime.resources import Resources
from app.warehouse.rejections import RejectionCode, RowFault, rejection_of
from tests.ingestion.steps import at, ndjson, register, send, taken

pytestmark = pytest.mark.usefixtures("open_for_data")

WRONG, NULL, UNKNOWN = RejectionCode.WRONG_TYPE, RejectionCode.NOT_NULL, RejectionCode.UNKNOWN_COLUMN

ROWS: list[list[tuple[RejectionCode, str | None]]] = [
    [(WRONG, "v")],
    [(WRONG, "v"), (NULL, "w")],
    [(NULL, "v"), (WRONG, "w")],
    [(UNKNOWN, "=cmd()"), (NULL, "v")],
    [(RejectionCode.MALFORMED_LINE, None)],
]
"""The faults of refused rows, on the lines from 11 on."""

FILTERS: list[tuple[dict[str, str], list[int]]] = [
    ({}, [11, 12, 13, 14, 15]),
    ({"code": "wrong-type"}, [11, 12, 13]),
    ({"code": "not-null"}, [12, 13, 14]),
    ({"column": "v"}, [11, 12, 13, 14]),
    ({"column": "w"}, [12, 13]),
    ({"code": "wrong-type", "column": "w"}, [13]),
    ({"code": "not-null", "column": "w"}, [12]),
    ({"code": "unknown-column", "column": "v"}, []),
    ({"code": "unknown-column", "column": "=cmd()"}, [14]),
    ({"code": "malformed-line"}, [15]),
    ({"column": "nobody"}, []),
    ({"column": '"]}'}, []),
    ({"code": "unique"}, []),
]


@pytest.fixture
async def batch(engineer: httpx.AsyncClient, things: str, app: Any) -> str:
    """The address of a batch with the refused rows of `ROWS`, and one of its own on line 3."""
    report = await taken(engineer, things, ndjson([(1, 0, 1), (2, 0, 2)]) + b"{nonsense\n")
    resources: Resources = app.state.resources
    rows = [
        rejection_of(line, raw(line), [RowFault(code, column, f"about {column}") for code, column in faults])
        for line, faults in enumerate(ROWS, 11)
    ]
    async with resources.database.write() as session:
        await QuarantineWrites(session, UUID(report["id"])).keep(rows)
    return f"/api/ingestion/batches/{report['id']}/quarantine"


def raw(line: int) -> str:
    """What a refused row said; the last one is longer than what is kept of it."""
    return f"=raw {line}" + "x" * (3000 if line == 15 else 0)


async def lines(client: httpx.AsyncClient, place: str, **params: str) -> list[int]:
    """The lines that are found, page by page."""
    found: list[int] = []
    answer = await client.get(place, params={**params, "limit": "2"})
    while True:
        assert answer.status_code == 200, answer.text
        found += [row["line"] for row in answer.json()["items"]]
        if "next" not in answer.links:
            return found
        answer = await client.get(answer.links["next"]["url"])


async def test_rows_are_found_by_any_of_their_faults(engineer: httpx.AsyncClient, batch: str) -> None:
    for wanted, expected in FILTERS:
        found = await lines(engineer, batch, **wanted)
        assert [line for line in found if line > 10] == expected, wanted
    for wrong in ({"code": "nothing"}, {"resolved": "perhaps"}, {"column": "c" * 201}):
        assert (await engineer.get(batch, params=wrong)).status_code == 422, wrong


async def test_every_fault_of_a_row_is_shown(engineer: httpx.AsyncClient, batch: str) -> None:
    shown = {row["line"]: row for row in (await engineer.get(batch)).json()["items"]}
    for line, faults in enumerate(ROWS, 11):
        row = shown[line]
        assert (row["code"], row["column"]) == faults[0]
        assert [(fault["code"], fault["column"]) for fault in row["faults"]] == faults
        assert row["faults"][0]["message"] == row["message"]
        assert (row["raw"], row["clipped"]) == (raw(line)[:2000], line == 15)


@pytest.mark.parametrize("form", ["csv", "ndjson", "parquet"])
async def test_a_file_of_the_rows_that_are_looked_for(engineer: httpx.AsyncClient, batch: str, form: str) -> None:
    for wanted, expected in FILTERS:
        answer = await engineer.get(f"{batch}/export", params=wanted | {"format": form})
        assert answer.status_code == 200, answer.text
        assert f".{form}" in answer.headers["Content-Disposition"]
        rows = read(answer.content, form)
        assert [int(row["line"]) for row in rows if int(row["line"]) > 10] == expected, wanted
        assert all(row["contract_id"] == "things_v1" for row in rows)
        if form == "csv":
            assert {row["raw"][:5] for row in rows if int(row["line"]) > 10} <= {"'=raw"}, "no cell becomes a formula"


async def test_a_file_for_programs_has_what_came(engineer: httpx.AsyncClient, batch: str) -> None:
    answer = await engineer.get(
        f"{batch}/export", params={"csv_formulas": "plain", "csv_bom": "true", "code": "unique"}
    )
    assert answer.content.startswith(b"\xef\xbb\xbf")
    answer = await engineer.get(f"{batch}/export", params={"csv_formulas": "plain"})
    found = {int(row["line"]): row["raw"] for row in read(answer.content, "csv")}
    assert [found[line] for line in (11, 12)] == ["=raw 11", "=raw 12"]
    assert (await engineer.get(f"{batch}/export?csv_formulas=maybe")).status_code == 422


def read(body: bytes, form: str) -> list[dict[str, Any]]:
    if form == "csv":
        return list(csv.DictReader(io.StringIO(body.decode())))
    if form == "ndjson":
        return [json.loads(line) for line in body.splitlines()]
    return list(pq.read_table(io.BytesIO(body)).to_pylist())


async def test_the_report_leads_to_the_files(engineer: httpx.AsyncClient, things: str) -> None:
    report = await taken(engineer, things, ndjson([(1, 0, 1)]) + b"{}\n" * 3)
    for link in ("quarantine_csv", "quarantine_ndjson"):
        answer = await engineer.get(report["links"][link])
        assert answer.status_code == 200
        assert len(read(answer.content, link.rpartition("_")[2])) == 3
    nobody = f"/api/ingestion/batches/{UUID(int=0)}/quarantine"
    assert (await engineer.get(f"{nobody}/export")).json()["code"] == "batch-not-found"
    assert (await engineer.post(f"{nobody}/resolve", json={})).json()["code"] == "batch-not-found"
    assert (await engineer.get(f"{report['links']['quarantine']}/export?format=tar")).status_code == 422


async def test_rows_are_marked_as_dealt_with_and_opened_again(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, batch: str
) -> None:
    async def resolve(**wanted: Any) -> int:
        answer = await engineer.post(f"{batch}/resolve", json=wanted)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["rows"])

    assert await lines(engineer, batch, resolved="true") == []
    assert await resolve(lines=[11, 12, 99]) == 2
    assert await resolve(lines=[11, 12]) == 0, "they stand so already"
    assert await lines(engineer, batch, resolved="true") == [11, 12]
    assert await lines(engineer, batch, resolved="false") == [3, 13, 14, 15]
    assert await resolve(code="not-null", column="v", note="the source sends them again") == 2
    assert await lines(engineer, batch, resolved="true") == [11, 12, 13, 14]
    assert await lines(engineer, batch, resolved="true", code="unknown-column") == [14]
    assert await resolve(lines=[12], resolved=False) == 1
    assert await resolve() == 3
    assert await lines(engineer, batch, resolved="false") == []
    shown = (await engineer.get(batch)).json()["items"]
    assert all(row["resolved_at"] for row in shown)
    audited = await owner.fetch("SELECT after FROM spyne.audit_log WHERE action = 'batch:resolve-rows' ORDER BY id")
    assert [json.loads(row["after"])["rows"] for row in audited] == [2, 2, 1, 3]
    for wrong in ({"lines": []}, {"lines": [0]}, {"lines": [2**63]}, {"code": "x"}, {"note": "n" * 2_001}, {"more": 1}):
        assert (await engineer.post(f"{batch}/resolve", json=wrong)).status_code == 422, wrong


async def test_lists_say_what_was_refused_and_can_be_narrowed_to_a_table(engineer: httpx.AsyncClient) -> None:
    first, second = await register(engineer, "things"), await register(engineer, "things_v1")
    refused = json.dumps({"id": "x", "at": at(0), "v": 1}).encode() + b"\n"
    ids = [(await taken(engineer, name, ndjson([(1, 0, 1)]) + refused * 44))["id"] for name in (first, second)]
    rejected = (await send(engineer, first, refused)).json()["batch_id"]

    async def listed(**params: str) -> list[dict[str, Any]]:
        answer = await engineer.get("/api/ingestion/batches", params=params)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    (shown,) = await listed(table="things_v1")
    assert (shown["id"], shown["counts"]["rejected"], shown["quarantined_rows"]) == (ids[1], 44, 44)
    assert shown["fault_counts"] == [{"code": "wrong-type", "column": "id", "rows": 44}]
    assert "quarantined" not in shown, "a list has no samples, and does not look as if there were none"
    assert [each["id"] for each in await listed(table="things")] == [rejected, ids[0]]
    assert [each["id"] for each in await listed(table="things", status="completed")] == [ids[0]]
    assert [each["id"] for each in await listed(status="rejected")] == [rejected]
    assert await listed(table="things", contract_id=second) == []
    assert await listed(table="thing") == await listed(table="things%") == await listed(table=".*") == []
