"""When guesses are held up, and how names and addresses are counted: rules alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.login.lockout import full_until, horizon, locked_until
from app.access.login.login_keys import LoginKeyMaker, Realm, network_of
from app.kernel.security.policy import LockoutPolicy
from app.kernel.security.secrets import ServiceSecret

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
POLICY = LockoutPolicy()
PLACES = LoginKeyMaker(ServiceSecret(b"a secret for places of the tests, long enough"))


def _ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=second) for second in seconds]


@pytest.mark.parametrize(
    ("failures", "until"),
    [
        ([], None),
        (_ago(1), None),
        (_ago(1, 2), None),
        (_ago(0, 60, 120), NOW + POLICY.lock),
        (_ago(0, 60, 121), None),
        (_ago(120, 60, 0), NOW + POLICY.lock),
        (_ago(299, 300, 310), NOW + timedelta(seconds=1)),
        (_ago(300, 301, 302), None),
        (_ago(10, 20, 30, 200, 201, 202), NOW + timedelta(seconds=290)),
        (_ago(250, 251, 252, 1, 2), NOW + timedelta(seconds=50)),
    ],
)
def test_three_failures_in_two_minutes_lock_for_five(failures: list[datetime], until: datetime | None) -> None:
    assert locked_until(failures, NOW, POLICY) == until


@given(st.lists(st.integers(0, 1000), max_size=12))
def test_locks_are_right_and_older_failures_do_not_matter(seconds: list[int]) -> None:
    failures = _ago(*seconds)
    until = locked_until(failures, NOW, POLICY)
    recent = [failure for failure in failures if failure >= NOW - horizon(POLICY)]
    assert until == locked_until(recent, NOW, POLICY)
    if until is not None:
        assert NOW < until <= NOW + POLICY.lock
        assert (
            len([f for f in failures if until - POLICY.lock - POLICY.window <= f <= until - POLICY.lock])
            >= POLICY.failures
        )


def test_a_bound_is_full_until_its_oldest_failure_leaves_the_window() -> None:
    assert full_until(None, NOW, POLICY) is None
    assert full_until(NOW - POLICY.wide_window, NOW, POLICY) is None
    assert full_until(NOW, NOW, POLICY) == NOW + POLICY.wide_window


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        (None, ""),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_one_customer_counts_as_one_address(address: str | None, counted: str) -> None:
    assert network_of(address) == counted


def test_names_and_addresses_are_not_mixed_up() -> None:
    place = PLACES.of(Realm.PEOPLE, "ada", "192.0.2.7")
    assert place == PLACES.of(Realm.PEOPLE, "ada", "::ffff:192.0.2.7")
    others = [
        PLACES.of(Realm.PEOPLE, "ada1", "92.0.2.7"),
        PLACES.of(Realm.CLIENTS, "ada", "192.0.2.7"),
        PLACES.of(Realm.PEOPLE, "192.0.2.7", "ada"),
    ]
    hashes = {part for one in (place, *others) for part in (one.pair, one.name, one.address)}
    assert len(hashes) == 12
    assert place.wide_locks == tuple(sorted(place.wide_locks))


@given(st.text(max_size=40).filter(lambda text: text.isprintable()), st.ip_addresses())
def test_every_name_and_address_can_be_counted(name: str, address: object) -> None:
    assert PLACES.of(Realm.PEOPLE, name, str(address)).pair
