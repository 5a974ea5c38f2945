"""What people say about a column, and whether its values may be shown. Pure.

Words belong to the contract and to no version of its schema: they change without the columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

MAX_DESCRIPTION = 4_000
MAX_LABEL = 128
MAX_LABELS = 32


class Sensitivity(StrEnum):
    """Whether the values of a column may be indexed, shown in explanations, or logged."""

    NONE = "none"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class ColumnWords:
    """The words about a column."""

    description: str | None = None
    labels: tuple[str, ...] = ()
    """Other names that people use for it."""
    sensitivity: Sensitivity = Sensitivity.NONE

    def document(self) -> dict[str, Any]:
        """The words as they are kept and shown."""
        return {"description": self.description, "labels": list(self.labels), "sensitivity": self.sensitivity.value}

    def said(self) -> dict[str, Any]:
        """The words without those that say nothing."""
        nothing = ColumnWords().document()
        return {name: value for name, value in self.document().items() if value != nothing[name]}


Words = Mapping[str, ColumnWords]
"""By the name of the column; columns of which nothing is said are left out."""


def words_of(documents: Mapping[str, Any]) -> dict[str, ColumnWords]:
    """The words that `ColumnWords.document` wrote, by column."""
    return {
        name: ColumnWords(
            each.get("description"),
            tuple(each.get("labels") or ()),
            Sensitivity(each.get("sensitivity") or Sensitivity.NONE),
        )
        for name, each in documents.items()
    }


def private_columns(words: Words) -> frozenset[str]:
    """The columns whose values are not shown, kept apart from their table, or logged."""
    return frozenset(name for name, each in words.items() if each.sensitivity is Sensitivity.PRIVATE)


def word_documents(words: Words) -> dict[str, dict[str, Any]]:
    """The words as they are kept, without columns of which nothing is said."""
    return {name: each.document() for name, each in words.items() if each != ColumnWords()}
