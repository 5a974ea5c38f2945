"""Statements about the log, signed with a key that the database does not hold. Pure."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Final, Self, get_type_hints
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.kernel.security.secrets import ServiceSecret

KEY_PURPOSE = "audit-seal:1"


class MalformedSealError(ValueError):
    """The document is not a statement of the wanted kind, or the text not a key."""


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
class Statement:
    """A signed statement; each kind declares its fields: whole numbers, texts, bytes, truth values, ids and keys."""

    prefix: ClassVar[bytes]
    """What is hashed and signed begins so: a signature of one kind of statement never passes for another."""
    signature: bytes = b""

    def fields(self) -> dict[str, Any]:
        """The fields but the signature as JSON, in the order of their declaration: hashes and keys in hexadecimal."""
        return {each.name: _shown(getattr(self, each.name)) for each in fields(self) if each.name != "signature"}

    def content(self) -> bytes:
        """What is signed: the prefix, then the fields as JSON, members in the order of their names, no white space."""
        return self.prefix + orjson.dumps(self.fields(), option=orjson.OPT_SORT_KEYS)

    def digest(self) -> bytes:
        """SHA-256 of the content: what the next statement of the chain names."""
        return hashlib.sha256(self.content()).digest()

    def document(self) -> dict[str, Any]:
        """The fields and the signature as JSON."""
        return self.fields() | {"signature": self.signature.hex()}

    def signed(self, key: SealingKey) -> Self:
        """The same statement with its signature."""
        return replace(self, signature=key.sign(self.content()))

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """The statement of a document. Raises `MalformedSealError`."""
        kinds = get_type_hints(cls)
        try:
            return cls(**{each.name: _READERS[kinds[each.name]](document[each.name]) for each in fields(cls)})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedSealError(f"not a document of the kind {cls.__name__}") from error


def _shown(value: Any) -> Any:
    if isinstance(value, PublicKey):
        value = value.raw
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, UUID) else value


def _whole(value: Any) -> int:
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValueError("not a 64-bit integer")
    return value


_READERS: Final[dict[Any, Callable[[Any], Any]]] = {
    int: _whole,
    str: str,
    bytes: bytes.fromhex,
    bool: lambda value: value is True,
    UUID | None: lambda value: None if value is None else UUID(value),
    PublicKey: PublicKey.parse,
}
