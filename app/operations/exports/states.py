"""Where an export stands and where it may go from there. Pure."""

from enum import StrEnum
from typing import Final


class ExportStatus(StrEnum):
    """Where an export stands; the last three are final."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    """The object can be downloaded."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """The export was completed; its object is gone, or about to go."""


_FOLLOWERS: Final = {
    ExportStatus.PENDING: (ExportStatus.RUNNING, ExportStatus.FAILED, ExportStatus.CANCELLED),
    ExportStatus.RUNNING: (ExportStatus.COMPLETED, ExportStatus.FAILED, ExportStatus.CANCELLED),
    ExportStatus.COMPLETED: (ExportStatus.EXPIRED,),
}
"""Every allowed change. Nothing leaves a final state, and nothing is completed that was not running."""

OPEN: Final = frozenset({ExportStatus.PENDING, ExportStatus.RUNNING})


def followers(before: ExportStatus) -> tuple[ExportStatus, ...]:
    """Where an export may go from a status, in the order of `ExportStatus`."""
    return _FOLLOWERS.get(before, ())


def may_follow(before: ExportStatus, after: ExportStatus) -> bool:
    """Whether an export may go from one status to the other."""
    return after in followers(before)


EXPORT_JOB: Final = "exports:make"
"""The job that makes the file of one export. Payload: `export_id`."""


class Maker(StrEnum):
    """Who makes, or made, the object."""

    SERVICE = "service"
    OUTSIDE = "outside"
    """Somebody who reports by `POST /system/exports/{id}/status`."""
