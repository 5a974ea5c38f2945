"""The rules by which clients and keys are changed: actions, scopes of keys, ends of keys that are rotated. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.access.clients.actions import ClientAction
from app.kernel.problems import Conflict, Fault, InvalidRequest

CHANGEABLE = ("description", "status", "requests_per_minute", "roles")

DEFAULT_GRACE = timedelta(hours=24)
"""How long the old key goes on: a day, so that whoever runs the service can roll the new one out at any hour."""
MAX_GRACE = timedelta(days=30)

_ACTION_OF = {"disabled": ClientAction.DISABLE, "active": ClientAction.ENABLE}


class ScopeNotHeld(InvalidRequest):
    """A key cannot give what its client does not hold."""

    code, title = "scope-not-held", "The client does not hold a scope"


class KeyRevoked(Conflict):
    """The key was revoked before."""

    code, title = "key-revoked", "The key is revoked already"


class KeyRotated(Conflict):
    """Another key has taken its place before."""

    code, title = "key-rotated", "The key is rotated already"


class KeyExpired(Conflict):
    """The key is not valid any more."""

    code, title = "key-expired", "The key has expired"


@dataclass(frozen=True, slots=True)
class KeyTimes:
    """When a key begins and ends."""

    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None = None
    rotated: bool = False
    """Whether another key has taken its place."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The ends of two keys."""

    old_expires_at: datetime
    new_expires_at: datetime | None


def action_of(changed: Mapping[str, Any]) -> ClientAction:
    """The action of the audit log for a change of these fields, given with their new values."""
    return _ACTION_OF.get(changed.get("status", ""), ClientAction.UPDATE)


def check_scopes(scopes: Sequence[str] | None, held: frozenset[str]) -> None:
    """Return when the client holds every scope. Raises `ScopeNotHeld` with every other one."""
    faults = [
        Fault(pointer=f"/scopes/{place}", code=ScopeNotHeld.code, message=f"No role of the client allows {scope}.")
        for place, scope in enumerate(scopes or ())
        if scope not in held
    ]
    if faults:
        raise ScopeNotHeld(faults=faults)


def rotation(key: KeyTimes, now: datetime, grace: timedelta, wanted_expiry: datetime | None) -> Rotation:
    """When the old key and its successor end.

    The old key goes on for the grace, never beyond its own expiry. The new one ends at the wanted time, or else lasts
    as long as the old one was issued for.

    Raises:
        KeyRevoked: the key was revoked.
        KeyRotated: another key has taken its place already.
        KeyExpired: the key has expired.
    """
    if key.revoked_at is not None:
        raise KeyRevoked(f"It was revoked at {key.revoked_at.isoformat()}.")
    if key.rotated:
        raise KeyRotated("Rotate the key that has taken its place.")
    if key.expires_at is not None and key.expires_at <= now:
        raise KeyExpired(f"It expired at {key.expires_at.isoformat()}.")
    old = now + grace if key.expires_at is None else min(key.expires_at, now + grace)
    if wanted_expiry is None and key.expires_at is not None:
        return Rotation(old, now + (key.expires_at - key.created_at))
    return Rotation(old, wanted_expiry)
