"""Kinds of events."""

from typing import Final

from app.operations.exports.events import EXPORT_FAILED, EXPORT_READY
from app.operations.notifications.outbox.events import CHANNEL_DISABLED, MESSAGE, TEST
from app.operations.retention.events import RETENTION_RAN

EVENT_KINDS: Final = (MESSAGE, TEST, CHANNEL_DISABLED, EXPORT_READY, EXPORT_FAILED, RETENTION_RAN)
