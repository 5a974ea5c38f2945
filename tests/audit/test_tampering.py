"""Whatever was done to the log behind the service's back is found; a log that was left alone raises no alarm."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.audit.proofs import checkpoint
from app.audit.seals import Checkpoint, SealingKey
from app.audit.verification import Report
from app.kernel.authorization import SYSTEM
from app.kernel.connections import DatabaseUrls
from app.kernel.database import ReadSession, driver_connection
from app.kernel.resources import Resources
from tests.audit.logs import sealer, tell, verified
from tests.audit.tampering import KINDS, Tamper, unguard

TAMPERINGS = 200
SEED = 20_26


@pytest.fixture
async def engine(urls: DatabaseUrls) -> AsyncIterator[AsyncEngine]:
    """The owner's."""
    engine = create_async_engine(urls.owner)
    yield engine
    await engine.dispose()


async def log(resources: Resources) -> Checkpoint:
    """A log of several seals, with rows that wait; what a careful operator has seen of it."""
    worker = sealer(resources, batch_rows=6)
    for rows in (4, 9, 1):
        await tell(resources, rows)
        await tell(resources, actor=SYSTEM, before=None, after=None, outcome="failure")
        await worker.seal_waiting()
    await tell(resources, 2)
    async with resources.database.read() as session:
        return await checkpoint(session, SealingKey(resources.secret), resources.clock())


@asynccontextmanager
async def undone(engine: AsyncEngine) -> AsyncIterator[tuple[ReadSession, asyncpg.Connection]]:
    """The owner's session and connection, triggers off; nothing of it stays."""
    async with engine.connect() as connection, ReadSession(connection) as session:
        await session.execute(text("SET LOCAL statement_timeout = '20s'"))
        driver = await driver_connection(session)  # type: ignore[arg-type]  # the owner's, to write behind the back
        await unguard(driver)
        yield session, driver
        await session.rollback()
        await connection.rollback()


async def after(engine: AsyncEngine, resources: Resources, tamper: Tamper, seed: int, seen: Checkpoint) -> Report:
    async with undone(engine) as (session, driver):
        told = await tamper(driver, random.Random(seed))
        report = await verified(session, resources, seen)
        print(told, {finding.kind.value for finding in report.findings})
        return report


async def test_tamperings_of_eight_kinds_are_found(engine: AsyncEngine, resources: Resources) -> None:
    seen = await log(resources)
    assert (await verified(resources.database, resources, seen)).clean
    missed = []
    for number in range(TAMPERINGS):
        tamper = KINDS[number % len(KINDS)]
        if (await after(engine, resources, tamper, SEED + number, seen)).clean:
            missed.append((tamper.__name__, number))
    assert missed == []
    report = await verified(resources.database, resources, seen)
    assert (report.findings, report.unsealed) == ([], 2), "and nothing of it stayed"
