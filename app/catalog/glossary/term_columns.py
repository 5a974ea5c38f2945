"""How a term and its meaning stand in a row, of the glossary or of what is proposed for it."""

from typing import Any, Final

from sqlalchemy.orm import Mapped, mapped_column

from app.catalog.glossary.terms import Meaning, Term, plain_term


class TermColumns:
    """The columns of a term and its meaning."""

    term: Mapped[str] = mapped_column(comment="As it was written")
    plain_term: Mapped[str] = mapped_column(comment="As it is compared: lower case, single spaces")
    meaning: Mapped[str] = mapped_column(comment="table, column, value, expression, join or statement")
    table_name: Mapped[str | None] = mapped_column(comment="Logical name")
    column_name: Mapped[str | None] = mapped_column(comment="Column of it")
    value: Mapped[str | None] = mapped_column(comment="Value of the column, as text")
    expression: Mapped[str | None] = mapped_column(comment="Other words that can be read")
    join_id: Mapped[str | None] = mapped_column(comment="Accepted join")
    sql: Mapped[str | None] = mapped_column(comment="Statement that answers the term, which is a question")
    note: Mapped[str | None] = mapped_column(comment="Why, in the words of who gave the meaning")


MEANINGS: Final = "meaning IN ('table', 'column', 'value', 'expression', 'join', 'statement')"


def term_columns(term: Term) -> dict[str, str | None]:
    """The columns of a term, by name."""
    return {
        "term": term.term.strip(),
        "plain_term": plain_term(term.term),
        "meaning": term.meaning.value,
        "table_name": term.table,
        "column_name": term.column,
        "value": term.value,
        "expression": term.expression,
        "join_id": term.join_id,
        "sql": term.sql,
        "note": term.note,
    }


def term_parts(row: Any) -> dict[str, Any]:
    """The parts of the term in a row, by their names in `Term`."""
    return {
        "term": row.term,
        "meaning": Meaning(row.meaning),
        "table": row.table_name,
        "column": row.column_name,
        "value": row.value,
        "expression": row.expression,
        "join_id": row.join_id,
        "sql": row.sql,
        "note": row.note,
    }
