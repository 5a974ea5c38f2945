"""What is asked and what is found: questions about keys and pairs, and candidates of joins. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.warehouse.evidence.samples import JoinMeasure

DEFAULT_MIN_SCORE: Final = 0.5
"""Score from which a candidate is suggested: it is then likelier right than wrong."""


@dataclass(frozen=True, slots=True)
class KeyQuestion:
    """Whether the columns together are unique in the table, without nulls: to be counted."""

    table: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Columns of one table, and those of another (or the same) that they may equal, in the same order."""

    left_table: str
    left_columns: tuple[str, ...]
    right_table: str
    right_columns: tuple[str, ...]

    @property
    def turned(self) -> "Pair":
        """The same columns, the other way round."""
        return Pair(self.right_table, self.right_columns, self.left_table, self.left_columns)


UniqueAnswers = Mapping[KeyQuestion, bool]
"""Of questions that were answered, whether the columns are unique; a question without an answer counts as not."""

Measured = Mapping[Pair, JoinMeasure]
"""Of pairs that were measured, what they measured; it replaces whatever samples say."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A join that evidence speaks for. No reason and no warning holds a value of the data."""

    candidate_id: str
    """`customers__orders__customer_id`; with the right columns behind it where they are called otherwise."""
    left_table: str
    """The side that refers, with many rows for one of the right."""
    left_columns: tuple[str, ...]
    right_table: str
    """The side that is referred to."""
    right_columns: tuple[str, ...]
    measure: JoinMeasure
    score: float
    """From 0 to 1; at least `DEFAULT_MIN_SCORE` is suggested."""
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    declared: bool = False
    """Whether PostgreSQL keeps it as a foreign key."""

    @property
    def pair(self) -> Pair:
        """The two sides alone."""
        return Pair(self.left_table, self.left_columns, self.right_table, self.right_columns)

    @property
    def suggested(self) -> bool:
        """Whether the score reaches the default bound."""
        return self.score >= DEFAULT_MIN_SCORE
