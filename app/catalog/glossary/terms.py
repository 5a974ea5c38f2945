"""A term, and what people may mean by one. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Final


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
    STATEMENT = "statement"
    """A question as a whole: asked in these words, the answer is that of a statement in SQL."""


_SPACES: Final = re.compile(r"\s+")


LONGEST_PLAIN: Final = 200
"""Characters of a term as it is compared: an index of PostgreSQL takes values of 2,704 bytes (manual 65.1)."""


def plain_term(term: str) -> str:
    """The term as it is compared: in lower case, with single spaces; of a longer one the beginning and a digest."""
    plain = _SPACES.sub(" ", term).strip().casefold()
    if len(plain) <= LONGEST_PLAIN:
        return plain
    return f"{plain[: LONGEST_PLAIN - 65]} {sha256(plain.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Term:
    """A term, and what somebody means by it."""

    term: str
    meaning: Meaning
    table: str | None = None
    column: str | None = None
    value: str | None = None
    expression: str | None = None
    join_id: str | None = None
    """The accepted join to take where several lead between the same tables."""
    sql: str | None = None
    """The statement that answers the question that the term is."""
    note: str | None = None

    @property
    def label(self) -> str | None:
        """What the audit log calls the term: none where the term is a question, which may have any value in it."""
        return self.term if self.meaning is not Meaning.STATEMENT else None

    @property
    def digest(self) -> str:
        """SHA-256 of the term and what is meant by it; two terms of one digest answer every question alike."""
        parts = (self.meaning.value, self.table, self.column, self.value, self.expression, self.join_id, self.sql)
        return sha256(repr((plain_term(self.term), *parts)).encode()).hexdigest()
