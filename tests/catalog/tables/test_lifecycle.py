"""The meaning of states, over all of them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.tables.lifecycle import (
    CURRENT_STATES,
    PROPERTIES,
    TableState,
    Transition,
    supersedes,
    transition,
    visible,
    visible_states,
)
from app.catalog.tables.planning import restored_state
from tests.reference.resolution import resolve

SHADOW, READ_ONLY, ACTIVE, DEPRECATED = TableState
PROMOTE, DEPRECATE, RESTORE = Transition

ALLOWED = {
    (SHADOW, READ_ONLY): PROMOTE,
    (SHADOW, ACTIVE): PROMOTE,
    (SHADOW, DEPRECATED): DEPRECATE,
    (READ_ONLY, ACTIVE): PROMOTE,
    (READ_ONLY, DEPRECATED): DEPRECATE,
    (ACTIVE, READ_ONLY): PROMOTE,
    (ACTIVE, DEPRECATED): DEPRECATE,
    (DEPRECATED, READ_ONLY): RESTORE,
    (DEPRECATED, ACTIVE): RESTORE,
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(TableState, repeat=2)))
def test_every_pair_of_states_is_allowed_or_not(before: TableState, after: TableState) -> None:
    assert transition(before, after) is ALLOWED.get((before, after))


@pytest.mark.parametrize(("before", "after"), list(ALLOWED))
def test_taking_a_name_supersedes_who_had_it(before: TableState, after: TableState) -> None:
    assert supersedes(before, after) is (before in {SHADOW, DEPRECATED} and after in {ACTIVE, READ_ONLY})


@pytest.mark.parametrize(
    ("state", "queryable", "writable", "auto_joined"),
    [
        (SHADOW, False, True, False),
        (READ_ONLY, True, False, False),
        (ACTIVE, True, True, True),
        (DEPRECATED, False, False, False),
    ],
)
def test_what_a_state_allows(state: TableState, queryable: bool, writable: bool, auto_joined: bool) -> None:
    allowed = PROPERTIES[state]
    assert (allowed.queryable, allowed.writable, allowed.auto_joined) == (queryable, writable, auto_joined)


@pytest.mark.parametrize("state", list(TableState))
def test_only_shadow_is_hidden_and_only_from_some(state: TableState) -> None:
    assert visible(state, sees_shadow=True)
    assert visible(state, sees_shadow=False) is (state is not SHADOW)
    assert (state in visible_states(sees_shadow=False)) is (state is not SHADOW)
    assert state in visible_states(sees_shadow=True)


@pytest.mark.parametrize(
    ("versions", "plain", "with_deprecated"),
    [
        ([], None, None),
        ([(1, SHADOW)], None, None),
        ([(1, DEPRECATED)], None, 1),
        ([(1, DEPRECATED), (2, SHADOW)], None, 1),
        ([(1, READ_ONLY)], 1, 1),
        ([(1, READ_ONLY), (2, SHADOW)], 1, 1),
        ([(1, ACTIVE), (2, READ_ONLY)], 1, 1),
        ([(1, DEPRECATED), (2, ACTIVE), (3, SHADOW)], 2, 2),
        ([(1, DEPRECATED), (2, DEPRECATED)], None, 2),
    ],
)
def test_resolution(versions: list[tuple[int, TableState]], plain: int | None, with_deprecated: int | None) -> None:
    assert resolve(versions, include_deprecated=False) == plain
    assert resolve(versions, include_deprecated=True) == with_deprecated


@given(st.lists(st.sampled_from(TableState), max_size=8))
def test_a_name_never_means_a_shadow_and_prefers_what_is_in_use(states: list[TableState]) -> None:
    versions = list(enumerate(states, start=1))
    found = resolve(versions, include_deprecated=True)
    by_version = dict(versions)
    if found is None:
        assert set(states) <= {SHADOW}
        return
    assert by_version[found] is not SHADOW
    if CURRENT_STATES & set(states):
        assert by_version[found] is (ACTIVE if ACTIVE in states else READ_ONLY)
        assert resolve(versions, include_deprecated=False) == found


@pytest.mark.parametrize(
    ("last", "restored"),
    [(None, READ_ONLY), (SHADOW, READ_ONLY), (DEPRECATED, READ_ONLY), (READ_ONLY, READ_ONLY), (ACTIVE, ACTIVE)],
)
def test_a_version_comes_back_as_it_was(last: TableState | None, restored: TableState) -> None:
    assert restored_state(last) is restored
