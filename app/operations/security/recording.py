"""Writes security events down, answers those that a rule is for, and forgets old ones."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.database import OperationClass, WriteSession
from app.kernel.problems import Problem
from app.kernel.resources import Resources
from app.operations.security.announcing import announce_events
from app.operations.security.repository import (
    EVENTS_FORGOTTEN_AT_ONCE,
    EVENTS_KEPT,
    EventWrites,
)
from app.operations.security.responses import Responses

log = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 0.4
"""How often events are written down; with the door's watch a response is in force everywhere within a second."""
FORGET_SECONDS: Final = 60.0


async def write_down(resources: Resources) -> int:
    """Write what waits; answers how many entries. They wait again if that fails."""
    events = resources.events.take()
    if not events:
        return 0

    async def work(session: WriteSession) -> None:
        await EventWrites(session).record(events)
        await Responses(session, resources).answer(events)
        await announce_events(session, resources, events)

    try:
        # CONTROL: attacks do not pause for maintenance.
        await resources.database.run(work, OperationClass.CONTROL)
    except BaseException:
        resources.events.give_back(events)
        raise
    return len(events)


async def forget(resources: Resources) -> int:
    """Delete events beyond those for which there is room; answers how many."""

    async def work(session: WriteSession) -> int:
        return await EventWrites(session).forget(EVENTS_KEPT, EVENTS_FORGOTTEN_AT_ONCE)

    return await resources.database.run(work, OperationClass.CONTROL)


@asynccontextmanager
async def recording(resources: Resources) -> AsyncIterator[None]:
    """Events are written down while the block runs, and a last time at its end."""
    task = asyncio.create_task(_record(resources), name="security-events")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await _try(resources)


async def _record(resources: Resources) -> None:
    forgotten = time.monotonic()
    while True:
        await asyncio.sleep(DRAIN_SECONDS)
        await _try(resources)
        if time.monotonic() - forgotten >= FORGET_SECONDS:
            forgotten = time.monotonic()
            await _try(resources, old=True)


async def _try(resources: Resources, *, old: bool = False) -> None:
    try:
        await (forget(resources) if old else write_down(resources))
    except (SQLAlchemyError, asyncpg.PostgresError, OSError, Problem) as error:
        log.warning("security events cannot be written", extra={"error": type(error).__name__})
