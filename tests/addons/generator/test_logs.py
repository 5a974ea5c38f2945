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


def test_pairs_behind_a_header_and_pairs_without_are_both_read() -> None:
    lines = "\n".join(
        [f"Mar  4 09:15:0{n} gw1 agent[7]: event=login user=u{n} src=192.0.2.{n}" for n in range(5)]
        + [f"event=boot user=root{n} src=198.51.100.{n} uptime={n}" for n in range(3)]
    )
    built = build_addon(lines.encode(), "mixed")
    replayed = replay(built.package, lines)
    assert replayed.events[1].fields["user"] == ("u1",)
    assert replayed.events[6].fields["user"] == ("root1",)
    assert replayed.events[6].fields["uptime"] == ("1",)


def test_an_alias_of_a_key_with_a_blank_is_quoted() -> None:
    document = '{"time":"2026-05-01T12:00:0%dZ","source ip":"192.0.2.%d","user":"ada","action":"login failed"}'
    lines = "\n".join(document % (n, n) for n in range(5))
    built = build_addon(lines.encode(), "blank")
    assert built.checked.faults == ()
    props = built.package.text("default/props.conf") or ""
    assert '"source ip" AS' in props or "source ip AS" not in props
