"""Notifications, as the registry knows the domain."""

from app.kernel.domains.domain import Domain
from app.operations.notifications.channels.router import router as channel_router
from app.operations.notifications.contributions import NOTIFICATIONS, TILES, MessagesSource
from app.operations.notifications.delivery.background import BACKGROUND
from app.operations.notifications.outbox.actions import NotificationAction
from app.operations.notifications.outbox.events import EVENT_KINDS
from app.operations.notifications.outbox.models import AttemptRow, ChannelRow, MessageRow
from app.operations.notifications.outbox.router import router

DOMAIN = Domain(
    name="notifications",
    actions=(NotificationAction,),
    routers=(channel_router, router),
    models=(ChannelRow, MessageRow, AttemptRow),
    background=BACKGROUND,
    tiles=TILES,
    event_kinds=EVENT_KINDS,
    export_sources=(MessagesSource(),),
    retention_targets=lambda _: (NOTIFICATIONS,),
)
