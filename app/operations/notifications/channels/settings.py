"""What the configuration says about where messages may go."""

from datetime import timedelta

from app.kernel.http.client import OutboundPolicy
from app.operations.notifications.channels.channel_types import TargetRules
from app.settings import NotifySettings


def outbound_policy(settings: NotifySettings) -> OutboundPolicy:
    """What delivery may call."""
    return OutboundPolicy(
        schemes=frozenset({"http", "https"} if settings.allow_http else {"https"}),
        networks=settings.allowed_networks,
        deadline=timedelta(seconds=settings.timeout_seconds),
        max_body_bytes=settings.max_answer_bytes,
        connections=2 * settings.concurrency,
        kept_connections=settings.concurrency,
    )


def target_rules(settings: NotifySettings) -> TargetRules:
    """What targets may be."""
    smtp = settings.smtp_url
    return TargetRules(outbound_policy(settings), None if smtp is None else smtp.get_secret_value())
