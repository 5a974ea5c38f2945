"""Standard Webhooks: secrets, and the signatures of a message (standardwebhooks.com, specification 1.0). Pure."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32
"""The specification asks for 24 to 64 random bytes."""
DEFAULT_GRACE: Final = timedelta(hours=24)
MAX_GRACE: Final = timedelta(days=30)
MAX_SECRETS: Final = 4
"""Signatures on one message: the current secret's, and those which run out."""


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """A secret shared with a receiver."""

    text: str
    """`whsec_…`"""
    until: datetime | None = None
    """The end of its use; None for the current one."""

    def __repr__(self) -> str:
        return "SigningSecret(…)"

    @property
    def key(self) -> bytes:
        """The bytes that sign."""
        return base64.b64decode(self.text.removeprefix(PREFIX))


def fresh_secret() -> SigningSecret:
    """A new random secret."""
    return SigningSecret(PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode())


def rotated(
    current: Sequence[SigningSecret], fresh: SigningSecret, now: datetime, grace: timedelta
) -> list[SigningSecret]:
    """The secrets after a rotation: the fresh one, then those which run out, the youngest first."""
    kept = [
        SigningSecret(each.text, now + grace if each.until is None else min(each.until, now + grace))
        for each in current
        if each.until is None or each.until > now
    ]
    return [fresh, *kept][:MAX_SECRETS] if grace else [fresh]


def signature(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` header: one signature per key, separated by spaces."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    made = (base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys)
    return " ".join(f"v1,{each}" for each in made)


def dump_secrets(known: Sequence[SigningSecret]) -> str:
    """The text in which secrets are encrypted and stored."""
    return orjson.dumps([{"text": each.text, "until": each.until} for each in known]).decode()


def load_secrets(text: str) -> list[SigningSecret]:
    """The secrets in a text that `dump_secrets` made."""
    return [
        SigningSecret(each["text"], datetime.fromisoformat(each["until"]) if each["until"] else None)
        for each in orjson.loads(text)
    ]
