"""Whether writes fail for want of room, or of a sound disk: noted where they fail, shown by health and metrics."""

import time
from collections.abc import Callable
from typing import Final

REMEMBERED_SECONDS: Final = 90.0
"""Longer than a process goes without writing anything: samples of its metrics are written once a minute, so a failure
that lasts is noted again before the last one is forgotten."""

UNWRITABLE: Final = {"25006": "the server takes no writes", "53100": "the disk is full", "58030": "the disk fails"}
"""SQLSTATEs of writes that fail whatever is written (PostgreSQL manual, appendix A), in words."""


class WriteFailures:
    """The latest failure to write of one store, for a while."""

    def __init__(self, store: str, now: Callable[[], float] = time.monotonic) -> None:
        """Takes what the store is called in words."""
        self._store = store
        self._now = now
        self._latest: tuple[float, str] | None = None

    def note(self, reason: str) -> None:
        """Note that a write failed now."""
        self._latest = self._now(), reason

    def note_state(self, sqlstate: str | None) -> None:
        """Note that a statement failed now, if its SQLSTATE says that nothing can be written."""
        if sqlstate in UNWRITABLE:
            self.note(UNWRITABLE[sqlstate])

    def recent(self) -> str | None:
        """What is wrong, in words; None when no write has failed of late."""
        if self._latest is None:
            return None
        at, reason = self._latest
        return f"{self._store}: {reason}" if self._now() - at < REMEMBERED_SECONDS else None
