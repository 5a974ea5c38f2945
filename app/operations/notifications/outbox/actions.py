"""What the audit log calls the changes made here."""

from enum import StrEnum


class NotificationAction(StrEnum):
    """A change of channels, or of what is sent."""

    CHANNEL_CREATED = "channel:create"
    CHANNEL_CHANGED = "channel:change"
    CHANNEL_REMOVED = "channel:remove"
    CHANNEL_TESTED = "channel:test"
    CHANNEL_DISABLED = "channel:disable"
    SECRET_ROTATED = "channel:rotate"  # noqa: S105 - the name of an action
    MESSAGE_QUEUED = "notification:queue"
    MESSAGE_RETRIED = "notification:retry"
    MESSAGES_RECOVERED = "notification:recover"
