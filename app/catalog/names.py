"""Which names tables and columns may bear: plain PostgreSQL identifiers that leave room for what Spyne adds. Pure."""

import re

from app.warehouse.naming import HIDDEN_PREFIX, MAX_IDENTIFIER_BYTES, IdentifierError, governed_relation

MAX_TABLE_NAME = 40
"""What `governed_relation` takes, so that every relation made for a table keeps within PostgreSQL's limit."""

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
            "not beginning with a digit."
        )
    if name.startswith(HIDDEN_PREFIX):
        return f"Names that begin with {HIDDEN_PREFIX} belong to Spyne."
    if name in SYSTEM_COLUMNS:
        return "PostgreSQL gives every relation a column of this name."
    return None


def table_name_fault(name: str) -> str | None:
    """Why the table of a contract cannot bear this name; None when it can."""
    try:
        governed_relation(name, 1)
    except IdentifierError:
        return (
            f"A table name has 1 to {MAX_TABLE_NAME} characters: lower-case letters, digits and underscores, "
            "beginning with a letter."
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
