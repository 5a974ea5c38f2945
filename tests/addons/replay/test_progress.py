"""How far an expression gets, and which expressions are slow."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.regexes import Regex, RegexError
from app.addons.replay.figures import MAX_EXTRACTIONS
from app.addons.replay.patterns import slow_patterns, variants
from app.addons.replay.progress import expression_parts, progress
from tests.addons.replay.packages import package, replayed


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        (r"ab+\d{2,3}?", ["a", "b+", r"\d{2,3}?"]),
        (r"(?<n>a|[^\]x]*)c", ["(?<n>", "a", "|", r"[^\]x]*", ")", "c"]),
        (r"(?ms)^(?:x)?(?=ab(c))d", ["(?ms)", "^", "(?:", "x", ")?", "(?=ab(c))", "d"]),
        (r"\x{41}\Q.*\E[[:alpha:]]++", [r"\x{41}", r"\Q.*\E", "[[:alpha:]]++"]),
        (r"(?(1)a|b)", [r"(?(1)a|b)"]),
        ("", []),
    ],
)
def test_parts_of_expressions(expression: str, parts: list[str]) -> None:
    assert expression_parts(expression) == parts


@pytest.mark.parametrize(
    ("expression", "text", "matched", "failing", "position"),
    [
        (r"user=(?<user>\w+) src=(?<src>\S+)", "x user=bob from=1", r"user=(?<user>\w+) ", "s", 11),
        (r"^(?<a>\d+)", "abc", "^(?<a>", r"\d+", 0),
        (r"abc", "xyz", "", "a", 0),
        (r"(?<a>a(?<b>b)c)d", "abx", "(?<a>a(?<b>b)", "c", 2),
    ],
)
def test_the_longest_beginning_that_matches(
    expression: str, text: str, matched: str, failing: str, position: int
) -> None:
    found = progress("s", expression, "(?ms)", text)
    assert found is not None
    assert (found.matched, found.failing, found.position) == (matched, failing, position)
    assert found.near == text[position:]


def test_an_expression_that_matches_has_no_progress() -> None:
    assert progress("s", "a", "", "ba") is None


@settings(max_examples=100)
@given(st.text(alphabet="ab()[]|*+?\\<>=!:{}^$.1d#", max_size=15), st.text(alphabet="ab1", max_size=10))
def test_no_expression_raises_and_parts_are_the_whole(expression: str, text: str) -> None:
    assert "".join(expression_parts(expression)) == expression
    progress("s", expression, "", text)


def test_unmatched_events_are_reported_with_line_and_progress() -> None:
    report = replayed(
        "SHOULD_LINEMERGE = false\nKV_MODE = none\nEXTRACT-a = user (?<user>\\w+) failed\nREPORT-b = t",
        "user bob failed\nuser eve passed\n",
        "[t]\nREGEX = code:(?<code>\\d+)\n",
    ).report
    (unmatched,) = report.unmatched
    assert (unmatched.line, unmatched.text) == (2, "user eve passed")
    first, second = unmatched.progress
    assert (first.setting, first.failing, first.near) == ("props.conf [acme] EXTRACT-a", "f", "passed")
    assert (second.setting, second.failing) == ("transforms.conf [t] REGEX", "c")


def test_twenty_unmatched_events_are_reported() -> None:
    report = replayed("SHOULD_LINEMERGE = false\nKV_MODE = none", "x\n" * 50).report
    assert (len(report.unmatched), report.with_extraction, report.extraction_share) == (20, 0, 0.0)


def test_twenty_extractions_of_an_event_are_reported() -> None:
    extractions = "".join(f"EXTRACT-{n} = never(?<a>{n})\n" for n in range(50))
    (unmatched,) = replayed(f"KV_MODE = none\n{extractions}", "x").report.unmatched
    assert len(unmatched.progress) == MAX_EXTRACTIONS


SLOW = "EXTRACT-a = ^(?<x>(a+)+)$"


def test_an_expression_that_hits_the_limit_counts_as_no_match_and_is_named() -> None:
    report = replayed(f"KV_MODE = none\n{SLOW}", "a" * 40 + "!").report
    assert [(slow.setting, slow.texts) for slow in report.slow] == [("props.conf [acme] EXTRACT-a", 1)]
    assert report.with_extraction == 0


@pytest.mark.parametrize(
    "setting", ["LINE_BREAKER = ((x+x+)+[yz])", "TIME_PREFIX = (a+)+$", "MUST_BREAK_AFTER = (a+)+$"]
)
def test_slow_settings_of_index_time_are_named(setting: str) -> None:
    sample = ("x" * 40 if "LINE" in setting else "a" * 40) + "!"
    assert setting.partition(" ")[0] in replayed(setting, sample).report.slow[0].setting


def test_slow_patterns_are_found_on_variants_of_events() -> None:
    props = f"[acme]\n{SLOW}\nEXTRACT-b = (?<y>b)\nLINE_BREAKER = ([\\r\\n]+)\nEXTRACT-broken = (?<"
    (slow,) = slow_patterns(package(props), ["a" * 40])
    assert slow.setting == "props.conf [acme] EXTRACT-a"
    assert slow_patterns(package("[acme]\nEXTRACT-b = (?<y>b)"), ["a" * 40]) == ()
    (slow,) = slow_patterns(package("[acme]\nSEDCMD-a = s/b/c/ s/^(a+)+$/x/"), ["a" * 40])
    assert slow.setting == "props.conf [acme] SEDCMD-a"


@pytest.mark.parametrize(
    ("props", "transforms", "slow"),
    [
        (r"EXTRACT-b = ^(?<y>(a+)+)$ in word", "", "props.conf [acme] EXTRACT-b"),
        (r"EXTRACT-b = ^(?<y>(a+)+)$ in _raw", "", None),
        (r"EXTRACT-b = ^(?<y>(a+)+)$ in absent", "", None),
        ("REPORT-b = t", "[t]\nREGEX = ^(?<y>(a+)+)$\nSOURCE_KEY = word", "transforms.conf [t] REGEX"),
        ("REPORT-b = t", "[t]\nREGEX = ^(?<y>(a+)+)$\n[default]\nSOURCE_KEY = word", "transforms.conf [t] REGEX"),
        ("TRANSFORMS-b = t", "[t]\nREGEX = ^(a+)+$\nSOURCE_KEY = fields:word, none", "transforms.conf [t] REGEX"),
        ("REPORT-b = t", "[t]\nREGEX = ^(?<y>(a+)+)$", None),
        ("REPORT-b = t", "[t]\nREGEX = ^[^a]+(?<y>(a+)+)$\nSOURCE_KEY = word", None),
    ],
)
def test_an_expression_that_reads_a_field_is_tried_on_its_values(props: str, transforms: str, slow: str | None) -> None:
    conf = f"[acme]\nKV_MODE = none\nEXTRACT-a = word=(?<word>\\w+)\n{props}"
    events = replayed(conf, "1 word=" + "a" * 40 + " end", transforms).events
    found = slow_patterns(package(conf, transforms), events)
    assert [each.setting for each in found] == ([] if slow is None else [slow])


def test_variants_of_an_event() -> None:
    found = list(variants("ab"))
    assert len(found) == 2 + 3 * 9
    assert found[0] == "ab"
    assert found[1].count("ab") == 50
    assert {"ab\0", "\0ab", "a\0b", "aéb", 'ab"'} <= set(found)


def test_an_expression_of_a_part_still_compiles() -> None:
    for expression in (r"(?<n>a(?:b|c)+)\s", r"^\[(?<x>[^\]]+)\]"):
        with pytest.raises(RegexError):
            Regex(expression[:5])
        assert progress("s", expression, "", "zzz") is not None
