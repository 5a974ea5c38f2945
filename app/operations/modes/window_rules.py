"""Which mode is in force, from what was decided by hand and the nearest window. Pure.

Nothing switches at a window's times: whoever asks for the mode asks this rule with the database's clock, so no job must
fire in time, and all processes change at one moment.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.kernel.db.database import OperationClass
from app.kernel.problems import Fault
from app.operations.modes.modes import Maintenance, MaintenanceMode

MAX_LENGTH: Final = timedelta(days=31)
"""A window that is longer is more likely a slip of the pen; the mode can be set by hand for as long as one likes."""

_STRICTNESS: Final = {MaintenanceMode.NORMAL: 0, MaintenanceMode.READ_ONLY: 1, MaintenanceMode.MAINTENANCE: 2}


@dataclass(frozen=True, slots=True)
class Window:
    """A window that is not cancelled: its mode from `starts_at` until before `ends_at`."""

    id: UUID
    mode: MaintenanceMode
    starts_at: datetime
    ends_at: datetime
    reason: str

    def covers(self, now: datetime) -> bool:
        """Whether it runs."""
        return self.starts_at <= now < self.ends_at

    def maintenance(self) -> Maintenance:
        """The mode while it runs."""
        return Maintenance(self.mode, self.reason, self.ends_at, self.id)


@dataclass(frozen=True, slots=True)
class ModeBasis:
    """What the mode follows from, as one statement has read it."""

    manual: Maintenance
    """What was decided by hand last; normal when nothing was."""
    decided_at: datetime | None
    version: int
    """Counts the decisions by hand."""
    nearest: Window | None
    """The window that runs, or else the next one; windows do not overlap."""
    now: datetime
    """By the clock of the database."""

    def in_force(self) -> Maintenance:
        """The mode now."""
        return in_force(self.manual, self.decided_at, self.nearest, self.now)

    def takes_jobs(self, operation: OperationClass, lead: timedelta) -> bool:
        """Whether a job of this class may be started, which would have to end within `lead` of a window's start."""
        if not self.in_force().admits(operation):
            return False
        return not is_draining(self.nearest, self.decided_at, operation, self.now, lead)


def in_force(manual: Maintenance, decided_at: datetime | None, window: Window | None, now: datetime) -> Maintenance:
    """The mode now.

    Outside of windows it is what was decided by hand. What is decided by hand while a window runs wins over the window,
    and stays when that ends. What was decided before holds as far as it is as strict as the window or stricter.
    """
    if window is None or not window.covers(now):
        return manual
    if decided_at is not None and decided_at >= window.starts_at:
        return manual
    return window.maintenance() if _STRICTNESS[window.mode] > _STRICTNESS[manual.mode] else manual


def is_draining(
    window: Window | None, decided_at: datetime | None, operation: OperationClass, now: datetime, lead: timedelta
) -> bool:
    """Whether a window that will not admit the class begins within `lead`, or runs.

    A window that was overruled by hand while it runs drains nothing.
    """
    if window is None or window.maintenance().admits(operation) or now >= window.ends_at:
        return False
    if window.covers(now):
        return decided_at is None or decided_at < window.starts_at
    return window.starts_at - now <= lead


class WindowState(StrEnum):
    """Where a window stands."""

    PLANNED = "planned"
    RUNNING = "running"
    OVER = "over"
    CANCELLED = "cancelled"


def state_of(starts_at: datetime, ends_at: datetime, cancelled_at: datetime | None, now: datetime) -> WindowState:
    """Where a window with these times stands."""
    if cancelled_at is not None:
        return WindowState.CANCELLED
    if now < starts_at:
        return WindowState.PLANNED
    return WindowState.RUNNING if now < ends_at else WindowState.OVER


def faults(starts_at: datetime, ends_at: datetime, now: datetime) -> list[Fault]:
    """Everything that is wrong with the times of a new window."""
    found: list[Fault] = []
    if starts_at < now:
        found.append(Fault(pointer="/starts_at", code="past", message=f"It is {now.isoformat()} already."))
    if ends_at <= starts_at:
        found.append(Fault(pointer="/ends_at", code="not-after-start", message="A window ends after its start."))
    elif ends_at - starts_at > MAX_LENGTH:
        found.append(Fault(pointer="/ends_at", code="too-long", message=f"At most {MAX_LENGTH.days} days."))
    return found
