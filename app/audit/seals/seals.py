"""Seals and checkpoints: signed statements about the log. Pure.

A seal names a batch of rows by the root of their Merkle tree and the seal before it by its hash, so the last seal's
hash stands for the whole log. It is signed with a key that the database does not hold.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.kernel.security.secrets import ServiceSecret

KEY_PURPOSE = "audit-seal:1"
NO_SEAL = bytes(32)
"""What the first seal names as the hash of the seal before it."""
_SEAL = b"spyne-audit-seal:1\n"
_CHECKPOINT = b"spyne-audit-checkpoint:1\n"
"""Prefixes of what is hashed and signed: a signature of the one kind never passes for the other."""


class MalformedSealError(ValueError):
    """The document is not a seal, a checkpoint or a key."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Verifies what the service signed."""

    raw: bytes

    @classmethod
    def parse(cls, text: str) -> "PublicKey":
        """The key of 64 hexadecimal digits. Raises `MalformedSealError`."""
        try:
            raw = bytes.fromhex(text.strip())
        except ValueError as error:
            raise MalformedSealError("a public key has 64 hexadecimal digits") from error
        if len(raw) != 32:  # noqa: PLR2004 - RFC 8032 section 5.1.5
            raise MalformedSealError("a public key has 64 hexadecimal digits")
        return cls(raw)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key in hexadecimal: names it."""
        return hashlib.sha256(self.raw).hexdigest()

    def verifies(self, signature: bytes, content: bytes) -> bool:
        """Whether the key's owner signed this content."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, content)
        except (InvalidSignature, ValueError):
            return False
        return True


class SealingKey:
    """Signs; derived from the service secret."""

    def __init__(self, secret: ServiceSecret) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(secret.key(KEY_PURPOSE))
        self.public = PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, content: bytes) -> bytes:
        """The Ed25519 signature (RFC 8032)."""
        return self._key.sign(content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One batch of the log, stated and signed."""

    number: int
    """1 for the first; no number is left out."""
    encoding: int
    """Of the rows' canonical bytes."""
    count: int
    total: int
    """Rows sealed so far, this batch included."""
    root: bytes
    previous: bytes
    """Hash of the seal before; `NO_SEAL` for the first."""
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
    signature: bytes = b""

    def fields(self) -> dict[str, Any]:
        """As JSON, without the signature; numbers as such, hashes in hexadecimal."""
        return {
            "number": self.number,
            "encoding": self.encoding,
            "count": self.count,
            "total": self.total,
            "root": self.root.hex(),
            "previous": self.previous.hex(),
            "first_entry": None if self.first_entry is None else str(self.first_entry),
            "last_entry": None if self.last_entry is None else str(self.last_entry),
            "lineage": self.lineage,
            "adopted": self.adopted,
            "horizon": self.horizon,
            "snapshot_end": self.snapshot_end,
            "sealed_at": self.sealed_at,
            "key": self.key,
        }

    def content(self) -> bytes:
        """What is signed: the prefix, then the fields as JSON, members in the order of their names, no white space."""
        return _content(_SEAL, self.fields())

    def hash(self) -> bytes:
        """What the next seal names."""
        return hashlib.sha256(self.content()).digest()

    def document(self) -> dict[str, Any]:
        """The fields and the signature."""
        return self.fields() | {"signature": self.signature.hex()}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Seal":
        """The seal of a document. Raises `MalformedSealError`."""
        try:
            values: dict[str, Any] = {name: _whole(document[name]) for name in _WHOLE}
            values |= {name: str(document[name]) for name in ("lineage", "key")}
            values |= {name: bytes.fromhex(document[name]) for name in ("root", "previous", "signature")}
            values |= {name: _uuid(document[name]) for name in ("first_entry", "last_entry")}
            return cls(**values, adopted=document["adopted"] is True)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedSealError("not a seal") from error


_WHOLE = ("number", "encoding", "count", "total", "horizon", "snapshot_end", "sealed_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The log at one moment, signed: kept elsewhere, it gives away a log that was cut or replaced."""

    size: int
    """Rows sealed."""
    seals: int
    hash: bytes
    """Of the last seal; `NO_SEAL` when there is none."""
    time: int
    """Microseconds since 1970-01-01T00:00:00Z."""
    public_key: PublicKey
    signature: bytes = b""

    def fields(self) -> dict[str, Any]:
        """As JSON, without the signature."""
        return {
            "checkpoint": 1,
            "size": self.size,
            "seals": self.seals,
            "hash": self.hash.hex(),
            "time": self.time,
            "public_key": self.public_key.raw.hex(),
        }

    def content(self) -> bytes:
        """What is signed: the prefix, then the fields as JSON, members in the order of their names, no white space."""
        return _content(_CHECKPOINT, self.fields())

    def genuine(self) -> bool:
        """Whether the key that it names signed it."""
        return self.public_key.verifies(self.signature, self.content())

    def document(self) -> dict[str, Any]:
        """The fields and the signature."""
        return self.fields() | {"signature": self.signature.hex()}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Checkpoint":
        """The checkpoint of a document. Raises `MalformedSealError`."""
        try:
            numbers = {name: _whole(document[name]) for name in ("size", "seals", "time")}
            return cls(
                **numbers,
                hash=bytes.fromhex(document["hash"]),
                public_key=PublicKey.parse(document["public_key"]),
                signature=bytes.fromhex(document["signature"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedSealError("not a checkpoint") from error


def _content(prefix: bytes, fields: Mapping[str, Any]) -> bytes:
    return prefix + orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def _whole(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError("not a 64-bit integer")
    return value


def _uuid(text: str | None) -> UUID | None:
    return None if text is None else UUID(text)


@dataclass(frozen=True, slots=True)
class Present:
    """The database that the log is in now."""

    lineage: str
    snapshot_end: int
    """The first transaction that had not begun."""
    time: int
    """Microseconds since 1970-01-01T00:00:00Z."""
