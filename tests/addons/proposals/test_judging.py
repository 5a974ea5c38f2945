"""Proposals are kept when they extract more and harm nothing; every hostile answer is refused by a clear rule."""

import json
from typing import Any

import pytest

from app.addons.package.files import Package
from app.addons.proposals.changes import MOST_CHANGES, MOST_TEXT, MOST_VALUE, Changes, changes_of
from app.addons.proposals.judging import Kept, is_of_sourcetype, judged
from app.addons.proposals.outcome import SENTENCES, Refused, Rule
from app.addons.proposals.prompting import masked, messages

SOURCETYPE = "acme:door"
PROPS = (
    b"# Made of a sample\n[acme:door]\nSHOULD_LINEMERGE = false\nLINE_BREAKER = ([\\r\\n]+)\nTIME_PREFIX = ^\n"
    b"TIME_FORMAT = %Y-%m-%dT%H:%M:%SZ\nMAX_TIMESTAMP_LOOKAHEAD = 20\nTRUNCATE = 10000\nKV_MODE = none\n"
    b"EXTRACT-open = opened by (?<user>\\w+)\nTRANSFORMS-host = acme_host\nREPORT-door = acme_door\n"
    b"LOOKUP-names = acme_names user OUTPUT name\n"
)
TRANSFORMS = (
    b"[acme_host]\nREGEX = door=(\\d+)\nDEST_KEY = MetaData:Host\nFORMAT = host::$1\n\n"
    b"[acme_door]\nREGEX = door=(?<door>\\d+)\n\n[acme_names]\nfilename = names.csv\n"
)
EVENTTYPES = b"[acme_open]\nsearch = sourcetype=acme:door opened\n"
TAGS = b"[eventtype=acme_open]\naccess = enabled\n"
PACKAGE = Package(
    "TA-acme-door",
    {
        "default/props.conf": PROPS,
        "default/transforms.conf": TRANSFORMS,
        "default/eventtypes.conf": EVENTTYPES,
        "default/tags.conf": TAGS,
        "lookups/names.csv": b"user,name\nann,Ann\n",
    },
)
SAMPLE = b"".join(
    b"2026-03-01T12:00:%02dZ opened by ann door=7\n2026-03-01T12:01:%02dZ latch jammed at gate%d\n" % (n, n, n)
    for n in range(20)
)


def setting(value: str, key: str = "EXTRACT-jam", file: str = "default/props.conf", stanza: str = SOURCETYPE) -> Any:
    return {"file": file, "stanza": stanza, "key": key, "value": value}


def removal(key: str, file: str = "default/props.conf", stanza: str = SOURCETYPE) -> Any:
    return {"file": file, "stanza": stanza, "key": key}


def answer(*settings: Any, remove: Any = (), **more: Any) -> str:
    return json.dumps({"set": list(settings), "remove": list(remove), "why": "jams"} | more)


def outcome(text: str) -> Kept | Rule:
    changes = changes_of(text)
    found = changes if isinstance(changes, Refused) else judged(PACKAGE, SAMPLE, SOURCETYPE, changes)
    return found.rule if isinstance(found, Refused) else found


