"""Actions of the audit log: what is done to sessions, and why they end."""

from enum import StrEnum


class SessionAction(StrEnum):
    """Actions of which a session is the subject."""

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
