"""Searches of event types: a documented subset of Splunk's search language, parsed once.

Terms (`failed`, `"failed password"`, `fail*`), comparisons (`action=success`, `status>=400`, `user!=root`, `host=web*`,
`status IN (401, 403)`), AND, OR, NOT and parentheses. Terms in a row are joined by AND; NOT binds before OR, and OR
before AND (Search manual, "Boolean expressions with logical operators"). Text compares whatever the case of letters.
No pipes, macros, subsearches; `index=` is true of every event, as a replay knows no index.
"""

import re
from dataclasses import dataclass

MAX_SEARCH_CHARACTERS = 20_000
MAX_WORDS = 2_000
MAX_DEPTH = 50
_WORD = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*+)"|(!=|<=|>=|==|[=<>(),])|([^\s"=<>!(),]+|!))')
_COMPARATORS = frozenset({"=", "==", "!=", "<", ">", "<=", ">="})


class SearchError(ValueError):
    """The search cannot be read or asks for what is not emulated."""


@dataclass(frozen=True)
class Term:
    """A text that the event's raw text has."""

    text: str


@dataclass(frozen=True)
class Comparison:
    """A field compared with one of several texts."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Not:
    """The opposite."""

    condition: "Condition"


@dataclass(frozen=True)
class All:
    """All of them; none is true of every event."""

    conditions: tuple["Condition", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of them."""

    conditions: tuple["Condition", ...]


Condition = Term | Comparison | Not | All | AnyOf


def parse_search(text: str) -> Condition:
    """The condition; raises SearchError."""
    if len(text) > MAX_SEARCH_CHARACTERS:
        raise SearchError(f"the search has more than {MAX_SEARCH_CHARACTERS} characters")
    for mark, what in (("|", "a pipe"), ("`", "a macro"), ("[", "a subsearch")):
        if mark in _QUOTED.sub("", text):
            raise SearchError(f"the search has {what}, which event types cannot have or a replay does not know")
    parser = _Parser(_words(text))
    condition = parser.everything()
    parser.end()
    return condition


_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)


def _words(text: str) -> list[tuple[str, str]]:
    """Kind (quoted, mark, word) and text of each word."""
    found: list[tuple[str, str]] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _WORD.match(text, position)
        if match is None or len(found) >= MAX_WORDS:
            raise SearchError(f"the search cannot be read at character {position}")
        quoted, mark, word = match.groups()
        if quoted is not None:
            found.append(("quoted", re.sub(r'\\(["\\])', r"\1", quoted)))
        else:
            found.append(("mark", mark) if mark else ("word", word))
        position = match.end()
    return found


class _Parser:
    def __init__(self, words: list[tuple[str, str]]) -> None:
        self._words = words
        self._at = 0
        self._depth = 0

    def everything(self) -> Condition:
        """Conditions joined by AND, which may be left out."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise SearchError(f"parts are nested more than {MAX_DEPTH} deep")
        found: list[Condition] = []
        while self._at < len(self._words) and self._words[self._at] != ("mark", ")"):
            if found and self._is("AND"):
                self._at += 1
            found.append(self._either())
        self._depth -= 1
        return found[0] if len(found) == 1 else All(tuple(found))

    def end(self) -> None:
        """Raise SearchError where words are left."""
        if self._at < len(self._words):
            raise SearchError(f"{self._words[self._at][1][:30]!r} is not expected")

    def _is(self, word: str) -> bool:
        return self._at < len(self._words) and self._words[self._at] == ("word", word)

    def _either(self) -> Condition:
        found = [self._single()]
        while self._is("OR"):
            self._at += 1
            found.append(self._single())
        return found[0] if len(found) == 1 else AnyOf(tuple(found))

    def _single(self) -> Condition:
        negated = 0
        while self._is("NOT"):
            self._at += 1
            negated += 1
        condition = self._plain()
        return Not(condition) if negated % 2 else condition

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._words):
            raise SearchError("the search ends where something is expected")
        word = self._words[self._at]
        self._at += 1
        return word

    def _plain(self) -> Condition:
        kind, text = self._next()
        if (kind, text) == ("mark", "("):
            inner = self.everything()
            if self._next() != ("mark", ")"):
                raise SearchError("a parenthesis is not closed")
            return inner
        if kind == "mark" or (kind == "word" and text in {"AND", "OR"}):
            raise SearchError(f"{text[:30]!r} is not expected")
        if self._at < len(self._words) and self._words[self._at][0] == "mark":
            operator = self._words[self._at][1]
            if operator in _COMPARATORS:
                self._at += 1
                return Comparison(text, "=" if operator == "==" else operator, (self._value(),))
        if self._is("IN") and kind == "word":
            self._at += 1
            return Comparison(text, "=", self._list())
        if kind == "word" and text in {"TERM", "CASE"} and self._at < len(self._words):
            return Term(self._list()[0])
        return Term(text)

    def _value(self) -> str:
        kind, text = self._next()
        if kind == "mark":
            raise SearchError(f"a value is expected and not {text!r}")
        return text

    def _list(self) -> tuple[str, ...]:
        if self._next() != ("mark", "("):
            raise SearchError("a list in parentheses is expected")
        found = [self._value()]
        while (word := self._next()) != ("mark", ")"):
            if word != ("mark", ","):
                raise SearchError("a comma is expected in the list")
            found.append(self._value())
        return tuple(found)
