"""LINE_BREAKER and TRUNCATE: cases of props.conf.spec, and positions in the sample."""

import pytest

from app.addons.replay.indexing.breaking import Line, broken, truncated
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import Settings

BRANCHES = r"end(\n)begin|end2(\n)begin2|begin3"


def lines(sample: str, **settings: str) -> list[Line]:
    return list(broken(sample, Settings(settings), Findings()))


@pytest.mark.parametrize(
    ("pattern", "sample", "texts"),
    [
        ("", "a\nb\r\n\r\nc\n", ["a", "b", "c"]),
        (r"([\r\n]+)", "\n\na\n  \nb", ["a", "b"]),
        (r"([\r\n]+)(?=\d{4}-)", "2024-1\n  at x\n2024-2\n", ["2024-1\n  at x", "2024-2\n"]),
        (r"([\r\n]+)\d{4}-", "2024-1\n  at x\n2024-2", ["2024-1\n  at x", "2024-2"]),
        (r"(?:one|two)([\r\n]+)", "a one\nb two\nc", ["a one", "b two", "c"]),
        (r"\}(,?\s*)\{", '{"a":1},{"a":2} {"a":3}', ['{"a":1}', '{"a":2}', '{"a":3}']),
        (BRANCHES, "x end\nbegin y", ["x end", "begin y"]),
        (BRANCHES, "x end2\nbegin2 y", ["x end2", "begin2 y"]),
        (BRANCHES, "x begin3 y begin3", ["x ", "begin3 y ", "begin3"]),
        (r"<end>", "a<end>b", ["a", "<end>b"]),
        (r"([\r\n]+", "a\nb", ["a", "b"]),
        (r"(\A)", "axb", ["axb"]),
    ],
)
def test_texts_between_breaks(pattern: str, sample: str, texts: list[str]) -> None:
    assert [line.text for line in lines(sample, LINE_BREAKER=pattern)] == texts


def test_an_empty_break_stands_before_every_character() -> None:
    assert "".join(line.text for line in lines("axb", LINE_BREAKER=r"(x*)")) == "ab"


def test_events_know_the_line_in_which_they_begin() -> None:
    sample = "\n2024-1\n  at x\n\n2024-2\n2024-3\n"
    assert [line.number for line in lines(sample, LINE_BREAKER=r"([\r\n]+)(?=2024)")] == [2, 5, 6]
    assert [line.number for line in lines(sample)] == [2, 3, 5, 6]


def test_a_break_far_behind_the_first_window_is_found() -> None:
    events = [f"2024-{number} " + "x\n" * size for number, size in enumerate((1, 5_000, 3, 20_000, 2))]
    found = lines("".join(events), LINE_BREAKER=r"(\n)(?=2024-)", TRUNCATE="0")
    assert [line.text.strip() for line in found] == [event.strip() for event in events]


def test_the_text_before_the_search_is_seen_by_look_behinds() -> None:
    found = lines("a\nb\nEND\nc\nEND\nd", LINE_BREAKER=r"(?<=END)(\n)")
    assert [line.text for line in found] == ["a\nb\nEND", "c\nEND", "d"]


@pytest.mark.parametrize(
    ("text", "limit", "cut"), [("abc", 2, "ab"), ("aé", 2, "a"), ("aé", 3, "aé"), ("abc", 0, "abc"), ("abc", -1, "abc")]
)
def test_truncated_to_whole_characters(text: str, limit: int, cut: str) -> None:
    assert truncated(text, limit) == cut


def test_lines_are_cut_at_ten_thousand_bytes_unless_the_package_says_otherwise() -> None:
    assert len(lines("x" * 20_000)[0].text) == 10_000
    assert len(lines("x" * 20_000, TRUNCATE="0")[0].text) == 20_000


def test_an_expression_without_group_is_a_problem() -> None:
    findings = Findings()
    list(broken("a\nb", Settings({"LINE_BREAKER": r"\n"}), findings))
    assert "no capturing group" in next(iter(findings.problems))
