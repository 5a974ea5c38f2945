"""Sends one message by one channel: webhooks through the guarded client, everything else through apprise.

No session is open here, and no error names more of a target than its host.
"""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from apprise import Apprise, NotifyFormat

from app.kernel.clock import Clock
from app.kernel.http.client import OutboundHttp, OutboundPolicy
from app.kernel.http.guarded_threads import guarded
from app.kernel.problems import Problem
from app.kernel.security.at_rest import SecretBox, UnreadableSecretError
from app.operations.notifications.channels.channel_types import ChannelType, addresses_of, instantiate
from app.operations.notifications.channels.target_parameters import parameters_fault
from app.operations.notifications.channels.webhook_signing import load_secrets, signature
from app.operations.notifications.delivery.cloud_events import CONTENT_TYPE, Message, cloud_event
from app.operations.notifications.delivery.retry_policy import AttemptOutcome, Result, judge
from app.operations.notifications.outbox.models import ChannelRow

log = logging.getLogger(__name__)

THREADS: Final = 8
"""Messages under way at once through apprise, whose calls block."""


@dataclass(frozen=True, slots=True)
class OpenChannel:
    """A channel, its secrets readable; never shown."""

    id: UUID
    version: int
    active: bool
    kind: ChannelType
    target: str
    secrets: tuple[tuple[bytes, datetime | None], ...]
    """Signing keys, and until when they sign."""

    def __repr__(self) -> str:
        return f"OpenChannel({self.id})"


def opened(row: ChannelRow, box: SecretBox) -> OpenChannel | None:
    """The channel of a row; None when this service secret does not open it."""
    try:
        known = load_secrets(box.open(row.secrets)) if row.secrets else []
        target = box.open(row.target) if row.target else ""
    except UnreadableSecretError:
        return None
    secrets = tuple((each.key, each.until) for each in known)
    return OpenChannel(row.id, row.version, row.active, ChannelType(row.channel_type), target, secrets)


class Sender:
    """Sends messages."""

    def __init__(
        self, http: OutboundHttp, policy: OutboundPolicy, *, source: str, smtp_url: str | None, clock: Clock
    ) -> None:
        """Connects to nothing yet. `smtp_url`, apprise's URL of the mail server, is for channels of mere addresses."""
        self._http = http
        self._policy = policy
        self._source = source
        self._smtp_url = smtp_url
        self._clock = clock
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")

    async def send(self, message: Message, channel: OpenChannel | None) -> AttemptOutcome:
        """What became of the attempt; whatever went wrong is an outcome."""
        if channel is None:
            return AttemptOutcome(Result.FAILED, error="The target cannot be decrypted with this service secret.")
        if not channel.active:
            return AttemptOutcome(Result.HELD)
        try:
            if channel.kind is ChannelType.WEBHOOK:
                return await self._call(message, channel)
            return await self._call_apprise(message, channel)
        except Problem as problem:
            return AttemptOutcome(Result.FAILED, error=problem.detail)
        except Exception as error:  # noqa: BLE001 - whatever a library raises, the next message is sent
            log.warning("a message could not be sent", extra={"error": type(error).__name__})
            return AttemptOutcome(Result.FAILED, error=f"It could not be sent: {type(error).__name__}.")

    async def _call(self, message: Message, channel: OpenChannel) -> AttemptOutcome:
        body = cloud_event(message, self._source)
        headers = self._headers(message, channel, body)
        status, answered = await self._http.post(channel.target, headers=headers, content=body)
        return judge(status, answered, self._clock())

    def _headers(self, message: Message, channel: OpenChannel, body: bytes) -> Mapping[str, str]:
        now = self._clock()
        keys = [key for key, until in channel.secrets if until is None or until > now]
        timestamp = int(now.timestamp())
        return {
            "content-type": CONTENT_TYPE,
            "webhook-id": str(message.id),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(keys, str(message.id), timestamp, body),
        }

    async def _call_apprise(self, message: Message, channel: OpenChannel) -> AttemptOutcome:
        if channel.kind is not ChannelType.EMAIL or "://" in channel.target:
            fault = parameters_fault(channel.target)  # the channel may be older than the rule
            if fault is not None:
                return AttemptOutcome(Result.FAILED, error=fault)
        seconds = self._policy.deadline.total_seconds()
        work = asyncio.get_running_loop().run_in_executor(
            self._threads, _notify, message, self._urls(channel), self._policy, seconds
        )
        try:
            async with asyncio.timeout(seconds):
                taken = await work
        except TimeoutError:
            return AttemptOutcome(Result.FAILED, error="The service did not answer in time.")
        if taken:
            return AttemptOutcome(Result.SENT)
        return AttemptOutcome(Result.FAILED, error="The service did not take the message, or cannot be reached.")

    def _urls(self, channel: OpenChannel) -> tuple[str, tuple[str, ...]]:
        """The URL, and the addresses that it does not have in it."""
        if channel.kind is ChannelType.EMAIL and "://" not in channel.target:
            return self._smtp_url or "", tuple(addresses_of(channel.target))
        return channel.target, ()

    def close(self) -> None:
        """Wait for no thread that still speaks: each has a deadline of its own."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _notify(message: Message, where: tuple[str, tuple[str, ...]], policy: OutboundPolicy, seconds: float) -> bool:
    """Whether the service took the message; runs in a thread. Raises `OutboundRefused`."""
    url, addresses = where
    plugin = instantiate(url)
    if plugin is None:
        return False
    if addresses:
        plugin.targets = [(False, address) for address in addresses]
    plugin.socket_connect_timeout = plugin.socket_read_timeout = seconds
    plugin.redirects = False
    if isinstance(headers := getattr(plugin, "headers", None), dict) and hasattr(plugin, "smtp_host"):
        headers["X-Spyne-Notification"] = str(message.id)
    service: Any = Apprise()
    service.add(plugin)
    with guarded(policy.networks):
        return bool(
            service.notify(title=message.subject, body=message.body or message.subject, body_format=NotifyFormat.TEXT)
        )
