"""What the generator has decided: settings of props.conf and transforms.conf before they are written."""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

_SPECIAL = re.compile(r"([\\^$.|?*+()\[\]{}])")


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
    settings: Mapping[str, str] = field(hash=False)


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


def free_name(name: str, taken: Container[str]) -> str:
    """The name, or the first of `name_2`, `name_3`, … that is not taken."""
    number, candidate = 1, name
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def distinct_names(names: Iterable[str]) -> list[str]:
    """The names in their order, each once: `user`, `user_2`, …"""
    found: dict[str, None] = {}
    for name in names:
        found[free_name(name, found)] = None
    return list(found)
