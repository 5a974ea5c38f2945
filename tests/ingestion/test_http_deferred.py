"""Batches answered 202 and merged by a real worker process."""

import json
import os
import time
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.ingestion.jobs import TIDY_JOB
from app.kernel.ids import new_id
from app.kernel.jobs import enqueue
from app.kernel.security.authorization import SYSTEM
from app.kernel.storage.object_storage import ObjectStorage
from tests.ingestion.steps import FORMATS, JSON, counted, ndjson, raw_keys, register, send, stored, taken
from tests.service_processes import Surroundings, worker_process
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("open_for_data")

LATER = {"Prefer": "return=minimal, Respond-Async; wait=5"}
ROWS: list[Any] = [(1, 0, 10), (2, 1, None), (3, 2, 30), (1, 3, 11)]
STORED: list[Any] = [(1, 3, 11), (2, 1, None), (3, 2, 30)]


async def accepted(client: httpx.AsyncClient, contract_id: str, body: Any, *args: Any, **more: Any) -> str:
    """The address of a batch that will be merged later."""
    answer = await send(client, contract_id, body, *args, headers=LATER | more.pop("headers", {}), **more)
    assert answer.status_code == 202, answer.text
    report = answer.json()
    assert (report["status"], report["rows"], answer.headers["Preference-Applied"]) == ("pending", 0, "respond-async")
    assert answer.headers["Location"] == report["links"]["self"]
    return str(answer.headers["Location"])


async def ended(client: httpx.AsyncClient, place: str, seconds: float = 30) -> dict[str, Any]:
    """The report of a batch, once it does not wait any more."""

    async def over() -> bool:
        return (await client.get(place)).json()["status"] != "pending"

    await eventually(over, seconds)
    report: dict[str, Any] = (await client.get(place)).json()
    return report


async def test_a_worker_merges_what_was_accepted(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    storage: ObjectStorage,
    surroundings: Surroundings,
) -> None:
    names = {media: media.rpartition("/")[2].rpartition(".")[2].replace("-", "_") for media in FORMATS}
    places: dict[str, str] = {}
    for media, encode in FORMATS.items():
        contract_id = await register(engineer, names[media], declared=media != JSON)
        places[media] = await accepted(engineer, contract_id, encode(ROWS), media)
        assert (await send(engineer, contract_id, b"x", media, headers=LATER | {"Content-Encoding": "zstd"})).is_error
    things = await register(engineer, "things")
    refused = await accepted(engineer, things, ndjson(ROWS) + b"{}\n" * 2, max_rejected="1")
    malformed = await accepted(engineer, things, b"{", JSON)
    partly = await accepted(engineer, things, b'{"id": 1, "at": "2026-01-01T00:00:00Z", "v": "x"}\n' + ndjson(ROWS))
    closed = await register(engineer, "closed")
    late = await accepted(engineer, closed, ROWS)
    moved = await admin.post(
        "/api/tables/closed/promote", json={"from_state": "SHADOW", "to_state": "READ_ONLY", "reason": "test"}
    )
    assert moved.status_code == 200, moved.text
    assert await stored(owner, "things") == []
    async with worker_process(surroundings):
        for media, place in places.items():
            report = await ended(engineer, place)
            assert counted(report) == {"inserted": 3, "late": 1}, (media, report)
            assert report["bytes"] == len(FORMATS[media](ROWS))
            assert await stored(owner, names[media]) == STORED
        report = await ended(engineer, refused)
        assert (report["status"], report["problem"]["code"]) == ("failed", "reject-limit-exceeded")
        assert (report["rows"], report["counts"]["rejected"]) == (6, 2)
        assert (await ended(engineer, malformed))["problem"]["code"] == "malformed-body"
        report = await ended(engineer, partly)
        assert counted(report) == {"inserted": 3, "late": 1, "rejected": 1}
        assert report["quarantined"][0]["line"] == 1
        assert (await ended(engineer, late))["problem"]["code"] == "table-not-writable"
    assert await stored(owner, "closed") == []
    audited = await owner.fetch(
        "SELECT action, actor_label FROM spyne.audit_log WHERE entity_type = 'batch' AND entity_label = 'things_v1' "
        "ORDER BY action, id"
    )
    assert [row["action"] for row in audited] == ["batch:accept"] * 3 + ["batch:fail"] * 2 + ["batch:ingest"]
    assert len({row["actor_label"] for row in audited}) == 1, "the sender answers for it, whoever does the work"
    assert len(await raw_keys(storage)) == 8, "what was accepted is kept, even when it failed"


