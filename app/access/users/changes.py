"""What a change of a person does, decided from how they are now. Rules only, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from app.access.actions import AccessAction
from app.access.roles import Role

ACTIVE, DISABLED = "active", "disabled"
LOCAL = "local"

CHANGEABLE = frozenset({"display_name", "email", "status"})


@dataclass(frozen=True, slots=True)
class Step:
    """A change that is to be made."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    """The fields that differ, on both sides."""
    action: AccessAction
    ends_credentials: bool
    """Whether everything that was issued to the person is over."""

    @property
    def changes_nothing(self) -> bool:
        """Whether all is as it was wanted."""
        return not self.after


def step(now: Mapping[str, Any], wanted: Mapping[str, Any]) -> Step:
    """What there is to do.

    Args:
        now: the person's changeable fields.
        wanted: those which the request names.
    """
    after = {name: value for name, value in wanted.items() if now[name] != value}
    before = {name: now[name] for name in after}
    match after.get("status"):
        case "disabled":
            action = AccessAction.USER_DISABLE
        case "active":
            action = AccessAction.USER_ENABLE
        case _:
            action = AccessAction.USER_UPDATE
    ends = action is AccessAction.USER_DISABLE
    return Step(MappingProxyType(before), MappingProxyType(after), action, ends)


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
