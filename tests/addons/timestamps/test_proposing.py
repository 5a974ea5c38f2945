"""Proposed time settings: the place, the format, the order of the date, the zone, and what is said about them."""

import json
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.regexes import compile_regex
from app.addons.timestamps.day_order import REFERENCE
from app.addons.timestamps.finding import find_time
from app.addons.timestamps.proposing import TimestampProposal, propose_timestamp
from app.addons.timestamps.time_format import format_warnings
from tests.addons.timestamps.samples import moments, written

BEGINNING = datetime(2024, 1, 27, 22, 4, 5, 123_000, tzinfo=UTC)


def rows(template: str, beginning: datetime = BEGINNING, count: int = 20, step: int = 4_001) -> list[str]:
    """Events by the template, whose directives stand in braces, a little more than an hour apart."""
    times = [beginning + timedelta(seconds=step, milliseconds=7) * number for number in range(count)]
    return [re.sub(r"<<(.+?)>>", lambda found, each=each: _filled(found[1], each), template) for each in times]


def _filled(form: str, moment: datetime) -> str:
    return re.sub(r"%([369]N|:z|.)", lambda found: written(moment, found[1]), form)


ISO = "<<%Y-%m-%dT%H:%M:%S.%3N>>"
PLAIN = "<<%Y-%m-%d %H:%M:%S>>"
EPOCH = "<<%s>>"
SYSLOG = "<<%b %e %H:%M:%S>>"
PROPOSALS = (
    (f"{SYSLOG} host app[12]: x", "^", "%b %d %H:%M:%S"),
    (f"<134>{SYSLOG} host app[12]: x", r"^<\d+>", "%b %d %H:%M:%S"),
    (f"<34>1 {ISO}Z host app 123 ID47 - x", r"^<\d+>\d+ ", "%Y-%m-%dT%H:%M:%S.%3N%Z"),
    (f'<34>1 {ISO}Z host a 1 I [e@1 a="1"] act=x src=y rt={EPOCH}000', r"^<\d+>\d+ ", "%Y-%m-%dT%H:%M:%S.%3N%Z"),
    (f"[{PLAIN}] local.ERROR: x", r"^\[", "%Y-%m-%d %H:%M:%S"),
    (f"host1 app[12]: [{PLAIN}.<<%3N>>] x", r"^\S+ \S+ \[", "%Y-%m-%d %H:%M:%S.%3N"),
    ('1.2.3.4 - - [<<%d/%b/%Y:%H:%M:%S>> +0100] "GET /', r"^\S+ \S+ \S+ \[", "%d/%b/%Y:%H:%M:%S %z"),
    (f"http {ISO}Z app/x 1.2.3.4:5", r"^\S+ ", "%Y-%m-%dT%H:%M:%S.%3N%Z"),
    (f"{PLAIN},<<%3N>> - root - INFO - x", "^", "%Y-%m-%d %H:%M:%S,%3N"),
    ("<<%b %e %Y %H:%M:%S>>: %ASA-6-302013: Built", "^", "%b %d %Y %H:%M:%S"),
    ("<<%Y %b %e %H:%M:%S>> sw x", "^", "%Y %b %d %H:%M:%S"),
    ("[<<%a %b %d %H:%M:%S.%6N %Y>>] [core:error] x", r"^\[", "%a %b %d %H:%M:%S.%6N %Y"),
    ("[<<%m/%d/%y %H:%M:%S>>:<<%3N>> EST] 0000 x", r"^\[", "%m/%d/%y %H:%M:%S:%3N %Z"),
    ("<<%y%m%d %H%M%S>> 148 INFO x", "^", "%y%m%d %H%M%S"),
    ("I<<%m%d %H:%M:%S.%6N>>   1 main.go:12] x", "^[A-Z]", "%m%d %H:%M:%S.%6N"),
    ("<<%m/%d-%H:%M:%S.%6N>>  [**] x", "^", "%m/%d-%H:%M:%S.%6N"),
    ("<<%Y-%m-%d-%H.%M.%S.%6N>> I1 LEVEL: x", "^", "%Y-%m-%d-%H.%M.%S.%6N"),
    ("<<%Y-%m-%d>>\t<<%H:%M:%S>>\tFRA2\t1045", "^", "%Y-%m-%d %H:%M:%S"),
    (f"{EPOCH}.<<%6N>>\tCg9x\t1.2.3.4", "^", "%s.%6N"),
    (f"[{EPOCH}] SERVICE ALERT: a;b", r"^\[", "%s"),
    (f"node=x type=A msg=audit({EPOCH}.<<%3N>>:12): a=1 b=2 c=3", r"\bmsg=audit\(", "%s.%3N"),
    ("date=<<%Y-%m-%d>> time=<<%H:%M:%S>> logid=1 type=x", "^date=", "%Y-%m-%d time=%H:%M:%S"),
    (f'id=fw sn=00 time="{PLAIN} UTC" fw=1.2.3.4 pri=6', r'\btime="', "%Y-%m-%d %H:%M:%S %Z"),
    (f"level=info ts={ISO}Z caller=x.go:1", r"\bts=", "%Y-%m-%dT%H:%M:%S.%3N%Z"),
    (f"CEF:0|V|P|1|1|n|5|act=x src=1.2.3.4 dst=2.3.4.5 rt={EPOCH}<<%3N>>", r"\brt=", "%s%3N"),
    ("CEF:0|V|P|1|1|n|5|act=x src=1.2.3.4 rt=<<%b %d %Y %H:%M:%S>> msg=x", r"\brt=", "%b %d %Y %H:%M:%S"),
    (f'{{"level":"info","ts":{EPOCH}.<<%6N>>,"msg":"x"}}', r'"ts"\s*:\s*', "%s.%6N"),
    (f'{{"v": 1, "@timestamp": "{ISO}Z", "expires": "2030-01-01T00:00:00Z"}}', r'"@timestamp"\s*:\s*"',
     "%Y-%m-%dT%H:%M:%S.%3N%Z"),
    (f'{{"session":{{"creationDate":"{PLAIN}"}},"eventTime":"{ISO}+02:00"}}', r'"eventTime"\s*:\s*"',
     "%Y-%m-%dT%H:%M:%S.%3N%:z"),
    (f'{{"path":"at {PLAIN}","time":"{ISO}Z"}}', r'"time"\s*:\s*"', "%Y-%m-%dT%H:%M:%S.%3N%Z"),
    (f"<Event xmlns='x'><TimeCreated SystemTime='{ISO}Z'/><Data Name='UtcTime'>{PLAIN}</Data></Event>",
     r"\bSystemTime='", "%Y-%m-%dT%H:%M:%S.%3N%Z"),
    (f"<event><id>5</id><timestamp>{ISO}Z</timestamp></event>", "<timestamp>", "%Y-%m-%dT%H:%M:%S.%3N%Z"),
    ("27,<<%Y/%m/%d %H:%M:%S>>,007200001165,TRAFFIC", r"^\d+,", "%Y/%m/%d %H:%M:%S"),
    (f'"a b","{PLAIN}","x"', '^[^,]*,"', "%Y-%m-%d %H:%M:%S"),
    ("<<%d.%m.%Y %H:%M:%S>>;user;x", "^", "%d.%m.%Y %H:%M:%S"),
    ("<<%m/%d/%Y %I:%M:%S %p>>,user,x", "^", "%m/%d/%Y %I:%M:%S %p"),
    (f"release 2020-01-01 00:00:00 job at {PLAIN} done", r"^(?:\S+ ){5}", "%Y-%m-%d %H:%M:%S"),
)  # fmt: skip


