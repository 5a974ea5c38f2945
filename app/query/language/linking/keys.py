"""What shows a row of a table to a reader. Pure."""

from collections.abc import Sequence
from typing import Final

from app.catalog.joins.discovery.naming import split
from app.catalog.joins.discovery.words import PEOPLE
from app.query.language.linking.names import parted_words, words_of
from app.query.language.reading.stems import lemma
from app.query.language.vocabulary.model import Column, Kind, Table

_SHOWING: Final = ("name", "title", "username", "label", "fullname")
"""Last words of columns that show a row to a reader, the best first."""
_NUMBERING: Final = frozenset(("number", "code", "symbol"))
"""Last words of texts that show a row where it has no name: the number of a flight."""
_PEOPLE: Final = frozenset(
    """
    customer client user employee person student teacher author member patient doctor player staff passenger guest
    instructor professor artist singer actor artist director worker visitor shopper subscriber nurse physician lawyer
    people participant contestant candidate tenant resident citizen voter donor volunteer trainee pupil coach athlete
    """.split()  # noqa: SIM905 - a list of dozens of quoted words is read by nobody
)
"""Words for people beside those that are called for what they do."""
_PERSON: Final = (("first", "name"), ("last", "name"))
"""Last words of the two columns that only together say who somebody is."""


def is_of_people(words: Sequence[str]) -> bool:
    """Whether a table of this name has a row for each of some people."""
    return bool(words) and words[-1] in PEOPLE | _PEOPLE


def shown_columns(table: Table) -> tuple[Column, ...]:
    """The columns that show a row to a reader: what it is called; nothing where no column says it."""
    names = {column.name: words_of(table, column) for column in table.columns if column.kind is Kind.TEXT}
    person = [column for column in table.columns if names.get(column.name, ())[-2:] in _PERSON]
    if len(person) == len(_PERSON):
        return tuple(person)
    own = {lemma(word) for word in split(table.name.rpartition(".")[2])}
    for last in _SHOWING:
        found = [name for name, words in names.items() if words and words[-1] == last]
        if found:
            whole = own | set(parted_words(table.name))
            best = min(found, key=lambda name: (not set(names[name][:-1]) <= whole, len(names[name]), name))
            return tuple(column for column in table.columns if column.name == best)
    numbers = [column for column in table.columns if (words := names.get(column.name, ())) and words[-1] in _NUMBERING
               and set(words[:-1]) & own]  # fmt: skip
    return tuple(numbers[:1])
