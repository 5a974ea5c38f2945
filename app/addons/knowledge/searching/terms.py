"""What is asked for in a search: words, and names of fields in them. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.addons.knowledge.reading.field_names import all_names, without_separators

MAX_QUERY: Final = 500
"""Characters of a query."""
MAX_TERMS: Final = 4_000
"""Characters of many names together."""
_OPERATORS: Final = re.compile(r'"|(?:^|\s)-\S|(?:^|\s)or(?:\s|$)', re.IGNORECASE)
"""What `websearch_to_tsquery` reads as more than words (manual 12.3.2)."""


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """A query, in the syntax of `websearch_to_tsquery`."""

    words: str
    """As it was asked."""
    plain: str
    """With each name of several parts as one word, as `defined_names` and `mentioned_names` of passages have it."""

    @property
    def is_plain(self) -> bool:
        """Whether these are words alone: then passages with any of them may stand in for those with all."""
        return _OPERATORS.search(self.words) is None

    @property
    def names(self) -> frozenset[str]:
        """Every word and name that is asked for, without separators."""
        return frozenset(all_names(self.words))


def search_terms(query: str) -> SearchTerms:
    """What a person asks for. NUL, which PostgreSQL does not take, is left out."""
    words = query.replace("\x00", " ")[:MAX_QUERY]
    return SearchTerms(words, without_separators(words))


def terms_of_names(names: Sequence[str]) -> SearchTerms:
    """Passages that have all the words of any of the names; operators within names mean nothing."""
    words = (" ".join(part for part in re.split(r'[\s"\x00]+', name) if part.lower() != "or") for name in names)
    joined = " or ".join(each for each in (re.sub(r"(^|\s)-+", r"\1", word).strip() for word in words) if each)
    if len(joined) > MAX_TERMS:
        joined = joined[:MAX_TERMS].rpartition(" or ")[0]
    return SearchTerms(joined, without_separators(joined))
