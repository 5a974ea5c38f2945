"""Whether a question is no question, but SQL that was sent as one, or an order to change something. Pure."""

import re
from collections.abc import Container
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_BEGINS: Final = re.compile(r"\s*\(*\s*(?:select|with)\b", re.IGNORECASE)


_CHANGES: Final = re.compile(
    r"\s*(?:please\s+|kindly\s+|(?:can|could|would|will)\s+you\s+(?:please\s+)?)?"
    r"(?:(?:delete|remove|erase|insert|update|rename|cancel|assign|undo|refund|drop)"
    r"|(?:close|open|set|add|change|move|lower|raise|increase|decrease|reduce|mark|send|book|create|approve|reject|pay"
    r"|hire|fire|promote|transfer|ship|reset|merge|archive|enable|disable|activate|deactivate|fix|correct|order|buy"
    r"|schedule|reschedule|reopen|reassign|double|halve|make|put|give|charge|block)"
    r"\s+(?:the|a|an|all|every|each|this|that|these|those|my|our|his|her|their|its|it|them|everybody|everyone|another)\b"
    r"(?!\s+(?:list|number|names?|count|table|report|overview|summary|top|total|average)))\b",
    re.IGNORECASE,
)
"""An order to change something: a verb of change that begins, in front of what is to be changed.

`give a list`, `make a table` and adjectives (`open tickets`, `set meals`) are none.
"""


def asks_for_change(text: str) -> bool:
    """Whether the text begins with an order to change something: close all tickets, delete old orders."""
    return _CHANGES.match(text) is not None


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
