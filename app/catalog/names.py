"""Which names tables and columns may bear: plain PostgreSQL identifiers that leave room for what Spyne adds. Pure."""

import json
import re
import unicodedata

from app.warehouse.naming import HIDDEN_PREFIX, MAX_IDENTIFIER_BYTES, IdentifierError, governed_relation
from app.warehouse.sources import InvalidSourceError, source_path, written_source

MAX_TABLE_NAME = 40
"""What `governed_relation` takes, so that every relation made for a table keeps within PostgreSQL's limit."""

SHOWN_LENGTH = 64
"""Characters of a name that a message repeats."""

SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
"""Columns that every relation of PostgreSQL has already (manual 5.6)."""

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_CONTRACT_ID = re.compile(r"[a-z_][a-z0-9_]{0,62}_v[1-9][0-9]{0,9}")


def is_contract_id(text: str) -> bool:
    """Whether a contract could have this id: `<table>_v<version>`."""
    return _CONTRACT_ID.fullmatch(text) is not None


def column_name_fault(name: str) -> str | None:
    """Why a contract's column cannot bear this name; None when it can."""
    if not _IDENTIFIER.fullmatch(name):
        return (
            f"A column name has 1 to {MAX_IDENTIFIER_BYTES} characters: lower-case letters, digits and underscores, "
            f"not beginning with a digit, such as customer_id.{_renamed(name)}"
        )
    if name.startswith(HIDDEN_PREFIX):
        return f"Names that begin with {HIDDEN_PREFIX} belong to Spyne."
    if name in SYSTEM_COLUMNS:
        return "PostgreSQL gives every relation a column of this name."
    return None


def snake_case(name: str) -> str | None:
    """The name that a column for a field of this name would bear: `customer_id` for `customerId`; None without one."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name[:SHOWN_LENGTH]) if not unicodedata.combining(c))
    if not plain.isascii():
        return None
    words = re.findall(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[0-9]+", plain)
    found = "_".join(words).lower()
    return found if _IDENTIFIER.fullmatch(found) else None


def column_reading(field: str) -> tuple[str, str] | None:
    """Name and source of a column that reads a field whose name no column can bear: `customer_id`, `customerId`.

    None where there is no such column: its name would be no better, or no source can be the field's name.
    """
    column, source = snake_case(field), written_source((field,))
    if len(field) > SHOWN_LENGTH or column is None or column == field or column_name_fault(column):
        return None
    try:
        source_path(source)
    except InvalidSourceError:
        return None
    return column, source


def _renamed(field: str) -> str:
    reading = column_reading(field)
    if reading is None:
        return ""
    column = json.dumps(dict(zip(("name", "source"), reading, strict=True)), ensure_ascii=False)
    return f" A column of another name can read it: {column}."


def table_name_fault(name: str) -> str | None:
    """Why the table of a contract cannot bear this name; None when it can."""
    try:
        governed_relation(name, 1)
    except IdentifierError:
        return (
            f"A table name has 1 to {MAX_TABLE_NAME} characters: lower-case letters, digits and underscores, "
            "beginning with a letter, such as customers."
        )
    return _reserved(name)


def logical_name_fault(name: str) -> str | None:
    """Why an adopted relation cannot be known under this name; None when it can."""
    if not _IDENTIFIER.fullmatch(name):
        return "A logical name has lower-case letters, digits and underscores, not beginning with a digit."
    return _reserved(name)


def _reserved(name: str) -> str | None:
    if name.startswith(("pg_", HIDDEN_PREFIX)) or name == "information_schema":
        return "Names like this belong to PostgreSQL or to Spyne."
    return None
