"""A term, and what people may mean by one. Pure."""

import re
from dataclasses import dataclass
from enum import StrEnum
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


_SPACES: Final = re.compile(r"\s+")


def plain_term(term: str) -> str:
    """The term as it is compared: in lower case, with single spaces."""
    return _SPACES.sub(" ", term).strip().casefold()


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
    note: str | None = None
