"""The status of a subject, and the actor which a credential gives its holder. Rules only, no I/O.

Where the status is read: `app/access/subject_repository.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.access.subjects import parse_subject
from app.kernel.security.authorization import Actor, Permission

_KNOWN = {permission.value: permission for permission in Permission}


@dataclass(frozen=True, slots=True, eq=False)
class SubjectStatus:
    """A user or client as the database has it now."""

    label: str
    active: bool
    roles: frozenset[str]
    permissions: frozenset[Permission]
    revoked: frozenset[UUID]
    """Ids of tokens that were ended before their time."""
    keys: Mapping[UUID, frozenset[str] | None] = field(default_factory=dict)
    """The keys that are valid now, each with the permissions that it is narrowed to; None for all of the holder's."""
    epoch: int = 0
    """The tokens and sessions that count: those of another epoch were ended all at once."""
    must_change_password: bool = False
    """Whether nothing but the change of a one-time password is open to the person."""
    requests_per_minute: int | None = None
    """The holder's own rate limit."""
    made_by: frozenset[UUID] = frozenset()
    """Users behind those who made a client and its valid keys."""

    def permitted(self, key_id: UUID | None) -> frozenset[Permission]:
        """The holder's permissions with a key, which must be valid; with every other credential those of the roles."""
        scopes = self.keys[key_id] if key_id is not None else None
        if scopes is None:
            return self.permissions
        return frozenset(permission for permission in self.permissions if permission in scopes)


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that was found genuine: its signature or digest is right. The holder's status says if it counts."""

    kind: str
    """`access_token`, `api_key` or `session`."""
    subject: str
    id: str
    """The id of the token (jti), key or session."""
    expires_at: datetime | None = None
    jti: UUID | None = None
    key_id: UUID | None = None
    scope: frozenset[str] | None = None
    epoch: int | None = 0
    """The holder's epoch when it was issued; None for a cookie, whose session has it."""
    session_id: UUID | None = None
    """The session that it belongs to; it ends with it."""

    @property
    def whose(self) -> str:
        """The subject, within the session when there is one: `user:<uuid>/<uuid>`. By it statuses are remembered."""
        return self.subject if self.session_id is None else f"{self.subject}/{self.session_id}"


def known_permissions(names: frozenset[str]) -> frozenset[Permission]:
    """The permissions that this version knows; a newer one may have written others."""
    return frozenset(_KNOWN[name] for name in names if name in _KNOWN)


def admitted(credential: Credential, status: SubjectStatus | None) -> Actor | None:
    """The actor, or None when the credential does not count any more."""
    if status is None or not status.active:
        return None
    if credential.jti is not None and credential.jti in status.revoked:
        return None
    if credential.key_id is not None and credential.key_id not in status.keys:
        return None
    if credential.epoch is not None and credential.epoch != status.epoch:
        return None
    kind, id_ = parse_subject(credential.subject)
    permissions = status.permitted(credential.key_id)
    if credential.scope is not None:
        permissions = frozenset(permission for permission in permissions if permission in credential.scope)
    return Actor(kind, id_, status.label, status.roles, permissions, credential.id, status.made_by)
