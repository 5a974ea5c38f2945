"""Words for codes and flags: what the comment of a column explains, and what the name of a flag says. Pure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.catalog.joins.discovery.naming import split
from app.query.language.linking.names import Words, words_of
from app.query.language.reading.stems import lemma, normalized
from app.query.language.vocabulary.model import Column, Kind, Table

YES: Final = "\x00yes"
NO: Final = "\x00no"
"""Codes of a flag that holds texts: whichever two of `YES_NO` stand in it."""

YES_NO: Final = (("y", "n"), ("yes", "no"), ("t", "f"), ("true", "false"), ("1", "0"))

_FLAGS: Final = frozenset(("is", "has", "was", "have", "can", "are"))
_FLAG_ENDS: Final = frozenset(("flag", "flg", "indicator", "ind", "yn", "fl"))
_OPPOSITES: Final = ("in", "un", "non", "not ", "non ")
ANTONYMS: Final = {
    "open": ("closed",), "closed": ("open",), "active": ("inactive", "disabled"), "enabled": ("disabled",),
    "available": ("unavailable",), "deleted": ("undeleted",), "new": ("used", "old"), "public": ("private",),
    "private": ("public",), "internal": ("external",), "external": ("internal",),
}  # fmt: skip

_ENDS: Final = r"\s*(?=[,;.)/|\n]|$|\s(?:or|and)\s)"
_NUMBERED: Final = re.compile(
    r"(?<![\w.])['\"]?(\d{1,4})['\"]?\s*(?:for|=>?|:|means|-|\u2013|is)\s*([A-Za-z][A-Za-z -]{0,40}?)" + _ENDS
)
_LETTERED: Final = re.compile(
    r"(?<![\w.])(?:'([A-Za-z0-9_]{1,8})'|\"([A-Za-z0-9_]{1,8})\"|([A-Z][A-Z0-9]{0,4}))"
    r"\s*(?:=>?|:|\s[-\u2013]\s|\sfor\s|\smeans\s|\sis\s)\s*([A-Za-z][A-Za-z -]{1,40}?)" + _ENDS
)
_PAIRED: Final = re.compile(r"(?:^|[(:,;])\s*([A-Z][A-Z0-9]{0,3})\s+([a-z][a-z -]{1,40}?)\s*(?=[,;.)\n]|$)")
_FEWEST_PAIRS: Final = 2
_IF: Final = re.compile(
    r"\b(?:1|[Yy]|[Yy]es|[Tt]rue|T)['\"]?\s+(?:if|when)\b.{0,40}?\b(?:is|was|are|were|been)\s+(?:an?\s+|the\s+)?([a-z]+)\b"
)
_ADJECTIVE: Final = re.compile(r"\w{2,}(?:ous|al|ic|ive|ble|ed|ile|ant|ent|ful|ary)$")
_ARTICLES: Final = frozenset(("the", "a", "an"))
_EXPLAINED, _IN_PART, _FLAGGED = 0.75, 0.7, 0.93
"""Worths of a word of an explanation, of its adjective alone, and of the name of a flag."""
_STOCK: Final = (("stock",), ("on", "hand"), ("in", "stock"))


@dataclass(frozen=True, slots=True)
class Coded:
    """A word for a code that the description of a column explains: `2 for gold`."""

    table: str
    column: str
    code: str
    worth: float = _EXPLAINED
    evidence: str = "a code that the column's description explains"


def explained(description: str) -> dict[str, list[str]]:
    """By code the words that the description explains it by: `O = open, C = closed`, `1 - low`, `(N new, P paid)`."""
    found: dict[str, list[str]] = {}
    for match in _NUMBERED.finditer(description):
        found.setdefault(match[1], []).append(match[2])
    for match in _LETTERED.finditer(description):
        found.setdefault(match[1] or match[2] or match[3], []).append(match[4])
    pairs = _PAIRED.findall(description)
    for code, said in pairs if len(pairs) >= _FEWEST_PAIRS else ():
        found.setdefault(code, []).append(said)
    return found


def coded_words(table: Table, owner: Words, column: Column) -> Iterator[tuple[str, Coded]]:
    """The words, in the singular, that stand for a code of the column, each with it.

    Args:
        table: that has the column.
        owner: the words of the table's name, which an explanation may repeat: `active customer`.
        column: of codes, or a flag.
    """
    for code, texts in explained(column.description or "").items():
        if (column.kind is Kind.NUMBER and code.isdigit()) or column.kind is Kind.TEXT:
            for words, worth in _forms(texts, owner):
                yield words, Coded(table.name, column.name, code, worth)
    yield from _flag(table, column)
    name = words_of(table, column)
    quantities = name[:-1] if name[-1:] in (("quantity",), ("count",), ("level",)) else name
    if column.kind is Kind.NUMBER and quantities in _STOCK:
        yield "out of stock", Coded(table.name, column.name, "0", _FLAGGED, "a quantity of none")


def _forms(texts: Sequence[str], owner: Words) -> Iterator[tuple[str, float]]:
    for text in texts:
        words = tuple(lemma(word) for word in normalized(text).split() if word not in _ARTICLES)
        bare = words[: -len(owner)] if len(words) > len(owner) and words[-len(owner) :] == owner else words
        yield " ".join(bare), _EXPLAINED
        if len(bare) > 1 and _ADJECTIVE.match(bare[0]):
            yield bare[0], _IN_PART


def _flag(table: Table, column: Column) -> Iterator[tuple[str, Coded]]:
    """The name of a flag, its opposites, and what its comment says of a yes."""
    words = words_of(table, column)
    flagged = words[1:] if words[0] in _FLAGS else words[:-1] if words[-1] in _FLAG_ENDS else ()
    known = {Kind.NUMBER: ("1", "0"), Kind.BOOLEAN: ("true", "false"), Kind.TEXT: (YES, NO)}
    if column.kind not in known:
        return
    yes, no = known[column.kind]
    if column.kind is Kind.TEXT and not flagged:
        flagged = words  # active, of the values Y and N; of other values it is no flag
    spelt = split(column.name)
    parts = spelt[-len(flagged) :] if words[0] in _FLAGS else spelt[: len(flagged)]
    said = _IF.findall(column.description or "") if flagged else []
    worth = _EXPLAINED if column.kind is not Kind.TEXT else _FLAGGED
    for name in dict.fromkeys((" ".join(flagged), " ".join(parts), *said) if flagged else ()):
        yield name, Coded(table.name, column.name, yes, worth, "a flag")
        for other in (*ANTONYMS.get(name, ()), *(f"{before}{name}" for before in _OPPOSITES)):
            yield other, Coded(table.name, column.name, no, worth, "a flag")


def stored(code: str, kept: Sequence[str] | None) -> str | None:
    """The code as it stands in the column; None of a code that none of its values is.

    Args:
        code: of an explanation, or `YES` and `NO` of a flag.
        kept: all values of the column, where they are few.
    """
    values = {each.strip().lower(): each for each in kept or ()}
    if code in {YES, NO}:
        for pair in YES_NO:
            if values and set(values) <= set(pair):
                return values.get(pair[code == NO])
        return None
    return code if not values else values.get(code.lower())
