"""What the glossary looks like over HTTP."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from app.catalog.glossary.entries import GlossaryEntry
from app.catalog.glossary.terms import Meaning, Term
from app.kernel.schemas import Reason, StrictModel

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class GlossaryEntryRequest(StrictModel):
    """What is meant by a term."""

    term: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=80)] = Field(
        description="As people say it; whatever it meant before is revoked.", examples=["revenue"]
    )
    meaning: Literal["table", "column", "value", "expression", "join"] = Field(
        description="What the term stands for; it says which of the other fields are given."
    )
    table: Annotated[str, StringConstraints(max_length=63)] | None = Field(None, description="Logical name.")
    column: Annotated[str, StringConstraints(max_length=63)] | None = Field(None, description="Column of the table.")
    value: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="Value of the column, as text."
    )
    expression: Words | None = Field(
        None, description="Other words that can be read.", examples=["total amount of paid orders"]
    )
    join_id: Annotated[str, StringConstraints(max_length=512)] | None = Field(None, description="An accepted join.")
    note: Reason | None = Field(None, description="Why.")

    def entry(self) -> Term:
        """The entry that is asked for."""
        return Term(**self.model_dump(exclude={"meaning"}), meaning=Meaning(self.meaning))


class GlossaryEntryDocument(BaseModel):
    """What is meant by a term."""

    id: UUID
    term: str
    version: int = Field(description="Counts the meanings of the term from 1.")
    meaning: Meaning
    table: str | None
    column: str | None
    value: str | None = Field(description="Null also of a column whose values are private by now.")
    expression: str | None
    join_id: str | None
    sql: str | None = Field(description="Of a whole question: the statement that was accepted for it.")
    note: str | None
    created_at: datetime
    created_by: str
    revoked_at: datetime | None = Field(description="Null while it is in force.")
    revoked_by: str | None


def entry_document(entry: GlossaryEntry) -> GlossaryEntryDocument:
    """The entry as it is shown."""
    return GlossaryEntryDocument.model_validate(entry, from_attributes=True)
