"""Which client a chain of proxies speaks for. Pure.

`X-Forwarded-For` is a list to which every proxy appends the peer that it saw; whoever sends the request writes its
left part. So it is read from the right, as long as the addresses are our own proxies': the first one that is not is
the client, and nothing to the left of it is believed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from app.kernel.addresses import Address, Network, plain_address, within

_WITH_PORT: Final = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.%\w-]+)\]|(?P<four>[0-9.]+))(?::(?P<port>[0-9]{1,5}))?", re.ASCII
)
MAX_PORT: Final = 65_535
MAX_ENTRY: Final = 100
"""Characters of one entry; the longest address has 45, a zone and a port add a few."""

SCHEMES: Final = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from."""

    address: str
    scheme: str | None
    """What the client spoke, when the proxies have said so."""


def parse_entry(text: str) -> Address | None:
    """The address of one entry: with or without a port, IPv6 also in brackets, zones left out, mapped IPv4 as IPv4.

    None for everything else, such as `unknown` and the obfuscated names of RFC 7239, section 6.3.
    """
    text = text.strip(" \t")
    if not text or len(text) > MAX_ENTRY:
        return None
    found = _WITH_PORT.fullmatch(text)
    if found is not None:
        if int(found["port"] or 0) > MAX_PORT:
            return None
        text = found["six"] or found["four"]
        if found["six"] is not None and ":" not in text:
            return None
    return plain_address(text)


class Proxies:
    """The proxies whose word counts."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self.networks = tuple(networks)
        self.trusted: Callable[[str], bool] = lru_cache(maxsize=4096)(self._trusted)
        """Whether the address, as text, is a trusted proxy's."""

    def _trusted(self, text: str) -> bool:
        address = plain_address(text)
        return address is not None and within(address, self.networks)

    def origin(self, peer: str, forwarded_for: Sequence[bytes], forwarded_proto: Sequence[bytes]) -> Origin:
        """The client behind a trusted peer, by the values of every such header, in the order of the headers."""
        address, hops = peer, 0
        entries = _list(forwarded_for)
        for entry in reversed(entries):
            found = parse_entry(entry)
            if found is None:
                break  # what a proxy cannot name is not guessed: the last trusted fact stands
            address, hops = str(found), hops + 1
            if not self.trusted(address):
                break
        return Origin(address, _scheme(_list(forwarded_proto), hops))


def _list(values: Sequence[bytes]) -> list[str]:
    return b",".join(values).decode("latin-1").split(",") if values else []


def _scheme(entries: Sequence[str], hops: int) -> str | None:
    """What the outermost trusted proxy has said: each appends one, or a single one was set for all."""
    if not entries or not hops:
        return None
    said = entries[-min(hops, len(entries))].strip(" \t").lower()
    return said if said in SCHEMES else None
