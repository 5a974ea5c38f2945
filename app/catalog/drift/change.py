"""A change between two schemas, with its verdict: the words that all of drift speaks. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ChangeKind(StrEnum):
    """What changed."""

    ADD = "ADD"
    REMOVE = "REMOVE"
    RENAME = "RENAME"
    TYPE_CHANGE = "TYPE_CHANGE"
    NULLABILITY = "NULLABILITY"
    DEFAULT = "DEFAULT"
    REORDER = "REORDER"
    CONSTRAINT = "CONSTRAINT"
    """A check of a column: its pattern, bounds, listed values, uniqueness."""
    KEY = "KEY"
    SEMANTICS = "SEMANTICS"
    """One of the ingestion semantics beside the key."""
    DESCRIPTION = "DESCRIPTION"
    """Words about a column, its tags or how sensitive its values are."""


class Severity(StrEnum):
    """What a change means for whoever relies on the old schema; the same labels in metrics, alerts and events."""

    COMPATIBLE = "COMPATIBLE"
    """Nothing that worked stops working or means something else."""
    WARNING = "WARNING"
    """Some of what worked should be looked at."""
    BREAKING = "BREAKING"
    """Something that worked fails, or means something else."""

    @property
    def rank(self) -> int:
        """From 0, the worse the higher."""
        return tuple(Severity).index(self)


def worst(severities: Iterable[Severity]) -> Severity:
    """The worst of the severities; COMPATIBLE when there is none."""
    return max(severities, key=lambda severity: severity.rank, default=Severity.COMPATIBLE)


@dataclass(frozen=True, slots=True)
class Change:
    """A change, the rule that grades it, and what to do about it. `old` and `new` are JSON values."""

    kind: ChangeKind
    rule: str
    """Id of the rule in `policy.py`: `column-removed`."""
    path: str
    """JSON pointer into the schema: `/columns/amount`, `/columns/amount/type`, `/ingestion_semantics/mode`."""
    old: Any
    new: Any
    readers: Severity
    """For people who query by SQL."""
    writers: Severity
    """For those who send rows under the contract."""
    suggestion: str
    """The cheapest safe thing to do, in a sentence."""
    column: str | None = None
    """The column, by its old name where there is one; None for what is no column's."""
    confidence: float | None = None
    """Of a rename that was inferred, between 0 and 1; None where nothing was guessed."""
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """What the verdict rests on, as JSON values: overlap of values, null ratios, names."""
    rows: int | None = None
    """Rows that it was seen in; None where no rows were looked at."""

    @property
    def severity(self) -> Severity:
        """The worse of what it means for readers and for writers."""
        return worst((self.readers, self.writers))

    @property
    def identity(self) -> tuple[str, str, str | None, str]:
        """What makes two findings the same change, however often it is seen: kind, path, and what it leads to."""
        return (self.kind.value, self.path, self.column, repr(self.new))
