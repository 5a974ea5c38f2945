"""Writes security events down, answers those that a rule is for, announces those of note, and forgets old ones."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Final

from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.ports.events import EventKind
from app.kernel.runtime.background import BackgroundTask, repeating
from app.kernel.runtime.resources import Resources
from app.kernel.security.security_events import SecurityEvent
from app.operations.notifications.outbox.announcing import Announcements
from app.operations.security.blocks import BlockService
from app.operations.security.events import QUIET, SECURITY_KINDS
from app.operations.security.repository import EventWrites
from app.operations.security.responses import Responses

DRAIN_SECONDS: Final = 0.4
"""How often events are written down; with the door's watch a response is in force everywhere within a second."""
FORGET_SECONDS: Final = 60.0
EVENTS_KEPT: Final = 200_000
"""However young: the table stays below some 100 MB. By age they go as retention says."""
EVENTS_FORGOTTEN_AT_ONCE: Final = 5_000


async def write_down(resources: Resources) -> int:
    """The number of entries written, of those that wait. They wait again if that fails."""
    events = resources.events.take()
    if not events:
        return 0

    async def work(session: WriteSession) -> None:
        await EventWrites(session).record(events)
        await resources.build(Responses, session, resources.build(BlockService, session)).answer(events)
        await _announce(session, resources, events)

    try:
        # CONTROL: attacks do not pause for maintenance.
        await resources.database.run(work, OperationClass.CONTROL)
    except BaseException:
        resources.events.give_back(events)
        raise
    return len(events)


async def _announce(session: WriteSession, resources: Resources, events: Sequence[SecurityEvent]) -> None:
    """Announce the first event of each kind of note, unless its kind was announced within `QUIET`: floods stay few."""
    first: dict[EventKind, SecurityEvent] = {}
    for event in events:
        kind = SECURITY_KINDS.get(event.kind)
        if kind is not None:
            first.setdefault(kind, event)
    announcements = resources.build(Announcements, session)
    for kind, event in first.items():
        if await announcements.announced_since(kind, resources.clock() - QUIET):
            continue
        await announcements.announce(
            kind,
            f"{kind.description.rstrip('.')} ({event.address or 'address unknown'})",
            "More of the kind may follow and is not announced for a while: see GET /system/security/events.",
            {name: getattr(event, name) for name in ("kind", "address", "subject", "count")} | {"at": event.first_at},
            event.subject,
        )


async def forget(resources: Resources) -> int:
    """The number of events deleted, of those for which there is no room."""

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
