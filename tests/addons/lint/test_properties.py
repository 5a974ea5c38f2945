"""The lint takes any files without raising, says the same each time, and its work and findings are bounded."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.addons.lint.catalogue.table import RULES
from app.addons.lint.findings import MAX_MESSAGE_CHARACTERS, Severity
from app.addons.lint.linter import CHECKS, MAX_FINDINGS_OF_A_RULE, lint
from app.addons.package.files import Package
from tests.addons.lint.good import good_files

SOON = 5.0
"""Seconds: generous for a busy machine, far below what work in the square of a value's length would take."""
PATHS = (
    *(f"{layer}/{kind}.conf" for layer in ("default", "local") for kind in ("props", "transforms", "eventtypes")),
    *("default/tags.conf", "default/app.conf", "default/inputs.conf", "default/savedsearches.conf"),
    *("default/collections.conf", "metadata/default.meta", "app.manifest", "lookups/a.csv", "props.conf", "bin/x"),
)
PIECES = st.sampled_from(
    (
        *("[a]", "[", "]", "[]", "[source::*]", "[eventtype=a]", "\n", " = ", "\\\n", "\\ \n", "#", '"', "'", "`", "|"),
        *("EXTRACT-a", "REPORT-a", "LOOKUP-a", "SEDCMD-a", "FIELDALIAS-a", "EVAL-a", "TRANSFORMS-a", "LINE_BREAKER"),
        *("TIME_FORMAT", "MAX_TIMESTAMP_LOOKAHEAD", "TZ", "CHARSET", "KV_MODE", "REGEX", "FORMAT", "DELIMS", "FIELDS"),
        *("filename", "a.csv", "(?<a>x)", "(", ")", "([^a]*)+", " in a", "s/a/b/", "y/a/b/", "$1::$2", "$9"),
        *("%Y", "%"),
        *("a AS b", "b AS a", "a OUTPUT b", "OUTPUTNEW", 'coalesce(a, "-")', "if(", "sourcetype=a", "0", "-1", "true"),
        *('{"info": {"id": 3}}', "{", "é", "\x00", "\ufeff", "a,b,c\n", "1,2\n", "\U0001d4b3", "٣"),
    )
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=4), max_size=40).map("".join)
CONTENTS = TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(max_size=40)
PACKAGES = st.builds(Package, st.text(max_size=8), st.dictionaries(st.sampled_from(PATHS) | st.text(), CONTENTS))


@settings(max_examples=120)
@given(PACKAGES)
def test_any_files_are_taken_and_judged_the_same_again(package: Package) -> None:
    findings = lint(package)
    assert findings == lint(package)
    assert len(findings) <= MAX_FINDINGS_OF_A_RULE * len(CHECKS)
    assert all(each.code in RULES and each.severity is RULES[each.code].severity for each in findings)
    assert all(len(each.message) <= MAX_MESSAGE_CHARACTERS for each in findings)


@settings(max_examples=80)
@given(st.sampled_from(sorted(good_files())), st.data())
def test_a_damaged_file_of_a_good_package_is_taken(path: str, data: st.DataObject) -> None:
    files = good_files()
    content = files[path]
    at = data.draw(st.integers(0, len(content)))
    files[path] = content[:at] + data.draw(CONTENTS) + content[at + data.draw(st.integers(0, 30)) :]
    lint(Package("TA-acme-vpn", files))


def test_a_rule_is_not_heard_to_the_end() -> None:
    lines = "".join(f"UNHEARD_{number} = 1\n" for number in range(5_000))
    findings = lint(Package("TA-a", {"default/props.conf": f"[a]\n{lines}".encode()}))
    assert sum(each.code == "unknown-key" for each in findings) == MAX_FINDINGS_OF_A_RULE


def test_hostile_expressions_cost_their_length() -> None:
    nested = "(" * 200 + "a*" * 10_000 + ")*" * 200
    files = {"default/props.conf": "".join(f"[{n}]\nEXTRACT-a = {nested}(?<a>{n})\n" for n in range(20)).encode()}
    assert any(each.code == "nested-quantifier" for each in lint(Package("TA-a", files)))


@pytest.mark.parametrize("text", ["(?<", "(?P<", "(?'", "(?<=", "[", "(?<a>"])
def test_unfinished_groups_cost_their_length(text: str) -> None:
    begun = time.perf_counter()
    lint(Package("TA-a", {"default/props.conf": f"[a]\nEXTRACT-a = {text * 8_000}\n".encode()}))
    assert time.perf_counter() - begun < SOON


def test_every_rule_says_what_why_and_what_is_right() -> None:
    for code, rule in RULES.items():
        assert code == code.lower()
        assert " " not in code
        assert rule.what.endswith(".")
        assert rule.why.endswith(".")
        assert rule.example
        assert isinstance(rule.severity, Severity)
