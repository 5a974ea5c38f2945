"""Records of the catalog, filled from rows. Pure."""

from dataclasses import fields
from typing import Any, TypeVar

Record = TypeVar("Record")


def filled(kind: type[Record], row: Any, /, **composed: Any) -> Record:
    """The record of a frozen dataclass: what is composed, and every other field from the column of its name."""
    named: Any = kind
    plain = {field.name: getattr(row, field.name) for field in fields(named) if field.name not in composed}
    return kind(**plain, **composed)
