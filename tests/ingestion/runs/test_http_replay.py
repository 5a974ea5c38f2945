"""Stored bodies are taken again: in their order, into the newest schema or a newer version; refused lines as well."""

import json
from typing import Any

import asyncpg
import httpx
import pytest

from app.ingestion.runs.jobs import JOBS
from app.kernel.runtime.resources import Resources
from tests.ingestion.runs.steps import REASON, REPLAY, again, applied, planned, rollback
from tests.ingestion.runs.workers import working
from tests.ingestion.steps import CSV, FORMATS, NDJSON, Row, contract, counted, ndjson, register, send, stored, taken

pytestmark = pytest.mark.usefixtures("open_for_data")

FIRST: list[Row] = [(1, 0, 10), (2, 0, 20)]
SECOND: list[Row] = [(2, 1, 21), (3, 1, 30)]


async def newer(client: httpx.AsyncClient, table: str, **more: Any) -> str:
    """The id of a contract that is the table's next version: by another window."""
    body = contract(table, **more)
    body["ingestion_semantics"]["dedupe_window"] = "7h"
    answer = await client.post("/api/contracts/register", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_bodies_are_replayed_in_their_order_and_into_a_newer_version(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    contract_id = await register(engineer, "prices", "upsert", "last_write_wins")
    first = await taken(engineer, contract_id, FIRST)
    second = await taken(engineer, contract_id, SECOND, key="k")
    into = await newer(engineer, "prices", resolution="last_write_wins")
    async with working(resources, JOBS):
        ids = [second["id"], first["id"]]  # whatever order they are named in
        plan, run = await applied(admin, REPLAY, contract_id=contract_id, batch_ids=ids)
        assert counted(plan) == {"updated": 2, "unchanged": 2}, (
            "last write wins: 2 is written by both, 1 and 3 are there"
        )
        assert await stored(owner, "prices") == [(1, 0, 10), (2, 1, 21), (3, 1, 30)]
        assert [part["source_batch_id"] for part in reversed(run["parts"])] == [first["id"], second["id"]]
        plan, run = await applied(admin, REPLAY, contract_id=contract_id, into=into, **{"from": first["created_at"]})
        assert counted(plan) == {"inserted": 3, "updated": 1}
        assert run["contract_id"] == into
        assert await stored(owner, "prices", 2) == [(1, 0, 10), (2, 1, 21), (3, 1, 30)]
        made = run["parts"][0]["batch_id"]
        plan, _ = await applied(admin, rollback(made))
        assert await stored(owner, "prices", 2) == [(1, 0, 10), (2, 0, 20)], "a replay is taken back like any batch"
    report = (await engineer.get(f"/api/ingestion/batches/{made}")).json()
    assert (report["kind"], report["source_batch_id"], report["run_id"]) == ("replay", second["id"], run["id"])


async def test_a_batch_without_a_body_refuses_the_replay_unless_it_is_skipped(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "prices")
    first, second = await taken(engineer, contract_id, FIRST), await taken(engineer, contract_id, SECOND)
    await owner.execute("UPDATE spyne.ingestion_history SET raw_key = NULL WHERE id = $1", first["id"])
    ids = [first["id"], second["id"]]
    refused = await admin.post(REPLAY, json=REASON | {"contract_id": contract_id, "batch_ids": ids, "dry_run": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "body-missing")
    assert [each["id"] for each in refused.json()["batches"]] == [first["id"]]
    plan = await planned(admin, REPLAY, contract_id=contract_id, batch_ids=ids, skip_missing=True)
    assert (counted(plan), plan["parts_total"]) == ({"unchanged": 2}, 1)
    assert first["id"] in plan["warnings"][0]


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ({"batch_ids": ["00000000-0000-7000-8000-000000000000"]}, "no-such-batch"),
        ({"batch_ids": ["00000000-0000-7000-8000-000000000000"], "into": "others_v1"}, "not-newer"),
        ({"batch_ids": ["00000000-0000-7000-8000-000000000000"], "into": "prices_v1"}, "not-newer"),
    ],
)
async def test_what_cannot_be_replayed_is_said(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, wanted: dict[str, Any], fault: str
) -> None:
    contract_id = await register(engineer, "prices")
    await register(engineer, "others")
    refused = await admin.post(REPLAY, json=REASON | {"contract_id": contract_id, "dry_run": True} | wanted)
    assert (refused.status_code, refused.json()["faults"][0]["code"]) == (422, fault)


TIME = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("wanted", "status", "said"),
    [
        ({}, 422, 'name batches, or a time: {"batch_ids"'),
        ({"batch_ids": ["00000000-0000-7000-8000-000000000000"], "from": TIME}, 422, "name batches, or a time"),
        ({"from": TIME, "to": TIME}, 422, "from is before to"),
        ({"contract_id": "prices", "from": TIME}, 422, "such as"),
        ({"contract_id": "nobody_v1", "from": TIME}, 404, "nobody_v1"),
        ({"from": TIME}, 409, "nothing-to-replay"),
    ],
)
async def test_mistakes_of_who_replays_are_said_in_words(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, wanted: dict[str, Any], status: int, said: str
) -> None:
    contract_id = await register(engineer, "prices")
    answer = await admin.post(REPLAY, json=REASON | {"contract_id": contract_id, "dry_run": True} | wanted)
    assert answer.status_code == status, answer.text
    assert said in json.dumps(answer.json(), ensure_ascii=False).replace('\\"', '"')
    assert "Value error" not in answer.text


