"""Questions near to one that was refused: with words as the schema spells them, or about the tables named. Pure."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from app.query.language.linking.marks import Mark, MarkKind
from app.query.language.parsing.known.context import Context
from app.query.language.vocabulary.model import Kind

MOST: Final = 3
_SHORTEST: Final = 4
"""Letters of a word that is taken for a slip: shorter ones are near to everything."""
_NEAR: Final = 0.75
"""Likeness (Ratcliff and Obershelp) of a slip and the word that was meant: `hotles` and `hotels` have 0.83."""
_FURTHER: Final = 2
"""Letters that a slip adds or leaves out."""


def nearest_questions(context: Context, marks: Sequence[Mark]) -> tuple[str, ...]:
    """Up to three questions about the tables that were named, or about the largest table."""
    tables = list(dict.fromkeys(link.table for mark in marks for link in mark.links[:1]))
    if not tables:
        tables = [table.name for table in sorted(context.tables.values(), key=lambda each: -(each.rows or 0))[:1]]
    found = [question for table in tables[:MOST] for question in _about(context, table)]
    return tuple(dict.fromkeys(found))[:MOST]


def _about(context: Context, table: str) -> Iterator[str]:
    """How many rows the table has, and a question about its first column that can be averaged or grouped by."""
    name = " ".join(context.index.words[table])
    yield f"How many {name} records are there?"
    for column in context.tables[table].columns:
        field = context.field(table, column.name)
        if context.is_quantity(field):
            yield f"What is the average {' '.join(context.words(field))} of {name}?"
            return
        if column.kind is Kind.TEXT and context.vocabulary.values.distinct(table, column.name):
            yield f"How many {name} records are there per {' '.join(context.words(field))}?"
            return


def respelt(context: Context, text: str, marks: Sequence[Mark]) -> str | None:
    """The question with unknown words as the schema spells them; None where none is near to a name."""
    changed = text
    for mark in reversed(marks):
        if mark.kind in {MarkKind.UNKNOWN, MarkKind.NAME} and (near := _near(context, mark.text.lower())):
            changed = changed[: mark.start] + near + changed[mark.end :]
    return changed if changed != text else None


def _near(context: Context, word: str) -> str | None:
    """The word of a name that a word may be a slip of."""
    if len(word) < _SHORTEST:
        return None
    names = context.index.names
    likely = [name for name in names if name[:1] == word[:1] and abs(len(name) - len(word)) <= _FURTHER]
    return next(iter(get_close_matches(word, sorted(likely), 1, _NEAR)), None)