@pytest.mark.parametrize(("template", "prefix", "form"), PROPOSALS)
def test_proposals(template: str, prefix: str, form: str) -> None:
    events = rows(template)
    proposal = propose_timestamp(events)
    assert proposal is not None
    assert (proposal.time_prefix, proposal.time_format, proposal.share) == (prefix, form, 1)
    assert proposal.lookahead < 60
    _holds(proposal, events)
    _holds(proposal, rows(template, BEGINNING + timedelta(days=300), step=90_001))


def _holds(proposal: TimestampProposal, events: list[str]) -> None:
    """The settings read every event, and times that rise as the events do."""
    found = [find_time(each, proposal.settings, REFERENCE) for each in events]
    assert all(each is not None for each in found)
    times = [each.moment for each in found if each is not None and each.year_known]
    assert times == sorted(times)
    assert proposal.time_format is None or format_warnings(proposal.time_format) == ()


@pytest.mark.parametrize(
    ("events", "form", "words"),
    [
        (rows("<<%d/%m/%Y %H:%M:%S>> x"), "%d/%m/%Y %H:%M:%S", "the day first: 27/01/2024"),
        (rows("<<%m/%d/%Y %H:%M:%S>> x"), "%m/%d/%Y %H:%M:%S", "the month first: 01/27/2024"),
        (["03/04/2021 10:00:00 a", "03/04/2021 10:00:05 b"], "%m/%d/%Y %H:%M:%S", "the month first or the day"),
        (["03.04.2021 10:00:00 a", "03.04.2021 10:00:05 b"], "%d.%m.%Y %H:%M:%S", "the day first is assumed"),
        (
            ["11/02/2021 10:00:00 a", "12/02/2021 10:00:05 b", "01/03/2021 10:00:05 c"],
            "%d/%m/%Y %H:%M:%S",
            "only so do the times rise",
        ),
        (rows("<<%y/%m/%d %H:%M:%S>> INFO x", step=400), "%y/%m/%d %H:%M:%S", "the year first is assumed"),
    ],
)  # fmt: skip
def test_day_and_month_are_ordered_by_evidence(events: list[str], form: str, words: str) -> None:
    proposal = propose_timestamp(events)
    assert proposal is not None
    assert proposal.time_format == form
    assert any(words in each for each in proposal.notes)


