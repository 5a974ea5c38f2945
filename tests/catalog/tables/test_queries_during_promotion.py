"""A name changes its version under running queries: each sees the old or the new, never a mixture, never an error."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import event

from app.catalog.tables.lifecycle import TableState
from app.catalog.tables.service import QueriedTableNotFound, TableService
from app.kernel.db.query_login import QueryLimits
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from tests.catalog.steps import deprecated, filled, further, moved, promoted, registered, restored
from tests.reference.resolution import resolve

pytestmark = pytest.mark.usefixtures("open_for_data")

TABLES = ("customers", "clients")
ROWS = {1: 40, 2: 70}


async def asked(resources: Resources, limits: QueryLimits) -> dict[str, tuple[int, set[str], int]]:
    """For each table the version that its name stood for, what its rows say of themselves, and how many there are."""
    async with resources.database.read() as session:
        found = await TableService(session).resolve(TABLES, SYSTEM)
    answers = {}
    async with resources.query_login.transaction(limits) as connection:
        for name, table in found.items():
            await asyncio.sleep(0)
            rows = await connection.fetch(f"SELECT currency FROM {table.relation.sql}")
            answers[name] = (table.version, {row["currency"] for row in rows}, len(rows))
    return answers


async def test_queries_see_the_old_or_the_new(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    for name in TABLES:
        for version in (1, 2):
            await further(engineer, name)
            await filled(owner, f"{name}__v{version}", ROWS[version], f"v{version}")
        await promoted(admin, f"{name}@1")
    stop = asyncio.Event()
    seen: set[int] = set()
    asks = 0

    async def ask() -> None:
        nonlocal asks
        while not stop.is_set():
            for version, said, count in (await asked(resources, QueryLimits())).values():
                assert (said, count) == ({f"v{version}"}, ROWS[version])
                seen.add(version)
            asks += 1

    askers = [asyncio.create_task(ask()) for _ in range(3)]
    try:
        await asyncio.sleep(0.1)
        await promoted(admin, "customers@2")
        await promoted(admin, "clients@2")
        for _ in range(4):
            for name in TABLES:
                answer = await restored(admin, name)
                assert answer.status_code == 200, answer.text
    finally:
        stop.set()
        await asyncio.gather(*askers)
    assert seen == {1, 2}
    assert asks > 10


async def test_resolution_in_sql_is_the_rule(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    for state in ("SHADOW", "READ_ONLY", "ACTIVE", "DEPRECATED"):
        name = state.lower()
        await registered(engineer, name)
        if state == "DEPRECATED":
            await promoted(admin, name)
            await deprecated(admin, name)
        elif state != "SHADOW":
            await promoted(admin, name, state)
    for _ in range(3):
        await further(engineer, "many")
        await promoted(admin, "many")
    await further(engineer, "many")
    versions: dict[str, list[tuple[int, TableState]]] = {}
    for row in await owner.fetch("SELECT name, version, state FROM spyne.tables"):
        versions.setdefault(row["name"], []).append((row["version"], TableState(row["state"])))
    assert {name: sorted(found) for name, found in versions.items()}["many"][2:] == [(3, "ACTIVE"), (4, "SHADOW")]
    async with resources.database.read() as session:
        service = TableService(session)
        for include in (False, True):
            for name, found in versions.items():
                expected = resolve(found, include_deprecated=include)
                assert (name in await service.find([name], include_deprecated=include)) is (expected is not None)
                if expected is None:
                    with pytest.raises(QueriedTableNotFound):
                        await service.resolve([name], SYSTEM, include_deprecated=include)
                else:
                    resolved = await service.resolve([name], SYSTEM, include_deprecated=include)
                    assert resolved[name].version == expected


async def test_an_unknown_name_is_told_the_nearest(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, resources: Resources
) -> None:
    for name in ("customers", "orders"):
        await registered(engineer, name)
        assert (await moved(admin, name, "SHADOW", "READ_ONLY")).status_code == 200
    await registered(engineer, "customs")
    async with resources.database.read() as session:
        with pytest.raises(QueriedTableNotFound) as caught:
            await TableService(session).resolve(["custommers", "orders", "zzz"], SYSTEM)
    nearest = caught.value.fields["nearest"]
    assert (caught.value.status, nearest["custommers"][0], nearest["zzz"]) == (404, "customers", [])
    assert "customs" not in nearest["custommers"]
    assert "orders" not in nearest


async def test_resolving_is_one_statement(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, resources: Resources
) -> None:
    for name in TABLES:
        await registered(engineer, name)
        await promoted(admin, name)
    statements = await counted(resources, lambda service: service.resolve(TABLES, SYSTEM))
    assert len(statements) == 1, statements


async def counted(resources: Resources, work: Any) -> list[str]:
    """The statements which the work sends."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = resources.database.reader.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        async with resources.database.read() as session:
            await work(TableService(session))
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return sent
