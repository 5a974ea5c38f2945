"""One small read tells a process which decisions have changed; only those are read again.

Decisions count their changes in `system_config`: whoever keeps a view of some in memory names the key there and how the
view is read again. A database that is away leaves what was known last in force.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from app.kernel.attendants import Attendant
from app.kernel.resources import Resources
from app.operations.repository import SystemConfigRepository

log = logging.getLogger(__name__)

WATCH_SECONDS: Final = 0.4
"""How often a process looks; the promise is one second."""


@asynccontextmanager
async def repeating(look: Callable[[], Coroutine[Any, Any, None]], name: str, pause: float) -> AsyncIterator[None]:
    """Look now, then again and again while the block runs; what fails is told and tried again."""

    async def forever() -> None:
        while True:
            await asyncio.sleep(pause)
            try:
                await look()
            except (SQLAlchemyError, OSError, ValidationError, ValueError) as error:
                log.warning("what is decided cannot be read", extra={"watch": name, "error": type(error).__name__})

    await look()
    task = asyncio.create_task(forever(), name=name)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@dataclass(frozen=True, slots=True)
class Watched:
    """A view of decisions that every process keeps in memory."""

    key: str
    """Of `system_config`; its version rises with every change."""
    refresh: Callable[[Resources], Awaitable[None]]
    """Reads the view again."""


class WatchedDecisions:
    """Every view that is watched."""

    def __init__(self, parts: Iterable[Watched] = ()) -> None:
        self.parts = tuple(parts)


@asynccontextmanager
async def watching(resources: Resources) -> AsyncIterator[None]:
    """Views are at most `WATCH_SECONDS` old while the block runs."""
    parts = resources.extensions.of(WatchedDecisions).parts
    seen: dict[str, int] = {}

    async def look() -> None:
        async with resources.database.read() as session:
            versions = await SystemConfigRepository(session).versions([part.key for part in parts])
        for part in parts:
            version = versions.get(part.key, 0)
            if seen.get(part.key) != version:
                await part.refresh(resources)
                seen[part.key] = version

    async with repeating(look, "decisions", WATCH_SECONDS):
        yield


ATTENDANTS = (Attendant("decisions", watching, in_api=True, in_worker=True),)
