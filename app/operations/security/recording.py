"""Writes security events down, answers those that a rule is for, and forgets old ones."""

from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources
from app.operations.security.announcing import announce_events
from app.operations.security.repository import EVENTS_FORGOTTEN_AT_ONCE, EVENTS_KEPT, EventWrites
from app.operations.security.responses import Responses

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


def _recording(resources: Resources) -> AbstractAsyncContextManager[None]:
    write = partial(write_down, resources)
    return repeating("security-events", write, DRAIN_SECONDS, at_end=write)


def _forgetting(resources: Resources) -> AbstractAsyncContextManager[None]:
    return repeating("security-events-old", partial(forget, resources), FORGET_SECONDS)


BACKGROUND = (
    BackgroundTask("security-events", _recording, DRAIN_SECONDS, in_api=True, in_worker=True),
    BackgroundTask("security-events-old", _forgetting, FORGET_SECONDS, in_api=True, in_worker=True),
)
