"""Announces security events of note, in the transaction that writes them down; seldom, as attacks come in floods."""

from collections.abc import Sequence

from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKind, EventKinds
from app.kernel.runtime.resources import Resources
from app.kernel.security.security_events import SecurityEvent
from app.operations.notifications.outbox.announcing import Announcements
from app.operations.notifications.outbox.repository import Outbox
from app.operations.security.events import QUIET, SECURITY_KINDS


async def announce_events(session: WriteSession, resources: Resources, events: Sequence[SecurityEvent]) -> None:
    """Tell of the first event of each kind of note, unless its kind was told of within `QUIET`."""
    first: dict[EventKind, SecurityEvent] = {}
    for event in events:
        kind = SECURITY_KINDS.get(event.kind)
        if kind is not None:
            first.setdefault(kind, event)
    for kind, event in first.items():
        if await Outbox(session).told_since(kind.name, resources.clock() - QUIET):
            continue
        await Announcements(session, resources.extensions.of(EventKinds)).announce(
            kind,
            f"{kind.description.rstrip('.')} ({event.address or 'address unknown'})",
            "More of the kind may follow and is not announced for a while: see GET /system/security/events.",
            {
                "kind": event.kind,
                "address": event.address,
                "subject": event.subject,
                "at": event.first_at,
                "count": event.count,
            },
            event.subject,
        )