def test_the_other_order_is_an_alternative() -> None:
    proposal = propose_timestamp(["[03/04/2021 10:00:00] a", "[03/04/2021 10:00:05] b"])
    assert proposal is not None
    assert [each.time_format for each in proposal.alternatives] == ["%d/%m/%Y %H:%M:%S"]


@pytest.mark.parametrize(
    ("events", "zone", "words"),
    [
        (rows(f"{ISO}Z x"), None, None),
        (rows(f"{PLAIN} x"), None, "no zone in the text"),
        (rows(f"a=1 b=2 UtcTime={PLAIN}"), "UTC", "the key says UTC"),
        (["#Fields: date time c-ip", *rows(f"{PLAIN} 1.2.3.4")], "UTC", "W3C"),
        (rows(f"{PLAIN} 1.2.3.4 GET /a - 80 - 5.6.7.8 Mozilla"), "UTC", "IIS"),
        (rows(f"date={PLAIN} a=1 eventtime={EPOCH}"), "UTC", "eventtime in the same events shows UTC"),
        (
            rows(f"date=<<%Y-%m-%d>> time=<<%H:%M:%S>> a=1 b=2 x={ISO}+02:00"),
            None,
            "x in the same events shows UTC+02:00",
        ),
        (rows(f"{SYSLOG} host a=1 b=2 rt={EPOCH}000"), None, "a more exact time (rt), with year and zone"),
        (rows(f"{SYSLOG} host x"), None, "no year in the text"),
    ],
)
def test_zones_years_and_what_is_said_of_them(events: list[str], zone: str | None, words: str | None) -> None:
    proposal = propose_timestamp(events)
    assert proposal is not None
    assert proposal.zone == zone
    assert (not proposal.notes) if words is None else any(words in each for each in proposal.notes)


def test_two_formats_are_left_to_recognition() -> None:
    events = [*rows(f"{SYSLOG} host x", count=10), *rows(f"{ISO}+00:00 host x", count=10)]
    proposal = propose_timestamp(events)
    assert proposal is not None
    assert (proposal.time_prefix, proposal.time_format, proposal.share) == ("^", None, 1)
    assert any("no TIME_FORMAT" in each for each in proposal.notes)


def test_a_rare_second_format_is_left_to_recognition_too() -> None:
    events = [*rows(f"{SYSLOG} host x", count=19), *rows(f"{ISO}+00:00 host x", count=1)]
    proposal = propose_timestamp(events)
    assert proposal is not None
    assert (proposal.time_format, proposal.share) == (None, 1)


def test_a_format_for_fewer_than_nine_of_ten_events_is_not_proposed() -> None:
    assert propose_timestamp([*rows("I<<%m%d %H:%M:%S.%6N>> 1 a] x", count=8), "damaged", "damaged"]) is None


def test_one_key_in_two_syntaxes_has_one_prefix() -> None:
    events = [*rows(f'time="{ISO}Z" level=x msg=y'), *rows(f'{{"level":"x", "time" : "{ISO}Z"}}')]
    proposal = propose_timestamp(events)
    assert proposal is not None
    assert (proposal.time_format, proposal.share) == ("%Y-%m-%dT%H:%M:%S.%3N%Z", 1)
    _holds(proposal, rows(f'{{"a":[1],"time":"{ISO}Z"}}'))


def test_fractions_of_any_length_are_read_by_the_longest() -> None:
    proposal = propose_timestamp(['{"ts":1693840791.7564995}', '{"ts":1693840839.657635}', '{"ts":1693840840.5}'])
    assert proposal is not None
    assert (proposal.time_format, proposal.share) == ("%s.%9N", 1)


