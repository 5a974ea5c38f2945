"""The service secret and what is derived from it.

One secret of at least 32 random bytes is all that must be kept; role passwords and signing keys are derived from it by
HKDF-like expansion (HMAC-SHA-256 with a purpose label, NIST SP 800-108 in counter mode with one block).
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from app.settings import Settings

MIN_BYTES = 32
"""256 bits: the strength of the HMAC-SHA-256 keys made from it (RFC 7518 section 3.2)."""


class WeakSecretError(ValueError):
    """The service secret is shorter than 32 bytes, or its file is damaged."""


class ServiceSecret:
    """Derives keys by purpose; never shows itself."""

    __slots__ = ("_value", "previous")

    def __init__(self, value: bytes, previous: "ServiceSecret | None" = None) -> None:
        """Takes 32 random bytes or more, and the secret before, whose short-lived credentials count meanwhile."""
        if len(value) < MIN_BYTES:
            raise WeakSecretError(
                f"The secret (SPYNE_SECRET) has {len(value)} bytes; at least {MIN_BYTES} random bytes are needed."
            )
        self._value = value
        self.previous = previous

    def __repr__(self) -> str:
        return "ServiceSecret(…)"

    def key(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose; different purposes give unrelated keys."""
        return hmac.new(self._value, b"spyne:" + purpose.encode() + b"\x00\x01", hashlib.sha256).digest()

    def verifying_keys(self, purpose: str) -> tuple[bytes, ...]:
        """The keys by which something short-lived is recognised: the current one, then that of the secret before."""
        return (self.key(purpose),) if self.previous is None else (self.key(purpose), self.previous.key(purpose))

    def fingerprint(self, purpose: str) -> str:
        """The mark by which the secret is known for one purpose: 64 bits, in hexadecimal; gives nothing of it away."""
        return hmac.new(self.key(purpose), b"fingerprint", hashlib.sha256).hexdigest()[:16]

    def password(self, purpose: str) -> str:
        """A 256-bit password for one purpose, of URL-safe characters."""
        return base64.urlsafe_b64encode(self.key("password:" + purpose)).decode().rstrip("=")


def has_secret(settings: Settings) -> bool:
    """Whether there is a service secret already; `load_secret` would make one otherwise."""
    return settings.secret is not None or (settings.home / "secret").exists()


def load_secret(settings: Settings) -> ServiceSecret:
    """The service secret: from the settings, else from `<home>/secret`, made there (mode 0600) at the first start.

    Raises:
        WeakSecretError: the configured secret is too short, or the file does not hold one.
        OSError: the state directory cannot be used.
    """
    given = settings.secret_previous
    previous = None if given is None else ServiceSecret(given.get_secret_value().encode())
    if settings.secret is not None:
        return ServiceSecret(settings.secret.get_secret_value().encode(), previous)
    path = settings.home / "secret"
    if not path.exists():
        _create(path)
    try:
        value = base64.b64decode(path.read_bytes().strip(), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise WeakSecretError(f"{path} is damaged: it does not hold a generated secret any more.") from error
    return ServiceSecret(value, previous)


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")  # containers that share the folder share pids too
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(base64.urlsafe_b64encode(secrets.token_bytes(48)).decode() + "\n")
    try:
        os.link(fresh, path)  # atomic: of two first starts one wins, and both read the same secret
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
