"""What is asked for in a search: words, and names of fields in them. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.addons.knowledge.reading.field_names import query_names

MAX_QUERY: Final = 500
"""Characters of a query."""
_OPERATORS: Final = re.compile(r'"|(?:^|\s)-\S|(?:^|\s)or(?:\s|$)', re.IGNORECASE)
"""What `websearch_to_tsquery` reads as more than words (manual 12.3.2)."""


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """A query."""

    words: str
    """As `websearch_to_tsquery` reads them."""
    names: tuple[str, ...] = ()
    """Names of fields, without separators: letters and digits alone."""

    @property
    def is_plain(self) -> bool:
        """Whether these are words alone: then passages with any of them may stand in for those with all."""
        return _OPERATORS.search(self.words) is None


def search_terms(query: str) -> SearchTerms:
    """What a person asks for. NUL, which PostgreSQL does not take, is left out."""
    words = query.replace("\x00", " ")[:MAX_QUERY]
    return SearchTerms(words, tuple(query_names(words)))


def terms_of_names(names: Sequence[str]) -> SearchTerms:
    """What is asked for by names of fields, each in words of its own."""
    quoted = " or ".join('"' + re.sub(r'["\x00]', " ", name) + '"' for name in names if name.strip())
    return SearchTerms(quoted, tuple(dict.fromkeys(plain for name in names for plain in query_names(name))))
