"""The score of add-ons: what counts as right, and that the truth scores in all."""

import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from app.addons.replay.events import ReplayedEvent
from app.addons.timestamps.parsed import ParsedTime
from benchmarks.addon_truth import (
    Score,
    Source,
    TrueEvent,
    events_of_truth,
    plain_name,
    same_time,
    score,
    share,
    sources,
)
from benchmarks.addons import per_hundred_lines

TEN = datetime(2024, 5, 1, 10, 0, 0, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("truth", "year_in_raw", "moment", "right"),
    [
        ("2024-05-01T10:00:00Z", True, TEN, True),
        ("2024-05-01T10:00:01Z", True, TEN, False),
        ("2024-05-01T10:00:00.123Z", True, TEN, True),
        ("2024-05-01T10:00:00.124Z", True, TEN, False),
        ("2024-05-01T10:00:00.123456700Z", True, TEN, True),
        ("2024-05-01T12:00:00+02:00", True, TEN, True),
        ("2024-05-01T10:00:00+02:00", True, TEN, False),
        ("2024-05-01T10:00:00", True, TEN.replace(tzinfo=timezone(timedelta(hours=5))), True),
        ("2023-05-01T10:00:00Z", True, TEN, False),
        ("2023-05-01T10:00:00Z", False, TEN, True),
        ("2023-05-02T10:00:00Z", False, TEN, False),
    ],
)
def test_times(truth: str, year_in_raw: bool, moment: datetime, right: bool) -> None:
    assert same_time(TrueEvent("", {}, (), truth, year_in_raw), ParsedTime(moment, 0, 1)) is right


def event(raw: str, **fields: str) -> ReplayedEvent:
    return ReplayedEvent(raw, 1, ParsedTime(TEN, 0, 1), {name: (value,) for name, value in fields.items()})


TRUTH = [
    TrueEvent("one\n", {"a": "1", "b": "2", "made": "x"}, ("a", "b"), "2024-05-01T10:00:00Z"),
    TrueEvent("two", {"a": "3"}, ("a",)),
]


@pytest.mark.parametrize(
    ("replayed", "boundaries", "times", "values", "conflicts"),
    [
        ([event("one", a="1", b="2"), event("two", a="3")], (2, 2), (1, 1), (3, 3), (0, 3)),
        ([event("one", x=" 1 ", y="2"), event("two")], (2, 2), (1, 1), (2, 3), (0, 3)),
        ([event("one", A="9", b="2"), event("two", a="4")], (2, 2), (1, 1), (1, 3), (2, 3)),
        ([event("one two", a="1", b="2")], (0, 2), (0, 1), (0, 3), (0, 3)),
        ([event("one", a="1"), event("one", b="2")], (1, 2), (1, 1), (1, 3), (0, 3)),
        ([], (0, 2), (0, 1), (0, 3), (0, 3)),
    ],
)
def test_counts(
    replayed: list[ReplayedEvent],
    boundaries: tuple[int, int],
    times: tuple[int, int],
    values: tuple[int, int],
    conflicts: tuple[int, int],
) -> None:
    found = score(TRUTH, replayed)
    assert (found.boundaries, found.times, found.values, found.conflicts) == (boundaries, times, values, conflicts)
    assert bool(found.wrong) is (found.boundaries != (2, 2) or values[0] < 3 or conflicts[0] > 0)


def test_one_replayed_event_stands_for_one_true_event() -> None:
    twice = [TRUTH[1], TRUTH[1]]
    assert score(twice, [event("two", a="3")]).boundaries == (1, 2)
    assert score(twice, [event("two", a="4"), event("two", a="3")]).values == (1, 2)


def test_the_truth_scores_in_all() -> None:
    found = score(TRUTH, events_of_truth(TRUTH))
    assert found == Score((2, 2), (1, 1), (3, 3), (0, 3), ())


def test_a_share_of_nothing_is_none() -> None:
    assert (share((0, 0)), share((1, 2))) == (None, 0.5)


@pytest.mark.parametrize(
    ("text", "family", "is_json"),
    [
        ("JSON access log (epoch time)", "JSON", True),
        ("Windows Event XML", "XML/CEF", False),
        ("CSV in syslog", "delimited", False),
        ("syslog 3164 + key=value", "key=value", False),
        ("nginx combined access", "access logs", False),
        ("Java multi-line", "multi-line", False),
        ("syslog 3164 sshd", "free text", False),
    ],
)
def test_families(text: str, family: str, is_json: bool) -> None:
    source = Source("x", text, (), (), ())
    assert (source.family, source.is_json) == (family, is_json)


def test_names_are_compared_without_their_marks() -> None:
    assert plain_name("cs(User-Agent)") == plain_name("CS_user_agent")


def write_source(folder: Path, count: int, sample: str) -> None:
    (folder / "acme").mkdir()
    (folder / "index.json").write_text(json.dumps({"sources": [{"name": "acme", "format": "free text"}]}))
    events = [{"i": i, "raw": f"event {i}", "fields": {"n": i}, "literal": ["n"]} for i in reversed(range(count))]
    (folder / "acme" / "events.jsonl").write_text("\n".join(json.dumps(each) for each in events))
    (folder / "acme" / "sample.log").write_text(sample)


@pytest.mark.parametrize(
    ("count", "generating", "scored"),
    [(7, ["0", "2", "4", "5"], ["1", "3", "6"]), (3, ["0"], ["1", "2"]), (4, ["0", "2"], ["1", "3"])],
)
def test_sources_are_split_by_number(tmp_path: Path, count: int, generating: list[str], scored: list[str]) -> None:
    write_source(tmp_path, count, "")
    (source,) = sources(tmp_path)
    assert [each.fields["n"] for each in source.generating] == generating
    assert [each.fields["n"] for each in source.scored] == scored
    assert not list(sources(tmp_path, ["other"]))


@pytest.mark.parametrize(
    ("sample", "header"),
    [
        ("#v\n#f\nevent 0\n#v\nevent 1\n", ("#v", "#f")),
        ("name,other\nevent 0\n", ("name,other",)),
        ("event 0\nlate line\n", ()),
    ],
)
def test_headers_stand_before_the_events(tmp_path: Path, sample: str, header: tuple[str, ...]) -> None:
    write_source(tmp_path, 2, sample)
    (source,) = sources(tmp_path)
    assert source.header == header
    assert source.text(source.scored).split("\n") == [*header, "event 1", ""]


def test_the_truth_of_the_development_data_scores_in_all() -> None:
    folder = os.environ.get("SPYNE_DEVELOPMENT_DATA")
    if not folder:
        pytest.skip("SPYNE_DEVELOPMENT_DATA names no folder of development data")
    for source in sources(Path(folder) / "logs"):
        found = score(source.scored, events_of_truth(source.scored))
        assert not found.wrong, source.name


@pytest.mark.parametrize(
    ("seconds", "lines", "given"), [(2.0, 200, 1.0), (2.0, 100, 2.0), (2.0, 3, 2.0), (2.0, 0, 2.0)]
)
def test_a_fixed_cost_of_generating_is_not_multiplied(seconds: float, lines: int, given: float) -> None:
    assert per_hundred_lines(seconds, lines) == given
