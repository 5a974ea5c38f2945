"""SHOULD_LINEMERGE and its settings, as props.conf.spec has them."""

import pytest

from app.addons.replay.indexing.breaking import Line
from app.addons.replay.indexing.merging import Merging
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import Settings

CASES = [
    ({}, ["D1", "a", "D2", "b", "c"], ["D1|a", "D2|b|c"]),
    ({"BREAK_ONLY_BEFORE_DATE": "false"}, ["D1", "a", "D2"], ["D1|a|D2"]),
    ({"BREAK_ONLY_BEFORE": "^BEGIN"}, ["BEGIN 1", "D2", "BEGIN 2", "x"], ["BEGIN 1|D2", "BEGIN 2|x"]),
    ({"MUST_BREAK_AFTER": "END$"}, ["D1", "x END", "y", "z"], ["D1|x END", "y|z"]),
    ({"MUST_NOT_BREAK_BEFORE": "^D2"}, ["D1", "D2", "D3"], ["D1|D2", "D3"]),
    (
        {"MUST_NOT_BREAK_AFTER": "^OPEN", "MUST_BREAK_AFTER": "^SHUT"},
        ["OPEN", "D1", "SHUT", "D2"],
        ["OPEN|D1|SHUT", "D2"],
    ),
    ({"MAX_EVENTS": "2"}, ["D1", "a", "b", "c"], ["D1|a", "b|c"]),
]


@pytest.mark.parametrize(("settings", "texts", "events"), CASES)
def test_lines_become_events(settings: dict[str, str], texts: list[str], events: list[str]) -> None:
    merging = Merging(Settings(settings), lambda text: text.startswith("D"), Findings())
    merged = merging.merged(Line(text, number) for number, text in enumerate(texts, start=1))
    assert [line.text.replace("\n", "|") for line in merged] == events


def test_an_event_has_the_number_of_its_first_line() -> None:
    merging = Merging(Settings(), lambda text: text.startswith("D"), Findings())
    merged = merging.merged(Line(text, number) for number, text in enumerate(["D", "a", "D", "D", "b"], start=1))
    assert [line.number for line in merged] == [1, 3, 4]


def test_events_end_after_256_lines() -> None:
    merging = Merging(Settings(), lambda _: False, Findings())
    merged = list(merging.merged(Line("x", number) for number in range(1, 600)))
    assert [line.text.count("x") for line in merged] == [256, 256, 87]
