"""The service is killed while batches change their contract's schema: each batch is there once or not at all.

`SPYNE_TEST_CRASHES=30 python -m pytest -n0 -s tests/ingestion/drift/test_http_crashes.py` kills more often than the
suite does.
"""

import asyncio
import random

import asyncpg
import httpx
import pytest

from app.warehouse import relation_checks
from tests import loopback
from tests.identities import Identities
from tests.ingestion.crash_place import KILLS
from tests.ingestion.drift.steps import as_ndjson, columns_of, contract_with, good
from tests.ingestion.steps import send
from tests.service_processes import ApiProcess, Surroundings, api_process

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("open_for_data"), pytest.mark.timeout(120 + 30 * KILLS)]

ROWS = 400
LONGEST = 0.25
"""Seconds from sending a batch to the kill, at most: about the time that an evolving batch of this size takes."""


def body(number: int) -> bytes:
    """A batch that brings a column of its own, and has a value that is too large for its type the first time."""
    rows = [good(number * ROWS + n, 2**40, **{f"field_{number}": f"{number} of {n}"}) for n in range(ROWS)]
    return as_ndjson(rows)


async def killed_while_sending(api: ApiProcess, token: str, number: int, seconds: float) -> None:
    """Send a batch and kill the service some time after; whether an answer came does not matter."""
    headers = {"Authorization": f"Bearer {token}"}
    async with loopback.client(api.url, headers=headers, timeout=60) as client:
        sending = asyncio.create_task(send(client, "fragile_v1", body(number), key=f"batch-{number}"))
        await asyncio.sleep(seconds)
        await api.kill()
        await asyncio.gather(sending, return_exceptions=True)


async def stored_rows(owner: asyncpg.Connection, number: int) -> int:
    """Rows of the batch that are stored."""
    low = number * ROWS
    query = "SELECT count(*) FROM data.fragile__v1 WHERE id BETWEEN $1 AND $2"
    return int(await owner.fetchval(query, low, low + ROWS - 1))


async def test_a_batch_that_evolves_its_contract_survives_kills_whole_or_not_at_all(
    engineer: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection, surroundings: Surroundings
) -> None:
    await contract_with(engineer, "fragile", "evolve", "evolve")
    token = await identities.token("ENGINEER")
    headers = {"Authorization": f"Bearer {token}"}
    chance, whole = random.Random(17), 0
    async with api_process(surroundings) as api:
        for number in range(KILLS):
            await killed_while_sending(api, token, number, chance.uniform(0, LONGEST))
            there = await stored_rows(owner, number)
            assert there in {0, ROWS}, "whole or not at all"
            whole += there == ROWS
            assert await relation_checks.findings(owner) == [], "schema version and relation agree"
            await api.start()
            async with loopback.client(api.url, headers=headers, timeout=60) as client:
                report = await send(client, "fragile_v1", body(number), key=f"batch-{number}")
                assert report.status_code == 201, report.text
                assert report.json()["counts"]["inserted"] == ROWS, "its own report, whoever sends it again"
                types = await columns_of(client, "fragile_v1")
                assert (types["v"], types[f"field_{number}"]) == ("bigint", "text")
            assert await stored_rows(owner, number) == ROWS
            filled = f'SELECT count(*) FROM data.fragile__v1 WHERE "field_{number}" IS NOT NULL'
            assert await owner.fetchval(filled) == ROWS
    print(f"kills={KILLS} batches that were whole when the service was killed={whole}")
    assert await owner.fetchval("SELECT count(*) FROM data.fragile__v1") == KILLS * ROWS
    batches = await owner.fetchval("SELECT count(*) FROM spyne.ingestion_history WHERE status = 'completed'")
    assert batches == KILLS
    applied = await owner.fetchval("SELECT count(*) FROM spyne.drift_reports WHERE status = 'accepted'")
    version = await owner.fetchval("SELECT schema_version FROM spyne.tables WHERE name = 'fragile'")
    assert version == 1 + applied, "each version of the schema has its report"
