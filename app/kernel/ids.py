"""Identifiers: UUIDv7 (RFC 9562 section 5.7), so that ids sort by time of creation and indexes stay dense."""

import secrets
from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A fresh UUIDv7."""
    return uuid_utils.compat.uuid7()


def random_token(size: int = 32) -> str:
    """A URL-safe secret of `size` random bytes (256 bits by default)."""
    return secrets.token_urlsafe(size)
