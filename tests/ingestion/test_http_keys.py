"""`Idempotency-Key` on batches: one effect per key, the stored answer replayed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.storage.object_storage import ObjectStorage
from tests.census import census, differences
from tests.ingestion.steps import CSV, NDJSON, csv_table, ndjson, raw_keys, register, send, stored
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("open_for_data")

ROWS: list[Any] = [(1, 0, 10), (2, 1, 20)]
LATER = {"Prefer": "respond-async"}


@pytest.mark.parametrize("headers", [{}, LATER])
async def test_a_repetition_answers_what_is_stored(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, storage: ObjectStorage, headers: dict[str, str]
) -> None:
    contract_id = await register(engineer, "events", "append")
    first = await send(engineer, contract_id, ROWS, key="k1", headers=headers)
    assert first.status_code == (202 if headers else 201), first.text
    assert "Idempotency-Replayed" not in first.headers
    before, raws = await census(owner), await raw_keys(storage)
    for key in ("k1", '"k1"'):
        for preferred in (headers, {}, LATER):
            again = await send(engineer, contract_id, ROWS, key=key, headers=preferred)
            assert (again.status_code, again.json()) == (first.status_code, first.json())
            assert again.headers["Location"] == first.headers["Location"]
            assert again.headers["Idempotency-Replayed"] == "true"
            assert again.headers.get("Preference-Applied") == ("respond-async" if headers else None)
    assert differences(before, await census(owner)) == []
    assert await raw_keys(storage) == raws


@pytest.mark.parametrize("headers", [{}, LATER])
async def test_another_request_under_the_key_is_refused(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, storage: ObjectStorage, things: str, headers: dict[str, str]
) -> None:
    assert (await send(engineer, things, csv_table(ROWS), CSV, key="k1", headers=headers)).is_success
    before, raws = await census(owner), await raw_keys(storage)
    others: list[tuple[Any, dict[str, Any]]] = [
        (csv_table(ROWS[:1]), {"media": CSV}),
        (b"", {"media": CSV}),
        (csv_table(ROWS), {"media": NDJSON}),
        (csv_table(ROWS), {"media": CSV, "max_rejected": "1"}),
    ]
    for body, how in others:
        answer = await send(engineer, things, body, key="k1", headers=headers, **how)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused"), how
    assert differences(before, await census(owner)) == []
    assert await raw_keys(storage) == raws


async def test_a_key_belongs_to_its_sender_and_contract(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, things: str
) -> None:
    other = await register(engineer, "others")
    answers = [
        await send(client, contract_id, ROWS, key="k1")
        for client, contract_id in ((engineer, things), (admin, things), (engineer, other))
    ]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.json()["id"] for answer in answers}) == 3


async def test_a_request_under_way_holds_its_key(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield ndjson(ROWS[:1])
        await go_on.wait()
        yield ndjson(ROWS[1:])

    first = asyncio.create_task(send(engineer, things, slow(), key="k1"))

    async def held() -> bool:
        return bool(
            await owner.fetchval(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        )

    await eventually(held)
    for headers in ({}, LATER):
        answer = await send(engineer, things, ROWS, key="k1", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency-key-in-use")
        assert int(answer.headers["Retry-After"]) >= 1
    go_on.set()
    done = await first
    assert done.status_code == 201, done.text
    assert (await send(engineer, things, ROWS, key="k1")).json() == done.json()
    assert len(await stored(owner, "things")) == 2


async def test_many_at_once_under_one_key_have_one_effect(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, storage: ObjectStorage
) -> None:
    contract_id = await register(engineer, "events", "append")

    async def insist(headers: dict[str, str]) -> httpx.Response:
        while True:
            answer = await send(engineer, contract_id, ROWS, key="k1", headers=headers)
            if answer.status_code not in {409, 503}:
                return answer
            await asyncio.sleep(0.02)

    answers = await asyncio.gather(*[insist({}) for _ in range(6)])
    assert [answer.status_code for answer in answers] == [201] * 6
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum("Idempotency-Replayed" in answer.headers for answer in answers) == 5, "one of them did it"
    later = await asyncio.gather(*[insist(LATER) for _ in range(3)])
    assert all(answer.json() == answers[0].json() for answer in later)
    assert await owner.fetchval("SELECT count(*) FROM spyne.ingestion_history") == 1
    assert len(await raw_keys(storage)) == 1


async def test_what_was_refused_may_be_tried_again_under_its_key(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, things: str
) -> None:
    body = ndjson(ROWS) + b"{}\n"
    assert (await send(engineer, things, body, key="k1", max_rejected="0")).status_code == 422
    assert (
        await send(engineer, things, b"\x1f\x8b", key="k1", headers={"Content-Encoding": "gzip"})
    ).status_code == 422
    assert await owner.fetchval("SELECT count(*) FROM spyne.idempotency_keys") == 0
    assert (await send(engineer, things, body, key="k1")).status_code == 201
