"""Who is shut out: targets of blocks, what may never be one, and the index that the door looks into. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network, ip_network
from typing import Final
from uuid import UUID

from app.kernel.addresses import Address, Network, plain_address, within

FOREVER: Final = float("inf")
LOOPBACK: Final[tuple[Network, ...]] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
SUBSCRIBER_BITS: Final = 64
"""A subscriber has at least a /64 of IPv6 (RFC 6177): a single address of it is no hindrance."""


class BlockKind(StrEnum):
    """What is blocked."""

    ADDRESS = "address"
    NETWORK = "network"
    USER = "user"
    CLIENT = "client"


class MadeBy(StrEnum):
    """Who decided."""

    ADMIN = "admin"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Target:
    """Who is to be shut out, in the one way to write it."""

    kind: BlockKind
    text: str

    @property
    def network(self) -> Network | None:
        """The addresses; None for users and clients."""
        return ip_network(self.text) if self.kind in {BlockKind.ADDRESS, BlockKind.NETWORK} else None

    @property
    def subject(self) -> str | None:
        """`user:<id>` or `client:<id>`; None for addresses."""
        return f"{self.kind}:{self.text}" if self.kind in {BlockKind.USER, BlockKind.CLIENT} else None


def parse_target(kind: BlockKind, text: str) -> Target:
    """The target. Raises ValueError which says what is wrong with the text."""
    if kind in {BlockKind.USER, BlockKind.CLIENT}:
        try:
            return Target(kind, str(UUID(text)))
        except ValueError as error:
            raise ValueError("This is not the id of a user or client.") from error
    if kind is BlockKind.ADDRESS:
        address = plain_address(text)
        if address is None:
            raise ValueError("This is not an IPv4 or IPv6 address.")
        return Target(kind, str(address))
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError("This is no network, such as 203.0.113.0/24, or has bits beyond its length.") from error
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
        raise ValueError("Write the IPv4 network itself.")
    if network.prefixlen == 0:
        raise ValueError("A network of everybody cannot be blocked.")
    return Target(kind, str(network))


def split_target(text: str) -> tuple[BlockKind, str]:
    """The kind and text of a target such as `user:<id>`, `client:<id>`, `198.51.100.7` or `198.51.100.0/24`."""
    prefix, colon, rest = text.partition(":")
    if colon and prefix in {BlockKind.USER, BlockKind.CLIENT}:
        return BlockKind(prefix), rest
    return (BlockKind.NETWORK if "/" in text else BlockKind.ADDRESS), text


def target_of_address(address: Address) -> Target:
    """What a rule blocks for events from this address: itself, or its /64 network."""
    if isinstance(address, IPv6Address):
        return Target(BlockKind.NETWORK, str(ip_network((int(address) >> 64 << 64, SUBSCRIBER_BITS))))
    return Target(BlockKind.ADDRESS, str(address))


def overlaps(network: Network, others: Iterable[Network]) -> bool:
    """Whether the network has an address in common with one of the others."""
    return any(network.version == other.version and network.overlaps(other) for other in others)


def protected(target: Target, *, never_blocked: Sequence[Network], proxies: Sequence[Network]) -> str | None:
    """Why these addresses are not blocked, unless an admin insists; None when nothing speaks against it."""
    network = target.network
    if network is None:
        return None
    for networks, why in (
        (LOOPBACK, "It is this machine itself."),
        (proxies, "Our own proxies are there: everybody behind them would be shut out."),
        (never_blocked, "The security policy says that it is never blocked."),
    ):
        if overlaps(network, networks):
            return why
    return None


class NetworkIndex:
    """Finds whether an address is in one of many networks: one look per length of prefix, however many there are."""

    __slots__ = ("_by_length",)

    def __init__(self, networks: Iterable[tuple[Network, float]]) -> None:
        """Takes each network with the Unix time until which it counts."""
        self._by_length: dict[tuple[int, int], dict[int, float]] = {}
        for network, until in networks:
            bits = network.max_prefixlen - network.prefixlen
            same_length = self._by_length.setdefault((network.version, bits), {})
            prefix = int(network.network_address) >> bits
            same_length[prefix] = max(until, same_length.get(prefix, 0.0))

    def __bool__(self) -> bool:
        return bool(self._by_length)

    def until(self, address: Address) -> float:
        """Until when the address is in one of them; 0 when it is in none."""
        number, version = int(address), address.version
        return max(
            (
                prefixes.get(number >> bits, 0.0)
                for (family, bits), prefixes in self._by_length.items()
                if family == version
            ),
            default=0.0,
        )


def is_loopback(address: Address) -> bool:
    """Whether this is the machine itself."""
    return within(address, LOOPBACK)
