"""Policies for unknown columns and for types: what is stored, set aside and reported, in every format."""

from typing import Any

import asyncpg
import httpx
import pytest

from tests.ingestion.drift.steps import (
    all_drift,
    as_ndjson,
    columns_of,
    contract_with,
    drift_of,
    good,
    merged,
    report_of,
    said,
    sent,
    values,
)
from tests.ingestion.steps import FORMATS, JSON, NDJSON, at, contract, counted, send

pytestmark = pytest.mark.usefixtures("open_for_data")

POLICIES = ("freeze", "quarantine_row", "discard_value", "evolve")
ROW_BY_ROW = (NDJSON, JSON)
"""Formats whose rows have fields of their own; in the others an unknown column is one of every row."""

UNKNOWN = [good(1), good(2, vip=True), good(3, vip=False)]
TOO_LARGE = [good(1), good(2, 5_000_000_000), good(3, 7)]


async def quarantined(client: httpx.AsyncClient, report: dict[str, Any]) -> list[tuple[int, str, str]]:
    """Line, code and column of every refused row that is kept."""
    items = (await client.get(f"/api/ingestion/batches/{report['id']}/quarantine")).json()["items"]
    return [(item["line"], item["code"], item["column"]) for item in items]


@pytest.mark.parametrize("media", FORMATS)
async def test_each_policy_for_unknown_columns(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, media: str
) -> None:
    for policy in POLICIES:
        table = f"for_{policy}"
        contract_id = await contract_with(engineer, table, policy)
        answer = await sent(engineer, contract_id, UNKNOWN, media)
        report = await report_of(engineer, answer)
        bringing = 2 if media in ROW_BY_ROW else 3
        refused = bringing if policy in {"freeze", "quarantine_row"} else 0
        assert answer.status_code == (422 if refused == 3 else 201), answer.text
        assert report["status"] == ("rejected" if refused == 3 else "completed")
        expected = {"inserted": 3 - refused, "rejected": refused}
        assert counted(report) == {verdict: rows for verdict, rows in expected.items() if rows}, policy
        lines = await quarantined(engineer, report)
        assert [line[1:] for line in lines] == [("unknown-column", "vip")] * refused
        (found,) = await drift_of(engineer, report)
        (change,) = found["changes"]
        assert said(found) == [("ADD", "vip")]
        assert (change["new"]["type"], change["severity"], change["rows"]) == ("boolean", "COMPATIBLE", bringing)
        assert (found["batch_id"], found["source"], found["rows"]) == (report["id"], "batch", bringing)
        types = await columns_of(engineer, contract_id)
        if policy == "evolve":
            assert (found["status"], found["resolution"]["by"]) == ("accepted", "policy: evolve")
            assert found["resolution"]["schema_version"] == report["schema_version"] == 2
            assert types["vip"] == "boolean"
            assert await values(owner, table, "v", "vip") == {1: (1, None), 2: (1, True), 3: (1, False)}
        else:
            assert (found["status"], found["resolution"], found["times_seen"]) == ("open", None, 1)
            assert "vip" not in types
            stored = {} if refused == 3 else {1: 1} if refused else {1: 1, 2: 1, 3: 1}
            if stored:
                assert await values(owner, table, "v") == stored


@pytest.mark.parametrize("media", FORMATS)
async def test_each_policy_for_types(engineer: httpx.AsyncClient, owner: asyncpg.Connection, media: str) -> None:
    stored = {
        "freeze": {1: 1, 3: 7},
        "quarantine_row": {1: 1, 3: 7},
        "discard_value": {1: 1, 2: None, 3: 7},
        "evolve": {1: 1, 2: 5_000_000_000, 3: 7},
    }
    for policy, rows in stored.items():
        table = f"for_{policy}"
        contract_id = await contract_with(engineer, table, "freeze", policy)
        report = await merged(engineer, contract_id, TOO_LARGE, media)
        assert await values(owner, table, "v") == rows, policy
        assert report["counts"]["rejected"] == 3 - len(rows)
        assert [line[2] for line in await quarantined(engineer, report)] == ["v"] * (3 - len(rows))
        (found,) = await drift_of(engineer, report)
        (change,) = found["changes"]
        assert (change["kind"], change["path"], change["rows"]) == ("TYPE_CHANGE", "/columns/v/type", 1)
        assert (change["old"], change["new"], change["severity"]) == ("integer", "bigint", "COMPATIBLE")
        assert found["status"] == ("accepted" if policy == "evolve" else "open")
        assert (await columns_of(engineer, contract_id))["v"] == ("bigint" if policy == "evolve" else "integer")


