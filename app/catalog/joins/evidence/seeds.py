"""The seed of the hashes that evidence keeps: without it, whoever reads them could try all likely values. Pure."""

from dataclasses import dataclass, field
from typing import Final

from app.kernel.security.secrets import ServiceSecret

_PURPOSE: Final = "hashes of join evidence"


@dataclass(frozen=True, slots=True)
class HashSeed:
    """A seed, and the mark by which evidence says that its hashes are made with it."""

    value: int = field(repr=False)
    """From 0, below 2**63: PostgreSQL takes it as a bigint."""
    mark: str

    @classmethod
    def of(cls, secret: ServiceSecret) -> "HashSeed":
        """The seed that the service's secret gives: another secret makes another one, and all evidence is made anew."""
        return cls(int.from_bytes(secret.key(_PURPOSE)[:8]) >> 1, secret.fingerprint(_PURPOSE))
