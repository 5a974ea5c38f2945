"""What the audit log calls the changes of modes and of windows."""

from enum import StrEnum


class ModeAction(StrEnum):
    """A switch of a mode by hand."""

    MODE_CHANGED = "system:mode-change"
    MAINTENANCE_CHANGED = "system:maintenance-change"


class WindowAction(StrEnum):
    """What happens to a window."""

    PLANNED = "maintenance-window:create"
    CANCELLED = "maintenance-window:cancel"
    ENTERED = "maintenance-window:enter"
    LEFT = "maintenance-window:leave"
