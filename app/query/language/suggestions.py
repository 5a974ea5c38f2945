"""Questions near to one that was refused, that the engine can answer. Pure."""

from collections.abc import Sequence

from app.query.language.linking.marks import Mark
from app.query.language.parsing.context import Context
from app.query.language.vocabulary.model import Kind

_MOST = 3


def nearest_questions(context: Context, marks: Sequence[Mark]) -> tuple[str, ...]:
    """Up to three questions about the tables that were named, or about the largest table."""
    tables = list(dict.fromkeys(link.table for mark in marks for link in mark.links[:1]))
    if not tables:
        tables = [table.name for table in sorted(context.tables.values(), key=lambda each: -(each.rows or 0))[:1]]
    found: list[str] = []
    for table in tables[:_MOST]:
        name = " ".join(context.index.words[table])
        found.append(f"How many {name} records are there?")
        for column in context.tables[table].columns:
            field = context.field(table, column.name)
            if context.is_quantity(field):
                found.append(f"What is the average {' '.join(context.words(field))} of {name}?")
                break
            if column.kind is Kind.TEXT and context.vocabulary.values.distinct(table, column.name):
                found.append(f"How many {name} records are there per {' '.join(context.words(field))}?")
                break
    return tuple(dict.fromkeys(found))[:_MOST]
