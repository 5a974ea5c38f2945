"""Batches side by side, and senders that go away in the middle, against a real API process."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.ingestion.decoding import body
from app.kernel.storage.object_storage import ObjectStorage
from app.warehouse.plan import Mode, Resolution
from tests import loopback
from tests.census import census, differences
from tests.identities import Identities
from tests.ingestion.steps import NDJSON, START, WINDOW, counted, ndjson, raw_keys, register, send, stored, taken
from tests.reference.verdicts import Observation, Rules, outcome
from tests.service_processes import ApiProcess, Surroundings, api_process
from tests.waiting import eventually
from tests.warehouse.relations import content_hash

pytestmark = pytest.mark.usefixtures("open_for_data")

ROWS: list[Any] = [(1, 0, 10), (2, 1, 20)]


async def insisted(client: httpx.AsyncClient, contract_id: str, rows: Any) -> httpx.Response:
    """The answer to a batch, tried again while the service has no room for it."""
    while True:
        answer = await send(client, contract_id, rows)
        if answer.status_code != 503:
            return answer
        await asyncio.sleep(float(answer.headers["Retry-After"]) / 5)


@pytest.mark.parametrize("mode", [Mode.UPSERT, Mode.APPEND])
async def test_concurrent_batches_of_the_same_keys_equal_the_fold(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, mode: Mode
) -> None:
    chance = random.Random(20260101)
    contract_id = await register(engineer, "shared", mode.value, declared=mode is Mode.UPSERT)
    batches = [
        [(chance.randrange(40), chance.randrange(60), chance.randrange(5)) for _ in range(150)] for _ in range(8)
    ]
    answers = await asyncio.gather(*[insisted(engineer, contract_id, rows) for rows in batches])
    assert [answer.status_code for answer in answers] == [201] * 8
    hashed = {v: await content_hash(owner, ("v", "integer", v)) for v in range(5)}
    seen = [
        [Observation((id_,), START + timedelta(hours=hour), hashed[v]) for id_, hour, v in rows] for rows in batches
    ]
    expected = outcome(seen, Rules(mode, Resolution.LATEST_WINS, WINDOW))
    found = await stored(owner, "shared")
    assert {((id_,), START + timedelta(hours=hour)): hashed[v] for id_, hour, v in found} == expected
    assert len(found) == len(expected), "no key is there twice"
    counts = [answer.json()["counts"] for answer in answers]
    assert sum(sum(count.values()) for count in counts) == 8 * 150
    assert await owner.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'") == 0


@pytest.fixture
async def api(surroundings: Surroundings) -> AsyncIterator[ApiProcess]:
    async with api_process(surroundings, DATABASE_LOAD_POOL_SIZE="2", DATABASE_POOL_TIMEOUT_SECONDS="3") as process:
        yield process


@pytest.fixture
async def sender(api: ApiProcess, identities: Identities) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {await identities.token('ENGINEER')}"}
    async with loopback.client(api.url, headers=headers, timeout=30) as client:
        yield client


async def abort(api: ApiProcess, client: httpx.AsyncClient, contract_id: str, **headers: str) -> None:
    """Begin a batch and go away in the middle of it."""
    host, port = api.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    sent = {"Host": host, "Content-Type": NDJSON, "Transfer-Encoding": "chunked"} | headers
    sent["Authorization"] = client.headers["Authorization"]
    head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    writer.write(f"POST /api/ingestion/{contract_id}/batches HTTP/1.1\r\n{head}\r\n".encode())
    part = ndjson([(n, n, n) for n in range(8000)])
    writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n" + b"ffff\r\n" + part[:500])
    await writer.drain()
    await asyncio.sleep(0.3)
    writer.transport.abort()


def unpublished(home: Path) -> list[Path]:
    return list((home / "objects" / ".uploads").iterdir())


async def test_a_sender_that_goes_away_leaves_nothing(
    api: ApiProcess,
    sender: httpx.AsyncClient,
    owner: asyncpg.Connection,
    storage: ObjectStorage,
    surroundings: Surroundings,
    things: str,
) -> None:
    undeclared = await register(sender, "undeclared", declared=False)
    await taken(sender, things, ROWS)
    before, raws = await census(owner), await raw_keys(storage)
    for _ in range(3):  # more of them than there are connections
        await abort(api, sender, things)
        await abort(api, sender, things, **{"Idempotency-Key": "k1"})
        await abort(api, sender, things, Prefer="respond-async")
        await abort(api, sender, undeclared)

    async def all_quiet() -> bool:
        busy = await owner.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'spyne_app' "
            "AND state <> 'idle'"
        )
        return not busy and not unpublished(surroundings.home)

    await eventually(all_quiet)
    assert differences(before, await census(owner)) == []
    assert await raw_keys(storage) == raws
    answers = await asyncio.gather(
        *[send(sender, things, ROWS, key="k1") for _ in range(1)], send(sender, things, ROWS)
    )
    assert [answer.status_code for answer in answers] == [201, 201], "every connection is back in its pool"
    assert "unhandled" not in api.log.read_text()


async def test_a_refusal_reaches_a_sender_who_sends_first_and_reads_later(
    api: ApiProcess, sender: httpx.AsyncClient, things: str
) -> None:
    body = ndjson([(n, n, n) for n in range(20_000)]) * 20
    assert len(body) > 16 << 20
    answer = await send(sender, "nothing_v1", body)
    assert (answer.status_code, answer.json()["code"]) == (404, "contract-not-found")
    answer = await send(sender, things, body + b"{}\n", max_rejected="0")
    assert (answer.status_code, answer.json()["code"]) == (422, "reject-limit-exceeded")
    assert api.running


async def test_a_silent_sender_is_not_waited_for(
    engineer: httpx.AsyncClient,
    app: FastAPI,
    owner: asyncpg.Connection,
    storage: ObjectStorage,
    things: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(body, "SILENCE_SECONDS", 0.2)

    async def silent() -> AsyncIterator[bytes]:
        yield ndjson(ROWS)
        await asyncio.Event().wait()

    before = await census(owner)
    for headers in ({}, {"Prefer": "respond-async"}):
        answer = await send(engineer, things, silent(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (408, "sender-silent")
    assert differences(before, await census(owner)) == []
    assert await raw_keys(storage) == []
    assert app.state.resources.database.loader.pool.checkedout() == 0


async def test_an_upload_does_not_hold_up_a_promotion_which_then_refuses_it(
    engineer: httpx.AsyncClient,
    admin: httpx.AsyncClient,
    owner: asyncpg.Connection,
    storage: ObjectStorage,
    things: str,
) -> None:
    first = await taken(engineer, things, ROWS)
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield ndjson([(9, 9, 9)])
        await go_on.wait()

    upload = asyncio.create_task(send(engineer, things, slow()))
    await asyncio.sleep(0.3)
    change = {"from_state": "SHADOW", "to_state": "READ_ONLY", "reason": "test"}
    moved = await asyncio.wait_for(admin.post("/api/tables/things/promote", json=change), 5)
    assert moved.status_code == 200, moved.text
    before = await census(owner)
    go_on.set()
    answer = await upload
    assert (answer.status_code, answer.json()["code"]) == (409, "table-not-writable")
    assert differences(before, await census(owner)) == []
    assert await raw_keys(storage) == [f"raw/things_v1/{first['id']}.zst"]


async def test_a_body_split_anywhere_is_the_same_batch(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    body = ndjson([(n, n % 7, n) for n in range(500)])

    async def drops(size: int) -> AsyncIterator[bytes]:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    assert counted(await taken(engineer, things, drops(7))) == {"inserted": 500}
    assert counted(await taken(engineer, things, drops(4096))) == {"unchanged": 500}
    assert len(await stored(owner, "things")) == 500
