"""Batches over HTTP on the real database: every form of a body, every rule of a contract, and what is left of them."""

import itertools
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.kernel.storage.compression import unzstd_stream
from app.kernel.storage.object_storage import ObjectStorage
from app.kernel.telemetry.metrics import REGISTRY
from app.warehouse.plan import Mode, Resolution
from tests.census import census, differences
from tests.ingestion.steps import (
    CODINGS,
    COLUMNS,
    CSV,
    FORMATS,
    JSON,
    NDJSON,
    PARQUET,
    START,
    WINDOW,
    Row,
    at,
    counted,
    ndjson,
    raw_keys,
    register,
    send,
    stored,
    taken,
)
from tests.reference.verdicts import Observation, Rules, Table, outcome, settle
from tests.warehouse.relations import content_hash

pytestmark = pytest.mark.usefixtures("open_for_data")

ROWS: list[Row] = [(1, 0, 10), (2, 1, None), (3, 2, 30), (1, 3, 11)]
STORED: list[Row] = [(1, 3, 11), (2, 1, None), (3, 2, 30)]


@pytest.mark.parametrize("media", FORMATS)
async def test_every_coding_of_a_format(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, storage: ObjectStorage, media: str
) -> None:
    for coding, encode in CODINGS.items():
        contract_id = await register(engineer, f"c_{coding}")
        plain = FORMATS[media](ROWS)
        body = encode(plain)
        headers = {} if coding == "identity" else {"Content-Encoding": coding}
        report = await taken(engineer, contract_id, body, media, headers=headers)
        assert counted(report) == {"inserted": 3, "late": 1}
        assert report["bytes"] == len(body)
        assert await stored(owner, f"c_{coding}") == STORED
        kept = storage.get_stream(f"raw/{contract_id}/{report['id']}.zst")
        assert b"".join([data async for data in unzstd_stream(kept)]) == plain, "the raw body is the plain content"


SECOND: list[Row] = [(1, 3, 11), (1, 2, 12), (2, 9, 20), (3, 2, 31), (4, 4, 40), (4, 4, 40)]


@pytest.mark.parametrize("mode", Mode)
async def test_every_mode_and_resolution(engineer: httpx.AsyncClient, owner: asyncpg.Connection, mode: Mode) -> None:
    hashed = {v: await content_hash(owner, ("v", "integer", v)) for v in {row[2] for row in ROWS + SECOND}}

    def observed(rows: list[Row]) -> list[Observation]:
        return [Observation((id_,), START + timedelta(hours=hour), hashed[v]) for id_, hour, v in rows]

    for resolution in Resolution:
        table = f"{mode.value}_{resolution.value}"
        contract_id = await register(engineer, table, mode.value, resolution.value)
        rules = Rules(mode, resolution, WINDOW)
        expected: Table = ()
        for seq, rows in enumerate((ROWS, SECOND), 1):
            report = await taken(engineer, contract_id, rows)
            expected, verdicts = settle(expected, observed(rows), seq, rules)
            assert counted(report) == {verdict.value: n for verdict, n in verdicts.items() if n}, (table, seq)
            quarantined = await engineer.get(f"/api/ingestion/batches/{report['id']}/quarantine")
            codes = [item["code"] for item in quarantined.json()["items"]]
            assert codes == ["conflict"] * report["counts"]["conflict"]
        final = outcome([observed(ROWS), observed(SECOND)], rules)
        found = {((id_,), START + timedelta(hours=hour)): hashed[v] for id_, hour, v in await stored(owner, table)}
        assert found == final, table


CHECKED: list[dict[str, Any]] = [
    *COLUMNS[:2],
    {"name": "v", "type": "integer", "nullable": False, "checks": [{"type": "min", "value": 0}]},
    {"name": "code", "type": "varchar(3)", "checks": [{"type": "one_of", "values": ["EUR", "USD"]}]},
    {"name": "tag", "type": "text", "checks": [{"type": "pattern", "value": "^[a-z]+$"}, {"type": "unique"}]},
]

