"""Names and addresses as they are counted: keyed hashes, since a name may be a mistyped password. Pure."""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network

from app.kernel.addresses import parse
from app.kernel.security.secrets import ServiceSecret

_IPV6_PREFIX = 64
"""Bits. One customer has at least a /64 (RFC 6177), so one of its addresses is no more than another."""


class Realm(StrEnum):
    """Whose names they are; each is counted by itself."""

    PEOPLE = "user"
    CLIENTS = "client"


@dataclass(frozen=True, slots=True)
class LoginKeys:
    """A name at an address, the name, and the address, as they are counted."""

    pair: bytes
    name: bytes
    address: bytes

    @property
    def wide_locks(self) -> tuple[int, int]:
        """The advisory locks of name and address, in the one order in which everybody takes them."""
        first, second = sorted((lock_of(self.name), lock_of(self.address)))
        return first, second


class LoginKeyMaker:
    """Makes the hashes."""

    def __init__(self, secret: ServiceSecret) -> None:
        self._key = secret.key("login-places:1")

    def of(self, realm: Realm, name: str, address: str | None) -> LoginKeys:
        """The keys of a normalised name and the client's address as the request has it."""
        network = network_of(address)
        return LoginKeys(
            self._hash(realm, "pair", name, network),
            self._hash(realm, "name", name),
            self._hash(realm, "address", network),
        )

    def _hash(self, realm: Realm, *parts: str) -> bytes:
        hashed = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (part.encode() for part in (realm, *parts)))
        return hmac.new(self._key, hashed, hashlib.sha256).digest()


def lock_of(digest: bytes) -> int:
    """The advisory lock of a hash."""
    return int.from_bytes(digest[:8], "big", signed=True)


def network_of(address: str | None) -> str:
    """The text that counts as one address: an IPv4 address, also when it is written as IPv6, or an IPv6 /64.

    Empty without an address (a unix socket). What is no address counts as it is.
    """
    if address is None:
        return ""
    try:
        parsed = parse(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(IPv6Network((parsed, _IPV6_PREFIX), strict=False))
    return str(parsed)
