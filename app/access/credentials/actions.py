"""Actions of the audit log: what is done to access tokens."""

from enum import StrEnum


class TokenAction(StrEnum):
    """Actions of which an access token is the subject."""

    REVOKE = "token:revoke"
