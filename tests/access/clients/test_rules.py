"""What a change of a client is called, which scopes a key may have, when two keys end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.access.clients.actions import ClientAction
from app.access.clients.rules import (
    DEFAULT_GRACE,
    MAX_GRACE,
    KeyExpired,
    KeyRevoked,
    KeyRotated,
    KeyTimes,
    ScopeNotHeld,
    action_of,
    check_scopes,
    rotation,
)
from app.access.clients.schemas import KeyRotation
from app.audit.log.diffs import changed_fields
from app.kernel.problems import Conflict

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
CLIENT: dict[str, Any] = {"description": "", "status": "active", "requests_per_minute": None, "roles": frozenset({"A"})}


@pytest.mark.parametrize(
    ("wanted", "action", "changed"),
    [
        ({}, ClientAction.UPDATE, set()),
        ({"description": ""}, ClientAction.UPDATE, set()),
        ({"description": "x", "roles": frozenset({"A"})}, ClientAction.UPDATE, {"description"}),
        ({"requests_per_minute": 5}, ClientAction.UPDATE, {"requests_per_minute"}),
        ({"status": "disabled", "roles": frozenset()}, ClientAction.DISABLE, {"status", "roles"}),
    ],
)
def test_the_action_of_a_change(wanted: dict[str, Any], action: ClientAction, changed: set[str]) -> None:
    after = changed_fields(CLIENT, wanted)
    assert (action_of(after), set(after)) == (action, changed)


def test_a_disabled_client_is_enabled() -> None:
    after = changed_fields(CLIENT | {"status": "disabled"}, {"status": "active"})
    assert action_of(after) is ClientAction.ENABLE


@given(st.lists(st.sampled_from("abcdef"), max_size=6), st.frozensets(st.sampled_from("abcdef")))
def test_every_scope_that_is_not_held_is_named_at_its_place(scopes: list[str], held: frozenset[str]) -> None:
    wrong = [f"/scopes/{place}" for place, scope in enumerate(scopes) if scope not in held]
    if not wrong:
        check_scopes(scopes, held)
        return
    with pytest.raises(ScopeNotHeld) as refused:
        check_scopes(scopes, held)
    assert [fault.pointer for fault in refused.value.faults] == wrong


def test_a_key_without_scopes_needs_none_held() -> None:
    check_scopes(None, frozenset())


@pytest.mark.parametrize(
    ("expires", "grace", "wanted", "old", "new"),
    [
        (None, DAY, None, NOW + DAY, None),
        (None, timedelta(0), None, NOW, None),
        (None, DAY, NOW + 9 * DAY, NOW + DAY, NOW + 9 * DAY),
        (NOW + 10 * DAY, DAY, None, NOW + DAY, NOW + 30 * DAY),
        (NOW + timedelta(hours=1), DAY, None, NOW + timedelta(hours=1), NOW + 20 * DAY + timedelta(hours=1)),
        (NOW + 10 * DAY, 30 * DAY, NOW + 2 * DAY, NOW + 10 * DAY, NOW + 2 * DAY),
    ],
)
def test_when_two_keys_end(
    expires: datetime | None, grace: timedelta, wanted: datetime | None, old: datetime, new: datetime | None
) -> None:
    ends = rotation(KeyTimes(NOW - 20 * DAY, expires), NOW, grace, wanted)
    assert (ends.old_expires_at, ends.new_expires_at) == (old, new)


@pytest.mark.parametrize(
    ("key", "refusal"),
    [
        (KeyTimes(NOW, None, revoked_at=NOW), KeyRevoked),
        (KeyTimes(NOW, NOW + DAY, revoked_at=NOW, rotated=True), KeyRevoked),
        (KeyTimes(NOW, None, rotated=True), KeyRotated),
        (KeyTimes(NOW - DAY, NOW), KeyExpired),
    ],
)
def test_what_cannot_be_rotated(key: KeyTimes, refusal: type[Conflict]) -> None:
    with pytest.raises(refusal):
        rotation(key, NOW, DEFAULT_GRACE, None)


SPANS = st.timedeltas(timedelta(0), MAX_GRACE)


@given(SPANS, st.none() | st.timedeltas(timedelta(seconds=1), 400 * DAY), SPANS)
def test_the_old_key_never_outlives_its_grace_nor_itself(
    age: timedelta, left: timedelta | None, grace: timedelta
) -> None:
    expires = None if left is None else NOW + left
    ends = rotation(KeyTimes(NOW - age, expires), NOW, grace, None)
    assert NOW <= ends.old_expires_at <= NOW + grace
    assert expires is None or ends.old_expires_at <= expires
    assert (ends.new_expires_at is None) == (expires is None)
    if left is not None:
        assert ends.new_expires_at == NOW + age + left


def test_an_old_key_goes_on_for_a_day_and_for_thirty_at_most() -> None:
    assert KeyRotation().grace_seconds == 24 * 3600
    assert KeyRotation(grace_seconds=30 * 24 * 3600)
    with pytest.raises(ValidationError):
        KeyRotation(grace_seconds=30 * 24 * 3600 + 1)
