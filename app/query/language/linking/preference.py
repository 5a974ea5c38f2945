"""Which of many meanings of a word are weighed: those in tables and columns that the question names. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from app.query.language.linking.marks import Link, Mark, MarkKind

PER_MARK: Final = 5
"""Meanings of a mark that choices weigh (`app/query/language/parsing/choices.py`)."""

MOST: Final = 14
"""Meanings of a mark that are kept."""

_SURE: Final = 0.8
"""Worth from which a name is meant, and not a word that happens to be in it."""


def named_first(marks: Sequence[Mark]) -> list[Mark]:
    """The marks; of those with more meanings than are weighed, the surest that the question names come to the front.

    The first `PER_MARK` meanings stay in their order among themselves, and the surest of all is always one of them: a
    value that stands in two hundred tables is looked for in the one that the question is about.
    """
    tables, columns = _named(marks)

    def score(link: Link) -> int:
        return (link.table in tables) + ((link.table, link.column) in columns)

    return [_preferred(mark, [score(link) for link in mark.links]) for mark in marks]


def _named(marks: Sequence[Mark]) -> tuple[frozenset[str], frozenset[tuple[str, str]]]:
    """The tables, and the columns of any table, that the question names.

    A table is named as such, or by a column that no other table has: `capacity of zoos`.
    """
    nouns = [[link for link in mark.links if link.worth >= _SURE] for mark in marks if mark.kind is MarkKind.NOUN]
    tables = {link.table for links in nouns for link in links if link.column is None}
    tables |= {links[0].table for links in nouns if len({link.table for link in links}) == 1}
    columns = frozenset((link.table, link.column) for links in nouns for link in links if link.column is not None)
    return frozenset(tables), columns


def _preferred(mark: Mark, scores: Sequence[int]) -> Mark:
    links = mark.links
    if len(links) <= PER_MARK:
        return mark
    by_score = sorted(range(1, len(links)), key=lambda number: (-scores[number], number))
    front = sorted((0, *by_score[: PER_MARK - 1]))
    return replace(mark, links=tuple(links[number] for number in (*front, *sorted(by_score[PER_MARK - 1 : MOST - 1]))))


def says_flag(value: Mark, noun: Mark) -> bool:
    """Whether the name of a flag means its yes, or a word that its comment explains: active customers."""
    same = (value.link.table, value.link.column) == (noun.link.table, noun.link.column)
    return same and value.link.evidence.startswith(("a flag", "a code"))


def says_more(value: Mark, noun: Mark) -> bool:
    """Whether a word that is a value names something only by a synonym or short form: houses among properties."""
    other = " for " in noun.link.evidence and ": " in noun.link.evidence
    return other and not value.link.evidence.startswith("a form of")


def value_first(value: Mark, noun: Mark) -> Mark:
    """The value, with the noun behind it for less, for where only a noun can stand: by active."""
    other = replace(noun.link, worth=min(noun.link.worth, value.link.worth - 0.1))
    return replace(value, links=(*value.links, other))
