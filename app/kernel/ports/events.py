"""Kinds of events that notify: what a domain declares, and what channels choose from. Pure.

A kind is `subject:happening`. Domains list theirs in the registry; a kind that nobody registered is never announced.
"""

import re
from dataclasses import dataclass
from typing import Final

from app.kernel.ports.catalogue import Catalogue

KIND_PATTERN: Final = r"^[a-z][a-z0-9-]{0,31}:[a-z][a-z0-9-]{0,31}$"
FILTER_PATTERN: Final = r"^(\*|[a-z][a-z0-9-]{0,31}:(\*|[a-z][a-z0-9-]{0,31}))$"
EVERYTHING: Final = "*"
_KIND: Final = re.compile(KIND_PATTERN)


class UnregisteredKindError(LookupError):
    """A kind is announced that no domain contributes: a bug."""


@dataclass(frozen=True, slots=True)
class EventKind:
    """Something that happens in the service and that people may want to learn of."""

    name: str
    """`subject:happening`, such as `table:promoted`."""
    description: str
    """When it happens, in a sentence."""

    def __post_init__(self) -> None:
        if _KIND.match(self.name) is None:
            raise ValueError(f"{self.name!r} is not of the form subject:happening")

    @property
    def patterns(self) -> tuple[str, ...]:
        """The entries of a channel's filter that take this kind."""
        return (self.name, f"{self.name.partition(':')[0]}:*", EVERYTHING)


class EventKinds(Catalogue[EventKind]):
    """Every kind of the service."""

    def require(self, kind: EventKind) -> EventKind:
        """The kind, which is registered. Raises `UnregisteredKindError`."""
        if self.get(kind.name) is not kind:
            raise UnregisteredKindError(f"No domain registers the event kind {kind.name}.")
        return kind

    def takes(self, pattern: str) -> bool:
        """Whether a filter with this entry takes any kind."""
        return any(pattern in kind.patterns for kind in self) or pattern == EVERYTHING
