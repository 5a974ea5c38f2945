"""Keeps the flags in memory at most a second old: one small read shows whether any has changed.

A database that is away leaves the flags that were known last in force.
"""

from contextlib import AbstractAsyncContextManager
from typing import Final

from app.kernel.db.database import Units
from app.kernel.runtime.background import BackgroundTask, watching
from app.kernel.runtime.resources import Resources
from app.operations.flags.provider import Flags, view_of
from app.operations.flags.repository import FlagReads

WATCH_SECONDS: Final = 0.4
"""How often a process looks; the promise is one second."""


class FlagWatch:
    """Reads what has changed into the process's `Flags`."""

    def __init__(self, units: Units, flags: Flags) -> None:
        self._units = units
        self._flags = flags
        self._seen: int | None = None

    async def look(self) -> None:
        """Read every flag if any has changed."""
        async with self._units.read() as session:
            revision = await FlagReads(session).revision()
        if revision == self._seen:
            return
        async with self._units.snapshot() as session:
            reads = FlagReads(session)
            revision = await reads.revision()
            view = view_of(await reads.in_use(), revision)
        self._flags.replace(view)
        self._seen = revision


def _watching(resources: Resources) -> AbstractAsyncContextManager[None]:
    return watching("flags", resources.build(FlagWatch).look, WATCH_SECONDS)


BACKGROUND = (BackgroundTask("flags", _watching, WATCH_SECONDS, in_api=True, in_worker=True),)
