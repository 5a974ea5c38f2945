"""Requests and answers of corrections."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, field_validator, model_validator

from app.catalog.glossary.term_columns import term_parts
from app.catalog.glossary.terms import Meaning, Term
from app.kernel.schemas import Reason, StrictModel
from app.query.corrections.corrections import CorrectionState
from app.query.corrections.models import QueryCorrectionRow
from app.query.corrections.sentences import EXAMPLE, term_and_meaning

MOST_CORRECTIONS: Final = 10
"""Of one preview at once."""

MIN_TERM, MAX_TERM = 2, 80
"""Characters of a term, as in the glossary."""

TermText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=MIN_TERM, max_length=MAX_TERM)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=63)]
_TERM: Final = Field(description="Words of the question, as they stand there.", examples=["revenue"])


class WordsCorrection(StrictModel):
    """A sentence that says what is meant by words of the question."""

    kind: Literal["words"]
    words: Annotated[str, StringConstraints(strip_whitespace=True, min_length=5, max_length=400)] = Field(
        description="Which words mean what.", examples=[EXAMPLE]
    )

    @field_validator("words")
    @classmethod
    def _says_what_is_meant(cls, words: str) -> str:
        found = term_and_meaning(words)
        if found is None or not MIN_TERM <= len(found[0]) <= MAX_TERM:
            raise ValueError(f"say which words of the question mean what, such as `{EXAMPLE}`")
        return words

    def corrected(self) -> Term:
        """The term."""
        term, meant = term_and_meaning(self.words) or ("", "")
        return Term(term, Meaning.EXPRESSION, expression=meant)


class TableCorrection(StrictModel):
    """Words of the question mean a table."""

    kind: Literal["table"]
    term: TermText = _TERM
    table: Name = Field(description="Logical name.")

    def corrected(self) -> Term:
        """The term."""
        return Term(self.term, Meaning.TABLE, table=self.table)


class ColumnCorrection(StrictModel):
    """Words of the question mean a column."""

    kind: Literal["column"]
    term: TermText = _TERM
    table: Name = Field(description="Logical name.")
    column: Name = Field(description="Column of the table.")

    def corrected(self) -> Term:
        """The term."""
        return Term(self.term, Meaning.COLUMN, table=self.table, column=self.column)


class ValueCorrection(StrictModel):
    """Words of the question mean rows in which a column has a value."""

    kind: Literal["value"]
    term: TermText = _TERM
    table: Name = Field(description="Logical name.")
    column: Name = Field(description="Column of the table.")
    value: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(description="The value, as text.")

    def corrected(self) -> Term:
        """The term."""
        return Term(self.term, Meaning.VALUE, table=self.table, column=self.column, value=self.value)


class Aggregate(StrEnum):
    """What is made of the values of a column."""

    SUM = "sum"
    AVERAGE = "avg"
    MEDIAN = "median"
    LOWEST = "min"
    HIGHEST = "max"
    DIFFERENT = "count_distinct"


_SAID: Final = {
    Aggregate.SUM: "sum", Aggregate.AVERAGE: "average", Aggregate.MEDIAN: "median", Aggregate.LOWEST: "minimum",
    Aggregate.HIGHEST: "maximum", Aggregate.DIFFERENT: "number of different",
}  # fmt: skip


class AggregateCorrection(StrictModel):
    """Words of the question mean an aggregate of a column."""

    kind: Literal["aggregate"]
    term: TermText = _TERM
    aggregate: Aggregate = Field(description="What is made of the values.")
    table: Name = Field(description="Logical name.")
    column: Name = Field(description="Column of the table.")

    def corrected(self) -> Term:
        """The term, whose expression says the aggregate in words."""
        expression = f"{_SAID[self.aggregate]} {self.table}.{self.column}"
        return Term(self.term, Meaning.EXPRESSION, expression=expression)


class JoinCorrection(StrictModel):
    """The accepted join to take where several lead between the same tables."""

    kind: Literal["join"]
    join_id: Annotated[str, StringConstraints(min_length=1, max_length=512)] = Field(description="An accepted join.")

    def corrected(self) -> Term:
        """The term: the join itself, since its tables stand for it in every question."""
        return Term(self.join_id, Meaning.JOIN, join_id=self.join_id)


class SqlCorrection(StrictModel):
    """The statement that answers the question as a whole."""

    kind: Literal["sql"]
    sql: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] = Field(
        description="One SELECT over logical table names.", examples=["SELECT sum(amount) FROM orders"]
    )


QueryCorrection = Annotated[
    WordsCorrection
    | TableCorrection
    | ColumnCorrection
    | ValueCorrection
    | AggregateCorrection
    | JoinCorrection
    | SqlCorrection,
    Field(discriminator="kind"),
]


class CorrectRequest(StrictModel):
    """What a question meant: the one of a preview, or one that was refused."""

    preview_id: UUID | None = Field(
        None, description="Of a preview of a question, of the caller's own; also one that was used."
    )
    question: Annotated[str, StringConstraints(min_length=1, max_length=2_000)] | None = Field(
        None, description="A question of which there is no preview, as it was refused.", examples=[None]
    )
    corrections: list[QueryCorrection] = Field(
        min_length=1,
        max_length=MOST_CORRECTIONS,
        description="What words meant, or the statement that was meant; a statement stands alone.",
        examples=[[{"kind": "words", "words": EXAMPLE}]],
    )

    @model_validator(mode="after")
    def _one_of(self) -> "CorrectRequest":
        if (self.preview_id is None) == (self.question is None):
            raise ValueError("give either `preview_id` or `question`, not both and not neither")
        return self


class CorrectionDecisionRequest(StrictModel):
    """Why something is decided about a correction."""

    reason: Reason | None = Field(None, description="Kept with the correction.", examples=["As finance counts."])


class CorrectionDocument(BaseModel):
    """What somebody said that a question meant, and what has become of it."""

    id: UUID
    state: CorrectionState = Field(
        description="proposed: its author's questions alone are read by it; accepted: everybody's."
    )
    question: str = Field(description="As it was asked.")
    said: str | None = Field(description="The sentence that it was made of.")
    term: str = Field(description="The words; of a statement the whole question.")
    meaning: Meaning
    table: str | None
    column: str | None
    value: str | None
    expression: str | None
    join_id: str | None
    sql: str | None
    note: str | None
    sql_before: str | None = Field(description="The statement that was corrected; null of a question that was refused.")
    sql_after: str = Field(description="The statement with the correction.")
    preview_id: UUID | None = Field(description="The preview that was corrected; null when it is removed.")
    author: str
    created_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    glossary_entry_id: UUID | None = Field(description="The term of the glossary that it became.")


def correction_document(row: QueryCorrectionRow, *, private: bool = False) -> CorrectionDocument:
    """The correction as it is shown; without its value where that is private by now."""
    return CorrectionDocument(
        **term_parts(row) | {"value": None if private else row.value},
        id=row.id,
        state=CorrectionState(row.state),
        question=row.question,
        said=row.said,
        sql_before=row.sql_before,
        sql_after=row.sql_after,
        preview_id=row.preview_id,
        author=row.author_label,
        created_at=row.created_at,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
        glossary_entry_id=row.entry_id,
    )
