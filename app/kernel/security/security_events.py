"""What happened to the service's security, recorded from anywhere and written down later.

`note` never blocks, never raises and never grows without bound: a flood of one kind from one address is one entry with
a count, and what finds no room is counted and dropped. A background task writes the entries down (operations).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Protocol

from app.kernel.clock import Clock, utc_now
from app.kernel.redaction import redact_fields, safe_text
from app.kernel.telemetry.metrics import SECURITY_EVENTS, SECURITY_EVENTS_DROPPED

log = logging.getLogger(__name__)

MAX_WAITING: Final = 10_000
"""Entries that wait for being written: some 5 MB. At two drains per second it takes twenty thousand distinct
addresses per second to fill it."""

MAX_NAME: Final = 200
"""Characters of a kind, an address or a subject; longer ones are cut."""


class EventKind(StrEnum):
    """The kinds that the service itself records; `note` takes others too."""

    HONEYPOT_HIT = "honeypot-hit"
    """Somebody asked for a decoy address."""
    DECOY_KEY = "decoy-key"
    """Somebody used a decoy key: they have been where it was laid out."""
    REFRESH_REUSE = "refresh-reuse"
    """A refresh token was used a second time: one of the two users has stolen it."""
    LOCK_OUT = "lock-out"
    """A name at an address was locked after wrong passwords."""
    GUESS_LIMIT = "guess-limit"
    """A name or an address reached its bound of wrong passwords."""
    CSRF = "csrf"
    """A writing request came with a session cookie and without its token."""
    RATE_LIMITED = "rate-limited"
    """Requests were refused because there were too many of them."""
    BLOCKED_REQUEST = "blocked-request"
    """Requests of a blocked address, network, user or client were refused."""
    NETWORK_REFUSED = "network-refused"
    """Requests from outside of the allowed networks were refused."""


@dataclass(slots=True)
class SecurityEvent:
    """A kind of thing that happened, from one address and by one subject, within one minute."""

    kind: str
    address: str | None
    subject: str | None
    minute: datetime
    first_at: datetime
    last_at: datetime
    count: int = 1
    detail: Mapping[str, Any] = field(default_factory=dict)
    """The details of the first time; masked and bounded."""


_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class NotesEvents(Protocol):
    """Who takes a note of what happened."""

    def note(
        self, kind: str, *, address: str | None = None, subject: str | None = None, detail: Mapping[str, Any] = _NOTHING
    ) -> None:
        """Take a note of something. Never blocks, never raises."""


class SecurityEvents:
    """The events of this process which wait for being written down. For one event loop."""

    def __init__(self, clock: Clock = utc_now, max_waiting: int = MAX_WAITING) -> None:
        self._clock = clock
        self._max_waiting = max_waiting
        self._waiting: dict[tuple[str, str | None, str | None, datetime], SecurityEvent] = {}

    def note(
        self, kind: str, *, address: str | None = None, subject: str | None = None, detail: Mapping[str, Any] = _NOTHING
    ) -> None:
        """Take a note of something. Never blocks, never raises.

        The kind is a member of `EventKind`, or words joined by hyphens; the subject `user:<id>` or `client:<id>`. Of
        the events that are counted together the first one's detail is kept, secrets masked.
        """
        try:
            self._note(kind, address, subject, detail)
        except Exception:
            log.exception("a security event is lost")

    def _note(self, kind: str, address: str | None, subject: str | None, detail: Mapping[str, Any]) -> None:
        now = self._clock()
        SECURITY_EVENTS.labels(str(kind)).inc()
        key = (kind, address, subject, now.replace(second=0, microsecond=0))
        known = self._waiting.get(key)
        if known is not None:
            known.count += 1
            known.last_at = now
        elif len(self._waiting) >= self._max_waiting:
            SECURITY_EVENTS_DROPPED.inc()
        else:
            self._waiting[key] = SecurityEvent(
                kind=safe_text(str(kind), MAX_NAME),
                address=None if address is None else safe_text(address, MAX_NAME),
                subject=None if subject is None else safe_text(subject, MAX_NAME),
                minute=key[3],
                first_at=now,
                last_at=now,
                detail=redact_fields(detail),
            )

    def take(self) -> Sequence[SecurityEvent]:
        """What waits, which is from now on the caller's to write down."""
        taken, self._waiting = self._waiting, {}
        return list(taken.values())

    def give_back(self, events: Sequence[SecurityEvent]) -> None:
        """Let events wait again which could not be written down; what finds no room is counted and dropped."""
        for event in events:
            key = (event.kind, event.address, event.subject, event.minute)
            known = self._waiting.get(key)
            if known is not None:
                known.count += event.count
                known.first_at = min(known.first_at, event.first_at)
                known.last_at = max(known.last_at, event.last_at)
            elif len(self._waiting) >= self._max_waiting:
                SECURITY_EVENTS_DROPPED.inc(event.count)
            else:
                self._waiting[key] = event
