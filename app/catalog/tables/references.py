"""How a path names a table: by the id of a version, by logical name, or by `name@version`. Pure.

The three spellings are disjoint, so one look shows which statement finds the row.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from app.kernel.problems import NotFound

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAME = re.compile(r"([a-z_][a-z0-9_]{0,62})(?:@([1-9][0-9]{0,8}))?")

SHOWN_LENGTH = 128
"""How much of an unknown reference an answer repeats."""


class TableNotFound(NotFound):
    """No such table, or none that the caller may see."""

    code, title = "table-not-found", "There is no such table"

    def __init__(self, reference: str) -> None:
        super().__init__(f"There is no table {reference[:SHOWN_LENGTH]!r} that you may see.")


@dataclass(frozen=True, slots=True)
class TableReference:
    """Exactly one of `id` and `name` is set; `version` only with `name`."""

    id: UUID | None = None
    name: str | None = None
    version: int | None = None

    def __str__(self) -> str:
        if self.id is not None:
            return str(self.id)
        return str(self.name) if self.version is None else f"{self.name}@{self.version}"


def parse_reference(text: str) -> TableReference:
    """What the text names. Raises `TableNotFound` for text that can name no table."""
    if _ID.fullmatch(text):
        return TableReference(id=UUID(text))
    match = _NAME.fullmatch(text)
    if match is None:
        raise TableNotFound(text)
    version = match.group(2)
    return TableReference(name=match.group(1), version=int(version) if version else None)
