"""Actions of the audit log: what is done to service clients and their keys, and that they ask for tokens."""

from enum import StrEnum


class ClientAction(StrEnum):
    """Actions of which a client or one of its keys is the subject."""

    CREATE = "client:create"
    UPDATE = "client:update"
    DISABLE = "client:disable"
    ENABLE = "client:enable"
    LOGIN = "client:login"
    KEY_ISSUE = "key:issue"
    KEY_ROTATE = "key:rotate"
    KEY_REVOKE = "key:revoke"
