"""Types of channels, and what their targets may be. Pure, but for the look at apprise's plugins.

A target is where messages go and, mostly, a secret too: it is shown by its kind and host alone.
"""

import logging
import re
import warnings
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final

import httpx
from apprise import Apprise, AppriseAsset

from app.kernel.addresses import may_reach
from app.kernel.http.client import OutboundPolicy, OutboundRefused
from app.kernel.http.guarded_threads import guarded
from app.kernel.security.at_rest import MASK
from app.operations.notifications.channels.target_parameters import parameters_fault
from app.settings import NotifySettings

MAX_TARGET: Final = 512
MAX_ADDRESSES: Final = 20
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
"""The common part of RFC 5321 section 4.1.2; mail servers know better which of them exist."""

LOCAL_SCHEMES: Final = frozenset(
    {
        "blink1", "dbus", "glib", "gnome", "growl", "kde", "macosx", "qt", "rsyslog", "syslog", "windows", "wxpython",
        "smpp", "smpps", "mqtt", "mqtts", "amqp", "amqps", "irc", "ircs", "xmpp", "xmpps",
        "vapid", "deltachat", "deltachats",
    }
)  # fmt: skip
"""Plugins that speak to the machine itself, keep sockets of their own open, or work with keys in its files."""

SERVICES: Final = {
    "slack": frozenset({"slack"}),
    "teams": frozenset({"msteams", "workflow", "workflows"}),
    "discord": frozenset({"discord"}),
    "telegram": frozenset({"tgram"}),
}


class ChannelType(StrEnum):
    """How a channel is reached."""

    WEBHOOK = "webhook"
    EMAIL = "email"
    SLACK = "slack"
    TEAMS = "teams"
    DISCORD = "discord"
    TELEGRAM = "telegram"
    APPRISE = "apprise"


@dataclass(frozen=True, slots=True)
class TargetRules:
    """What the configuration allows."""

    policy: OutboundPolicy
    smtp_url: str | None = None
    """apprise URL of the mail server, for targets which are mere addresses."""


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


def target_fault(kind: ChannelType, target: str, rules: TargetRules) -> str | None:
    """Why the target cannot be one of this kind, without repeating it; None when it can."""
    if MASK in target:
        return "This is how a target is shown; give the target itself, or leave it out."
    if not target.isprintable() or target != target.strip():
        return "A target is one line, without spaces around it."
    if kind is ChannelType.WEBHOOK:
        return _webhook_fault(target, rules.policy)
    if kind is ChannelType.EMAIL and "://" not in target:
        addresses = addresses_of(target)
        if not 1 <= len(addresses) <= MAX_ADDRESSES or not all(_ADDRESS.fullmatch(each) for each in addresses):
            return (
                f"Give mail addresses, separated by commas, at most {MAX_ADDRESSES}; or a mailto:// or mailtos:// URL."
            )
        return None if rules.smtp_url else "No mail server is configured (NOTIFY_SMTP_URL); give a mailtos:// URL."
    return parameters_fault(target) or _service_fault(kind, target, rules.policy)


def _service_fault(kind: ChannelType, target: str, policy: OutboundPolicy) -> str | None:
    plugin = instantiate(target)
    if plugin is None:
        return "apprise does not understand this URL, or it is not spoken from here."
    scheme = scheme_of(plugin)
    if scheme in LOCAL_SCHEMES:
        return f"{scheme} is not spoken from here."
    if kind is ChannelType.EMAIL and scheme not in {"mailto", "mailtos"}:
        return "Give mail addresses, or a mailto:// or mailtos:// URL."
    wanted = SERVICES.get(kind.value)
    if wanted is not None and scheme not in wanted:
        return f"This is not a URL of {kind.value}."
    return _host_fault(str(getattr(plugin, "smtp_host", None) or plugin.host or ""), policy)


def _webhook_fault(target: str, policy: OutboundPolicy) -> str | None:
    try:
        url = httpx.URL(target)
        policy.check(url)
    except httpx.InvalidURL:
        return "This is not a URL."
    except OutboundRefused as refusal:
        return refusal.detail
    return _host_fault(url.host, policy)


def _host_fault(host: str, policy: OutboundPolicy) -> str | None:
    """Why a host that is given as an address is refused, or None; names are checked when they are called."""
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        refused = host.lower() == "localhost" and not any(net.is_loopback for net in policy.networks)
    else:
        refused = not may_reach(address, policy.networks)
    return "The host has an address that the service does not call." if refused else None


def addresses_of(target: str) -> list[str]:
    """The mail addresses of a target that lists them."""
    return [part.strip() for part in target.split(",") if part.strip()]


def instantiate(url: str) -> Any:
    """Apprise's plugin for a URL; None when there is none, or it is not spoken here.

    It is made without connecting to anything, or opening a file.
    """
    if url.partition("://")[0].lower() in LOCAL_SCHEMES:
        return None  # some look for their files at once
    _load_plugins()
    try:
        with guarded():
            return Apprise.instantiate(url, asset=AppriseAsset(app_id="Spyne", app_desc="Spyne", async_mode=False))
    except Exception:  # noqa: BLE001 - some plugins raise what they like on odd URLs
        return None


@lru_cache
def _load_plugins() -> None:
    """Once, as it takes a while; silent, as apprise's log lines name targets, and its plugins import what is ageing."""
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Apprise.instantiate("json://localhost")


def scheme_of(plugin: Any) -> str:
    """By what scheme a plugin's URLs begin."""
    for name in ("secure_protocol", "protocol"):
        schemes = getattr(plugin, name, None)
        if schemes:
            return str(schemes if isinstance(schemes, str) else schemes[0])
    return ""


def shown(kind: ChannelType, target: str) -> str:
    """The target as it may be shown: a webhook's host, mail addresses, else the scheme alone."""
    scheme, separator, rest = target.partition("://")
    if not separator:
        return target if kind is ChannelType.EMAIL else MASK
    if kind is not ChannelType.WEBHOOK:
        return f"{scheme}://{MASK}" if len(scheme) <= len("secure-protocol") else MASK
    url = httpx.URL(target)
    host = url.netloc.decode("ascii", "replace")
    return f"{scheme}://{host}" + (f"/{MASK}" if rest.partition("/")[2] or url.query else "")
