"""Use cases of channels: make, change, switch off and on, rotate secrets, remove. Each change is audited.

Targets and secrets are encrypted before they reach the database; an answer shows a secret once, when it is made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.http.etags import check_if_match, etag
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Fault
from app.kernel.runtime.resources import Resources
from app.kernel.security.at_rest import SecretBox
from app.kernel.security.authorization import Actor
from app.operations.notifications.channels.receivers import ChannelType, shown, target_fault
from app.operations.notifications.channels.settings import target_rules
from app.operations.notifications.channels.webhook_signing import (
    SigningSecret,
    dump_secrets,
    fresh_secret,
    load_secrets,
    rotated,
)
from app.operations.notifications.outbox.actions import NotificationAction
from app.operations.notifications.outbox.models import ChannelRow
from app.operations.notifications.outbox.problems import ChannelNameTaken, InvalidChannel, NoSigningSecret
from app.operations.notifications.outbox.repository import ChannelWrites, OutboxWrites


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChannel:
    """A channel to be made."""

    name: str
    channel_type: ChannelType
    target: str
    active: bool
    description: str
    event_filter: Sequence[str]


class ChannelService:
    """Makes and changes channels within one transaction."""

    def __init__(self, session: WriteSession, resources: Resources) -> None:
        self._resources = resources
        self._rules = target_rules(resources.settings.notify)
        self._kinds = resources.extensions.of(EventKinds)
        self._box = SecretBox(resources.secret)
        self._channels = ChannelWrites(session)
        self._outbox = OutboxWrites(session)
        self._audit = AuditTrail(session, resources.secret)

    async def create(self, actor: Actor, wanted: WantedChannel) -> tuple[ChannelRow, SigningSecret | None]:
        """The new channel; of a webhook its signing secret too, which is shown this once.

        Raises:
            InvalidChannel: target or filter have faults; every one is listed.
            ChannelNameTaken: there is such a channel.
        """
        self._check(wanted.channel_type, {"target": wanted.target, "event_filter": wanted.event_filter})
        secret = fresh_secret() if wanted.channel_type is ChannelType.WEBHOOK else None
        row = await self._channels.insert(
            {
                "name": wanted.name,
                "channel_type": wanted.channel_type.value,
                "target": self._box.seal(wanted.target),
                "shown": shown(wanted.channel_type, wanted.target),
                "secrets": self._box.seal(dump_secrets([secret])) if secret else None,
                "active": wanted.active,
                "description": wanted.description,
                "event_filter": sorted(set(wanted.event_filter)),
                "created_by": actor.label,
            }
        )
        if row is None:
            raise ChannelNameTaken(f"{wanted.name} is taken.")
        after = _told(row) | {"target_secret": SecretStr(wanted.target)}
        await self._audit.append(
            actor, NotificationAction.CHANNEL_CREATED, "notification-channel", row.id, row.name, after=after
        )
        return row, secret

    async def change(
        self, actor: Actor, channel_id: UUID, changes: Mapping[str, Any], if_match: str | None
    ) -> ChannelRow:
        """The channel with these fields changed. Switched off, its messages wait; switched on, they are sent.

        Raises:
            NotFound, PreconditionFailed
            InvalidChannel: target or filter have faults; every one is listed.
            ChannelNameTaken: another channel has the name.
        """
        row = await self._channels.lock(channel_id)
        check_if_match(if_match, channel_tag(row))
        kind = ChannelType(row.channel_type)
        self._check(kind, changes)
        if "name" in changes and await self._channels.other_of_name(changes["name"], channel_id):
            raise ChannelNameTaken(f"{changes['name']} is taken.")
        before, was_active = _told(row), row.active
        secret: dict[str, Any] = {}
        for name in ("name", "active", "description"):
            setattr(row, name, changes.get(name, getattr(row, name)))
        if "event_filter" in changes:
            row.event_filter = sorted(set(changes["event_filter"]))
        if "target" in changes:
            before |= {"target_secret": SecretStr(self._box.open(row.target))}
            secret = {"target_secret": SecretStr(changes["target"])}
            row.target, row.shown = self._box.seal(changes["target"]), shown(kind, changes["target"])
        if row.active and (not was_active or "target" in changes):
            row.disabled_reason = row.failing_since = None
        self._changed(row)
        await self._audit.append(
            actor,
            NotificationAction.CHANNEL_CHANGED,
            "notification-channel",
            row.id,
            row.name,
            before=before,
            after=_told(row) | secret,
        )
        if was_active != row.active:
            await (self._outbox.release(channel_id) if row.active else self._outbox.hold(channel_id))
        return row

    async def rotate_secret(
        self, actor: Actor, channel_id: UUID, grace: timedelta, if_match: str | None
    ) -> tuple[ChannelRow, SigningSecret]:
        """The channel and its new signing secret; the earlier ones sign along until the grace is over.

        Raises:
            NotFound, PreconditionFailed
            NoSigningSecret: it is no webhook.
        """
        row = await self._channels.lock(channel_id)
        check_if_match(if_match, channel_tag(row))
        if row.secrets is None:
            raise NoSigningSecret(f"Channels of type {row.channel_type} have no signing secret.")
        fresh = fresh_secret()
        kept = rotated(load_secrets(self._box.open(row.secrets)), fresh, self._resources.clock(), grace)
        row.secrets = self._box.seal(dump_secrets(kept))
        self._changed(row)
        after = {"grace_seconds": int(grace.total_seconds()), "signatures": len(kept)}
        await self._audit.append(
            actor, NotificationAction.SECRET_ROTATED, "notification-channel", row.id, row.name, after=after
        )
        return row, fresh

    async def remove(self, actor: Actor, channel_id: UUID, if_match: str | None) -> None:
        """Remove the channel with its secrets; what waits for it is given up, what was sent is kept.

        Raises:
            NotFound, PreconditionFailed
        """
        row = await self._channels.lock(channel_id)
        check_if_match(if_match, channel_tag(row))
        before = _told(row)
        row.target, row.secrets, row.active, row.removed_at = "", None, False, self._resources.clock()
        self._changed(row)
        await self._outbox.give_up(channel_id, "The channel was removed.")
        await self._audit.append(
            actor, NotificationAction.CHANNEL_REMOVED, "notification-channel", row.id, row.name, before=before
        )

    def _changed(self, row: ChannelRow) -> None:
        row.version += 1
        row.updated_at = self._resources.clock()

    def _check(self, kind: ChannelType, fields: Mapping[str, Any]) -> None:
        faults = []
        wrong = target_fault(kind, fields["target"], self._rules) if "target" in fields else None
        if wrong is not None:
            faults.append(Fault(pointer="/target", code="unusable-target", message=wrong))
        faults += [
            Fault(pointer=f"/event_filter/{number}", code="unknown-event", message="No kind of event matches this.")
            for number, pattern in enumerate(fields.get("event_filter", ()))
            if not self._kinds.takes(pattern)
        ]
        if faults:
            raise InvalidChannel(faults)


def channel_tag(row: ChannelRow) -> str:
    """The channel's ETag."""
    return etag(row.version)


def _told(row: ChannelRow) -> dict[str, Any]:
    """As the audit log tells it."""
    return {
        "name": row.name,
        "channel_type": row.channel_type,
        "target": row.shown,
        "active": row.active,
        "description": row.description,
        "event_filter": list(row.event_filter),
    }
