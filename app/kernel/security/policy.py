"""The security policy: what an admin decides about passwords, sessions, lock-out, networks and uploads.

The values are read where they are needed and decided far above (operations); so the value stands here, and whoever
holds the process's resources asks `resources.policy.current()`, which costs nothing.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from app.kernel.addresses import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPolicy:
    """What a password must be."""

    min_length: int = 12
    """Characters. NIST SP 800-63B section 3.1.1.2 asks for a minimum well above 8; composition rules are not used."""
    refuse_common: bool = True
    """Whether passwords from lists of the most used ones, and those made of the user's own name, are refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPolicy:
    """How long a log-in lasts."""

    idle: timedelta = timedelta(hours=1)
    """Without a request a session ends after this (OWASP Session Management Cheat Sheet: 15 minutes to an hour)."""
    absolute: timedelta = timedelta(hours=12)
    """A session ends after this whatever happens (NIST SP 800-63B section 2.2.3: 12 hours at AAL2)."""
    refresh: timedelta = timedelta(days=7)
    """A refresh token that is not used for this long is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockoutPolicy:
    """How many wrong passwords are taken; each bound holds by itself."""

    failures: int = 3
    """The failures of one name at one address within `window`, which lock the pair for `lock`."""
    window: timedelta = timedelta(minutes=2)
    lock: timedelta = timedelta(minutes=5)
    failures_per_name: int = 30
    """The failures of one name from all addresses within `wide_window`; pairs that succeeded before are exempt."""
    failures_per_address: int = 100
    """The failures of one address (IPv6: its /64) over all names within `wide_window`; the same exception holds."""
    wide_window: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPolicy:
    """How much may come in; None leaves the bound of the configuration, and no policy raises that bound."""

    max_body_bytes: int | None = None
    max_batch_bytes: int | None = None
    max_sample_bytes: int | None = None
    """Of a sample of logs, and of a package of an add-on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityPolicy:
    """The policy in force."""

    passwords: PasswordPolicy = field(default_factory=PasswordPolicy)
    sessions: SessionPolicy = field(default_factory=SessionPolicy)
    lockout: LockoutPolicy = field(default_factory=LockoutPolicy)
    uploads: UploadPolicy = field(default_factory=UploadPolicy)
    allowed_networks: tuple[Network, ...] = ()
    """Where requests may come from; empty is everywhere."""
    never_blocked: tuple[Network, ...] = ()
    """Networks that no rule blocks, and no admin by mistake: monitoring, offices, scanners of our own."""


class PolicyInForce:
    """The policy as this process saw it last, at most a second old while the database answers."""

    __slots__ = ("_policy",)

    def __init__(self, policy: SecurityPolicy | None = None) -> None:
        self._policy = policy or SecurityPolicy()

    def current(self) -> SecurityPolicy:
        """The policy."""
        return self._policy

    def replace(self, policy: SecurityPolicy) -> None:
        """Let this policy hold from now on."""
        self._policy = policy
