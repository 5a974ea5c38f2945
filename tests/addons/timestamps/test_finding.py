"""An event's time by its settings, and by recognition where no format is set."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.regexes import MatchLimit
from app.addons.timestamps import finding
from app.addons.timestamps.finding import TimeSettings, find_time, outside
from app.addons.timestamps.parsed import ParsedTime
from tests.addons.timestamps.samples import DAYS, MONTHS, REFERENCE, moments

ANYWHERE = TimeSettings(lookahead=0)

RECOGNISED = (
    ("2024-01-02T03:04:05.123456+02:00 x", "2024-01-02T03:04:05.123456+02:00", "2024-01-02T01:04:05.123456"),
    ("2024-01-02 03:04:05,123 INFO", "2024-01-02 03:04:05,123", "2024-01-02T03:04:05.123"),
    ("at 2024/01/02 03:04 x", "2024/01/02 03:04", "2024-01-02T03:04:00"),
    ("2021-11-09  5:13:12 8 [Warning]", "2021-11-09  5:13:12", "2021-11-09T05:13:12"),
    ("<34>Jun  8 14:34:33 host k: x", "Jun  8 14:34:33", "2025-06-08T14:34:33"),
    ("*Mar  1 18:46:11.123 UTC: %SYS-5: x", "Mar  1 18:46:11.123 UTC", "2026-03-01T18:46:11.123"),
    ('h - - [10/Oct/2000:13:55:36 -0700] "GET', "10/Oct/2000:13:55:36 -0700", "2000-10-10T20:55:36"),
    ("[28/Feb/2025:02:43:10.123] f", "28/Feb/2025:02:43:10.123", "2025-02-28T02:43:10.123"),
    ("13/02/2024 10:11:12", "13/02/2024 10:11:12", "2024-02-13T10:11:12"),
    ("02/03/2024 10:11:12 PM", "02/03/2024 10:11:12 PM", "2024-02-03T22:11:12"),
    ("[5/12/21 10:11:12:345 EDT] x", "5/12/21 10:11:12:345 EDT", "2021-05-12T14:11:12.345"),
    ("Mar 3, 2024 10:11:12 AM x", "Mar 3, 2024 10:11:12 AM", "2024-03-03T10:11:12"),
    ("Tue Oct 10 13:55:36 CEST 2000", "Tue Oct 10 13:55:36 CEST 2000", "2000-10-10T11:55:36"),
    ("[Tue Oct 10 13:55:36.123456 2000] [x]", "Tue Oct 10 13:55:36.123456 2000", "2000-10-10T13:55:36.123456"),
    ("Date: Tue, 10 Oct 2000 13:55:36 GMT", "Tue, 10 Oct 2000 13:55:36 GMT", "2000-10-10T13:55:36"),
    ("221128 14:49:17 x", "221128 14:49:17", "2022-11-28T14:49:17"),
    ("20240102030405 x", "20240102030405", "2024-01-02T03:04:05"),
    ("20240102T030405.5Z x", "20240102T030405.5Z", "2024-01-02T03:04:05.5"),
    ("date=2024-10-14 time=13:46:40 tz=x", "2024-10-14 time=13:46:40", "2024-10-14T13:46:40"),
    ("1684329817.579 180 10.0.0.1", "1684329817.579", "2023-05-17T13:23:37.579"),
    ("type=A msg=audit(1684329817.579:2995): x", "1684329817.579", "2023-05-17T13:23:37.579"),
    ('{"a":1,"ts": 1684329817579}', "1684329817579", "2023-05-17T13:23:37.579"),
    ("x rt=1684329817579000000 y", "1684329817579000000", "2023-05-17T13:23:37.579"),
    ("30/Feb/2024:10:11:12 2024-01-01 10:11:12", "2024-01-01 10:11:12", "2024-01-01T10:11:12"),
    ("10:11:12 2024-01-01 08:00:00 GET", "2024-01-01 08:00:00", "2024-01-01T08:00:00"),
)  # fmt: skip


@pytest.mark.parametrize(("event", "text", "moment"), RECOGNISED)
def test_recognition(event: str, text: str, moment: str) -> None:
    found = find_time(event, TimeSettings(), REFERENCE)
    assert found is not None
    assert event[found.start : found.end] == text
    assert found.moment == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "event",
    [
        "", "10:11:12 GET /", "192.168.1.1 12:10", "10.12.20.24 10:11:12", "v1.2.3 released", "00:08:a2:0c:1f:12",
        "9cd4b9aa-2024-01-01-aaaa", "+49 89 1684329817", "GET / HTTP/1.1 200 1684329817", "bytes=1684329817",
        "file app-2024-01-01 10:11:12.log"[4:], "2024-01-01 only", "size 20240102030405678901", "id x1684329817",
        '{"ts":1684329817.5}', "99/99/2024 10:11:12", "2024-13-01 10:11:12", "A1b2 2024-1-1T99:00:00",
        "a" * 200 + " 2024-01-01 10:11:12", "2001:db8:20:20240102030405 x", "10.0.0.1/20240102030405",
    ],
)  # fmt: skip
def test_what_is_no_time(event: str) -> None:
    assert find_time(event, TimeSettings(), REFERENCE) is None


WRITERS: tuple[Callable[[datetime], str], ...] = (
    lambda m: m.isoformat(timespec="milliseconds"),
    lambda m: m.strftime("%Y-%m-%d %H:%M:%S,") + f"{m.microsecond // 1000:03}",
    lambda m: m.strftime("%Y/%m/%d %H:%M:%S.%f"),
    lambda m: m.strftime(f"%d/{MONTHS[m.month - 1]}/%Y:%H:%M:%S.%f +0000"),
    lambda m: m.strftime("%m/%d/%Y %H:%M:%S.%f"),
    lambda m: m.strftime(f"{DAYS[m.weekday()]} {MONTHS[m.month - 1]} %d %H:%M:%S.%f UTC %Y"),
    lambda m: m.strftime(f"{DAYS[m.weekday()]}, %d {MONTHS[m.month - 1]} %Y %H:%M:%S.%f GMT"),
    lambda m: m.strftime(f"{MONTHS[m.month - 1]} %d, %Y %H:%M:%S.%f"),
)


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ("<13>", " host app[12]: x"), ("10.1.2.3 v2.1 [", "] y"), ('{"t":"', '"}')]
)
@settings(max_examples=8)
@given(moment=moments())
def test_times_in_lines_are_recognised(
    writer: Callable[[datetime], str], before: str, after: str, moment: datetime
) -> None:
    found = find_time(before + writer(moment) + after, TimeSettings(), REFERENCE)
    assert found is not None
    assert found.moment == moment
    assert found.start == len(before)


@given(
    event=st.text(alphabet=st.one_of(st.characters(), st.sampled_from("0123456789:-/.TZ [](\"'")), max_size=120),
    prefix=st.none() | st.text(max_size=5),
    form=st.none() | st.sampled_from(["%Y-%m-%d", "%b %d %H:%M:%S", "%", "%s", "%d%m%y"]),
    lookahead=st.integers(-5, 300),
    zone=st.none() | st.text(max_size=10),
)
def test_nothing_raises(event: str, prefix: str | None, form: str | None, lookahead: int, zone: str | None) -> None:
    found = find_time(event, TimeSettings(prefix, form, lookahead, zone), REFERENCE)
    assert found is None or (0 <= found.start < found.end <= len(event) and found.moment.tzinfo is not None)


@pytest.mark.parametrize(
    ("event", "given_settings", "moment"),
    [
        ("a b 2024-01-02 03:04:05", TimeSettings("^a b ", "%Y-%m-%d %H:%M:%S"), "2024-01-02T03:04:05"),
        ("a b 2024-01-02 03:04:05", TimeSettings(None, "%Y-%m-%d %H:%M:%S"), None),
        ("a b 2024-01-02 03:04:05", TimeSettings("nowhere"), None),
        ("2024-01-02 03:04:05 x 2025-01-02 03:04:05", TimeSettings("x "), "2025-01-02T03:04:05"),
        ("a b 2024-01-02 03:04:05", TimeSettings("^a b ", "%Y-%m-%d %H:%M:%S", lookahead=19), "2024-01-02T03:04:05"),
        ("a b 2024-01-02 03:04:05", TimeSettings("^a b ", "%Y-%m-%d %H:%M:%S.%3N", lookahead=19), None),
        ("a b 2024-01-02 03:04:05", TimeSettings("^a b ", "%Y-%m-%d %H:%M:%S", lookahead=15), None),
        ("2024-01-02 03:04:05", TimeSettings(zone="Europe/Berlin"), "2024-01-02T02:04:05"),
        ("2024-01-02 03:04:05Z", TimeSettings(zone="Europe/Berlin"), "2024-01-02T03:04:05"),
        ("a" * 200 + " 2024-01-02 03:04:05", TimeSettings(lookahead=0), "2024-01-02T03:04:05"),
        ("a" * 200 + " 2024-01-02 03:04:05", TimeSettings("^a+", "%Y-%m-%d %H:%M:%S", -1), "2024-01-02T03:04:05"),
        ("2024-01-02 03:04:05", TimeSettings(zone="Nowhere"), "2024-01-02T03:04:05"),
        ("2024-01-02 03:04:05", TimeSettings("(", None), None),
        ("\ud800 2024-01-02 03:04:05", TimeSettings("^", None), None),
        ("2024-01-02 03:04:05", TimeSettings("\ud800", None), None),
        ("2024-01-02 03:04:05", TimeSettings(None, "%Q%Q"), None),
    ],
)
def test_settings(event: str, given_settings: TimeSettings, moment: str | None) -> None:
    found = find_time(event, given_settings, REFERENCE)
    assert (None if found is None else found.moment) == (
        None if moment is None else datetime.fromisoformat(moment).replace(tzinfo=UTC)
    )


def test_a_prefix_beyond_the_match_limit_reads_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless:
        def search(self, _event: str) -> None:
            raise MatchLimit

    monkeypatch.setattr(finding, "compile_regex", lambda _pattern: Endless())
    assert find_time("2024-01-02 03:04:05", TimeSettings("(a+)+$"), REFERENCE) is None


@pytest.mark.parametrize(("days", "beyond"), [(0, False), (1999, False), (2001, True), (-1, False), (-3, True)])
def test_times_too_old_or_too_new_are_told_apart(days: int, beyond: bool) -> None:
    parsed = ParsedTime(REFERENCE - timedelta(days=days), 0, 1)
    assert outside(parsed, TimeSettings(), REFERENCE) is beyond


@pytest.mark.parametrize(
    "piece", ["9", "[", "1 ", "2024-01-01 ", "Jan ", "1:", " ", "1/", "-1", "tue, ", '"', "1684329817 a ", "20240102 "]
)
def test_long_texts_take_no_time(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    begun = time.process_time()
    find_time(text, ANYWHERE, REFERENCE)
    assert time.process_time() - begun < 2