async def test_the_preference_is_read_as_a_list(engineer: httpx.AsyncClient, things: str) -> None:
    for preference in ("respond-asynchronously", "wait=10", "handling=lenient"):
        report = await taken(engineer, things, ROWS, headers={"Prefer": preference})
        assert report["status"] == "completed"


async def test_a_batch_waits_while_the_platform_is_closed(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    surroundings: Surroundings,
    things: str,
) -> None:
    place = await accepted(engineer, things, ROWS)
    await admin.put("/system/mode", json={"mode": "READ_ONLY"})
    async with worker_process(surroundings):

        async def looked_at() -> bool:
            return bool(await owner.fetchval("SELECT attempt > 0 AND state = 'queued' FROM spyne.job_runs"))

        await eventually(looked_at)
        assert await stored(owner, "things") == []
        assert (await engineer.get(place)).json()["status"] == "pending"
        await admin.put("/system/mode", json={"mode": "INGESTION_READY"})
        assert counted(await ended(engineer, place)) == {"inserted": 3, "late": 1}


async def test_a_lost_body_fails_the_batch(
    engineer: httpx.AsyncClient, storage: ObjectStorage, surroundings: Surroundings, things: str
) -> None:
    lost = await accepted(engineer, things, ROWS)
    for key in await raw_keys(storage):
        await storage.delete(key)
    async with worker_process(surroundings):
        assert (await ended(engineer, lost))["problem"]["code"] == "object-not-found"


async def test_tidying(
    app: FastAPI,
    engineer: httpx.AsyncClient,
    owner: asyncpg.Connection,
    storage: ObjectStorage,
    surroundings: Surroundings,
    things: str,
) -> None:
    waiting = await accepted(engineer, things, ROWS)
    stranded = await accepted(engineer, things, ROWS)
    await owner.execute(
        "UPDATE spyne.job_runs SET state = 'dead' WHERE payload->>'batch_id' = $1", stranded.rpartition("/")[2]
    )
    done = await taken(engineer, things, ROWS)
    kept = set(await raw_keys(storage))
    for name in ("old", "fresh"):
        async with storage.writer(f"raw/things_v1/{new_id()}.zst") as writer:
            await writer.write(name.encode())
        if name == "old":
            long_ago = time.time() - 2 * 24 * 3600
            for path in (surroundings.home / "objects" / "raw" / "things_v1").iterdir():
                os.utime(path, (long_ago, long_ago))
    assert len(await raw_keys(storage)) == len(kept) + 2
    async with app.state.resources.database.write() as session:
        tidying = await enqueue(session, TIDY_JOB, {}, actor=SYSTEM)
    async with worker_process(surroundings):

        async def tidied() -> bool:
            state = await owner.fetchval("SELECT state FROM spyne.job_runs WHERE id = $1", tidying)
            assert state not in {"failed", "dead"}
            return bool(state == "succeeded")

        await eventually(tidied)
        assert (await ended(engineer, stranded))["problem"]["code"] == "merge-failed"
        assert (await ended(engineer, waiting))["status"] == "completed"
    left = set(await raw_keys(storage))
    assert kept <= left
    assert len(left) == len(kept) + 1, "the fresh one may belong to an upload under way"
    assert f"raw/things_v1/{done['id']}.zst" in left
    progress = await owner.fetchval("SELECT progress FROM spyne.job_runs WHERE id = $1", tidying)
    assert json.loads(progress) == {"given_up": 1, "removed": 1}
