"""Use cases of channels: make, change, switch off and on, rotate secrets, remove. Each change is audited.

Targets and secrets are encrypted before they reach the database; an answer shows a secret once, when it is made.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from app.audit.log.service import AuditTrail
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.http.etags import Tagged, check_if_match, etag
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Fault
from app.kernel.security.at_rest import SecretBox
from app.kernel.security.authorization import SYSTEM, Actor
from app.kernel.security.secrets import ServiceSecret
from app.operations.notifications.channels.channel_types import ChannelType, shown, target_fault, target_rules
from app.operations.notifications.channels.schemas import NewChannel
from app.operations.notifications.channels.webhook_signing import (
    SigningSecret,
    dump_secrets,
    fresh_secret,
    load_secrets,
    rotated,
)
from app.operations.notifications.outbox.actions import NotificationAction
from app.operations.notifications.outbox.announcing import Announcements
from app.operations.notifications.outbox.events import CHANNEL_DISABLED
from app.operations.notifications.outbox.models import ChannelRow
from app.operations.notifications.outbox.problems import ChannelNameTaken, InvalidChannel, NoSigningSecret
from app.operations.notifications.outbox.repository import ChannelWrites, OutboxWrites
from app.settings import Settings


class ChannelService:
    """Makes and changes channels within one transaction."""

    def __init__(
        self, session: WriteSession, settings: Settings, kinds: EventKinds, secret: ServiceSecret, clock: Clock
    ) -> None:
        self._rules = target_rules(settings.notify)
        self._kinds = kinds
        self._clock = clock
        self._box = SecretBox(secret)
        self._channels = ChannelWrites(session)
        self._outbox = OutboxWrites(session)
        self._audit = AuditTrail(session, secret)
        self._announcements = Announcements(session, kinds)

    async def create(self, actor: Actor, wanted: NewChannel) -> tuple[ChannelRow, SigningSecret | None]:
        """The new channel; of a webhook its signing secret too, which is shown this once.

        Raises:
            InvalidChannel: target or filter have faults; every one is listed.
            ChannelNameTaken: there is such a channel.
        """
        self._check(wanted.channel_type, {"target": wanted.target, "event_filter": wanted.event_filter})
        secret = fresh_secret() if wanted.channel_type is ChannelType.WEBHOOK else None
        row = await self._channels.add_unless_taken(
            {
                **wanted.model_dump(mode="json", include={"name", "channel_type", "active", "description"}),
                "target": self._box.seal(wanted.target),
                "shown": shown(wanted.channel_type, wanted.target),
                "secrets": self._box.seal(dump_secrets([secret])) if secret else None,
                "event_filter": sorted(set(wanted.event_filter)),
                "created_by": actor.label,
            }
        )
        if row is None:
            raise ChannelNameTaken(f"{wanted.name} is taken.")
        after = _audited(row) | {"target_secret": SecretStr(wanted.target)}
        await self._record(actor, NotificationAction.CHANNEL_CREATED, row, after=after)
        return row, secret

    async def change(
        self, actor: Actor, channel_id: UUID, changes: Mapping[str, Any], if_match: str | None
    ) -> Tagged[ChannelRow]:
        """The channel with these fields changed. Switched off, its messages wait; switched on, they are sent.

        Raises:
            NotFound, PreconditionFailed
            InvalidChannel: target or filter have faults; every one is listed.
            ChannelNameTaken: another channel has the name.
        """
        row = await self._locked(channel_id, if_match)
        kind = ChannelType(row.channel_type)
        self._check(kind, changes)
        if "name" in changes and await self._channels.other_of_name(changes["name"], channel_id):
            raise ChannelNameTaken(f"{changes['name']} is taken.")
        before, was_active = _audited(row), row.active
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
        after = _audited(row) | secret
        await self._record(actor, NotificationAction.CHANNEL_CHANGED, row, before=before, after=after)
        if was_active != row.active:
            await (self._outbox.release(channel_id) if row.active else self._outbox.hold(channel_id))
        return tagged(row)

    async def rotate_secret(
        self, actor: Actor, channel_id: UUID, grace: timedelta, if_match: str | None
    ) -> tuple[ChannelRow, SigningSecret]:
        """The channel and its new signing secret; the earlier ones sign along until the grace is over.

        Raises:
            NotFound, PreconditionFailed
            NoSigningSecret: it is no webhook.
        """
        row = await self._locked(channel_id, if_match)
        if row.secrets is None:
            raise NoSigningSecret(f"Channels of type {row.channel_type} have no signing secret.")
        fresh = fresh_secret()
        kept = rotated(load_secrets(self._box.open(row.secrets)), fresh, self._clock(), grace)
        row.secrets = self._box.seal(dump_secrets(kept))
        self._changed(row)
        after = {"grace_seconds": int(grace.total_seconds()), "signatures": len(kept)}
        await self._record(actor, NotificationAction.SECRET_ROTATED, row, after=after)
        return row, fresh

    async def remove(self, actor: Actor, channel_id: UUID, if_match: str | None) -> None:
        """Remove the channel with its secrets; what waits for it is given up, what was sent is kept.

        Raises:
            NotFound, PreconditionFailed
        """
        row = await self._locked(channel_id, if_match)
        before = _audited(row)
        row.target, row.secrets, row.active, row.removed_at = "", None, False, self._clock()
        self._changed(row)
        await self._outbox.give_up(channel_id, "The channel was removed.")
        await self._record(actor, NotificationAction.CHANNEL_REMOVED, row, before=before)

    async def disable(self, channel_id: UUID, reason: str) -> None:
        """Switch off a channel that does not work, unless it is off, and announce that to the other channels.

        Its messages wait until an admin switches it on again.
        """
        row = await self._channels.lock_active(channel_id)
        if row is None:
            return
        row.active, row.disabled_reason = False, reason
        self._changed(row)
        before, after = {"active": True, "disabled_reason": None}, {"active": False, "disabled_reason": reason}
        await self._record(SYSTEM, NotificationAction.CHANNEL_DISABLED, row, before=before, after=after)
        await self._outbox.hold(channel_id)
        await self._announcements.announce(
            CHANNEL_DISABLED,
            f"The channel {row.name} was switched off",
            f"{reason} Its messages wait until an admin switches it on again.",
            {"channel_id": str(row.id), "name": row.name, "reason": reason},
            f"notification-channel/{row.name}",
        )

    async def _record(
        self,
        actor: Actor,
        action: NotificationAction,
        row: ChannelRow,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        await self._audit.append(actor, action, "notification-channel", row.id, row.name, before=before, after=after)

    async def _locked(self, channel_id: UUID, if_match: str | None) -> ChannelRow:
        row = await self._channels.lock_by_id(channel_id)
        check_if_match(if_match, tagged(row).etag)
        return row

    def _changed(self, row: ChannelRow) -> None:
        row.version += 1
        row.updated_at = self._clock()

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
            raise InvalidChannel(faults=faults)


def tagged(row: ChannelRow) -> Tagged[ChannelRow]:
    """The channel with the ETag of its version."""
    return Tagged(row, etag(row.version))


def _audited(row: ChannelRow) -> dict[str, Any]:
    """The channel as the audit log shows it."""
    fields = {name: getattr(row, name) for name in ("name", "channel_type", "active", "description")}
    return fields | {"target": row.shown, "event_filter": list(row.event_filter)}
