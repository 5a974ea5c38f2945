"""Rows that bring what the schema does not know yet, under `quarantine_row`: set aside, and the batch goes on."""

import asyncpg
import httpx
import pytest

from tests.ingestion.steps import Row, counted, ndjson, register, send, taken

pytestmark = pytest.mark.usefixtures("open_for_data")

ROWS: list[Row] = [(1, 0, 10), (2, 1, 20)]
NEW = b'{"id": 3, "at": "2026-01-01T00:00:00Z", "v": 1, "vip": true}\n'


async def test_rows_with_unknown_columns_are_in_quarantine_and_no_limit_counts_them(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "things", unknown_columns="quarantine_row", max_rejected={"rows": 1})
    report = await taken(engineer, contract_id, ndjson(ROWS) + NEW * 5 + b"{}\n")
    assert counted(report) == {"inserted": 2, "rejected": 6}
    kept = await owner.fetch("SELECT code, count(*) FROM spyne.ingestion_quarantine GROUP BY code ORDER BY code")
    assert [tuple(row) for row in kept] == [("missing-key", 1), ("unknown-column", 5)]
    refused = await send(engineer, contract_id, ndjson(ROWS) + NEW + b"{}\n" * 2)
    assert (refused.status_code, refused.json()["code"]) == (422, "reject-limit-exceeded")


async def test_a_batch_of_such_rows_alone_is_refused_as_any_other(engineer: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "things", unknown_columns="quarantine_row", max_rejected={"share": 0})
    answer = await send(engineer, contract_id, NEW * 3)
    assert (answer.status_code, answer.json()["code"]) == (422, "nothing-accepted")
    assert answer.json()["quarantined_rows"] == 3
