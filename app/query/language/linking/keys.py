"""What shows a row of a table to a reader. Pure."""

from typing import Final

from app.query.language.linking.names import words_of
from app.query.language.vocabulary.model import Column, Kind, Table

_SHOWING: Final = ("name", "title", "username", "label", "fullname")
"""Last words of columns that show a row to a reader, the best first."""
_PERSON: Final = (("first", "name"), ("last", "name"))
"""Last words of the two columns that only together say who somebody is."""


def shown_columns(table: Table) -> tuple[Column, ...]:
    """The columns that show a row to a reader: what it is called; nothing where no column says it."""
    names = {column.name: words_of(table, column) for column in table.columns if column.kind is Kind.TEXT}
    person = [column for column in table.columns if names.get(column.name, ())[-2:] in _PERSON]
    if len(person) == len(_PERSON):
        return tuple(person)
    for last in _SHOWING:
        found = [name for name, words in names.items() if words and words[-1] == last]
        if found:
            best = min(found, key=lambda name: (len(names[name]), name))
            return tuple(column for column in table.columns if column.name == best)
    return ()
