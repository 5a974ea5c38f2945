"""Which columns are indexed, and by which texts a value is found. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from app.catalog.joins.discovery.words import LABELS
from app.catalog.vocabulary.words import ColumnName
from app.query.language.reading.stems import normalized, stem
from app.query.language.vocabulary.model import FEW, Kind, kind_of

MOST_CHARACTERS: Final = 120
"""Of a value that is indexed: longer texts are prose, which no question quotes."""

MOST_VALUES: Final = 5_000
"""Distinct values up to which a column is indexed whatever it is called; an index of a table stays within megabytes."""

MOST_NAMES: Final = 50_000
"""Values of a column of names (`title`, `customer_name`) that are indexed: the most frequent ones of more."""

OF_STEMS: Final = 0.85
OF_A_WORD: Final = 0.6
"""Worth of a value that is found by its stems, or by one of its words."""

SHORTEST_WORD: Final = 3
"""Two letters are in everything."""


def indexable(columns: Sequence[ColumnName]) -> list[str]:
    """The columns whose values may be indexed: texts that are not private."""
    return [column.name for column in columns if not column.private and kind_of(column.type) is Kind.TEXT]


def most_values(column: str) -> int:
    """How many values of a column are indexed."""
    return MOST_NAMES if normalized(column.replace("_", " ")).split(" ")[-1] in LABELS else MOST_VALUES


def terms_of(value: str, *, few: bool) -> Iterator[tuple[str, float]]:
    """The texts by which a value is found, each with its worth; each text once, with the best.

    `few` says that the column is one of categories, of which the stems of a value mean it, too.
    """
    plain = normalized(value)
    if not plain:
        return
    words = plain.split()
    found = {plain: 1.0}
    if few:
        found.setdefault(" ".join(stem(word) for word in words), OF_STEMS)
    if len(words) > 1:
        for word in words:
            if len(word) >= SHORTEST_WORD:
                found.setdefault(word, OF_A_WORD)
    yield from found.items()


def is_few(distinct: int) -> bool:
    """Whether so many distinct values are those of categories."""
    return distinct <= FEW
