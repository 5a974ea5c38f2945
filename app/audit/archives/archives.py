"""Archives: signed statements that the rows of some seals are kept in an object, so that they may leave the log. Pure.

Each follows on the one before, from the first seal on, and names the last seal it covers by its hash, which stands for
all seals before it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.audit.seals.seals import MalformedSealError

NO_ARCHIVE = bytes(32)
"""What the first archive names as the hash of the archive before it."""
_ARCHIVE = b"spyne-audit-archive:1\n"
"""Prefix of what is hashed and signed: no other signature passes for this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """The rows of some seals, kept elsewhere."""

    number: int
    """1 for the first; no number is left out."""
    first_seal: int
    last_seal: int
    seal_hash: bytes
    """Of the last seal."""
    rows: int
    object: str
    """Key in the object storage."""
    size: int
    """Bytes of the object."""
    sha256: bytes
    """Of the object."""
    previous: bytes
    """Hash of the archive before; `NO_ARCHIVE` for the first."""
    archived_at: int
    """Microseconds since 1970-01-01T00:00:00Z."""
    key: str
    """Fingerprint of the key that signed it."""
    signature: bytes = b""

    def fields(self) -> dict[str, Any]:
        """As JSON, without the signature; numbers as such, hashes in hexadecimal."""
        return {
            "number": self.number,
            "first_seal": self.first_seal,
            "last_seal": self.last_seal,
            "seal_hash": self.seal_hash.hex(),
            "rows": self.rows,
            "object": self.object,
            "size": self.size,
            "sha256": self.sha256.hex(),
            "previous": self.previous.hex(),
            "archived_at": self.archived_at,
            "key": self.key,
        }

    def content(self) -> bytes:
        """What is signed: the prefix, then the fields as JSON, members in the order of their names, no white space."""
        return _ARCHIVE + orjson.dumps(self.fields(), option=orjson.OPT_SORT_KEYS)

    def hash(self) -> bytes:
        """What the next archive names."""
        return hashlib.sha256(self.content()).digest()

    def document(self) -> dict[str, Any]:
        """The fields and the signature."""
        return self.fields() | {"signature": self.signature.hex()}

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Archive":
        """The archive of a document. Raises `MalformedSealError`."""
        try:
            values: dict[str, Any] = {name: int(document[name]) for name in _WHOLE}
            values |= {name: str(document[name]) for name in ("object", "key")}
            values |= {name: bytes.fromhex(document[name]) for name in ("seal_hash", "sha256", "previous", "signature")}
            return cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedSealError("not an archive") from error


_WHOLE = ("number", "first_seal", "last_seal", "rows", "size", "archived_at")
