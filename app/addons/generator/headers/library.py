"""Headers of logging libraries: the parts with which an event begins, in the order in which the event has them.

Each event's beginning is read part by part. Events with the same parts share an order. A part that could as well be
the message's own first word (something in brackets, a word with a colon, a number) belongs to the header only where
most events that begin alike have such a part.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.addons.generator.headers.text import CLOCK, DATED, LEVELS, PLAIN_LEVEL, TIMES
from app.addons.generator.settings.plan import distinct_names

MAX_PARTS = 9
MAX_ORDERS = 12
MAX_HEADER_CHARACTERS = 400
MIN_SHARE_OF_WEAK = 0.5
"""Of the events that begin alike, more than so many have the part: else the part is the message's."""
_GAP = r"[ \t]*(?:[-|:,>]+ *)?"


@dataclass(frozen=True)
class Part:
    """One kind of part: its pattern with NAME for the field's name, and the names by the order of appearance."""

    kind: str
    pattern: str
    names: tuple[str, ...]
    strong: bool = True


_FILE = r"[\w$./\\-]{1,120}\.[A-Za-z]{1,5}"
_CLASS = r"[A-Za-z_$][\w$-]{0,60}(?:\.[A-Za-z_$][\w$-]{0,80}){1,12}(?::\d{1,6})?"
_IN_BRACKETS = r"[^\[\]\n]{0,200}(?:\[[^\[\]\n]{0,100}\][^\[\]\n]{0,200}){0,3}"
_WORDS = ("word_1", "word_2", "word_3")
PARTS = (
    Part("klog", rf"(?<level>[DIWEF])(?<NAME>\d{{4}} {CLOCK})", ("log_time",)),
    Part("time", rf"[\[(]?(?<NAME>{'|'.join(TIMES)})[\])]?(?=[\s\]|,:;-]|$):?", ("log_time",)),
    Part("channel", rf"(?<NAME>[\w-]{{1,60}})\.(?<level>{LEVELS}):", ("channel",)),
    Part("level", rf"[\[(<]?[ ]{{0,5}}(?<NAME>{LEVELS})[ ]{{0,5}}[\])>]?(?=[\s:|,\]\-\[]|$):?", ("level",)),
    Part(
        "file",
        rf"[\[({{]{{0,2}}(?<NAME>(?<file_name>{_FILE}):(?<line_number>\d{{1,6}}))[\])}}]{{0,2}}:?",
        ("code_location",),
    ),
    Part("tag", r"(?<NAME>[A-Za-z_][\w./-]{0,80})\[(?<process_id>\d{1,10})\]:", ("process",)),
    Part("role", r"(?<NAME>\d{1,10}):(?<role>[A-Z])(?= )", ("process_id",)),
    Part("class", rf"(?<NAME>{_CLASS})(?::(?=\s|$)|(?= [-:|\[] )|(?= [A-Z]))", ("logger", "source_class")),
    Part("named", r"(?<NAME>[A-Za-z_$][\w$-]{0,60})(?= - )", ("logger", "component"), strong=False),
    Part("word", rf"(?<NAME>[\w@.\[\]-]{{1,80}})(?=(?: +[\w@.-]{{1,80}}){{0,3}} +{PLAIN_LEVEL})", _WORDS, strong=False),
    Part("brackets", rf"\[(?<NAME>{_IN_BRACKETS})\]:?", ("thread", "context", "scope"), strong=False),
    Part("braces", r"\{{1,2}(?<NAME>[^{}\n]{1,200})\}{1,2}", ("scope",), strong=False),
    Part("parentheses", r"\((?<NAME>[^()\n]{1,120})\):?", ("group",), strong=False),
    Part("number", r"(?<NAME>\d{1,20})(?=[ \]])", ("thread_id", "sequence"), strong=False),
    Part("mark", r"(?<NAME>[#*.+])(?= )", ("mark",), strong=False),
    Part("component", r"(?<NAME>[A-Za-z_][\w$-]{1,40}):(?=\s)", ("component",), strong=False),
    Part("origin", rf"(?<NAME>[^\s\[(\"'=]{{1,120}})(?= +(?:\| +)?(?:{'|'.join(DATED)}))", ("origin",), strong=False),
)
_COMPILED = {part.kind: re.compile(_GAP + re.sub(r"\(\?<[A-Za-z_]+>", "(", part.pattern)) for part in PARTS}
_NUMBERED = re.compile(r"\[[A-Za-z][^\[\]\n:#]{0,100}[:#-]\d{1,12}\]")
"""A thread with its number: `[main-7]`, `[Flush:12]`."""
_NUMBERED_THREAD = r"(?<thread>(?<thread_name>[^\[\]\n]{0,200}?)(?:[:#-](?<thread_number>\d{1,12}))?)"
_BY_KIND = {part.kind: part for part in PARTS}


