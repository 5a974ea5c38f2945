"""Packages and samples made to take time or memory: each replay stays small and ends soon."""

import time

import pytest

from app.addons.replay.formats.delimited import pieces
from app.addons.replay.formats.json_fields import json_fields
from app.addons.replay.indexing.structured import split_record
from app.addons.replay.settings.findings import MAX_SLOW_TEXTS, Findings
from tests.addons.replay.packages import replayed

SOON = 20.0
"""Seconds: generous for a busy machine, far below what work in the square of the text's length would take."""
LONG = "x" * 20_000


def fields_size(props: str, sample: str, transforms: str = "") -> int:
    """Characters of all values and names of the replay."""
    events = replayed(f"TRUNCATE = 0\n{props}", sample, transforms).events
    return sum(len(name) + sum(map(len, values)) for event in events for name, values in event.fields.items())


@pytest.mark.parametrize(
    ("props", "sample", "transforms"),
    [
        ('KV_MODE = none\nEVAL-a = replace(_raw, "x", _raw)', LONG, ""),
        ('KV_MODE = none\nEVAL-a = replace(_raw, "(x+)", "' + "\\\\1" * 5_000 + '")', LONG, ""),
        ('KV_MODE = none\nEVAL-a = mvjoin(split(_raw, ""), _raw)', LONG, ""),
        ("KV_MODE = none\nEVAL-a = " + ".".join(["_raw"] * 500), LONG, ""),
        ("KV_MODE = none\nTRANSFORMS-a = t", LONG,
         "[t]\nREGEX = (x+)\nWRITE_META = true\nFORMAT = a::" + "$1" * 5_000 + "\n"),
        ("INDEXED_EXTRACTIONS = json\nKV_MODE = none",
         '{"' + "k" * 100_000 + '":{' + ",".join(f'"{n}":1' for n in range(10_000)) + "}}", ""),
        ("INDEXED_EXTRACTIONS = json\nKV_MODE = none", "{" + ",".join(f'"k{n}":1' for n in range(50_000)) + "}", ""),
    ],
)  # fmt: skip
def test_what_is_made_of_a_text_is_bounded(props: str, sample: str, transforms: str) -> None:
    begun = time.perf_counter()
    assert fields_size(props, sample, transforms) <= 2_000_000
    assert time.perf_counter() - begun < SOON


def test_raw_text_that_grows_is_cut() -> None:
    sed = "SEDCMD-a = s/x/" + "y" * 1_000 + "/g\nTRUNCATE = 0\nKV_MODE = none"
    (event,) = replayed(sed, LONG).events
    assert len(event.raw) <= 200_000


@pytest.mark.parametrize("text", ['"' * 200_000, 'a"' * 100_000, '\\"' * 100_000, ",".join('"' * 50_000)])
def test_quotes_take_no_time_in_the_square(text: str) -> None:
    begun = time.perf_counter()
    list(pieces(text, "|", with_empty=True))
    split_record(text, "|", '"')
    json_fields("{" + text, 0)
    assert time.perf_counter() - begun < SOON


@pytest.mark.parametrize("text", ["a", "a:", '"', '"a', 'a"', "a ", '\\"', "a::", " in "])
@pytest.mark.parametrize(
    ("props", "transforms"),
    [
        ("FIELDALIAS-a = {text}!", ""),
        ("EXTRACT-a = (?<a>x){text}!", ""),
        ("LOOKUP-a = {text}!", ""),
        ("SEDCMD-a = s/{text}!", ""),
        ("REPORT-a = t", "[t]\nREGEX = (x)\nFORMAT = {text}!\n"),
        ("TRANSFORMS-a = t", "[t]\nREGEX = (x)\nWRITE_META = true\nFORMAT = {text}!\n"),
    ],
)
def test_a_long_setting_takes_no_time_in_the_square(props: str, transforms: str, text: str) -> None:
    begun = time.perf_counter()
    long = text * 40_000
    replayed(f"KV_MODE = none\n{props.replace('{text}', long)}", "x", transforms.replace("{text}", long))
    assert time.perf_counter() - begun < SOON / 4


def test_a_value_of_blanks_takes_no_time_in_the_square() -> None:
    begun = time.perf_counter()
    replayed("KV_MODE = none\nEXTRACT-a = (?<a>x)" + " " * 100_000 + "!", "x")
    replayed("KV_MODE = none\nFIELDALIAS-a = a" + " " * 100_000 + "!", "x")
    assert time.perf_counter() - begun < SOON / 4


def test_a_search_with_an_open_quote() -> None:
    begun = time.perf_counter()
    replayed("", "x", eventtypes="".join(f'[e{n}]\nsearch = "' + '\\"' * 9_000 + "\n" for n in range(50)))
    assert time.perf_counter() - begun < SOON / 4


@pytest.mark.parametrize(
    "breaker", ["([\\r\\n]+)(?=2)", "([\\r\\n]+)[\\s\\S]*", "(\\0)", "([\\r\\n]+)(?=[\\s\\S]*2)", "(2)+?"]
)
def test_breaking_a_large_sample(breaker: str) -> None:
    begun = time.perf_counter()
    replayed(
        f"SHOULD_LINEMERGE = false\nKV_MODE = none\nTIME_PREFIX = ^never\nLINE_BREAKER = {breaker}", "20 x\n" * 20_000
    )
    assert time.perf_counter() - begun < SOON * 2


def test_a_term_with_many_wildcards() -> None:
    begun = time.perf_counter()
    replayed("", "a" * 5_000, eventtypes="[e]\nsearch = " + "a*" * 40 + "b\n")
    assert time.perf_counter() - begun < SOON


def test_a_pattern_that_always_gives_up_is_run_no_more() -> None:
    findings = Findings(slow={"s": MAX_SLOW_TEXTS})
    pattern = findings.compile("s", "a")
    assert pattern is not None
    assert findings.search(pattern, "a") is None
    assert not list(findings.matches(pattern, "a"))
