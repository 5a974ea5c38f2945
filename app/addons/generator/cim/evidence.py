"""Which events of a sample are of which kind, and the search that finds such events."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from app.addons.generator.cim.kinds import Kind
from app.addons.generator.cim.mapping import FieldView
from app.addons.generator.cim.roles import MAX_EVENTS
from app.addons.generator.cim.synonyms import CLASS_NAMES, name_endings, separated

MAX_CLASS_VALUES = 60
"""A field with more values names no class."""
MAX_CLASS_TERMS = 10
MAX_TEXT_CHARACTERS = 10_000
"""Words are looked for at the beginning of an event."""
MAX_TERM_CHARACTERS = 200
_UNSEARCHABLE = re.compile(r"[|\[\]`\"\\\x00-\x1f*]")
"""What would be a pipe, a subsearch, a macro or a wildcard in a search."""
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.{}]*\Z")
_MOST = 0.9


@dataclass(frozen=True)
class Source:
    """A source's sample: its fields by role, the beginnings of its events in lower case, and the phrases in these."""

    sourcetype: str
    views: tuple[FieldView, ...]
    roles: Mapping[str, tuple[FieldView, ...]]
    events: tuple[Mapping[str, str], ...]
    texts: tuple[str, ...]
    phrases: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Evidence:
    """The events of one kind, and what says so: phrases, (field, value) pairs, or fields that must stand there."""

    kind: Kind
    events: frozenset[int]
    phrases: tuple[str, ...] = ()
    classes: tuple[tuple[str, str], ...] = ()
    present: tuple[tuple[str, ...], ...] = field(default=())
    absent: tuple[str, ...] = ()


def lowered_texts(texts: Sequence[str]) -> tuple[str, ...]:
    """What is looked at of the events' texts."""
    return tuple(text[:MAX_TEXT_CHARACTERS].lower() for text in texts[:MAX_EVENTS])


def phrases_in(texts: Sequence[str], kinds: Iterable[Kind]) -> frozenset[str]:
    """Those of the kinds' phrases that stand somewhere in the texts, be it within a word."""
    joined = "\n".join(texts)
    return frozenset(phrase for kind in kinds for family in kind.families for phrase in family if phrase in joined)


def evidence_for(kind: Kind, source: Source) -> Evidence | None:
    """The evidence that the source has events of the kind; None where there is none."""
    structured = _with_fields(kind, source)
    if not kind.families and not kind.classes:
        if not structured:
            return None
        return Evidence(kind, structured, present=_needed_fields(kind, source), absent=_unwanted_fields(kind, source))
    families = [each for each in kind.families if _stands_anywhere(each, source)]
    phrases = tuple(dict.fromkeys(phrase for family in families for phrase in family))
    written = tuple(phrase for phrase in phrases if phrase in source.phrases)
    classes = tuple(_classes(kind, source))
    said = frozenset(n for n, text in enumerate(source.texts) if written and standing(written, text))
    said |= {n for n, event in enumerate(source.events) if any(event.get(name) == value for name, value in classes)}
    both = said & structured
    if not both or len(both) < kind.share * len(said):
        return None
    if len(both) < _MOST * len(said) or _only_fields_say(kind):
        present, absent = _needed_fields(kind, source), _unwanted_fields(kind, source)
        return Evidence(kind, both, phrases, classes, present, absent)
    return Evidence(kind, both, phrases, classes)


def _only_fields_say(kind: Kind) -> bool:
    """Whether the kind's words stand in many other logs too, so that its search must ask for the fields."""
    return len(kind.needs) > 1


def phrase_expression(phrases: Sequence[str]) -> str:
    """A regular expression for any of the phrases as whole words; plain enough for an eval's `match`."""
    return f"(?:^|[^a-z0-9])(?:{'|'.join(phrases)})(?:[^a-z0-9]|$)"


@lru_cache(maxsize=256)
def _compiled(phrases: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(phrase_expression(phrases))


def standing(phrases: Sequence[str], text: str) -> bool:
    """Whether one of the phrases stands in the text as whole words. Looking for plain text first is much cheaper."""
    return any(phrase in text for phrase in phrases) and _compiled(tuple(phrases)).search(text) is not None


def _stands_anywhere(family: Sequence[str], source: Source) -> bool:
    written = tuple(phrase for phrase in family if phrase in source.phrases)
    return bool(written) and any(standing(written, text) for text in source.texts)


def _fields_of(source: Source, role: str) -> tuple[FieldView, ...]:
    return source.roles.get(role, ())


def _with_fields(kind: Kind, source: Source) -> frozenset[int]:
    """The events in which a field of each needed set says something and no field of another kind does."""
    chosen = frozenset(range(len(source.texts)))
    for alternatives in kind.needs:
        chosen &= frozenset().union(*(view.events for role in alternatives for view in _fields_of(source, role)))
    return chosen - frozenset().union(*(view.events for view in _unwanted(kind, source)))


def _needed_fields(kind: Kind, source: Source) -> tuple[tuple[str, ...], ...]:
    """The names of the fields of each needed set, each set once."""
    sets = (
        tuple(dict.fromkeys(view.name for role in alternatives for view in _fields_of(source, role)))
        for alternatives in kind.needs
    )
    return tuple(dict.fromkeys(names for names in sets if names))


def _unwanted_fields(kind: Kind, source: Source) -> tuple[str, ...]:
    return tuple(dict.fromkeys(view.name for view in _unwanted(kind, source)))


def _unwanted(kind: Kind, source: Source) -> Iterator[FieldView]:
    """The fields of other kinds. A field of every event (as the name that heads each event of CEF) is of no kind."""
    views = (view for role in kind.without for view in _fields_of(source, role))
    return (view for view in views if len(view.events) < len(source.events))


def _classes(kind: Kind, source: Source) -> Iterator[tuple[str, str]]:
    """Pairs of a field that names a class and a value that names the kind."""
    if not kind.classes:
        return
    named = re.compile(rf"(?:^|[^a-z]){kind.classes}(?:[^a-z]|$)")
    found = 0
    for view in source.views:
        if view.profile.distinct > MAX_CLASS_VALUES or not CLASS_NAMES.intersection(name_endings(view.name)):
            continue
        for value in sorted({source.events[number].get(view.name, "") for number in view.events}):
            fits = len(value) <= MAX_TERM_CHARACTERS and not _UNSEARCHABLE.search(value)
            if fits and named.search(separated(value)) and found < MAX_CLASS_TERMS:
                found += 1
                yield view.name, value


def search_for(evidence: Evidence, sourcetype: str) -> str:
    """The search of the event type: the source type, then fields and terms. No pipe, macro or subsearch."""
    terms = [f'"{phrase}"' if re.search(r"[^a-z0-9]", phrase) else phrase for phrase in evidence.phrases]
    terms += [f'{_searched(name)}="{value}"' for name, value in evidence.classes]
    plain = re.fullmatch(r"[A-Za-z0-9_:.-]+", sourcetype)
    parts = [f"sourcetype={sourcetype}" if plain else f'sourcetype="{_safe(sourcetype)}"']
    parts += [_any(terms)] if terms else []
    parts += [_any([f"{_searched(name)}=*" for name in names]) for names in evidence.present]
    parts += [f"NOT {_searched(name)}=*" for name in evidence.absent]
    return " ".join(parts)


def _any(terms: Sequence[str]) -> str:
    return terms[0] if len(terms) == 1 else f"({' OR '.join(terms)})"


def _safe(text: str) -> str:
    return _UNSEARCHABLE.sub("", text)


def _searched(name: str) -> str:
    return name if _PLAIN_NAME.match(name) else f'"{_safe(name)}"'
