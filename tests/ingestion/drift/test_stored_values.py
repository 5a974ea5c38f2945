"""Profiles of stored values are kept for a while, and not too many of them."""

from app.catalog.drift.schema import ValueProfile
from app.ingestion.drift.stored_values import KEPT_PROFILES, KEPT_SECONDS, RecentProfiles

ONE, OTHER = ValueProfile(1, 0), ValueProfile(2, 1)


def test_a_profile_is_kept_for_a_while() -> None:
    now = [0.0]
    profiles = RecentProfiles(lambda: now[0])
    assert profiles.get("a") is None
    profiles.put("a", ONE)
    now[0] = KEPT_SECONDS - 1
    assert (profiles.get("a"), profiles.get("b")) == (ONE, None)
    now[0] = KEPT_SECONDS
    assert profiles.get("a") is None
    profiles.put("a", OTHER)
    assert profiles.get("a") == OTHER


def test_the_newest_are_kept() -> None:
    profiles = RecentProfiles(lambda: 0.0)
    for number in range(KEPT_PROFILES):
        profiles.put(number, ONE)
    profiles.put(0, OTHER)
    profiles.put("more", ONE)
    assert (profiles.get(0), profiles.get(1), profiles.get("more")) == (OTHER, None, ONE)
