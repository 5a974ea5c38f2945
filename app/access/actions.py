"""What the audit log calls the changes that access makes."""

from enum import StrEnum


class AccessAction(StrEnum):
    """The actions."""

    USER_CREATE = "user:create"
    USER_ROLES = "user:set-roles"
    USER_DISABLE = "user:disable"
    USER_ENABLE = "user:enable"
    USER_UPDATE = "user:update"
    USER_DELETE = "user:delete"
    USER_PASSWORD = "user:set-password"  # noqa: S105 - the name of an action
    USER_LOGIN = "user:login"
    USER_LOCK_OUT = "user:lock-out"
    CLIENT_CREATE = "client:create"
    CLIENT_UPDATE = "client:update"
    CLIENT_DISABLE = "client:disable"
    CLIENT_ENABLE = "client:enable"
    CLIENT_LOGIN = "client:login"
    KEY_ISSUE = "key:issue"
    KEY_ROTATE = "key:rotate"
    KEY_REVOKE = "key:revoke"
    TOKEN_REVOKE = "token:revoke"  # noqa: S105 - the name of an action
