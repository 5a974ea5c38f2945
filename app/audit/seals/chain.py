"""Seals and checkpoints: what is stated about the log. Pure.

A seal names a batch of rows by the root of their Merkle tree and the seal before it by its digest, so the last seal's
digest stands for the whole log. How statements are signed and read: `signing.py`.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.audit.seals.signing import PublicKey, Statement

NO_SEAL = bytes(32)
"""What the first seal names as the digest of the seal before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal(Statement):
    """A batch of the log."""

    prefix = b"spyne-audit-seal:1\n"

    number: int
    """1 for the first; no number is left out."""
    encoding: int
    """Which canonical bytes of rows are hashed: see `canonical.ENCODING`."""
    count: int
    total: int
    """Rows sealed so far, this batch included."""
    root: bytes
    previous: bytes
    """Digest of the seal before; `NO_SEAL` for the first."""
    first_entry: UUID | None
    last_entry: UUID | None
    lineage: str
    """The database whose transaction numbers the rows bear; another one after a restore."""
    adopted: bool
    """Whether rows were taken whatever their transaction: those found at the first start, or after a restore."""
    horizon: int
    """Every row of this lineage whose transaction is below it is sealed; 0 while adopting goes on."""
    snapshot_end: int
    """The first transaction that had not begun yet."""
    sealed_at: int
    """Microseconds since 1970-01-01T00:00:00Z, by the database's clock."""
    key: str
    """Fingerprint of the key that signed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint(Statement):
    """The log at one moment: kept elsewhere, it gives away a log that was cut or replaced."""

    prefix = b"spyne-audit-checkpoint:1\n"

    size: int
    """Rows sealed."""
    seals: int
    hash: bytes
    """Digest of the last seal; `NO_SEAL` when there is none."""
    time: int
    """Microseconds since 1970-01-01T00:00:00Z."""
    public_key: PublicKey

    def fields(self) -> dict[str, Any]:
        """The version of the form, and the fields."""
        return {"checkpoint": 1} | Statement.fields(self)

    def genuine(self) -> bool:
        """Whether the key that the checkpoint names signed it."""
        return self.public_key.verifies(self.signature, self.content())


@dataclass(frozen=True, slots=True)
class Present:
    """The database that the log is in now."""

    lineage: str
    snapshot_end: int
    """The first transaction that had not begun."""
    time: int
    """Microseconds since 1970-01-01T00:00:00Z."""
