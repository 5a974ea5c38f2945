"""What the door knows: rate rules, blocks, decoys and the allowed networks, as this process saw them last.

The view is immutable and replaced whole, so that a request sees one state of it, and asking it costs no I/O.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from app.kernel.addresses import Network, plain_address, within
from app.kernel.security.authorization import Recognised
from app.kernel.security.credential_headers import ShownCredential
from app.kernel.security.policy import PolicyInForce, SecurityPolicy
from app.kernel.security.security_events import SecurityEvents
from app.operations.security.edge.blocking import NetworkIndex, is_loopback
from app.operations.security.edge.counting import MemoryCounter, SharedCounter
from app.operations.security.edge.rates import Rates

REMEMBERED_ADDRESSES = 16_384
"""Addresses whose place in the networks is known without looking again, per view: some 3 MB."""


class EdgeVerdict(Enum):
    """What the door says to an address."""

    WELCOME = "welcome"
    BLOCKED = "blocked"
    ELSEWHERE = "elsewhere"
    """Outside of the allowed networks."""
    LOCAL = "local"
    """Outside of them too, but this machine itself: let in when the request did not come through a proxy."""


@dataclass(frozen=True)
class EdgeView:
    """What the door knows at one moment."""

    rates: Rates = field(default_factory=dict)
    blocked_networks: NetworkIndex = field(default_factory=lambda: NetworkIndex(()))
    decoy_paths: frozenset[str] = frozenset()
    allowed_networks: Sequence[Network] = ()
    revision: int = 0
    """The revision that was read; rises with every change."""
    _place: Callable[[str], tuple[float, EdgeVerdict]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_place", lru_cache(maxsize=REMEMBERED_ADDRESSES)(self._find))

    @property
    def guards(self) -> bool:
        """Whether any address could be refused."""
        return bool(self.blocked_networks) or bool(self.allowed_networks)

    def verdict(self, address: str | None) -> EdgeVerdict:
        """What to say to a client's address."""
        until, otherwise = self._place(address or "")
        return EdgeVerdict.BLOCKED if until and until > time.time() else otherwise

    def _find(self, text: str) -> tuple[float, EdgeVerdict]:
        address = plain_address(text)
        if address is None:  # a unix socket; nothing is known of it
            return 0.0, EdgeVerdict.ELSEWHERE if self.allowed_networks else EdgeVerdict.WELCOME
        until = self.blocked_networks.until(address)
        if not self.allowed_networks or within(address, self.allowed_networks):
            return until, EdgeVerdict.WELCOME
        return until, EdgeVerdict.LOCAL if is_loopback(address) else EdgeVerdict.ELSEWHERE


def _nobody(_: ShownCredential) -> Recognised | None:
    return None


class Edge:
    """What the layers of the door share with the service behind it; filled when the service starts."""

    def __init__(self, storage_url: str | None = None) -> None:
        """Counts in this process alone without the URL of a Redis."""
        self.memory = MemoryCounter()
        self.shared = SharedCounter(storage_url) if storage_url is not None else None
        self.view = EdgeView()
        self.policy = PolicyInForce()
        self.events = SecurityEvents()
        self.recognised: Callable[[ShownCredential], Recognised | None] = _nobody

    def policy_now(self) -> SecurityPolicy:
        """The security policy in force."""
        return self.policy.current()
