"""Keys that are about to expire, and when their owners should hear of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from app.access.clients.repository import ClientReads
from app.kernel.db.database import ReadSession

WARN_DAYS: Final = (1, 3, 14)
"""Days before the end of a key; at each of them once."""


@dataclass(frozen=True, slots=True)
class ExpiringKey:
    """A key in use that will not be valid much longer."""

    id: UUID
    prefix: str
    label: str
    client: str
    expires_at: datetime
    days: int
    """The warning that it has come to, of `WARN_DAYS`."""


def warning(expires_at: datetime, now: datetime) -> int | None:
    """The nearest warning that a key has come to; None when its end is far, or over."""
    left = expires_at - now
    if left <= timedelta(0):
        return None
    return next((days for days in WARN_DAYS if left <= timedelta(days=days)), None)


async def expiring_keys(session: ReadSession, now: datetime) -> Sequence[ExpiringKey]:
    """Every key of an active client that has come to a warning, and that no other key is to replace."""
    found = await ClientReads(session).expiring(now, now + timedelta(days=max(WARN_DAYS)))
    return [
        ExpiringKey(key.id, key.prefix, key.label, client, end, days)
        for key, client in found
        if (end := key.expires_at) is not None and (days := warning(end, now)) is not None
    ]
