"""How a message is shown with its attempts."""

from collections.abc import Sequence

from app.operations.notifications.outbox.models import AttemptRow, MessageRow
from app.operations.notifications.schemas import AttemptDocument, MessageDetail, MessageDocument


def detail(message: MessageRow, attempts: Sequence[AttemptRow]) -> MessageDetail:
    """The document."""
    known = MessageDocument.model_validate(message).model_dump()
    tried = [AttemptDocument.model_validate(each) for each in attempts]
    return MessageDetail(**known, body=message.body, payload=message.payload, tried=tried)
