"""One effect per Idempotency-Key: the key lives and dies with the transaction of its effect."""

import asyncio
from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from app.kernel.db.database import Database
from app.kernel.http import idempotency
from app.kernel.http.idempotency import MAX_KEY_LENGTH, IdempotencyKeys, KeyInUse, KeyReused, MalformedKey, Replay
from app.kernel.runtime.resources import Resources

PRINT = b"\x01" * 32


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (None, None),
        ("abc", "abc"),
        ("  abc ", "abc"),
        ('"abc"', "abc"),
        ('"a b"', "a b"),
        ('"', '"'),
        ('a"b', 'a"b'),
        ("x" * MAX_KEY_LENGTH, "x" * MAX_KEY_LENGTH),
    ],
)
async def test_the_header_is_read_plain_or_quoted(sent: str | None, read: str | None) -> None:
    assert await idempotency.header(sent) == read


@pytest.mark.parametrize("sent", ["", "  ", '""', "x" * (MAX_KEY_LENGTH + 1), "a\x01b", "a\x7f", "ä", "\x00", "a\tb"])
async def test_a_malformed_header_is_refused(sent: str) -> None:
    with pytest.raises(MalformedKey) as refused:
        await idempotency.header(sent)
    assert refused.value.status == 400


async def answer(database: Database, scope: str, key: str, result: int) -> Replay | None:
    """What was stored under the key, or None when this call has stored its own answer."""
    async with database.write() as session:
        keys = IdempotencyKeys(session, scope)
        found = await keys.claim(key)
        if found is None:
            await keys.store(key, PRINT, 201, {"result": result})
        return found


async def test_the_first_answer_is_replayed_to_everybody_after(resources: Resources) -> None:
    database = resources.database
    assert await answer(database, "ada:batches", "k", 1) is None
    assert await answer(database, "ada:batches", "k", 2) == Replay(PRINT, 201, {"result": 1})
    assert await answer(database, "bob:batches", "k", 3) is None, "another caller's keys are others"
    assert await answer(database, "ada:batches", "K", 4) is None


async def test_a_key_of_a_rolled_back_effect_was_never_used(resources: Resources) -> None:
    async def fail() -> None:
        async with resources.database.write() as session:
            keys = IdempotencyKeys(session, "s")
            assert await keys.claim("k") is None
            await keys.store("k", PRINT, 201, {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await answer(resources.database, "s", "k", 1) is None


async def test_while_one_is_under_way_others_are_told_to_wait(resources: Resources, owner: asyncpg.Connection) -> None:
    claimed, finish = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with resources.database.write() as session:
            keys = IdempotencyKeys(session, "s")
            assert await keys.claim("k") is None
            claimed.set()
            await finish.wait()
            await keys.store("k", PRINT, 201, {"result": 1})

    task = asyncio.create_task(slow())
    await claimed.wait()
    with pytest.raises(KeyInUse) as refused:
        await answer(resources.database, "s", "k", 2)
    assert (refused.value.status, refused.value.headers["Retry-After"]) == (409, "1")
    assert await answer(resources.database, "s", "other", 3) is None
    assert await answer(resources.database, "another scope", "k", 3) is None
    finish.set()
    await task
    assert await answer(resources.database, "s", "k", 2) == Replay(PRINT, 201, {"result": 1})
    assert await owner.fetchval("SELECT count(*) FROM spyne.idempotency_keys") == 3


async def test_a_claimant_whose_connection_dies_frees_the_key(resources: Resources, owner: asyncpg.Connection) -> None:
    cut = (
        "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity "
        "WHERE usename = 'spyne_app' AND datname = current_database()"
    )

    async def die() -> None:
        async with resources.database.write() as session:
            await IdempotencyKeys(session, "s").claim("k")
            await owner.execute(cut)
            await IdempotencyKeys(session, "s").claim("k2")

    with pytest.raises(DBAPIError):  # what the driver says depends on how soon it hears of the end
        await die()
    assert await answer(resources.database, "s", "k", 1) is None


def test_another_request_under_the_same_key_is_refused() -> None:
    replay = Replay(PRINT, 201, {})
    replay.require_same(PRINT)
    with pytest.raises(KeyReused) as refused:
        replay.require_same(b"\x02" * 32)
    assert (refused.value.status, refused.value.faults[0].pointer) == (422, "header/Idempotency-Key")


def test_the_document_tells_of_the_header(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/api/ingestion/{contract_id}/batches"]["post"]["parameters"]
    assert "Idempotency-Key" in {parameter["name"] for parameter in parameters}


def test_every_operation_that_takes_a_key_says_when_an_answer_is_a_stored_one(document: dict[str, Any]) -> None:
    taking = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if "Idempotency-Key" in {parameter["name"] for parameter in operation.get("parameters", ())}:
                taking[f"{method} {path}"] = operation["responses"]
    assert taking.keys() >= {"post /api/ingestion/{contract_id}/batches", "post /system/exports/"}
    for name, answers in taking.items():
        said = [status for status, answer in answers.items() if "Idempotency-Replayed" in answer.get("headers", {})]
        assert said, name
