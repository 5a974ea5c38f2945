"""Bounds of the work with a specification, each with where the number comes from."""

from dataclasses import dataclass
from typing import Final

MAX_TEXT_BYTES: Final = 10 << 20
"""Of a specification's text."""
MAX_TRIPLES: Final = 200_000
"""Of one graph: measured on a busy machine, comparing two graphs of 249,000 takes 83 s and 1.3 GiB."""
MAX_NESTING: Final = 100
"""Of JSON and XML: hand-written specifications have fewer than 20 levels."""
MAX_LITERAL_CHARACTERS: Final = 1 << 20
"""Of one literal."""
MAX_IRI_CHARACTERS: Final = 8_192
"""Of one IRI: longer ones are refused by browsers and servers as well."""
MAX_LANGUAGE_CHARACTERS: Final = 100
"""Of a tag of a language: RFC 5646 (4.4.1) asks for room for 35."""
MAX_LISTED: Final = 10_000
"""Lines of a difference, and faults of a report, that are listed; all are counted."""
MAX_ROWS: Final = 10_000
"""Of the answer to a query."""
MAX_ANSWER_CHARACTERS: Final = 16 << 20
"""Of the terms in the answer to a query."""
MAX_QUERY_CHARACTERS: Final = 100_000
QUERY_SECONDS: Final = 5.0
"""For parsing and evaluating one query."""


@dataclass(frozen=True, slots=True)
class WorkLimits:
    """What one piece of work may take.

    Attributes:
        memory_bytes: address space of the process.
        seconds: from the start of the process to the answer.
    """

    memory_bytes: int = 2 << 30
    seconds: float = 120.0
