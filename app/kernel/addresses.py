"""Network addresses: how they are written and counted, and which ones the service may speak to. Pure.

Of outgoing connections everything that is not plainly public is refused: IANA's special-purpose registries (RFC 6890
and its updates), multicast, and the ranges that carry an IPv4 address inside an IPv6 one: a translator on the way may
take it out again.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

REFUSED: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this network; 0.0.0.0 reaches the host itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598); some clouds serve metadata here
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, the metadata services of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",  # reserved, and the broadcast address
        "::/96",  # unspecified, loopback, IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
        "64:ff9b::/96",  # NAT64 (RFC 6052)
        "64:ff9b:1::/48",  # NAT64 for local use (RFC 8215)
        "100::/64",  # discard
        "2001::/23",  # IETF protocols, Teredo among them
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
        "5f00::/16",  # SRv6 identifiers
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",  # the old site-local addresses
        "ff00::/8",
    )
)


def parse(text: str) -> Address:
    """The address in its usual notation, without a zone. Raises ValueError."""
    return ip_address(text.partition("%")[0])


def may_reach(address: Address, allowed: Iterable[Network] = ()) -> bool:
    """Whether the address is public, or within a network that the configuration allows."""
    if any(address.version == network.version and address in network for network in allowed):
        return True
    if any(address.version == network.version and address in network for network in REFUSED):
        return False
    return address.is_global and not address.is_multicast


def plain_address(text: str) -> Address | None:
    """The address without its zone, an IPv4 address that is mapped into IPv6 as itself; None when it is none."""
    bare, percent, zone = text.partition("%")
    if percent and (":" not in bare or not zone):
        return None
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def within(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of the networks holds the address."""
    return any(address in network for network in networks)  # of the other family: never


@lru_cache(maxsize=16_384)  # asked on every anonymous request
def counted_as(address: str) -> str:
    """What an anonymous address is counted under: itself, or its /64 network.

    One subscriber has a whole /64 of IPv6 (RFC 6177), so that single addresses of it are free for the taking.
    """
    if ":" not in address:
        return address
    found = plain_address(address)
    if found is None or isinstance(found, IPv4Address):
        return address if found is None else str(found)
    return str(IPv6Address(int(found) >> 64 << 64)) + "/64"
