"""How a domain announces what happened: in the transaction of the change, for every channel that takes its kind.

The message is committed with the change or never existed. No channel, no row.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import orjson

from app.kernel.correlation import correlation_id
from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKind, EventKinds
from app.operations.notifications.outbox.models import MAX_SUBJECT
from app.operations.notifications.outbox.repository import MessageContent, OutboxWrites

MAX_BODY: Final = 16_384
"""Characters of a body; chat services cut far earlier."""
MAX_PAYLOAD_BYTES: Final = 64 * 1024
"""The most for a payload as JSON; receivers of webhooks commonly take 256 KiB for the whole."""
MAX_ENTITY: Final = 512


class Announcements:
    """Writes messages into the outbox within the caller's transaction."""

    def __init__(self, session: WriteSession, kinds: EventKinds) -> None:
        self._outbox = OutboxWrites(session)
        self._kinds = kinds

    async def announce(
        self,
        kind: EventKind,
        subject: str,
        body: str = "",
        payload: Mapping[str, Any] | None = None,
        entity: str | None = None,
    ) -> int:
        """How many channels get a message.

        Args:
            kind: what happened; registered by its domain.
            subject: in a line; longer ones are cut, as bodies are. No secrets, here or below.
            body: in words.
            payload: for programs; ids, times and dataclasses become their JSON forms.
            entity: what it happened to, such as `table/flights@2`.

        Raises:
            UnregisteredKindError: the kind is not in the registry, which is a bug.
        """
        content = MessageContent(
            event=self._kinds.require(kind).name,
            subject=_cut(subject, MAX_SUBJECT),
            body=_cut(body, MAX_BODY),
            payload=bounded(payload or {}),
            entity=None if entity is None else _cut(entity, MAX_ENTITY),
            correlation_id=correlation_id(),
        )
        return len(await self._outbox.fan_out(content, kind.patterns))

    async def announced_since(self, kind: EventKind, since: datetime) -> bool:
        """Whether there was a message of this kind since then."""
        return await self._outbox.any_since(kind.name, since)

    async def already_announced(self, kind: EventKind, entity: str) -> bool:
        """Whether there was a message of this kind about this entity."""
        return await self._outbox.any_about(kind.name, entity)


def bounded(payload: Mapping[str, Any]) -> dict[str, Any]:
    """The payload as plain JSON; one that is too large is left out, and says so."""
    plain: dict[str, Any] = msgspec.to_builtins(dict(payload), str_keys=True)
    if len(orjson.dumps(plain)) > MAX_PAYLOAD_BYTES:
        return {"omitted": f"The payload has more than {MAX_PAYLOAD_BYTES} bytes."}
    return plain


def _cut(text: str, limit: int) -> str:
    text = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return text if len(text) <= limit else text[: limit - 1] + "…"