@dataclass(frozen=True)
class Order:
    """An order of parts: the pattern of the whole header without the message, and the events that have the order."""

    kinds: tuple[str, ...]
    pattern: str
    members: tuple[int, ...]


@dataclass
class _Node:
    """Events that begin alike; `after` are those that go on, by the kind of their next part."""

    members: list[int] = field(default_factory=list)
    after: dict[str, "_Node"] = field(default_factory=dict)


def header_orders(events: Sequence[str]) -> list[Order]:
    """The orders of parts in the events, those of more parts first; an order has a time or a level."""
    root = _Node()
    for index, event in enumerate(events):
        node = root
        node.members.append(index)
        for kind in _kinds(event[:MAX_HEADER_CHARACTERS]):
            node = node.after.setdefault(kind, _Node())
            node.members.append(index)
    found: dict[tuple[str, ...], list[int]] = {}
    _collect(root, (), found)
    kept = {kinds: members for kinds, members in found.items() if {"time", "klog", "level", "channel"} & set(kinds)}
    frequent = sorted(kept, key=lambda kinds: (-len(kept[kinds]), kinds))[:MAX_ORDERS]
    ordered = sorted(frequent, key=lambda kinds: (-len(kinds), -len(kept[kinds]), kinds))
    heads = [event[:MAX_HEADER_CHARACTERS] for event in events]
    return [Order(kinds, _pattern(kinds, heads), tuple(sorted(kept[kinds]))) for kinds in ordered]


def _kinds(text: str) -> tuple[str, ...]:
    """The kinds of the parts with which the text begins."""
    kinds: list[str] = []
    position = 0
    while len(kinds) < MAX_PARTS:
        step = next(
            (
                (part.kind, match.end())
                for part in PARTS
                if _may_follow(part, kinds) and (match := _COMPILED[part.kind].match(text, position))
            ),
            None,
        )
        if step is None:
            break
        kinds.append(step[0])
        position = step[1]
    return tuple(kinds)


def _may_follow(part: Part, kinds: Sequence[str]) -> bool:
    """Whether the part may stand behind those: each kind as often as there are names for it."""
    if part.kind in ("mark", "component", "word") and not kinds:
        return False
    if part.kind in ("origin", "klog"):
        return not kinds
    if part.kind in ("level", "channel"):
        return not {"level", "channel", "klog"} & set(kinds)
    return kinds.count(part.kind) < len(part.names)


def _collect(node: _Node, kinds: tuple[str, ...], found: dict[tuple[str, ...], list[int]]) -> None:
    """The orders below the node: weak parts that few events have are left to the message."""
    staying = set(node.members)
    for kind, child in node.after.items():
        if _goes_on(kind, child, node):
            _collect(child, (*kinds, kind), found)
            staying -= set(child.members)
    if staying and kinds:
        found.setdefault(kinds, []).extend(sorted(staying))


def _goes_on(kind: str, child: _Node, node: _Node) -> bool:
    if _BY_KIND[kind].strong or _leads_to_strong(child):
        return True
    # A single event is no evidence that something in brackets belongs to the header.
    return len(child.members) > 1 and len(child.members) > MIN_SHARE_OF_WEAK * len(node.members)


def _leads_to_strong(node: _Node) -> bool:
    return any(_BY_KIND[kind].strong or _leads_to_strong(child) for kind, child in node.after.items())


def _pattern(kinds: Sequence[str], heads: Sequence[str]) -> str:
    """The pattern of a header of those parts; the weak ones at its end are optional, so that more events are read."""
    names: list[str] = []
    for number, kind in enumerate(kinds):
        names.append(_BY_KIND[kind].names[kinds[:number].count(kind)])
    written = [
        _GAP + _BY_KIND[kind].pattern.replace("NAME", name)
        for kind, name in zip(kinds, distinct_names(names), strict=True)
    ]
    for number in reversed(range(1, len(kinds))):
        if _BY_KIND[kinds[number]].strong:
            break
        written[number] = f"(?:{written[number]})?"
    pattern = "".join(written).removeprefix(_GAP)
    used = [time for time in TIMES if any(re.search(time, head) for head in heads)]
    pattern = pattern.replace("|".join(TIMES), "|".join(used))
    if any(_NUMBERED.search(head) for head in heads):
        pattern = pattern.replace(f"(?<thread>{_IN_BRACKETS})", _NUMBERED_THREAD)
    return pattern + r"[ \t]*(?:[-|:>#]+ +)?"
