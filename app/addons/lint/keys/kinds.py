"""Kinds of values, and the table of the keys of one conf file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a key's value is."""

    ANY = "any"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    REGEX = "regex"
    CHARSET = "charset"
    TIME_ZONE = "time zone"


@dataclass(frozen=True)
class KeyTable:
    """The keys of one conf file: exact names, and prefixes of keys with a free ending (`EXTRACT-<class>`).

    `choices` are compared without regard to case.
    """

    exact: Mapping[str, Kind]
    prefixes: tuple[str, ...] = ()
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def knows(self, key: str) -> bool:
        """Whether Splunk reads the key in this file."""
        return key in self.exact or any(key.startswith(each) and len(key) > len(each) for each in self.prefixes)


def kinds(kind: Kind, names: str) -> Iterable[tuple[str, Kind]]:
    """The names of the text, separated by white space, each of that kind."""
    return ((name, kind) for name in names.split())