GOOD = {"id": 1, "at": at(0), "v": 1, "code": "EUR", "tag": "a"}
REFUSED: list[tuple[str, str, str | None]] = [
    ("{nonsense", "malformed-line", None),
    (json.dumps(GOOD | {"v": "1"}), "wrong-type", "v"),
    (json.dumps(GOOD | {"v": -1}), "out-of-range", "v"),
    (json.dumps(GOOD | {"v": None}), "not-null", "v"),
    (json.dumps({k: v for k, v in GOOD.items() if k != "id"}), "missing-key", "id"),
    (json.dumps(GOOD | {"more": 1}), "unknown-column", "more"),
    (json.dumps(GOOD | {"code": "GBP"}), "one-of", "code"),
    (json.dumps(GOOD | {"tag": "A"}), "pattern", "tag"),
    (json.dumps(GOOD | {"at": "yesterday"}), "wrong-type", "at"),
    (json.dumps(GOOD)[:-1] + ', "v": 2}', "duplicate-field", "v"),
    (json.dumps(GOOD | {"id": 2, "tag": "b"}) + "\n" + json.dumps(GOOD | {"id": 3, "tag": "b"}), "unique", "tag"),
]


async def test_refused_rows_are_quarantined_with_their_line_and_reason(engineer: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "checked", columns=CHECKED)
    lines = [json.dumps(GOOD), *itertools.chain.from_iterable(text.split("\n") for text, _, _ in REFUSED)]
    report = await taken(engineer, contract_id, "\n".join(lines).encode())
    assert report["rows"] == len(lines)
    assert counted(report) == {"inserted": 2, "rejected": len(REFUSED)}
    assert len(report["quarantined"]) == len(REFUSED)
    answer = await engineer.get(report["links"]["quarantine"])
    items = answer.json()["items"]
    assert [(item["code"], item["column"]) for item in items] == [(code, column) for _, code, column in REFUSED]
    numbers = [*range(2, len(REFUSED) + 1), len(REFUSED) + 2]
    assert [item["line"] for item in items] == numbers
    for item, (text, code, _) in zip(items, REFUSED, strict=True):
        if code == "unique":
            assert json.loads(item["raw"])["id"] == 3
        else:
            assert item["raw"] == text
        assert item["message"]


async def test_quarantine_and_history_have_pages(engineer: httpx.AsyncClient, things: str) -> None:
    other = await register(engineer, "others")
    first = await taken(engineer, things, b"{}\n" * 25 + ndjson(ROWS[:1]))
    assert counted(first) == {"inserted": 1, "rejected": 25}
    assert len(first["quarantined"]) == 20
    seen: list[int] = []
    url = f"/api/ingestion/batches/{first['id']}/quarantine?limit=10"
    while url:
        page = await engineer.get(url)
        seen += [item["line"] for item in page.json()["items"]]
        url = page.links.get("next", {}).get("url", "")
    assert seen == list(range(1, 26))
    later = [(await taken(engineer, contract_id, ROWS))["id"] for contract_id in (things, other, things)]
    failed = await send(engineer, things, b"{}\n", max_rejected="0")
    newest = [failed.json()["batch_id"], *reversed(later), first["id"]]

    async def listed(**params: Any) -> list[str]:
        answer = await engineer.get("/api/ingestion/batches", params=params)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert await listed() == newest
    assert await listed(contract_id=other) == [later[1]]
    assert await listed(status="failed") == newest[:1]
    assert await listed(contract_id=things, status="completed") == [later[2], later[0], first["id"]]
    assert await listed(contract_id="nothing_v1") == []
    assert (await engineer.get("/api/ingestion/batches", params={"status": "lost"})).status_code == 422
    assert (await engineer.get("/api/ingestion/batches", params={"cursor": "x"})).status_code == 422
    assert (await engineer.get(f"/api/ingestion/batches/{UUID(int=0)}")).status_code == 404
    assert (await engineer.get(f"/api/ingestion/batches/{UUID(int=0)}/quarantine")).status_code == 404


