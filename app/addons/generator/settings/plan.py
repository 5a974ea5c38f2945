"""What the generator has decided: settings of props.conf and transforms.conf before they are written."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_SPECIAL = re.compile(r"([\\^$.|?*+()\[\]{}])")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True)
class Extract:
    """One EXTRACT of props.conf; `source` is the field that is read, None for the whole event."""

    label: str
    pattern: str
    source: str | None = None


@dataclass(frozen=True)
class Transform:
    """One stanza of transforms.conf without the add-on's prefix in its name."""

    label: str
    settings: Mapping[str, str]


@dataclass(frozen=True)
class Extraction:
    """What one class of bodies asks for. `claims` are the indexes of the events which the class has understood."""

    kind: str
    claims: frozenset[int]
    props: Mapping[str, str] = field(default_factory=dict)
    extracts: tuple[Extract, ...] = ()
    reports: tuple[Transform, ...] = ()
    drops: tuple[Transform, ...] = ()
    notes: tuple[str, ...] = ()


def literal(text: str) -> str:
    """A pattern that matches the text itself: control characters and non-ASCII as they are, runs of blanks loosely."""
    return re.sub(r" +", " +", _SPECIAL.sub(r"\\\1", text)).replace("\t", r"\t").replace("\n", r"\n")


def field_name(text: str) -> str:
    """The name that Splunk makes of a key (transforms.conf.spec, CLEAN_KEYS), never empty."""
    cleaned = _NOT_IN_NAMES.sub("_", text).lstrip("_0123456789").rstrip("_")
    return cleaned or "field"


def distinct_names(names: Iterable[str]) -> list[str]:
    """The names in their order, each once: `user`, `user_2`, …"""
    taken: dict[str, int] = {}
    found: list[str] = []
    for name in names:
        count = taken.get(name, 0) + 1
        taken[name] = count
        candidate = name if count == 1 else f"{name}_{count}"
        while count > 1 and candidate in taken:
            count += 1
            candidate = f"{name}_{count}"
        taken.setdefault(candidate, 1)
        found.append(candidate)
    return found
