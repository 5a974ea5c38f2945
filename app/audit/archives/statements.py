"""Archives: signed statements that the rows of some seals are kept in an object, so that they may leave the log. Pure.

Each follows on the one before, from the first seal on, and names the last seal it covers by its digest, which stands
for all seals before it.
"""

from dataclasses import dataclass

from app.audit.seals.signing import Statement

NO_ARCHIVE = bytes(32)
"""What the first archive names as the digest of the archive before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive(Statement):
    """The rows of some seals, kept elsewhere."""

    prefix = b"spyne-audit-archive:1\n"

    number: int
    """1 for the first; no number is left out."""
    first_seal: int
    last_seal: int
    seal_hash: bytes
    """Digest of the last seal."""
    rows: int
    object: str
    """Key in the object storage."""
    size: int
    """Bytes of the object."""
    sha256: bytes
    """Hash of the object."""
    previous: bytes
    """Digest of the archive before; `NO_ARCHIVE` for the first."""
    archived_at: int
    """Microseconds since 1970-01-01T00:00:00Z."""
    key: str
    """Fingerprint of the key that signed it."""
