"""What a language model answered becomes changes to settings, or the rule that refuses the answer. Pure.

Index-time settings may not be changed, LINE_BREAKER among them: a change is kept only where events and times stay the
same, so a change of how events are made could only do nothing here, and harm elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.addons.proposals.outcome import Refused, Rule
from app.kernel import strict_json

MOST_CHANGES: Final = 30
"""Of one answer, settings and removals together; an add-on has some dozen extractions."""
MOST_VALUE: Final = 4_000
"""Characters of a value: below Splunk's limit of a line, above any expression that a person could still read."""
MOST_NAME: Final = 200
"""Characters of a stanza's or setting's name."""
MOST_WHY: Final = 300
"""Characters of the reason that are kept."""
MOST_TEXT: Final = 64 * 1024
"""Characters of the whole answer."""

PROPS: Final = "default/props.conf"
TRANSFORMS: Final = "default/transforms.conf"
EVENTTYPES: Final = "default/eventtypes.conf"
TAGS: Final = "default/tags.conf"

EXTRACTING: Final = frozenset(
    ("REGEX", "FORMAT", "SOURCE_KEY", "DELIMS", "FIELDS", "MV_ADD", "CLEAN_KEYS", "KEEP_EMPTY_VALS")
)
"""Settings of a transform that does nothing but extract fields when events are searched (transforms.conf.spec)."""

KEYS: Final[Mapping[str, re.Pattern[str]]] = {
    PROPS: re.compile(r"(?:EXTRACT|REPORT|FIELDALIAS|EVAL)-[A-Za-z0-9_.:-]+"),
    TRANSFORMS: re.compile("|".join(EXTRACTING)),
    EVENTTYPES: re.compile(r"search"),
    TAGS: re.compile(r"[a-z][a-z0-9_]*"),
}
"""Settings that may be changed, by file: what is read when events are searched (props.conf.spec, transforms.conf.spec,
eventtypes.conf.spec, tags.conf.spec). No lookup: a lookup may name a script."""

_FENCE: Final = re.compile(r"```(?:json)?[ \t]*\r?\n(.*?)```", re.DOTALL)
_SETTING: Final = frozenset(("file", "stanza", "key", "value"))


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is to have a value, or is to be removed where the value is None."""

    file: str
    stanza: str
    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of one answer, and the model's reason: printable, of one line, cut to length."""

    changes: tuple[Change, ...]
    why: str

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text that would be kept."""
        return (self.why, *(text for each in self.changes for text in (each.stanza, each.key, each.value or "")))


def changes_of(text: str) -> Changes | Refused:
    """The changes that the text asks for: one JSON object with `set`, `remove` and `why`, fenced or not.

    Files, settings and the form of values are checked here; whether stanzas are the add-on's is `judging`'s to say.
    """
    document = _document(text)
    if isinstance(document, Refused):
        return document
    settings, removals, why = document.get("set", []), document.get("remove", []), document.get("why", "")
    known = document.keys() <= {"set", "remove", "why"}
    if not known or not isinstance(settings, list) or not isinstance(removals, list) or not isinstance(why, str):
        return Refused(Rule.SHAPE)
    if len(settings) + len(removals) > MOST_CHANGES:
        return Refused(Rule.TOO_MANY)
    found = [_change(each, _SETTING) for each in settings] + [_change(each, _SETTING - {"value"}) for each in removals]
    refused = next((each for each in found if isinstance(each, Refused)), None)
    if refused is not None:
        return refused
    changes = tuple(each for each in found if isinstance(each, Change))
    if len({(each.file, each.stanza, each.key) for each in changes}) < len(changes):
        return Refused(Rule.SHAPE)
    return Changes(changes, plain(why)) if changes else Refused(Rule.NOTHING)


def _document(text: str) -> dict[str, Any] | Refused:
    if len(text) > MOST_TEXT:
        return Refused(Rule.TOO_MANY)
    fenced = _FENCE.fullmatch(text.strip())
    try:
        document = strict_json.loads((fenced[1] if fenced else text).encode("utf-8", "replace"))
    except strict_json.InvalidJsonError:
        return Refused(Rule.NOT_JSON)
    return document if isinstance(document, dict) else Refused(Rule.NOT_JSON)


def plain(text: str) -> str:
    """The text as one line of printable characters, cut to `MOST_WHY`."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 4 * MOST_WHY]).split())[
        :MOST_WHY
    ]


def _change(document: Any, members: frozenset[str]) -> Change | Refused:
    if not isinstance(document, dict) or document.keys() != members:
        return Refused(Rule.SHAPE)
    if not all(isinstance(value, str) for value in document.values()):
        return Refused(Rule.SHAPE)
    change = Change(document["file"], document["stanza"], document["key"], document.get("value"))
    rule = _fault(change)
    return change if rule is None else Refused(rule)


def _fault(change: Change) -> Rule | None:
    """The rule that refuses the change wherever the change is applied."""
    if change.file not in KEYS:
        return Rule.FILE
    if len(change.stanza) > MOST_NAME or not change.stanza.isprintable() or set("[]") & set(change.stanza):
        return Rule.STANZA
    if len(change.key) > MOST_NAME or KEYS[change.file].fullmatch(change.key) is None:
        return Rule.KEY
    value = change.value
    if value is None:
        return None
    if not value or not value.isprintable() or value != value.strip() or value.endswith("\\"):
        return Rule.VALUE
    return Rule.TOO_MANY if len(value) > MOST_VALUE else None
