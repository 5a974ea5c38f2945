"""What the directory says of a subject, and the actor which a credential gives its holder. Rules only, no I/O."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from app.access.subjects import parse_subject
from app.kernel.authorization import Actor, Permission

_KNOWN = {permission.value: permission for permission in Permission}


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A user or client as the database has it now."""

    label: str
    active: bool
    roles: frozenset[str]
    permissions: frozenset[Permission]
    revoked: frozenset[UUID]
    """Ids of tokens that were ended before their time."""
    keys: frozenset[UUID]
    """Ids of the keys that are valid now."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that was found genuine: its signature or digest is right. Whether it counts is for the standing."""

    kind: str
    """`access_token` or `api_key`."""
    subject: str
    id: str
    """The token's jti, or the key's id."""
    expires_at: datetime | None = None
    jti: UUID | None = None
    key_id: UUID | None = None
    scope: frozenset[str] | None = None


def known_permissions(names: frozenset[str]) -> frozenset[Permission]:
    """The permissions that this version knows; a newer one may have written others."""
    return frozenset(_KNOWN[name] for name in names if name in _KNOWN)


def admitted(credential: Credential, standing: Standing | None) -> Actor | None:
    """The actor, or None when the credential does not count any more."""
    if standing is None or not standing.active:
        return None
    if credential.jti is not None and credential.jti in standing.revoked:
        return None
    if credential.key_id is not None and credential.key_id not in standing.keys:
        return None
    kind, id_ = parse_subject(credential.subject)
    permissions = standing.permissions
    if credential.scope is not None:
        permissions = frozenset(permission for permission in permissions if permission in credential.scope)
    return Actor(kind, id_, standing.label, standing.roles, permissions, credential.id)
