"""Actions of the audit log: what is done to people and their passwords, and that they log in."""

from enum import StrEnum


class UserAction(StrEnum):
    """Actions of which a person is the subject."""

    CREATE = "user:create"
    ROLES = "user:set-roles"
    DISABLE = "user:disable"
    ENABLE = "user:enable"
    UPDATE = "user:update"
    DELETE = "user:delete"
    PASSWORD = "user:set-password"  # noqa: S105 - the name of an action
    LOGIN = "user:login"
    LOCK_OUT = "user:lock-out"
