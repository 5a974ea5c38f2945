"""How the service switches off a channel that does not work, and announces it to the other channels."""

from functools import partial
from uuid import UUID

from app.audit.log.service import AuditTrail
from app.kernel.db.database import OperationClass, WriteSession
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.operations.notifications.delivery.repository import DeliveryWrites
from app.operations.notifications.outbox.actions import NotificationAction
from app.operations.notifications.outbox.announcing import Announcements
from app.operations.notifications.outbox.events import CHANNEL_DISABLED
from app.operations.notifications.outbox.repository import OutboxWrites


async def disable(resources: Resources, channel_id: UUID, reason: str) -> None:
    """Switch the channel off unless it is; its messages wait until an admin switches it on again."""
    await resources.database.run(partial(_disable, resources, channel_id, reason), OperationClass.CONTROL)


async def _disable(resources: Resources, channel_id: UUID, reason: str, session: WriteSession) -> None:
    row = await DeliveryWrites(session).lock(channel_id)
    if row is None:
        return
    row.active, row.disabled_reason = False, reason
    row.version += 1
    row.updated_at = resources.clock()
    await AuditTrail(session, resources.secret).append(
        SYSTEM,
        NotificationAction.CHANNEL_DISABLED,
        "notification-channel",
        row.id,
        row.name,
        before={"active": True, "disabled_reason": None},
        after={"active": False, "disabled_reason": reason},
    )
    await OutboxWrites(session).hold(channel_id)
    await resources.build(Announcements, session).announce(
        CHANNEL_DISABLED,
        f"The channel {row.name} was switched off",
        f"{reason} Its messages wait until an admin switches it on again.",
        {"channel_id": str(row.id), "name": row.name, "reason": reason},
        f"notification-channel/{row.name}",
    )
