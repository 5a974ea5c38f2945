"""Modes: what the platform is ready for, and what operations allow now. Pure rules.

The system mode says whether data may come in at all (a new installation is READ_ONLY). The maintenance mode stops
writes for a while; it is enforced where sessions are made and only explained at the doors.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from app.kernel.db.database import OperationClass
from app.kernel.problems import Conflict, Problem, Unavailable


class SystemMode(StrEnum):
    """What the platform is ready for."""

    READ_ONLY = "READ_ONLY"
    INGESTION_READY = "INGESTION_READY"


class MaintenanceMode(StrEnum):
    """What operations allow now."""

    NORMAL = "normal"
    READ_ONLY = "read_only"
    MAINTENANCE = "maintenance"


_ADMITTED: dict[MaintenanceMode, frozenset[OperationClass]] = {
    MaintenanceMode.NORMAL: frozenset(OperationClass),
    MaintenanceMode.READ_ONLY: frozenset({OperationClass.READ, OperationClass.RECORD, OperationClass.CONTROL}),
    MaintenanceMode.MAINTENANCE: frozenset({OperationClass.READ, OperationClass.CONTROL}),
}


@dataclass(frozen=True, slots=True)
class Maintenance:
    """The maintenance mode in force."""

    mode: MaintenanceMode = MaintenanceMode.NORMAL
    reason: str | None = None
    until: datetime | None = None
    window_id: UUID | None = None
    """The window that brought it; None when it was decided by hand."""

    def admits(self, operation: OperationClass) -> bool:
        """Whether operations of this class may go on."""
        return operation in _ADMITTED[self.mode]


SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that no mode stops at the door."""


def passes(maintenance: Maintenance, kind: OperationClass) -> bool:
    """Whether an operation whose method is not safe may be tried."""
    if maintenance.mode is MaintenanceMode.MAINTENANCE:
        return kind is OperationClass.CONTROL
    return maintenance.admits(kind)


class ReadOnlyMode(Unavailable):
    """Writes are switched off for a while."""

    code, title = "read-only", "The service is read-only for now"


class MaintenanceInProgress(Unavailable):
    """The service is being worked on."""

    code, title = "maintenance", "The service is under maintenance"


class NotIngestionReady(Conflict):
    """The platform is not opened for data yet."""

    code, title = "not-ingestion-ready", "The platform is not ready for ingestion"

    def __init__(self) -> None:
        super().__init__(
            'The system mode is READ_ONLY; an admin opens it with PUT /system/mode {"mode": "INGESTION_READY"}.'
        )


DEFAULT_RETRY_SECONDS = 30
"""Advised wait where no end is known: short enough to notice the switch back, long enough not to hammer."""


def refusal(maintenance: Maintenance, now: datetime) -> Problem:
    """The problem that a refused operation is answered with; `Retry-After` is the window's end when there is one."""
    wait = DEFAULT_RETRY_SECONDS
    if maintenance.until is not None and maintenance.until > now:
        wait = max(1, -(-(maintenance.until - now) // timedelta(seconds=1)))
    kind = ReadOnlyMode if maintenance.mode is MaintenanceMode.READ_ONLY else MaintenanceInProgress
    return kind(maintenance.reason or kind.title, retry_after_seconds=wait, mode=maintenance.mode.value)
