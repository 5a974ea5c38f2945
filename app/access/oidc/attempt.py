"""A log-in under way, kept by the browser itself: a cookie that only this service can read or make.

It binds state, nonce and PKCE verifier to the browser that began. AES-256-GCM under a key of the service secret; the
time within is part of it, so a cookie is of no use after ten minutes whoever keeps it.
"""

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.kernel.ids import random_token

COOKIE = "__Host-spyne_oidc"
KEY = "oidc-attempt:1"
LIFETIME = timedelta(minutes=10)
MAX_COOKIE = 4096

_AAD = COOKIE.encode()
_VALUE = re.compile(rb"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2,3})?")
"""Base64url without padding."""
_NONCE_BYTES = 12
"""NIST SP 800-38D section 8.2.2: random 96-bit nonces are good for 2^32 cookies under one key."""
_ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
"""Lax, because the provider sends the browser back from another site."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt to log in, which the browser has to bring back. State, nonce and verifier are secrets of 256 bits."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    return_to: str
    began_at: int
    """Seconds since 1970."""

    @classmethod
    def begun(cls, return_to: str, now: datetime) -> Self:
        """An attempt that begins now, with fresh secrets."""
        return cls(random_token(), random_token(), random_token(), return_to, int(now.timestamp()))

    def is_over(self, now: datetime) -> bool:
        """Whether the attempt took too long."""
        return not 0 <= now.timestamp() - self.began_at < LIFETIME.total_seconds()

    @property
    def ends_at(self) -> datetime:
        """The time from which on the attempt is of no use."""
        return datetime.fromtimestamp(self.began_at, UTC) + LIFETIME

    @property
    def digest(self) -> bytes:
        """SHA-256 of the state: by it an attempt that was ended is known."""
        return hashlib.sha256(self.state.encode()).digest()


def sealed(attempt: Attempt, key: bytes) -> str:
    """The `Set-Cookie` that gives the attempt to the browser."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    closed = nonce + AESGCM(key).encrypt(nonce, orjson.dumps(asdict(attempt)), _AAD)
    value = base64.urlsafe_b64encode(closed).rstrip(b"=").decode("ascii")
    return f"{COOKIE}={value}; Max-Age={int(LIFETIME.total_seconds())}; {_ATTRIBUTES}"


CLEARING = f"{COOKIE}=; Max-Age=0; {_ATTRIBUTES}"
"""The `Set-Cookie` that takes the attempt away."""


def opened(headers: Sequence[tuple[bytes, bytes]], keys: Sequence[bytes]) -> Attempt | None:
    """The attempt among a request's cookies; None when there is not exactly one that this service made."""
    values = _values(headers)
    if len(values) != 1 or len(values[0]) > MAX_COOKIE or _VALUE.fullmatch(values[0]) is None:
        return None
    closed = base64.urlsafe_b64decode(values[0] + b"=" * (-len(values[0]) % 4))
    for key in keys:
        try:
            return Attempt(**orjson.loads(AESGCM(key).decrypt(closed[:_NONCE_BYTES], closed[_NONCE_BYTES:], _AAD)))
        except (InvalidTag, ValueError):
            continue
    return None


def _values(headers: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    pairs = [pair.strip() for name, value in headers if name == b"cookie" for pair in value.split(b";")]
    return [pair.partition(b"=")[2] for pair in pairs if pair.partition(b"=")[0] == _AAD]