LONG = "x" * 3_000
NOTED = [
    {"name": "id", "type": "bigint"},
    {"name": "at", "type": "timestamptz"},
    {"name": "v", "type": "integer"},
    {"name": "note", "type": "varchar(2500)"},
]


@pytest.mark.parametrize("media", FORMATS)
async def test_refused_lines_are_taken_again_from_the_body(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources, media: str
) -> None:
    """Under a newer schema two of three refused rows are right; the third one has another fault from then on."""
    contract_id = await register(engineer, "prices", columns=_checked(100))
    rows: list[Row] = [(1, 0, 10), (2, 0, 200), (3, 0, 300), (4, 0, 4000), (5, 0, 50)]
    report = await taken(engineer, contract_id, FORMATS[media](rows), media)
    assert counted(report) == {"inserted": 2, "rejected": 3}
    await _relax(owner, 1_000)
    plan = await planned(admin, again(report["id"]))
    assert (counted(plan), plan["parts_total"], plan["warnings"]) == ({"inserted": 2, "rejected": 1}, 1, [])
    async with working(resources, JOBS):
        _, run = await applied(admin, again(report["id"]))
        made = run["parts"][0]["batch_id"]
        assert await stored(owner, "prices") == [(1, 0, 10), (2, 0, 200), (3, 0, 300), (5, 0, 50)]
        left = (await engineer.get(f"/api/ingestion/batches/{report['id']}/quarantine")).json()["items"]
        assert [(row["resolved_by"] == made, row["resolved_at"] is not None) for row in left] == [
            (True, True),
            (True, True),
            (False, False),
        ]
        assert "1000" in left[2]["message"], "the reason is the new one"
        other = (await engineer.get(f"/api/ingestion/batches/{made}")).json()
        assert (counted(other), other["quarantined_rows"]) == ({"inserted": 2, "rejected": 1}, 0)
        await _relax(owner, 10_000)
        plan, run = await applied(admin, again(report["id"]))
        assert counted(run) == {"inserted": 1}
    nothing = await admin.post(again(report["id"]), json=REASON | {"dry_run": True})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing-to-replay")
    totals = await owner.fetchrow(
        "SELECT rows, (SELECT count(*) FROM spyne.ingestion_quarantine) FROM spyne.ingestion_quarantine_totals"
    )
    assert tuple(totals or ()) == (3, 3)


