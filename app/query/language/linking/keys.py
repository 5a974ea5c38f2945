"""What names a row of a table, and what shows it to a reader. Pure."""

from typing import Final

from app.catalog.joins.discovery.naming import readings, shared_prefix, split
from app.query.language.linking.names import words_of
from app.query.language.vocabulary.model import Column, Kind, Table

_SHOWING: Final = ("name", "title", "username", "label", "fullname")
"""Last words of columns that show a row to a reader, the best first."""
_PERSON: Final = (("first", "name"), ("last", "name"))
"""Last words of the two columns that only together say who somebody is."""


def likely_key(table: Table) -> tuple[str, ...]:
    """The column that is unique and named like a key; else the first unique one; nothing where none is."""
    unique = [column for column in table.columns if column.unique]
    prefix = shared_prefix([column.name for column in table.columns])
    named = [column for column in unique if any(each.suffix == "id" for each in readings(column.name, prefix))]
    bare = [column for column in named if split(column.name)[-1:] == ("id",) and len(split(column.name)) == 1]
    chosen = bare or named or unique[:1]
    return (chosen[0].name,) if chosen else ()


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
