"""SEDCMD and TRANSFORMS."""

import pytest

from app.addons.replay.indexing.sed import MAX_COMMANDS, edited, sed_commands
from app.addons.replay.settings.findings import Findings
from app.addons.replay.settings.stanzas import Settings
from tests.addons.replay.packages import replayed


@pytest.mark.parametrize(
    ("script", "text", "result"),
    [
        (r"s/ssn=\d{5}(\d{4})/ssn=xxxxx\1/g", "ssn=123456789 ssn=987654321", "ssn=xxxxx6789 ssn=xxxxx4321"),
        ("s/a/b/", "aaa", "baa"),
        ("s/a/b/2", "aaa", "aba"),
        ("s#/x#/y#g", "/x/x", "/y/y"),
        (r"s/\//-/g", "a/b", "a-b"),
        ("y/abc/ABC/", "cab", "CAB"),
        (r"y/a\/\\/xyz/", r"a/\\", "xyzz"),
        ("s/a/b/\ts/b/c/", "a", "c"),
        ("s/a/b/g s/b/c/g", "ab", "cc"),
        ("s/(a)?b/[\\1]/", "b", "[]"),
        ("s/x*/-/g", "ab", "-a-b-"),
    ],
)
def test_sed(script: str, text: str, result: str) -> None:
    findings = Findings()
    commands = sed_commands(Settings({"SEDCMD-a": script}), findings)
    assert not findings.problems
    assert edited(text, commands, findings) == result


@pytest.mark.parametrize(
    "script", ["x/a/b/", "s/a/b", "s/(/b/", "y/ab/c/", "s/a/b/z", "s", "sab", "s/a/b/0", "y/a/b/g", "s\\a\\b\\"]
)
def test_what_is_no_sed_script_is_a_problem(script: str) -> None:
    findings = Findings()
    assert not sed_commands(Settings({"SEDCMD-a": script}), findings)
    assert findings.problems


def test_a_script_of_many_commands_is_cut() -> None:
    findings = Findings()
    assert len(sed_commands(Settings({"SEDCMD-a": "s/a/b/ " * 5_000}), findings)) == MAX_COMMANDS
    assert findings.problems


TRANSFORMS = r"""
[drop]
REGEX = DEBUG
DEST_KEY = queue
FORMAT = nullQueue
[keep]
REGEX = keepme
DEST_KEY = queue
FORMAT = indexQueue
[host]
REGEX = host=(\S+)
DEST_KEY = MetaData:Host
FORMAT = host::$1
[type]
REGEX = type=(\w+)
DEST_KEY = MetaData:Sourcetype
FORMAT = sourcetype::acme:$1
[mask]
REGEX = ^(.*)secret(.*)$
DEST_KEY = _raw
FORMAT = $1****$2
[meta]
REGEX = (\w+)=(\w+)
FORMAT = $1::$2
WRITE_META = true
REPEAT_MATCH = true
[clone]
REGEX = .
CLONE_SOURCETYPE = other
"""


def test_events_of_the_null_queue_are_dropped_unless_a_later_transform_keeps_them() -> None:
    replay = replayed("SHOULD_LINEMERGE = false\nTRANSFORMS-a = drop, keep", "INFO\nDEBUG\nDEBUG keepme\n", TRANSFORMS)
    assert [event.raw for event in replay.events] == ["INFO", "DEBUG keepme"]
    assert replay.report.dropped == 1


def test_host_source_type_raw_text_and_indexed_fields() -> None:
    props = (
        "[acme]\nKV_MODE = none\nTRANSFORMS-a = host, type, mask, meta\nEXTRACT-a = (?<wrong>type)\n"
        "[acme:web]\nKV_MODE = none\nEXTRACT-a = (?<right>type)\n"
    )
    (event,) = replayed(props, "host=web01 type=web secret n=1", TRANSFORMS).events
    assert event.sourcetype == "acme:web"
    assert event.raw == "host=web01 type=web **** n=1"
    assert event.fields == {"host": ("web01",), "type": ("web",), "n": ("1",), "right": ("type",)}


@pytest.mark.parametrize("name", ["missing", "clone"])
def test_what_is_not_emulated_is_a_problem(name: str) -> None:
    assert name in "".join(replayed(f"TRANSFORMS-a = {name}", "x", TRANSFORMS).report.problems)