async def test_long_rows_are_taken_whole_and_texts_alone_where_they_are(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    contract_id = await register(engineer, "notes", columns=NOTED)
    records = [
        {"id": 1, "at": "2026-01-01T00:00:00Z", "v": 1, "note": LONG},
        {"id": 2, "at": "2026-01-01T00:00:00Z", "v": "two", "note": "short"},
    ]
    body = b"\n\n".join(json.dumps(record).encode() for record in records) + b"\n"
    sent = await send(engineer, contract_id, body)
    batch_id = sent.json()["batch_id"]
    nothing = await admin.post(again(batch_id), json=REASON | {"dry_run": True})
    assert nothing.status_code == 200, "the text of one row is whole"
    plan = nothing.json()
    assert counted(plan) == {"rejected": 1}
    assert "left out" in plan["warnings"][0]
    good = {"id": 9, "at": "2026-01-01T00:00:00Z", "v": 9, "note": "n"}
    kept = await taken(engineer, contract_id, body + json.dumps(good).encode() + b"\n")
    await owner.execute(
        "UPDATE spyne.contract_schemas SET columns = replace(replace(columns::text, 'varchar(2500)', 'text'), "
        '\'"type": "integer"\', \'"type": "text"\')::jsonb; '
        "ALTER TABLE data.notes__v1 ALTER note TYPE text, ALTER v TYPE text; "
        "ALTER TABLE data.notes__v1__before ALTER note TYPE text, ALTER v TYPE text"
    )
    async with working(resources, JOBS):
        _, run = await applied(admin, again(kept["id"]))
    assert counted(run) == {"inserted": 1, "rejected": 1}, "1 is no text, and the long row is whole"
    assert await owner.fetch("SELECT id, length(note) FROM data.notes__v1 ORDER BY 1") == [(2, 5), (9, 1)]


async def test_only_some_refused_rows_are_taken_again(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "prices", columns=_checked(100))
    body = ndjson([(1, 0, 10), (2, 0, 200)]) + b'{"id": 3, "at": "2026-01-01T00:00:00Z", "v": "x"}\n'
    report = await taken(engineer, contract_id, body, NDJSON)
    await _relax(owner, 1_000)
    plan = await planned(admin, again(report["id"]), code="out-of-range")
    assert counted(plan) == {"inserted": 1}
    plan = await planned(admin, again(report["id"]), code="wrong-type", column="v")
    assert counted(plan) == {"rejected": 1}


async def test_refused_lines_alone_do_not_replace_a_table(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    contract_id = await register(engineer, "prices", "replace")
    report = await taken(engineer, contract_id, ndjson([(1, 0, 10)]) + b'{"id": "x"}\n', NDJSON)
    refused = await admin.post(again(report["id"]), json=REASON | {"dry_run": True})
    assert (refused.status_code, refused.json()["faults"][0]["code"]) == (422, "replaces")


async def test_a_csv_record_without_its_body_is_not_guessed(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "prices", columns=_checked(100))
    report = await taken(engineer, contract_id, FORMATS[CSV]([(1, 0, 10), (2, 0, 200)]), CSV)
    await owner.execute("UPDATE spyne.ingestion_history SET raw_key = NULL")
    refused = await admin.post(again(report["id"]), json=REASON | {"dry_run": True})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing-to-replay")
    assert "not kept" in refused.json()["detail"]


def _checked(most: int) -> list[dict[str, Any]]:
    return [
        {"name": "id", "type": "bigint"},
        {"name": "at", "type": "timestamptz"},
        {"name": "v", "type": "integer", "checks": [{"type": "max", "value": most}]},
    ]


async def _relax(owner: asyncpg.Connection, most: int) -> None:
    """Let the newest schema take larger values."""
    await owner.execute(
        "UPDATE spyne.contract_schemas SET columns = regexp_replace(columns::text, '\"value\": \\d+', $1)::jsonb",
        f'"value": {most}',
    )
