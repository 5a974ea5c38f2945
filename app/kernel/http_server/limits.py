"""The bounds on how a request may arrive and how its answer may be taken, and the clock that both share. Pure."""

from dataclasses import dataclass
from typing import Final, Self

from app.settings import ServerSettings

MAX_PIPELINED: Final = 16
"""Requests read ahead of the answer under way. One read may hold thousands of them."""

LINGER_SECONDS: Final = 1.0
"""How long a refused connection is still read before it is closed. Closed with unread bytes, TCP would reset it and the
refusal might never be seen (RFC 9112, section 9.6)."""

UNSENT_BYTES: Final = 16 * 1024
"""What the system takes of an answer before its reader's turn (TCP_NOTSENT_LOWAT), instead of some MiB: so what a
reader has not taken is left in the process. At `rate` these bytes last half a minute, as long as the patience."""

UNWANTED_SECONDS: Final = 30.0
"""How long the rest of a body is read after its request was answered (nginx: lingering_time)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalLimits:
    """Seconds, bytes and counts; `ServerSettings` gives the reasons."""

    head_seconds: float = 5.0
    head_bytes: int = 32 * 1024
    body_seconds: float = 7.0
    rate: float = 500.0
    patience_seconds: float = 30.0
    sweep_seconds: float = 0.5
    """Between two looks at all connections; no deadline is kept more exactly."""
    max_connections: int = 4096
    probe_connections: int = 32
    probes: frozenset[bytes] = frozenset()
    """Paths which are answered over the reserved connections."""

    @classmethod
    def of(cls, settings: ServerSettings, probes: frozenset[str], max_connections: int) -> Self:
        """The bounds that the configuration asks for, with as many connections as the system allows."""
        return cls(
            head_seconds=settings.head_seconds,
            head_bytes=settings.max_head_bytes,
            body_seconds=settings.body_seconds,
            rate=settings.min_bytes_per_second,
            patience_seconds=settings.patience_seconds,
            max_connections=max_connections,
            probes=frozenset(path.encode("ascii") for path in probes),
        )

    def prolonged(self, due: float, now: float, progress: float) -> float:
        """The moment until which a transfer must have made more progress, after so many bytes of it.

        Every byte earns 1/rate seconds, and no more than `patience_seconds` can be had in advance: whoever stays above
        the rate goes on for as long as it takes, whoever falls silent is cut within the patience.
        """
        return max(due, min(due + progress / self.rate, now + self.patience_seconds))
