"""Secrets that must be kept readable: channel targets, configuration values. Encrypted before they reach the database.

Fernet (AES-128-CBC and HMAC-SHA-256, the cryptography library) with a key derived from the service secret, which the
database does not hold; while a previous secret is given, what it encrypted can be read too.
"""

import base64
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.kernel.security.secrets import ServiceSecret

PURPOSE: Final = "at-rest:1"
MASK: Final = "••••"


class UnreadableSecretError(ValueError):
    """The text was not encrypted here, was changed, or the service secret is another one now."""


class SecretBox:
    """Encrypts and decrypts texts for the service alone."""

    def __init__(self, secret: ServiceSecret) -> None:
        keys = secret.verifying_keys(PURPOSE)
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])

    def seal(self, text: str) -> str:
        """The text encrypted, as printable ASCII; the same text gives another one each time."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """The text again. Raises `UnreadableSecretError`."""
        try:
            return self._fernet.decrypt(sealed.encode("ascii", "replace")).decode()
        except InvalidToken as error:
            raise UnreadableSecretError("It cannot be decrypted with this service secret.") from error


def masked(text: str, shown: int = 4) -> str:
    """The text as it may be shown: its last characters at most, and only of what is long enough to keep its secret."""
    return MASK + (text[-shown:] if len(text) >= 4 * shown else "")
