"""A change of a relation that is queried: by the logins as migrations make them, and as `spyne verify` looks at it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
import pytest

from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls
from app.warehouse.evolution import apply, undo, with_retries
from app.warehouse.naming import quote_all
from app.warehouse.plan import Column, Mode, RelationPlan
from app.warehouse.publishing import grant_columns
from app.warehouse.relation_checks import findings
from app.warehouse.types import parse_type
from tests.warehouse.evolution.evolving import Evolving, at, changed, evolving
from tests.warehouse.relations import plan_of

W = Column("w", parse_type("varchar(3)"))


@pytest.fixture
async def runtime(urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    connection = await migrations.connect(urls.app)
    yield connection
    await connection.close()


@pytest.fixture
async def reader(urls: DatabaseUrls) -> AsyncIterator[asyncpg.Connection]:
    connection = await migrations.connect(urls.query)
    yield connection
    await connection.close()


async def described(owner: asyncpg.Connection, plan: RelationPlan, version: int) -> None:
    """Say in the catalogue what the relation looks like."""
    document = [{"name": column.name, "type": column.type.sql, "nullable": True} for column in plan.columns]
    await owner.execute("UPDATE spyne.tables SET schema_version = $1", version)
    await owner.execute(
        "INSERT INTO spyne.table_versions (table_id, schema_version, columns, created_by) "
        "SELECT id, $1, $2::text::jsonb, 'a test' FROM spyne.tables "
        "ON CONFLICT (table_id, schema_version) DO UPDATE SET columns = excluded.columns",
        version,
        json.dumps(document),
    )


async def published(owner: asyncpg.Connection, runtime: asyncpg.Connection, mode: Mode) -> Evolving:
    """An active table with two rows and an image."""
    found = await evolving(runtime, plan_of(mode))
    relation = found.plan.relation
    await owner.execute(
        "INSERT INTO spyne.tables (name, version, state, origin, owner_label, relation_schema, relation_name) "
        "VALUES ('things', 1, 'ACTIVE', 'contract', 'a test', $1, $2)",
        relation.schema,
        relation.name,
    )
    await described(owner, found.plan, 1)
    await runtime.execute(grant_columns(relation, [column.name for column in found.plan.columns]))
    await found.put([{"k": key, "at": at(1), "v": 1} for key in "ab"])
    await found.put([{"k": "a", "at": at(2), "v": 2}, {"k": "b", "at": at(1), "v": 1}])
    return found


@pytest.mark.parametrize("mode", Mode)
async def test_verify_has_nothing_to_say_after_a_change_and_after_its_undo(
    owner: asyncpg.Connection, runtime: asyncpg.Connection, reader: asyncpg.Connection, mode: Mode
) -> None:
    found = await published(owner, runtime, mode)
    assert await findings(owner) == []
    before = found.plan
    wide = changed(before, "v", "numeric")
    after = replace(wide, columns=(W, *wide.columns))  # stands first in the contract, and last in the relation

    async def read(plan: RelationPlan) -> int:
        return len(await reader.fetch(f"SELECT {quote_all(tuple(c.name for c in plan.columns))} FROM {name}"))

    @asynccontextmanager
    async def transaction() -> AsyncIterator[asyncpg.Connection]:
        async with runtime.transaction():
            yield runtime

    name, rows = before.relation.sql, len(await found.relation.rows("k"))
    await with_retries(transaction, lambda each: apply(each, before, after, published=True))
    await described(owner, after, 2)
    assert await findings(owner) == []
    assert await read(after) == rows
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await reader.fetch(f"SELECT _spyne_hash FROM {name}")

    await with_retries(transaction, lambda each: undo(each, before, after))
    assert await findings(owner) != [], "the catalogue still says otherwise"
    await described(owner, before, 1)
    assert await findings(owner) == []
    assert await read(before) == rows


async def test_a_relation_that_is_not_published_stays_so(
    owner: asyncpg.Connection, runtime: asyncpg.Connection
) -> None:
    found = await published(owner, runtime, Mode.UPSERT)
    await found.evolve(replace(found.plan, columns=(*found.plan.columns, W)), published=False)
    await described(owner, found.plan, 2)
    assert [text for _, text in await findings(owner)] == ["queries cannot read all of its columns"]
