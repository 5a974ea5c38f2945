"""How long a session lasts. Rules only, no I/O.

The bounds that were in force at the log-in stand in the session; a policy that became tighter since counts at once.
"""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from app.kernel.security.policy import SessionPolicy

NOTED_EVERY = timedelta(minutes=1)
"""The last use of a session is written this often at most."""
SLACK = NOTED_EVERY + timedelta(seconds=15)
"""How late the database may know of a use: an idle session ends by so much later, and a used one never too early."""


class SessionKind(StrEnum):
    """The kind of a session, by the credential that its holder has."""

    BROWSER = "browser"
    TOKEN = "token"  # noqa: S105 - the name of a kind


class LoginMethod(StrEnum):
    """How a log-in was proved."""

    LOCAL = "local"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """The times of a session."""

    kind: str
    created_at: datetime
    last_seen_at: datetime
    idle_ends_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None

    @classmethod
    def of(cls, row: Any) -> Self:
        """The times of a row of `UserSession`, or of one with these columns."""
        return cls(*(getattr(row, each.name) for each in fields(cls)))


def idle(kind: str, policy: SessionPolicy) -> timedelta:
    """How long a session may rest: a browser's as the policy says, a token's as long as a refresh token."""
    return policy.idle if kind == SessionKind.BROWSER else policy.refresh


def begun(kind: SessionKind, now: datetime, policy: SessionPolicy) -> SessionTimes:
    """The times of a session that begins now."""
    return SessionTimes(kind.value, now, now, now + idle(kind, policy), now + policy.absolute)


def ends_at(times: SessionTimes, policy: SessionPolicy) -> datetime:
    """The end that no use puts off."""
    return min(times.ends_at, times.created_at + policy.absolute)


def is_over(times: SessionTimes, now: datetime, policy: SessionPolicy) -> bool:
    """Whether the session has ended, by a decision or by itself."""
    if times.ended_at is not None or now >= ends_at(times, policy):
        return True
    return now >= min(times.idle_ends_at, times.last_seen_at + idle(times.kind, policy)) + SLACK


def refresh_expiry(times: SessionTimes, now: datetime, policy: SessionPolicy) -> datetime:
    """The end of a refresh token that is issued now: sliding, and never after the session's own end."""
    return min(now + policy.refresh, ends_at(times, policy))
