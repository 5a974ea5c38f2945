"""The five tables as governed relations, registered and promoted through the catalog's own use cases."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from fastapi import FastAPI
from sqlalchemy.engine import make_url

from app.catalog.tables.lifecycle import TableState
from app.catalog.tables.references import TableReference
from app.catalog.tables.registry import TableRegistry
from app.catalog.tables.transitions import ChangeRequest, Successor, TransitionService
from app.kernel.db.connections import DatabaseUrls
from app.kernel.db.migrations import connect
from app.kernel.embedded import ServerAddress
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.settings import Settings
from app.warehouse.inspection import RelationColumn
from app.wiring import open_resources
from tests.conftest import SECRET, fresh_database
from tests.query.relations import COLUMNS, HIDDEN

ROWS = {
    "airlines": "SELECT 'A' || n, 'Airline ' || n FROM generate_series(1, 16) n",
    "airports": (
        "SELECT 'F' || n, CASE n % 3 WHEN 0 THEN 'San ' || n ELSE 'Intl ' || n END, 30 + n / 7.0, -100 + n / 3.0, "
        "n * 91, -5, 'A', 'America/New_York' FROM generate_series(1, 120) n"
    ),
    "planes": (
        "SELECT 'N' || n, 1980 + n % 30, 'Fixed wing', 'Maker ' || n % 9, 'M' || n % 17, 1 + n % 4, 50 + n, "
        "CASE WHEN n % 5 = 0 THEN n END, 'Turbo-fan' FROM generate_series(1, 200) n"
    ),
    "weather": (
        "SELECT (ARRAY['EWR', 'JFK', 'LGA'])[1 + n % 3], 2013, 1, 1 + n / 24 % 28, n % 24, 40 + n % 30, 30, 55.5, "
        "n % 360, n % 25, NULL, 0, 1010, 10 - n % 10, timestamptz '2013-01-01 05:00+00' + n * interval '1 hour' "
        "FROM generate_series(0, 600) n"
    ),
    "flights": (
        "SELECT 2013, 1 + n % 12, 1 + n % 28, CASE WHEN n % 31 > 0 THEN n % 2400 END, n % 2400, "
        "CASE WHEN n % 31 > 0 THEN n % 90 - 10 END, n % 2400, n % 2400, CASE WHEN n % 31 > 0 THEN n % 120 - 30 END, "
        "'A' || 1 + n % 16, n % 999, 'N' || 1 + n % 210, (ARRAY['EWR', 'JFK', 'LGA'])[1 + n % 3], 'F' || 1 + n % 130, "
        "20 + n % 400, 100 + n % 2000, n % 24, n % 60, timestamptz '2013-01-01 05:00+00' + n % 600 * interval '1 hour' "
        "FROM generate_series(1, 3000) n"
    ),
}


class Warehouse:
    """Makes governed tables behind the service's back, and changes their state through it."""

    def __init__(self, resources: Resources, owner: "asyncpg.Connection[Any]") -> None:
        self.resources = resources
        self.owner = owner

    async def table(
        self,
        name: str,
        columns: str,
        rows: str | None = None,
        *,
        version: int = 1,
        state: TableState = TableState.ACTIVE,
    ) -> UUID:
        """A governed table with these columns (`a integer, b text`), filled by a SELECT, in the given state."""
        relation = f"data.{name}__v{version}"
        await self.owner.execute(f"SET ROLE spyne_app; CREATE TABLE {relation} ({columns}, {HIDDEN}); RESET ROLE")
        if rows is not None:
            names = ", ".join(column.split(" ")[0] for column in columns.split(", "))
            await self.owner.execute(f"INSERT INTO {relation} ({names}) {rows}; ANALYZE {relation}")
        shape = tuple(
            RelationColumn(column, kind, nullable=True)
            for column, kind in (item.split(" ", 1) for item in columns.split(", "))
        )
        async with self.resources.database.write() as session:
            registry = TableRegistry(session)
            made = await registry.register_governed(name, version, f"{name}_v{version}", SYSTEM)
            await registry.shape(made.id, 1, shape, SYSTEM)
        if state is not TableState.SHADOW:
            await self.promote(made.id, TableState.ACTIVE)
        if state is TableState.DEPRECATED:
            await self.deprecate(made.id)
        return made.id

    async def promote(self, table_id: UUID, to: TableState, since: TableState = TableState.SHADOW) -> None:
        async with self.resources.database.write() as session:
            service = self.resources.build(TransitionService, session)
            await service.promote(TableReference(id=table_id), since, to, ChangeRequest("a test"), SYSTEM)

    async def deprecate(self, table_id: UUID) -> None:
        async with self.resources.database.write() as session:
            service = self.resources.build(TransitionService, session)
            await service.deprecate(TableReference(id=table_id), Successor(), ChangeRequest("a test"), SYSTEM)


@pytest.fixture(scope="session")
async def nycflights(
    server: ServerAddress, template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    """The name of a database with all five tables, ACTIVE, which no one is connected to."""
    home = tmp_path_factory.mktemp("nycflights")
    async with fresh_database(server, template) as urls:
        owner = await connect(urls.owner)
        async with open_resources(Settings(home=home), urls, SECRET) as resources:
            warehouse = Warehouse(resources, owner)
            for name, columns in COLUMNS.items():
                await warehouse.table(name, columns, ROWS[name])
        await owner.close()
        name = make_url(urls.owner).database
        assert name is not None
        yield name


@pytest.fixture
async def urls(server: ServerAddress, nycflights: str) -> AsyncIterator[DatabaseUrls]:
    """This test's own copy of it."""
    async with fresh_database(server, nycflights) as urls:
        yield urls


@pytest.fixture
async def warehouse(app: FastAPI, owner: "asyncpg.Connection[Any]") -> Warehouse:
    return Warehouse(app.state.resources, owner)


@pytest.fixture
async def flights(warehouse: Warehouse) -> Warehouse:
    """All five tables, ACTIVE, with some thousand rows: every database here has them."""
    return warehouse
