"""Where an export stands and where it may go from there. Pure."""

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """Where an export stands; the last three are final."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    """The object can be downloaded."""
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """The export was completed; its object is gone, or about to go."""


TRANSITIONS: Final = frozenset(
    {
        (Status.PENDING, Status.RUNNING),
        (Status.PENDING, Status.FAILED),
        (Status.PENDING, Status.CANCELLED),
        (Status.RUNNING, Status.COMPLETED),
        (Status.RUNNING, Status.FAILED),
        (Status.RUNNING, Status.CANCELLED),
        (Status.COMPLETED, Status.EXPIRED),
    }
)
"""Every allowed change. Nothing leaves a final state, and nothing is completed that was not running."""

OPEN: Final = frozenset({Status.PENDING, Status.RUNNING})


def may_follow(before: Status, after: Status) -> bool:
    """Whether an export may go from one status to the other."""
    return (before, after) in TRANSITIONS


def followers(before: Status) -> tuple[Status, ...]:
    """Where an export may go from a status, in the order of `Status`."""
    return tuple(after for after in Status if may_follow(before, after))


EXPORT_JOB: Final = "exports:make"
"""The job that makes the file of one export. Payload: `export_id`."""


class Maker(StrEnum):
    """Who makes, or made, the object."""

    SERVICE = "service"
    OUTSIDE = "outside"
    """Somebody who reports by `POST /system/exports/{id}/status`."""
