"""The keys that stand before times in JSON, XML and key=value text, and how clearly a key says "the event's time"."""

import re
from dataclasses import dataclass
from enum import Enum, IntEnum

_BEFORE = 96
"""Characters before a time in which its key is looked for."""
_MAX_KEY = 64
_FEWEST_PAIRS = 3
"""From so many pairs on a text is key=value; two may stand in any sentence or address."""


class KeySyntax(Enum):
    """How a key stands before its value."""

    JSON = "json"
    PAIR = "pair"
    ELEMENT = "element"
    COLON = "colon"


class Telling(IntEnum):
    """How clearly a key's name says that its value is the event's time."""

    NO = 0
    ANOTHER_TIME = 1
    SOME_TIME = 2
    EVENT_TIME = 3


@dataclass(frozen=True)
class Key:
    """A key before a value. `context` is the text from the key's first character to the value's."""

    name: str
    context: str
    syntax: KeySyntax


_PATTERNS = (
    (KeySyntax.JSON, re.compile(rf'"([^"\\]{{1,{_MAX_KEY}}})"\s{{0,4}}:\s{{0,4}}"?\Z')),
    (KeySyntax.ELEMENT, re.compile(rf"<[\w:.-]{{1,{_MAX_KEY}}} Name=['\"]([\w:.-]{{1,{_MAX_KEY}}})['\"]>\Z")),
    (KeySyntax.ELEMENT, re.compile(rf"<([A-Za-z][\w:.-]{{0,{_MAX_KEY}}})>\Z")),
    (KeySyntax.PAIR, re.compile(rf"(?<![\w.@-])([A-Za-z_@][\w.@-]{{0,{_MAX_KEY}}}) ?= ?[\"'\[]?\Z", re.ASCII)),
    (KeySyntax.COLON, re.compile(rf"(?<![\w.@-])([A-Za-z_@][\w.@-]{{0,{_MAX_KEY}}}): ?[\"'\[]?\Z", re.ASCII)),
)
_EVENT_TIME = frozenset(
    {
        "timestamp", "time", "ts", "t", "datetime", "date", "epoch", "rt", "eventtime", "eventtimestamp", "eventdate",
        "eventdatetime", "systemtime", "utctime", "timegenerated", "timecreated", "timelogged", "logtime", "logdate",
        "logtimestamp", "asctime", "devtime", "devicetime", "recordtime", "timestampms", "epochms", "timems",
    }
)  # fmt: skip
"""Names for the event's own time: ECS and Elastic, ArcSight CEF and LEEF, Windows events, Python and Go loggers."""
_ANOTHER_TIME = re.compile(
    r"start|end|begin|expir|valid|modif|updat|last|first|birth|not|elapsed|until|since|build|install"
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SOME_TIME = re.compile(r"(?:time|timestamp|date|datetime|created|published|(?:created|logged|received)at|timems)$")
_PAIR = re.compile(r"(?:^|(?<=[\s,;|(]))[A-Za-z_@][\w.@-]{0,63}=(?=\S)", re.ASCII)
_OBJECT = re.compile(r'\{\s{0,8}"|\[\s{0,8}\{')
_ELEMENT = re.compile(r"<[A-Za-z?][\w:.-]{0,64}[\s/>]")


def key_before(text: str, position: int) -> Key | None:
    """The key whose value begins at that position; None where none stands there."""
    before = text[max(0, position - _BEFORE) : position]
    for syntax, pattern in _PATTERNS:
        found = pattern.search(before)
        if found is None:
            continue
        key = Key(found[1], found[0], syntax)
        return None if syntax is KeySyntax.COLON and telling(key.name) is Telling.NO else key
    return None


def telling(name: str) -> Telling:
    """How clearly the name says "the event's time": `@timestamp` more than `createdDate`, that more than `expires`."""
    words = [each.lower() for each in _WORDS.findall(re.split(r"[.:]", name)[-1])]
    plain = "".join(words)
    if plain in _EVENT_TIME:
        return Telling.EVENT_TIME
    if any(_ANOTHER_TIME.match(each) for each in words):
        return Telling.ANOTHER_TIME
    return Telling.SOME_TIME if _SOME_TIME.search(plain) else Telling.NO


def body_start(text: str) -> int | None:
    """Where a body of JSON, XML or key=value pairs begins; None for other text."""
    starts = [found.start() for pattern in (_OBJECT, _ELEMENT) if (found := pattern.search(text)) is not None]
    pairs = [found.start() for found in _PAIR.finditer(text)]
    if len(pairs) >= _FEWEST_PAIRS:
        starts.append(pairs[0])
    return min(starts, default=None)


def depth(text: str, position: int) -> int:
    """How many objects or lists of JSON are open there, roughly: braces within strings count as well."""
    before = text[:position]
    return before.count("{") - before.count("}") + before.count("[") - before.count("]")
