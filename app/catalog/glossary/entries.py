"""An entry of the glossary, and what may be wrong with one. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.kernel.http.etags import etag
from app.kernel.problems import Fault


class Meaning(StrEnum):
    """What a term stands for."""

    TABLE = "table"
    COLUMN = "column"
    VALUE = "value"
    """A condition: the rows of a table in which a column has a value."""
    EXPRESSION = "expression"
    """Other words, which can be read: `revenue` is `sum of amount of paid orders`."""
    JOIN = "join"
    """Which accepted join is meant where several lead between two tables."""


NEEDED: Final[Mapping[Meaning, tuple[str, ...]]] = {
    Meaning.TABLE: ("table",),
    Meaning.COLUMN: ("table", "column"),
    Meaning.VALUE: ("table", "column", "value"),
    Meaning.EXPRESSION: ("expression",),
    Meaning.JOIN: ("join_id",),
}
"""By meaning, the parts that an entry has; it has no others."""

PARTS: Final = ("table", "column", "value", "expression", "join_id")
_SPACES: Final = re.compile(r"\s+")


def plain_term(term: str) -> str:
    """The term as it is compared: in lower case, with single spaces."""
    return _SPACES.sub(" ", term).strip().casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """What somebody means by a term."""

    term: str
    meaning: Meaning
    table: str | None = None
    column: str | None = None
    value: str | None = None
    expression: str | None = None
    join_id: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GlossaryEntry(NewEntry):
    """An entry in force, or one that was."""

    id: UUID
    version: int
    """Counts the meanings of the term from 1."""
    created_at: datetime
    created_by: str
    revoked_at: datetime | None
    revoked_by: str | None

    @property
    def etag(self) -> str:
        """The ETag of the entry."""
        return etag(self.id, "revoked" if self.revoked_at else "in-force")


def entry_faults(entry: NewEntry) -> list[Fault]:
    """The parts that are missing, and those that say nothing for the meaning."""
    needed = NEEDED[entry.meaning]
    faults = []
    for part in PARTS:
        given = getattr(entry, part) is not None
        if part in needed and not given:
            message = f"A term that means a {entry.meaning.value} names its {', '.join(needed)}."
            faults.append(Fault(pointer=f"/{part}", code="missing", message=message))
        elif given and part not in needed:
            message = f"A term that means a {entry.meaning.value} has only {', '.join(needed)}."
            faults.append(Fault(pointer=f"/{part}", code="not-of-this-meaning", message=message))
    return faults
