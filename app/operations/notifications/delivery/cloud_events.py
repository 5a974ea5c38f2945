"""A message as receivers of webhooks get it: a CloudEvents 1.0 event in structured JSON. Pure.

The body is the same bytes on every attempt; the id is the message's.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import orjson

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
TYPE_PREFIX: Final = "spyne."


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message to be sent."""

    id: UUID
    event: str
    entity: str | None
    subject: str
    body: str
    payload: str
    """JSON."""
    created_at: datetime


def cloud_event(message: Message, source: str) -> bytes:
    """The event; `type` is the kind of event, such as `spyne.table.promoted`."""
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": str(message.id),
        "source": source,
        "type": TYPE_PREFIX + message.event.replace(":", "."),
        "time": message.created_at.astimezone(UTC),
        "datacontenttype": "application/json",
    }
    if message.entity:
        event["subject"] = message.entity
    event["data"] = {"subject": message.subject, "body": message.body, "payload": orjson.Fragment(message.payload)}
    return orjson.dumps(event, option=orjson.OPT_UTC_Z)