OWN = "sourcetype=acme:door"
JAM = r"latch jammed at (?<gate>\w+)"
GOOD = setting(JAM)
KEPT = {
    "an extraction": answer(GOOD),
    "fenced": f"```json\n{answer(GOOD)}\n```",
    "a transform": answer(
        setting("acme_door, acme_jam", "REPORT-door"), setting(JAM, "REGEX", "default/transforms.conf", "acme_jam")
    ),
    "an event type with a tag": answer(
        setting("sourcetype=acme:door jammed", "search", "default/eventtypes.conf", "acme_jam"),
        setting("enabled", "alert", "default/tags.conf", "eventtype=acme_jam"),
    ),
}
HOSTILE: dict[str, tuple[str, Rule]] = {
    "nothing": ("", Rule.NOT_JSON),
    "prose": ("Sure! Use EXTRACT-a = (?<a>.*)", Rule.NOT_JSON),
    "a list": ("[]", Rule.NOT_JSON),
    "null": ("null", Rule.NOT_JSON),
    "deep": ("[" * 20_000 + "]" * 20_000, Rule.NOT_JSON),
    "deep within": ('{"set": ' + "[" * 20_000 + "]" * 20_000 + "}", Rule.NOT_JSON),
    "huge": (answer(setting("a" * MOST_TEXT)), Rule.TOO_MANY),
    "half a surrogate": ('{"set": [], "why": "\\ud800', Rule.NOT_JSON),
    "no changes": (answer(), Rule.NOTHING),
    "another member": (answer(GOOD, shell="rm"), Rule.SHAPE),
    "settings as an object": ('{"set": {"a": 1}}', Rule.SHAPE),
    "a reason of numbers": (answer(GOOD, why=7), Rule.SHAPE),
    "a number for a value": (answer(GOOD | {"value": 7}), Rule.SHAPE),
    "null for a value": (answer(GOOD | {"value": None}), Rule.SHAPE),
    "no stanza": (answer({"file": "default/props.conf", "key": "EXTRACT-a", "value": "x"}), Rule.SHAPE),
    "a removal with a value": (answer(remove=[GOOD]), Rule.SHAPE),
    "the same twice": (answer(GOOD, GOOD), Rule.SHAPE),
    "many": (answer(*(setting(JAM, f"EXTRACT-a{n}") for n in range(MOST_CHANGES + 1))), Rule.TOO_MANY),
    "a long value": (answer(setting("a" * (MOST_VALUE + 1))), Rule.TOO_MANY),
    "local": (answer(GOOD | {"file": "local/props.conf"}), Rule.FILE),
    "a path that escapes": (answer(GOOD | {"file": "default/../../props.conf"}), Rule.FILE),
    "an absolute path": (answer(GOOD | {"file": "/etc/passwd"}), Rule.FILE),
    "a script": (answer(GOOD | {"file": "bin/run.py"}), Rule.FILE),
    "inputs": (answer(GOOD | {"file": "default/inputs.conf"}), Rule.FILE),
    "app.conf": (answer(GOOD | {"file": "default/app.conf"}), Rule.FILE),
    "default.meta": (answer(GOOD | {"file": "metadata/default.meta"}), Rule.FILE),
    "another source type": (answer(GOOD | {"stanza": "syslog"}), Rule.STANZA),
    "every source": (answer(GOOD | {"stanza": "source::..."}), Rule.STANZA),
    "the default stanza": (answer(GOOD | {"stanza": "default"}), Rule.STANZA),
    "a stanza within the name": (answer(GOOD | {"stanza": "acme:door]\n[syslog"}), Rule.STANZA),
    "LINE_BREAKER": (answer(setting("(x)", "LINE_BREAKER")), Rule.KEY),
    "SEDCMD": (answer(setting("s/a/b/", "SEDCMD-a")), Rule.KEY),
    "TRANSFORMS": (answer(setting("acme_door", "TRANSFORMS-a")), Rule.KEY),
    "LOOKUP": (answer(setting("acme_names user", "LOOKUP-a")), Rule.KEY),
    "a lookup by a script": (answer(setting("a.py", "external_cmd", "default/transforms.conf", "acme_x")), Rule.KEY),
    "DEST_KEY": (answer(setting("_raw", "DEST_KEY", "default/transforms.conf", "acme_door")), Rule.KEY),
    "a setting in the key": (answer(setting("x", "EXTRACT-a = x\n[syslog]\nb")), Rule.KEY),
    "a line break": (answer(setting("x\n[syslog]\nEXTRACT-a = (?<a>.)")), Rule.VALUE),
    "a carriage return": (answer(setting("x\rSEDCMD-a = s/a/b/")), Rule.VALUE),
    "a line that goes on": (answer(setting("(?<a>x)\\")), Rule.VALUE),
    "NUL": (answer(setting("(?<a>\0)")), Rule.NOT_JSON),
    "a lookup's stanza": (answer(setting("x", "REGEX", "default/transforms.conf", "acme_names")), Rule.STANZA),
    "an index-time transform": (answer(setting("x", "REGEX", "default/transforms.conf", "acme_host")), Rule.STANZA),
    "a transform of nobody": (answer(setting(JAM, "REGEX", "default/transforms.conf", "b")), Rule.UNUSED_TRANSFORM),
    "what is not there": (answer(GOOD, remove=[removal("EXTRACT-none")]), Rule.MISSING),
    "a command": (answer(setting(f"{OWN} | delete", "search", "default/eventtypes.conf", "a")), Rule.VALUE),
    "all events": (answer(setting("*", "search", "default/eventtypes.conf", "a")), Rule.VALUE),
    "others' events": (
        answer(setting("sourcetype=acme:door OR index=*", "search", "default/eventtypes.conf", "a")), Rule.VALUE,
    ),
    "a tag of others": (answer(setting("enabled", "x", "default/tags.conf", "host=www")), Rule.STANZA),
    "a tag of another value": (answer(setting("yes", "x", "default/tags.conf", "eventtype=acme_open")), Rule.VALUE),
    "no expression": (answer(setting("(?<a>x")), Rule.LINT),
    "a catastrophe": (answer(setting(r"(?<a>(?:[a-z ]+)+)[!?]")), Rule.SLOW),
    "a loss": (answer(GOOD, remove=[removal("EXTRACT-open")]), Rule.VALUES_LOST),
    "another value": (answer(GOOD, setting('"x"', "EVAL-user")), Rule.VALUES_LOST),
    "a tag less": (answer(GOOD, setting("disabled", "access", "default/tags.conf", "eventtype=acme_open")),
                   Rule.VALUES_LOST),
    "no gain": (answer(setting(r"(?<never>zzz\d)")), Rule.NO_GAIN),
    "fields that are made up": (answer(setting('"1"', "EVAL-made_up")), Rule.NO_GAIN),
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_what_extracts_more_is_kept(name: str) -> None:
    found = outcome(KEPT[name])
    assert isinstance(found, Kept), found
    assert set(found.package.files) == set(PACKAGE.files)
    assert (found.package.text("default/props.conf") or "").startswith("# Made of a sample\n")


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_refused(name: str) -> None:
    text, rule = HOSTILE[name]
    assert outcome(text) is rule
    assert SENTENCES[rule].endswith(".")


def test_a_reason_is_one_short_line() -> None:
    changes = changes_of(answer(GOOD, why="a\nb\x1b[31m" + "c" * 5_000))
    assert isinstance(changes, Changes)
    assert changes.why.startswith("a b [31mc")
    assert (changes.why.isprintable(), len(changes.why)) == (True, 300)


@pytest.mark.parametrize(
    ("search", "own"),
    [
        ("sourcetype=acme:door", True),
        ('sourcetype="acme:door" (a OR b) NOT c', True),
        ('sourcetype=acme:door "(" OR x ")"', False),
        ("sourcetype=acme:door (a) OR (b)", False),
        ("sourcetype=acme:doors", False),
        ("sourcetype=acme:door sourcetype=x", False),
        ("sourcetype=acme:door [search x]", False),
        ("sourcetype=acme:door `macro`", False),
        ("a sourcetype=acme:door", False),
    ],
)
def test_searches_of_the_source_type_alone(search: str, own: bool) -> None:
    assert is_of_sourcetype(search, SOURCETYPE) is own


def test_lines_are_masked_unless_values_may_be_sent() -> None:
    report = {"unmatched": [{"text": "Ann42 päid 10.0.0.1"}], "not_understood": ["x" * 5_000], "extraction": {}}
    hidden = messages(PACKAGE, report, SOURCETYPE, values=False)[1]["content"]
    shown = messages(PACKAGE, report, SOURCETYPE, values=True)[1]["content"]
    assert ("Ann42" in hidden, "Ann42 päid 10.0.0.1" in shown, "Xxx99 xxxx 99.9.9.9" in hidden) == (False, True, True)
    assert len(shown) < 5_000
    assert masked("A-b_9é") == "X-x_9x"
    assert messages(PACKAGE, {}, SOURCETYPE, values=True) == ()
