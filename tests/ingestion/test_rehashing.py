"""Migration 0022: rows and before-images that were hashed by position are hashed by value, portion by portion."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest
from alembic import command
from sqlalchemy.exc import DBAPIError

from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.database import sqlstate
from tests.ingestion.steps import Row, register, taken

ROWS: list[Row] = [(number, 1, number) for number in range(500)]
AGAIN: list[Row] = [(number, 2, number + 1) for number in range(400)]
pytestmark = pytest.mark.usefixtures("open_for_data")
MODES = ("append", "upsert", "replace")
HASHES = "SELECT id, v, _spyne_hash, _spyne_batch FROM {} ORDER BY 1, 2, 3, 4"


async def hashes(owner: asyncpg.Connection) -> dict[str, list[Any]]:
    """Every hash, by relation."""
    relations = [f'data."t_{mode}__v1{suffix}"' for mode in MODES for suffix in ("", "__before")]
    return {name: [tuple(row) for row in await owner.fetch(HASHES.format(name))] for name in relations}


def by_small_portions(url: str) -> None:
    """Upgrade, two pages at a time."""
    config = migrations.configuration(url)
    config.attributes["portion_pages"] = 2
    command.upgrade(config, "head")


async def test_hashes_are_made_anew_and_a_stopped_migration_goes_on(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection, urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mode in MODES:
        contract_id = await register(engineer, f"t_{mode}", mode)
        await taken(engineer, contract_id, ROWS)
        await taken(engineer, contract_id, AGAIN)
    expected = await hashes(owner)
    assert all(expected[f'data."t_{mode}__v1__before"'] for mode in ("upsert", "replace"))
    await asyncio.to_thread(command.downgrade, migrations.configuration(urls.owner), "0021")
    positional = await hashes(owner)
    assert all(positional[name] != expected[name] for name in expected if expected[name])

    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "200ms")
    locker = await migrations.connect(urls.owner)
    async with locker.transaction():
        await locker.execute('SELECT FROM data."t_upsert__v1" WHERE id = 499 FOR UPDATE')
        with pytest.raises(DBAPIError) as failed:
            await asyncio.to_thread(by_small_portions, urls.owner)
    await locker.close()
    assert sqlstate(failed.value) == "55P03"
    assert await owner.fetchval("SELECT version_num FROM spyne.alembic_version") == "0021"
    halfway = await hashes(owner)
    assert halfway['data."t_append__v1"'] == expected['data."t_append__v1"'], "what was done before it is kept"
    assert halfway['data."t_upsert__v1"'] not in (expected['data."t_upsert__v1"'], positional['data."t_upsert__v1"'])

    await asyncio.to_thread(by_small_portions, urls.owner)
    assert await owner.fetchval("SELECT version_num FROM spyne.alembic_version") == migrations.head()
    assert await hashes(owner) == expected