async def test_a_report_tells_times_and_lag_and_is_what_history_keeps(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    body = ndjson(ROWS)
    answer = await send(engineer, things, body)
    report = answer.json()
    assert answer.headers["Location"] == report["links"]["self"]
    assert datetime.fromisoformat(report["first_event_time"]) == START
    assert datetime.fromisoformat(report["last_event_time"]) == START + timedelta(hours=3)
    got = await owner.fetchval("SELECT max(got) FROM data.things__v1")
    assert report["lag_seconds"] == pytest.approx((got - START - timedelta(hours=3)).total_seconds())
    assert datetime.fromisoformat(report["completed_at"]) == got
    assert 0 < report["seconds"] < 30
    assert (report["bytes"], report["schema_version"], report["table"]) == (len(body), 1, "things")
    assert report["submitted_by"].startswith("engineer")
    assert (await engineer.get(answer.headers["Location"])).json() == report


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_metrics_and_audit_follow_the_commit(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "measured")

    def rows(status: str) -> float:
        return sample("spyne_ingestion_rows_total", contract_id=contract_id, status=status)

    report = await taken(engineer, contract_id, ndjson(ROWS) + b"{}\n")
    assert [rows(status) for status in ("inserted", "late", "rejected", "updated")] == [3, 1, 1, 0]
    assert sample("spyne_ingestion_lag_seconds", contract_id=contract_id) == pytest.approx(report["lag_seconds"])
    assert (
        'spyne_ingestion_rows_total{contract_id="measured_v1",status="late"} 1.0' in (await admin.get("/metrics")).text
    )
    await send(engineer, contract_id, ROWS, dry_run=True)
    await send(engineer, contract_id, b"{}\n", max_rejected="0")
    assert [rows(status) for status in ("inserted", "late", "rejected")] == [3, 1, 1], "nothing but commits counts"
    entries = await owner.fetch(
        "SELECT action, verb, outcome, actor_label, entity_id, entity_label FROM spyne.audit_log "
        "WHERE entity_type = 'batch' ORDER BY id"
    )
    assert [(row["action"], row["outcome"]) for row in entries] == [
        ("batch:ingest", "success"),
        ("batch:fail", "failure"),
    ]
    assert entries[0]["entity_id"] == report["id"]
    assert entries[0]["actor_label"] == report["submitted_by"]


async def test_a_dry_run_answers_the_same_and_changes_nothing(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, storage: ObjectStorage, things: str
) -> None:
    undeclared = await register(engineer, "inferred", declared=False)
    await taken(engineer, things, ROWS)
    before, raws = await census(owner), await raw_keys(storage)
    tried = await send(engineer, things, SECOND, dry_run=True, key="a key")
    assert tried.status_code == 200
    assert tried.json()["status"] == "dry-run"
    again = await send(engineer, things, SECOND, dry_run=True)
    assert again.json()["plan_hash"] == tried.json()["plan_hash"]
    first = await send(engineer, undeclared, ROWS, dry_run=True)
    assert counted(first.json()) == {"inserted": 3, "late": 1}
    refused = await send(engineer, things, b"{}\n", dry_run=True, max_rejected="0")
    assert refused.status_code == 422
    assert "batch_id" not in refused.json()
    malformed = await send(engineer, things, b"{", JSON, dry_run=True)
    assert malformed.status_code == 422
    assert differences(before, await census(owner)) == []
    assert await raw_keys(storage) == raws
    done = await taken(engineer, things, SECOND, key="a key")
    for name in ("counts", "rows", "bytes", "first_event_time", "last_event_time", "quarantined", "schema_version"):
        assert done[name] == tried.json()[name]


async def test_a_contract_without_columns_takes_them_from_its_first_batch(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, storage: ObjectStorage
) -> None:
    for media, encode in FORMATS.items():
        name = media.rpartition("/")[2].rpartition(".")[2].replace("-", "_")
        contract_id = await register(engineer, name, declared=False)
        tried = await send(engineer, contract_id, b"\x00", media)
        assert tried.status_code in {201, 422}, tried.text
        report = await taken(engineer, contract_id, encode(ROWS), media)
        assert counted(report) == {"inserted": 3, "late": 1}, media
        assert report["schema_version"] == 1
        assert await stored(owner, name) == STORED
        schema = (await engineer.get(f"/api/contracts/{contract_id}/schema")).json()
        types = {column["name"]: column["type"] for column in schema["columns"]}
        assert types == {"id": "bigint", "at": "timestamptz", "v": "bigint", "got": "timestamptz"}, media
        assert schema["origin"] == "inferred"
    audited = await owner.fetchval("SELECT actor_label FROM spyne.audit_log WHERE action = 'contract:freeze-schema'")
    assert audited.startswith("engineer")
    for key in await raw_keys(storage):
        assert await owner.fetchval("SELECT true FROM spyne.ingestion_history WHERE raw_key = $1", key), key


async def test_a_sent_processing_time_is_ours_to_set(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    body = b'{"id": 1, "at": "2026-01-01T00:00:00Z", "v": 1, "got": "whenever"}\n'
    for name, declared in (("with_columns", True), ("without", False)):
        await taken(engineer, await register(engineer, name, declared=declared), body)
        assert await owner.fetchval(f"SELECT got > now() - interval '1 hour' FROM data.{name}__v1")


async def test_what_was_left_out_is_said_once_in_the_report_and_kept(engineer: httpx.AsyncClient, things: str) -> None:
    body = b"Unnamed: 0,id,at,v\n" + b"".join(b"%d,%d,2026-01-01T00:00:00Z,1\n" % (n, n) for n in range(30_000))
    report = await taken(engineer, things, body, CSV)
    (notice,) = report["notices"]
    assert "Unnamed: 0" in notice
    assert (await engineer.get(report["links"]["self"])).json()["notices"] == [notice]
    tried = await send(engineer, things, body, CSV, dry_run=True)
    assert tried.json()["notices"] == [notice]
    assert (await taken(engineer, things, ROWS))["notices"] == []


async def test_empty_bodies(engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str) -> None:
    assert (await taken(engineer, things, b""))["rows"] == 0
    assert (await taken(engineer, things, b"[]", JSON))["rows"] == 0
    assert (await taken(engineer, things, b"id,at,v\n", CSV))["rows"] == 0
    for media in (JSON, CSV, PARQUET):
        answer = await send(engineer, things, b"", media)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed-body")
    replacing = await register(engineer, "replaced", "replace")
    await taken(engineer, replacing, ROWS)
    for body, code in ((b"", "empty-replacement"), (b"{}\n", "nothing-accepted")):
        answer = await send(engineer, replacing, body)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await stored(owner, "replaced") == STORED


async def test_media_types_have_synonyms_and_parameters(engineer: httpx.AsyncClient, things: str) -> None:
    for media in ("application/jsonl", "application/ndjson", "APPLICATION/X-NDJSON; charset=UTF-8"):
        await taken(engineer, things, ROWS, media)
    assert NDJSON in FORMATS


async def test_a_promoted_table_still_takes_rows(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    await taken(engineer, things, ROWS)
    moved = await admin.post(
        "/api/tables/things/promote", json={"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "test"}
    )
    assert moved.status_code == 200, moved.text
    assert counted(await taken(engineer, things, [(1, 9, 99)])) == {"updated": 1}
    images = await owner.fetch("SELECT id, v, _spyne_image_op::text AS op FROM data.things__v1__before")
    assert [tuple(row) for row in images] == [(1, 11, "U")], "the before-image is kept"