def test_lines_without_a_time_lower_the_share_and_are_counted() -> None:
    proposal = propose_timestamp([*rows(f"{PLAIN} x", count=19), "damaged"])
    assert proposal is not None
    assert proposal.share == 0.95
    assert any(each.startswith("1 of 20 events") for each in proposal.notes)


def test_the_share_is_of_all_events_also_of_many() -> None:
    events = rows(f"{PLAIN} x", count=1_000)
    proposal = propose_timestamp(["damaged" if number % 10 == 1 else each for number, each in enumerate(events)])
    assert proposal is not None
    assert proposal.share == 0.9


@pytest.mark.parametrize(
    "events",
    [[], [""], ["no time", "10:11:12 neither"], ["bytes=1684329817 1.2.3.4"] * 20, ["2024-02-30 10:11:12"] * 5],
)
def test_without_times_nothing_is_proposed(events: list[str]) -> None:
    assert propose_timestamp(events) is None


def test_the_same_sample_has_the_same_proposal() -> None:
    events = rows(f'{{"a":"{PLAIN}","b":"{ISO}Z","time":{EPOCH}}}')
    assert propose_timestamp(events) == propose_timestamp(list(events))


WRITERS: tuple[Callable[[datetime], str], ...] = (
    lambda m: _filled("%Y-%m-%dT%H:%M:%S.%3N%:z", m),
    lambda m: _filled("%Y/%m/%d %H:%M:%S,%3N", m),
    lambda m: _filled("%d/%b/%Y:%H:%M:%S.%3N %z", m),
    lambda m: _filled("%a %b %e %H:%M:%S.%3N %Z %Y", m),
)


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(
    "around", ["{} host x", "[{}] x", "host 1.2.3.4 [{}] y", 'a=1 b=2 time="{}" c', '[["v",1],{{"time":"{}"}}]']
)
@settings(max_examples=5)
@given(beginning=moments())
def test_random_times_are_proposed_and_read_back(
    writer: Callable[[datetime], str], around: str, beginning: datetime
) -> None:
    times = [beginning.replace(year=min(beginning.year, 2036)) + timedelta(hours=7) * each for each in range(10)]
    events = [around.format(writer(each)) for each in times]
    proposal = propose_timestamp(events)
    assert proposal is not None
    found = [find_time(each, proposal.settings, REFERENCE) for each in events]
    assert [each.moment for each in found if each is not None] == times


@settings(max_examples=100)
@given(
    st.lists(
        st.text(st.one_of(st.characters(), st.sampled_from("0123456789:-/.,TZ [](){}\"='<>")), max_size=80)
        | st.sampled_from(
            ["2024-01-02 03:04:05", "1684329817", "x=03/04/2021 10:00:00", '{"ts":"2024-01-02T03:04:05Z"}']
        ),
        max_size=8,
    )
)
def test_whatever_is_proposed_reads_its_share(events: list[str]) -> None:
    proposal = propose_timestamp(events)
    if proposal is None:
        return
    compile_regex(proposal.time_prefix)
    read = sum(find_time(each, proposal.settings, REFERENCE) is not None for each in events)
    assert 0 < proposal.share <= read / len(events)


@pytest.mark.parametrize(
    "piece", ["9", "[", "1 ", "2024-01-01 10:11:12 ", "Jan ", '{"', "a=1684329817 ", "<a>", '"a":']
)
def test_long_events_take_no_time(piece: str) -> None:
    events = [piece * (100_000 // len(piece))] * 20
    begun = time.process_time()
    propose_timestamp(events)
    assert time.process_time() - begun < 5


@pytest.mark.skipif("SPYNE_DEVELOPMENT_DATA" not in os.environ, reason="the development data is not named")
def test_settings_from_the_first_events_read_the_others() -> None:
    shares = {each.parent.name: _share_of_the_others(each) for each in _development_sources()}
    assert sum(shares.values()) / len(shares) >= 0.9, shares


def _development_sources() -> list[Path]:
    return sorted(Path(os.environ["SPYNE_DEVELOPMENT_DATA"]).glob("logs/*/events.jsonl"))


def _share_of_the_others(source: Path) -> float:
    """The share of times read in the last 40 % of the events by settings that the first 60 % have led to."""
    events = [json.loads(line)["raw"] for line in source.read_text(encoding="utf-8").splitlines()]
    used = len(events) * 6 // 10
    proposal = propose_timestamp(events[:used])
    assert proposal is not None
    others = events[used:]
    return sum(find_time(each, proposal.settings, REFERENCE) is not None for each in others) / len(others)
