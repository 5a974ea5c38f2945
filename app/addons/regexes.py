"""Regular expressions as Splunk runs them: PCRE2 with limits, compiled once.

Splunk stops a match after 100,000 steps or 1,000 levels (limits.conf, `MATCH_LIMIT` and `DEPTH_LIMIT` of props.conf
and transforms.conf). The limits stand in the pattern itself, and the interpreter and not the JIT counts them: so the
same text reaches the same limit on every machine.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import pcre2

MATCH_LIMIT = 100_000
DEPTH_LIMIT = 1_000
"""Splunk's own limits: props.conf.spec, MATCH_LIMIT and DEPTH_LIMIT."""
MAX_PATTERN_CHARACTERS = 32_768
"""A longer pattern is refused: compiling takes memory in proportion."""
_LIMITS = f"(*LIMIT_MATCH={MATCH_LIMIT})(*LIMIT_DEPTH={DEPTH_LIMIT})"
_KEPT = 2_048


class RegexError(ValueError):
    """The pattern does not compile; the message is PCRE2's, `offset` counts characters of the pattern."""

    def __init__(self, message: str, offset: int | None) -> None:
        super().__init__(message if offset is None else f"{message} at character {offset}")
        self.offset = offset


class MatchLimit(Exception):  # noqa: N818 - a fact about a text, no error of the program
    """A match took more steps or levels than Splunk allows: there it counts as no match."""


class RegexMatch:
    """One match: `groups[0]` is the whole; a group that took no part is None. Positions count characters.

    Texts and positions are read from the library when they are asked for: most callers want one of them.
    """

    __slots__ = ("_count", "_found", "_groups", "_names")

    def __init__(self, found: Any, count: int, names: Mapping[str, int]) -> None:
        self._found = found
        self._count = count
        self._names = names
        self._groups: tuple[str | None, ...] | None = None

    @property
    def groups(self) -> tuple[str | None, ...]:
        """The texts of the whole and of each group."""
        if self._groups is None:
            self._groups = (self._found.group(0), *self._found.groups())
        return self._groups

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Where the whole and each group begin and end; (-1, -1) for a group that took no part."""
        return tuple(self.span(index) for index in range(self._count))

    @property
    def named(self) -> Mapping[str, str | None]:
        """The texts of the groups that have names."""
        groups = self.groups
        return {name: groups[index] for name, index in self._names.items()}

    def span(self, index: int) -> tuple[int, int]:
        """Where the group begins and ends; (-1, -1) where the group took no part."""
        if self.groups[index] is None:
            return (-1, -1)
        start, end = self._found.span(index)
        return (start, end)

    @property
    def start(self) -> int:
        """Where the match begins."""
        return int(self._found.start())

    @property
    def end(self) -> int:
        """Where the match ends."""
        return int(self._found.end())


class Regex:
    """A compiled pattern. Matching raises MatchLimit where Splunk would give up."""

    def __init__(self, pattern: str) -> None:
        if len(pattern) > MAX_PATTERN_CHARACTERS:
            raise RegexError(
                f"the pattern has {len(pattern)} characters, at most {MAX_PATTERN_CHARACTERS} are taken", None
            )
        self.pattern = pattern
        try:
            self._compiled: Any = pcre2.compile(_LIMITS + pattern, jit=False)
        except pcre2.PatternError as error:
            position = getattr(error, "pos", None)
            offset = None if position is None else max(0, position - len(_LIMITS))
            raise RegexError(getattr(error, "msg", str(error)), offset) from error
        self.groups: int = self._compiled.groups
        self.names: Mapping[str, int] = dict(self._compiled.groupindex)

    def search(self, text: str, start: int = 0) -> RegexMatch | None:
        """The first match at or after the position; None where there is none."""
        try:
            found = self._compiled.search(text, start)
        except pcre2.LibraryError as error:
            raise MatchLimit(str(error)) from error
        return None if found is None else self._as_match(found)

    def matches(self, text: str) -> Iterator[RegexMatch]:
        """All matches from the left that do not overlap."""
        try:
            for found in self._compiled.finditer(text):
                yield self._as_match(found)
        except pcre2.LibraryError as error:
            raise MatchLimit(str(error)) from error

    def _as_match(self, found: Any) -> RegexMatch:
        return RegexMatch(found, self.groups + 1, self.names)


@lru_cache(maxsize=_KEPT)
def compile_regex(pattern: str) -> Regex:
    """The compiled pattern; raises RegexError."""
    return Regex(pattern)
