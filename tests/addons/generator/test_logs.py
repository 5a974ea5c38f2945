"""Each family of logs: from a sample to a package whose replay breaks, dates and reads the events as a reader would."""

import pytest

from app.addons.building.build import build_addon
from app.addons.package.archives import read_archive, write_archive
from app.addons.replay.replaying import replay
from tests.addons.generator.logs import LOGS, Log


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_a_package_reads_its_own_log(log: Log) -> None:
    built = build_addon(log.lines.encode(), log.name)
    assert log.kind in built.generated.kinds
    replayed = replay(built.package, log.lines)
    assert tuple(event.raw.rstrip() for event in replayed.events) == log.expected_events
    for number, wanted in log.values.items():
        event = replayed.events[number]
        found = {value for values in event.fields.values() for value in values}
        assert set(wanted) <= found, (sorted(set(wanted) - found), built.package.text("default/props.conf"))
    assert all(event.time is not None for event in replayed.events)
    first = replayed.events[0].time
    assert first is not None
    assert log.first_time is not None
    assert log.first_time in f"{first.moment:%Y-%m-%d %H:%M:%S.%f}"
    assert built.checked.faults == ()


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_two_builds_are_the_same_bytes(log: Log) -> None:
    once, again = (write_archive(build_addon(log.lines.encode(), log.name).package) for _ in range(2))
    assert once == again
    assert read_archive(once).files == build_addon(log.lines.encode(), log.name).package.files


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.name)
def test_line_ends_of_windows_change_no_package(log: Log) -> None:
    unix = build_addon(log.lines.encode(), log.name).package
    assert build_addon(log.lines.replace("\n", "\r\n").encode(), log.name).package.files == unix.files
