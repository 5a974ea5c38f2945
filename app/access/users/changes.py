"""The rules by which a person is changed: what the change is called, and whether it takes an admin away. No I/O."""

from collections.abc import Mapping
from typing import Any

from app.access.roles import Role
from app.access.users.actions import UserAction

ACTIVE, DISABLED = "active", "disabled"
LOCAL = "local"

CHANGEABLE = frozenset({"display_name", "email", "status"})

_ACTION_OF = {DISABLED: UserAction.DISABLE, ACTIVE: UserAction.ENABLE}


def action_of(changed: Mapping[str, Any]) -> UserAction:
    """The action of the audit log for a change of these fields, given with their new values."""
    return _ACTION_OF.get(changed.get("status", ""), UserAction.UPDATE)


def takes_an_admin(status: str, roles: frozenset[str], new_status: str | None, new_roles: frozenset[str]) -> bool:
    """Whether somebody who can administer now cannot any more.

    Args:
        status: of the person now.
        roles: held now.
        new_status: afterwards; None when the person is to be deleted.
        new_roles: held afterwards.
    """
    is_admin = status == ACTIVE and Role.ADMIN in roles
    stays = new_status == ACTIVE and Role.ADMIN in new_roles
    return is_admin and not stays
