"""Conf files: Splunk's grammar line by line, and whatever is written is read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.addons.package.conf import MAX_FAULTS, Stanza, conf_settings, parse_conf, render_conf
from app.addons.package.files import Package

CASES: tuple[tuple[str, dict[str, dict[str, str]]], ...] = (
    ("", {}),
    ("[a]\nk = v\n", {"a": {"k": "v"}}),
    ("[a]\r\nk=v\r\n", {"a": {"k": "v"}}),
    ("k = v\n[a]\n", {"default": {"k": "v"}, "a": {}}),
    ("[a]\n# k = v\n  # x\nk = v # w\n", {"a": {"k": "v # w"}}),
    ("[a]\nk = one\\\n two\n", {"a": {"k": "one\n two"}}),
    ("[a]\nk = v\\\n", {"a": {"k": "v"}}),
    ("[a]\nk = one\\\n# two\\\nthree\n", {"a": {"k": "one\n# two\nthree"}}),
    ("[a]\n# c \\\nk = v\n", {"a": {"k": "v"}}),
    ("[a]\nk = 1\n[b]\nk = 2\n[a]\nl = 3\n", {"a": {"k": "1", "l": "3"}, "b": {"k": "2"}}),
    ("[a]\nk = 1\nk = 2\n", {"a": {"k": "2"}}),
    ("[a[b]]\nk = a=b\n", {"a[b]": {"k": "a=b"}}),
    ("[]\nk =\n", {"": {"k": ""}}),
)


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_a_conf_file_is_read(text: str, expected: dict[str, dict[str, str]]) -> None:
    assert {each.name: dict(each.settings) for each in parse_conf(text).stanzas} == expected


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("[a]\n[b\n", "stanza-not-closed", 2),
        ("[a]\n\n[a]\n", "duplicate-stanza", 3),
        ("[a]\nk = 1\\\n2\nk = 3\n", "duplicate-key", 4),
        ("[a]\nhello\n", "not-a-setting", 2),
    ],
)
def test_a_faulty_line_is_noted(text: str, code: str, line: int) -> None:
    assert [(each.code, each.line) for each in parse_conf(text).faults] == [(code, line)]


def test_faults_are_kept_up_to_a_limit() -> None:
    conf = parse_conf("[a]\n" + "x\n" * (2 * MAX_FAULTS) + "k = v\n")
    assert len(conf.faults) == MAX_FAULTS
    assert conf.stanza("a") == {"k": "v"}


def test_lines_of_stanzas_and_keys_are_known() -> None:
    stanza = parse_conf("# x\n[a]\nk = 1\\\n2\nl = 3\n").stanzas[0]
    assert (stanza.line, dict(stanza.lines)) == (2, {"k": 3, "l": 5})


def test_local_is_laid_over_default() -> None:
    files = {"default/props.conf": b"[a]\nk = 1\nl = 2\n", "local/props.conf": b"\xef\xbb\xbf[a]\nk = 3\n[b]\nm = 4\n"}
    conf = conf_settings(Package("TA-a", files), "props")
    assert {each.name: dict(each.settings) for each in conf.stanzas} == {"a": {"k": "3", "l": "2"}, "b": {"m": "4"}}


NAMES = st.text("abc:=*.é (", min_size=1, max_size=6).map(str.strip).filter(bool)
KEYS = st.text("abcXYZ-_.", min_size=1, max_size=6)
VALUES = st.text('ab=#[]\\"$ \n', max_size=12)


@given(st.dictionaries(NAMES, st.dictionaries(KEYS, VALUES, max_size=4), max_size=4))
def test_a_rendered_conf_file_is_read_back(stanzas: dict[str, dict[str, str]]) -> None:
    try:
        text = render_conf([Stanza(name, each) for name, each in stanzas.items()], ["heading"])
    except ValueError:
        return
    read = parse_conf(text)
    assert {each.name: dict(each.settings) for each in read.stanzas} == stanzas
    assert read.faults == ()


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    for stanza in parse_conf(text).stanzas:
        assert stanza.settings.keys() == stanza.lines.keys()
