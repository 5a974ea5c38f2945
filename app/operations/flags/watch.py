"""Keeps the flags in memory at most a second old: one small read tells whether any has changed.

A database that is away leaves the flags that were known last in force.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from app.kernel.attendants import Attendant
from app.kernel.resources import Resources
from app.operations.decisions import repeating
from app.operations.flags.provider import Flags
from app.operations.flags.repository import FlagReads
from app.operations.flags.view import view_of

WATCH_SECONDS: Final = 0.4
"""How often a process looks; the promise is one second."""


class FlagWatch:
    """Reads what has changed into the process's `Flags`."""

    def __init__(self, resources: Resources) -> None:
        self._database = resources.database
        self._flags = resources.extensions.of(Flags)
        self._seen: int | None = None

    async def look(self) -> None:
        """Read every flag if any has changed."""
        async with self._database.read() as session:
            revision = await FlagReads(session).revision()
        if revision == self._seen:
            return
        async with self._database.snapshot() as session:
            reads = FlagReads(session)
            revision = await reads.revision()
            view = view_of(await reads.in_use(), revision)
        self._flags.replace(view)
        self._seen = revision


@asynccontextmanager
async def _watching(resources: Resources) -> AsyncIterator[None]:
    async with repeating(FlagWatch(resources).look, "flag-watch", WATCH_SECONDS):
        yield


ATTENDANTS = (Attendant("flags", _watching, in_api=True, in_worker=True),)
