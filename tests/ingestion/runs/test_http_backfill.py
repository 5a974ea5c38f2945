"""A table is filled from other batches, from objects and from an adopted table, in batches of bounded size."""

from typing import Any

import asyncpg
import httpx
import pytest

from app.ingestion.runs.jobs import JOBS
from app.kernel.runtime.resources import Resources
from app.kernel.storage.object_storage import ObjectStorage
from tests.ingestion.runs.steps import BACKFILL, REASON, applied, planned
from tests.ingestion.runs.test_http_replay import newer
from tests.ingestion.runs.workers import working
from tests.ingestion.steps import CSV, FORMATS, JSON, NDJSON, PARQUET, Row, at, counted, register, stored, taken

pytestmark = pytest.mark.usefixtures("open_for_data")

ROWS: list[Row] = [(number, number % 50, number) for number in range(1, 1_001)]
WINDOW = {"from": at(10), "to": at(20)}
WITHIN = [row for row in ROWS if 10 <= row[1] < 20]


async def test_from_the_batches_of_another_version(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    former = await register(engineer, "prices")
    for begin in range(0, 1_000, 250):
        media = list(FORMATS)[begin // 250]
        await taken(engineer, former, FORMATS[media](ROWS[begin : begin + 250]), media)
    into = await newer(engineer, "prices")
    wanted: dict[str, Any] = {
        "contract_id": into,
        "source": {"kind": "batches", "contract_id": former},
        "batch_size": 100,
    }
    async with working(resources, JOBS):
        plan, run = await applied(admin, BACKFILL, **wanted | WINDOW)
        assert counted(plan) == {"inserted": len(WITHIN)}
        assert await stored(owner, "prices", 2) == sorted(WITHIN)
        plan, run = await applied(admin, BACKFILL, **wanted)
        assert counted(plan) == {"inserted": 1_000 - len(WITHIN), "unchanged": len(WITHIN)}
        assert (plan["parts_total"], run["rows_done"], run["rows_total"]) == (12, 1_000, 1_000)
    assert await stored(owner, "prices", 2) == ROWS
    sizes = await owner.fetch(
        "SELECT rows_received, source_batch_id IS NOT NULL FROM spyne.ingestion_history WHERE run_id = $1", run["id"]
    )
    assert all(row[0] <= 100 and row[1] for row in sizes)


async def test_from_objects_in_every_format(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    resources: Resources,
    storage: ObjectStorage,
) -> None:
    contract_id = await register(engineer, "prices")
    endings = {NDJSON: "ndjson", JSON: "json", CSV: "csv", PARQUET: "parquet"}
    for place, (media, ending) in enumerate(endings.items()):
        await put(storage, f"backfill/prices/{place}.{ending}", FORMATS[media](ROWS[place * 250 : place * 250 + 250]))
    await put(storage, "backfill/prices/README.txt", b"no rows")
    await put(storage, "backfill/others/1.ndjson", b"{}\n")
    wanted: dict[str, Any] = {
        "contract_id": contract_id,
        "source": {"kind": "object", "prefix": "backfill/prices/"},
        "batch_size": 200,
    }
    plan = await planned(admin, BACKFILL, **wanted)
    assert "README.txt" in plan["warnings"][0]
    await put(storage, "backfill/prices/4.ndjson", FORMATS[NDJSON]([(5_000, 1, 1)]))
    stale = await admin.post(BACKFILL, json=REASON | wanted | {"plan_hash": plan["plan_hash"]})
    assert (stale.status_code, stale.json()["code"]) == (409, "plan-changed")
    async with working(resources, JOBS):
        plan, _ = await applied(admin, BACKFILL, **wanted)
    assert counted(plan) == {"inserted": 1_001}
    assert await stored(owner, "prices") == [*ROWS, (5_000, 1, 1)]


async def test_from_an_adopted_table(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await owner.execute(
        "CREATE TABLE public.legacy (id bigint, at timestamptz, v integer, colour text); "
        "INSERT INTO legacy SELECT n, '2026-01-01Z'::timestamptz + (n % 50) * interval '1 hour', n, 'red' "
        "FROM generate_series(1, 1000) n; INSERT INTO legacy VALUES (NULL, now(), 1, 'x'); "
        "INSERT INTO legacy SELECT 7, '2026-01-01Z', n, 'same key' FROM generate_series(1, 150) n; "
        "GRANT SELECT ON public.legacy TO spyne_app"
    )
    adopted = await admin.post(
        "/api/tables/adopt",
        json={"reason": "test", "relations": ["public.legacy"], "names": {"public.legacy": "legacy"}},
    )
    assert adopted.is_success, adopted.text
    contract_id = await register(engineer, "prices", "upsert", "latest_wins")
    wanted = {"contract_id": contract_id, "source": {"kind": "relation", "table": "legacy"}, "batch_size": 100}
    async with working(resources, JOBS):
        plan, run = await applied(admin, BACKFILL, **wanted)
    assert (counted(plan)["inserted"], run["rows_done"]) == (1_000, 1_150), "rows of one key are not parted"
    assert await stored(owner, "prices") == ROWS
    assert [warning for warning in plan["warnings"] if "null" in warning]
    assert [warning for warning in plan["warnings"] if "colour" in warning]


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"source": {"kind": "relation", "table": "nobody"}}, 404, "table-not-found"),
        ({"source": {"kind": "relation", "table": "prices"}}, 422, "invalid-ingestion-run"),
        ({"source": {"kind": "object", "prefix": "backfill/none/"}}, 409, "nothing-to-replay"),
        ({"source": {"kind": "object", "prefix": "raw/"}}, 422, "invalid-request"),
        ({"source": {"kind": "object", "prefix": "backfill/../raw/"}}, 422, "invalid-request"),
        ({"source": {"kind": "object", "prefix": "backfill//x"}}, 422, "invalid-request"),
        ({"source": {"kind": "object", "prefix": "backfill/%2e%2e/raw"}}, 422, "invalid-request"),
        ({"source": {"kind": "batches", "contract_id": "nobody_v1"}}, 404, "contract-not-found"),
        ({"source": {"kind": "batches", "contract_id": "prices"}}, 422, "invalid-request"),
        ({"source": {"kind": "object", "prefix": "backfill/"}, "from": at(2), "to": at(1)}, 422, "invalid-request"),
        ({"source": {"kind": "batches", "contract_id": "prices_v1"}}, 409, "nothing-to-replay"),
        ({"source": {"kind": "tape"}}, 422, "invalid-request"),
        (
            {"source": {"kind": "object", "prefix": "backfill/"}, "contract_id": "whole_v1"},
            422,
            "invalid-ingestion-run",
        ),
        ({"source": {"kind": "object", "prefix": "backfill/"}, "contract_id": "bare_v1"}, 422, "invalid-ingestion-run"),
        ({"source": {"kind": "object", "prefix": "backfill/"}, "contract_id": "none_v1"}, 404, "contract-not-found"),
    ],
)
async def test_what_cannot_be_filled_is_said(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, wanted: dict[str, Any], status: int, code: str
) -> None:
    contract_id = await register(engineer, "prices")
    await register(engineer, "whole", "replace")
    await register(engineer, "bare", declared=False)
    refused = await admin.post(BACKFILL, json=REASON | {"contract_id": contract_id, "dry_run": True} | wanted)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text


async def put(storage: ObjectStorage, key: str, data: bytes) -> None:
    async def body() -> Any:
        yield data

    await storage.put_stream(key, body())
