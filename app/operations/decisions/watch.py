"""The watch over decisions: a small read shows which have changed; only those are read again.

Decisions count their changes in `system_config`: whoever keeps a view of some in memory names the key there and how the
view is read again. A database that is away leaves what was known last in force.
"""

from contextlib import AbstractAsyncContextManager
from typing import Final

from app.kernel.ports.decisions import WatchedDecisions
from app.kernel.runtime.background import BackgroundTask, watching
from app.kernel.runtime.resources import Resources
from app.operations.decisions.repository import DecisionReads

WATCH_SECONDS: Final = 0.4
"""How often a process looks; the promise is one second."""


def _watching(resources: Resources) -> AbstractAsyncContextManager[None]:
    """Views are at most `WATCH_SECONDS` old."""
    parts = list(resources.extensions.of(WatchedDecisions))
    seen: dict[str, int] = {}

    async def look() -> None:
        async with resources.database.read() as session:
            versions = await DecisionReads(session).versions([part.key for part in parts])
        for part in parts:
            version = versions.get(part.key, 0)
            if seen.get(part.key) != version:
                await part.refresh(resources)
                seen[part.key] = version

    return watching("decisions", look, WATCH_SECONDS)


BACKGROUND = (BackgroundTask("decisions", _watching, WATCH_SECONDS, in_api=True, in_worker=True),)
