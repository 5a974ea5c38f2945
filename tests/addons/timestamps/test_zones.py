"""Zones of texts and of the setting TZ."""

from datetime import UTC, datetime, timedelta

import pytest

from app.addons.timestamps.zones import zone_in_text, zone_of_setting

WINTER = datetime(2024, 1, 15)  # noqa: DTZ001 - a wall clock


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("Z", 0), ("z", 0), ("UTC", 0), ("EST", -5), ("cest", 2), ("+0200", 2), ("-05:30", -5.5), ("+14", 14),
        ("GMT+8", 8), ("UTC-03:30", -3.5), ("+1500", None), ("+02:75", None), ("GET", None), ("", None),
        ("Europe/Berlin", 1), ("../etc/passwd", None), ("Europe/Nowhere", None),
    ],
)  # fmt: skip
def test_zones_of_texts(text: str, hours: float | None) -> None:
    zone = zone_in_text(text)
    assert (None if zone is None else zone.utcoffset(WINTER)) == (None if hours is None else timedelta(hours=hours))


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("Europe/Berlin", 1), (" UTC ", 0), ("EST5EDT", -5), ("EST5", -5), ("<+03>-3", 3), ("XYZ+4:30", -4.5),
        ("-0800", -8), ("GMT+10:00", 10), ("America", None), ("/etc/localtime", None), ("nonsense", None),
        ("A\x00B", None), ("XYZ99", None), ("Etc/" + "x" * 5000, None),
    ],
)  # fmt: skip
def test_zones_of_the_setting(text: str, hours: float | None) -> None:
    zone = zone_of_setting(text)
    assert (None if zone is None else zone.utcoffset(WINTER)) == (None if hours is None else timedelta(hours=hours))


def test_greenwich_is_utc_itself() -> None:
    assert zone_in_text("+00:00") is UTC
