"""API keys: `spy_<prefix>_<secret>`. The prefix finds the key; of the whole only a SHA-256 digest is kept.

A plain digest is enough because the secret has 256 random bits: a slow hash would hinder nobody.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from app.kernel.ids import random_token

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
_PREFIX_LENGTH = 12
"""62 bits: below 90,000 keys the chance that any two share a prefix is 1e-9; the database would refuse the second."""
_KEY = re.compile(r"spy_([a-z0-9]{12})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class FreshKey:
    """A key that is shown once. `text` is a secret; `prefix` and `digest` are kept."""

    text: str
    prefix: str
    digest: bytes


def fresh_key() -> FreshKey:
    """A key of 256 random bits."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(_PREFIX_LENGTH))
    text = f"spy_{prefix}_{random_token()}"
    return FreshKey(text, prefix, digest_of(text))


def prefix_of(text: str) -> str | None:
    """The prefix of something that looks like a key; None for everything else."""
    match = _KEY.fullmatch(text)
    return match.group(1) if match else None


def digest_of(text: str) -> bytes:
    """SHA-256 of the whole key."""
    return hashlib.sha256(text.encode()).digest()


def matches(text: str, digest: bytes) -> bool:
    """Whether the key has the digest, compared in constant time."""
    return hmac.compare_digest(digest_of(text), digest)
