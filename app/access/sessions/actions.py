"""What the audit log calls the changes of sessions, and why they end."""

from enum import StrEnum


class SessionAction(StrEnum):
    """The actions."""

    OPEN = "session:open"
    REFRESH = "session:refresh"
    REUSE = "session:reuse"
    END = "session:end"


class EndReason(StrEnum):
    """Why a session was ended before its time."""

    LOGOUT = "logout"
    REPLACED = "replaced by a new log-in"
    REVOKED = "revoked"
    REUSE = "a refresh token was used twice"