async def test_former_words_for_policies_are_still_taken(engineer: httpx.AsyncClient) -> None:
    for former, word in (("reject", "freeze"), ("discard", "discard_value")):
        body = contract(f"by_{former}", unknown_columns=former, type_changes=former)
        answer = await engineer.post("/api/contracts/register", json=body)
        assert answer.status_code == 201, answer.text
        assert [answer.json()[name] for name in ("unknown_columns", "type_changes")] == [word, word]
        shown = (await engineer.get(f"/api/contracts/{answer.json()['id']}")).json()
        assert shown["unknown_columns"] == word
    refused = await engineer.post("/api/contracts/register", json=contract("by_none", unknown_columns="ignore"))
    assert refused.status_code == 422
    assert "evolve" in refused.text, "the refusal lists what there is"


BOTH = [good(1), good(2, vip=True), good(3, 5_000_000_000), good(4, 5_000_000_000, vip=True)]


STORED_OF_BOTH: dict[tuple[str, str], dict[int, Any]] = {
    ("discard_value", "freeze"): {1: 1, 2: 1},
    ("freeze", "discard_value"): {1: 1, 3: None},
    ("evolve", "discard_value"): {1: 1, 2: 1, 3: None, 4: None},
    ("quarantine_row", "evolve"): {1: 1, 3: 5_000_000_000},
    ("evolve", "evolve"): {1: 1, 2: 1, 3: 5_000_000_000, 4: 5_000_000_000},
}


async def test_both_policies_hold_each_for_its_own(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    for number, ((unknown, types), stored) in enumerate(STORED_OF_BOTH.items()):
        table = f"both_{number}"
        contract_id = await contract_with(engineer, table, unknown, types)
        report = await merged(engineer, contract_id, BOTH)
        assert await values(owner, table, "v") == stored, (unknown, types)
        expected = {
            ("ADD", "vip"): "accepted" if unknown == "evolve" else "open",
            ("TYPE_CHANGE", "v"): "accepted" if types == "evolve" else "open",
        }
        reports = await drift_of(engineer, report)
        found = [(change, each["status"]) for each in reports for change in said(each)]
        assert len(found) == 2, "each difference is reported once"
        assert dict(found) == expected, (unknown, types)


async def test_rows_that_are_set_aside_count_for_no_limit(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    aside = await contract_with(engineer, "aside", "quarantine_row", "quarantine_row", max_rejected={"rows": 0})
    report = await merged(engineer, aside, BOTH)
    assert counted(report) == {"inserted": 1, "rejected": 3}
    assert report["quarantined_rows"] == 3
    assert await values(owner, "aside", "v") == {1: 1}
    without_key = {"at": at(0), "v": 1, "vip": True}
    failed = await sent(engineer, aside, [*BOTH, without_key])
    assert (failed.status_code, failed.json()["code"]) == (422, "reject-limit-exceeded")
    frozen = await contract_with(engineer, "frozen", max_rejected={"rows": 0})
    assert (await sent(engineer, frozen, BOTH)).json()["code"] == "reject-limit-exceeded"


async def test_what_was_set_aside_is_merged_once_the_schema_knows_it(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """The values of rows that were set aside are in quarantine until then, and come again with the next batch."""
    contract_id = await contract_with(engineer, "aside", "quarantine_row")
    report = await merged(engineer, contract_id, UNKNOWN)
    (found,) = report["drift"]
    answer = await engineer.post(f"/api/drift/{found}/resolve", json={"action": "accept", "note": "agreed"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["links"]["replay_refused_rows"].endswith(f"{report['id']}/quarantine/replay")
    again = await merged(engineer, contract_id, UNKNOWN)
    assert counted(again) == {"inserted": 2, "unchanged": 1}
    assert await values(owner, "aside", "vip") == {1: None, 2: True, 3: False}


async def test_a_few_faulty_values_say_nothing_of_the_schema(engineer: httpx.AsyncClient) -> None:
    """Values of another family are drift from a tenth of the rows on; below, they are rows with faults."""
    contract_id = await contract_with(engineer, "faulty")
    lines = [good(number) for number in range(1, 40)]
    few = await send(engineer, contract_id, as_ndjson([*lines, good(40, "x")]))
    assert (counted(few.json()), few.json()["drift"]) == ({"inserted": 39, "rejected": 1}, [])
    many = await merged(engineer, contract_id, [*lines[:9], good(41, "x")])
    (found,) = await drift_of(engineer, many)
    assert (found["severity"], found["changes"][0]["rule"]) == ("BREAKING", "other-family")
    assert [each["id"] for each in await all_drift(engineer, severity="BREAKING")] == [found["id"]]
