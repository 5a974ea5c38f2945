"""What a change of a person is called, and when it would take an admin away."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.roles import Role
from app.access.users.actions import UserAction
from app.access.users.changes import action_of, takes_an_admin
from app.audit.log.diffs import changed_fields

NOW: dict[str, Any] = {"display_name": "Ada", "email": None, "status": "active"}


@pytest.mark.parametrize(
    ("wanted", "action"),
    [
        ({"display_name": "Lady Ada"}, UserAction.UPDATE),
        ({"email": "a@b"}, UserAction.UPDATE),
        ({"status": "disabled"}, UserAction.DISABLE),
        ({"status": "disabled", "email": "a@b"}, UserAction.DISABLE),
        ({"status": "active"}, UserAction.UPDATE),
    ],
)
def test_the_action_of_a_change(wanted: dict[str, Any], action: UserAction) -> None:
    assert action_of(changed_fields(NOW, wanted)) is action


def test_a_disabled_person_is_enabled() -> None:
    assert action_of(changed_fields(NOW | {"status": "disabled"}, {"status": "active"})) is UserAction.ENABLE


FIELDS = st.fixed_dictionaries(
    {
        "display_name": st.none() | st.sampled_from(["A", "B"]),
        "email": st.none() | st.just("a@b"),
        "status": st.sampled_from(["active", "disabled"]),
    }
)


@given(FIELDS, FIELDS, st.sets(st.sampled_from(["display_name", "email", "status"])))
def test_a_change_leads_to_what_was_wanted_and_touches_nothing_else(
    now: dict[str, Any], other: dict[str, Any], names: set[str]
) -> None:
    wanted = {name: other[name] for name in names}
    after = changed_fields(now, wanted)
    assert now | after == now | wanted
    assert (not after) == (now | wanted == now)
    assert all(now[name] != value for name, value in after.items())


STATUS = st.sampled_from(["active", "disabled"])
ROLES = st.frozensets(st.sampled_from(Role))


@given(STATUS, ROLES, STATUS | st.none(), ROLES)
def test_an_admin_is_taken_by_whatever_leaves_none(
    status: str, roles: frozenset[Role], after: str | None, roles_after: frozenset[Role]
) -> None:
    administers = (status, Role.ADMIN in roles) == ("active", True)
    will = (after, Role.ADMIN in roles_after) == ("active", True)
    assert takes_an_admin(status, roles, after, roles_after) == (administers and not will)
