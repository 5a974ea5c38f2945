"""Actions of the audit log: what is done to signing keys (app/commands/keys.py)."""

from enum import StrEnum


class SigningKeyAction(StrEnum):
    """Actions of which a signing key is the subject."""

    CREATE = "signing-key:create"
    RETIRE = "signing-key:retire"
