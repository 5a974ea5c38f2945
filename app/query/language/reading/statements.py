"""Whether a question is no question, but SQL that was sent as one. Pure."""

import re
from collections.abc import Container
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_BEGINS: Final = re.compile(r"\s*\(*\s*(?:select|with)\b", re.IGNORECASE)


def is_statement(text: str, tables: Container[str]) -> bool:
    """Whether the text is a SELECT of PostgreSQL that reads at least one of the tables, and no table that is not there.

    `select all customers from Berlin` can be read as SQL, but Berlin is no table: English.
    """
    if _BEGINS.match(text) is None:
        return False
    try:
        statement = sqlglot.parse_one(text, dialect="postgres")
    except (SqlglotError, RecursionError):
        return False
    within = {each.alias_or_name for each in statement.find_all(exp.CTE)}
    read = {table.name for table in statement.find_all(exp.Table)} - within
    return isinstance(statement, exp.Query) and bool(read) and all(name in tables for name in read)
