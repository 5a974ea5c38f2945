"""What a change of a person does, and when it would take an admin away."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.actions import AccessAction
from app.access.roles import Role
from app.access.users.changes import step, takes_an_admin

NOW: dict[str, Any] = {"display_name": "Ada", "email": None, "status": "active"}


@pytest.mark.parametrize(
    ("wanted", "action", "ends"),
    [
        ({"display_name": "Lady Ada"}, AccessAction.USER_UPDATE, False),
        ({"email": "a@b"}, AccessAction.USER_UPDATE, False),
        ({"status": "disabled"}, AccessAction.USER_DISABLE, True),
        ({"status": "disabled", "email": "a@b"}, AccessAction.USER_DISABLE, True),
        ({"status": "active"}, AccessAction.USER_UPDATE, False),
    ],
)
def test_steps(wanted: dict[str, Any], action: AccessAction, ends: bool) -> None:
    todo = step(NOW, wanted)
    assert (todo.action, todo.ends_credentials) == (action, ends)
    assert {name: NOW[name] for name in todo.after} == todo.before


def test_enabling_ends_nothing() -> None:
    todo = step(NOW | {"status": "disabled"}, {"status": "active"})
    assert (todo.action, todo.ends_credentials) == (AccessAction.USER_ENABLE, False)


FIELDS = st.fixed_dictionaries(
    {
        "display_name": st.none() | st.sampled_from(["A", "B"]),
        "email": st.none() | st.just("a@b"),
        "status": st.sampled_from(["active", "disabled"]),
    }
)


@given(FIELDS, FIELDS, st.sets(st.sampled_from(["display_name", "email", "status"])))
def test_a_step_leads_to_what_was_wanted_and_touches_nothing_else(
    now: dict[str, Any], other: dict[str, Any], names: set[str]
) -> None:
    wanted = {name: other[name] for name in names}
    todo = step(now, wanted)
    assert now | todo.after == now | wanted
    assert todo.changes_nothing == (now | wanted == now)
    assert all(todo.before[name] != value for name, value in todo.after.items())


STATUS = st.sampled_from(["active", "disabled"])
ROLES = st.frozensets(st.sampled_from(Role))


@given(STATUS, ROLES, STATUS | st.none(), ROLES)
def test_an_admin_is_taken_by_whatever_leaves_none(
    status: str, roles: frozenset[Role], after: str | None, roles_after: frozenset[Role]
) -> None:
    administers = (status, Role.ADMIN in roles) == ("active", True)
    will = (after, Role.ADMIN in roles_after) == ("active", True)
    assert takes_an_admin(status, roles, after, roles_after) == (administers and not will)
