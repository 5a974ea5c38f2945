"""What a change of a contract looks like over HTTP."""

from typing import Annotated, Any

from pydantic import Field, field_validator

from app.catalog.contracts.column_words import MAX_DESCRIPTION
from app.catalog.contracts.definition import ChangePolicy
from app.catalog.contracts.schemas import ColumnWordsDocument, MaxRejectedDocument, OwnerDocument, StrictDocument


class ContractChange(StrictDocument):
    """What is to be different about a contract; what is left out stays. Its columns and semantics change by drift."""

    description: str | None = Field(
        None, max_length=MAX_DESCRIPTION, description="What the data is; null for nothing.", examples=["Members."]
    )
    owner: str | None = Field(
        None, min_length=1, max_length=128, description="Username of who answers for it from now on.", examples=["ada"]
    )
    unknown_columns: Annotated[ChangePolicy | None, Field(strict=False)] = Field(
        None, description="What becomes of rows with a column that the schema does not know.", examples=["evolve"]
    )
    type_changes: Annotated[ChangePolicy | None, Field(strict=False)] = Field(
        None, description="What becomes of rows with a value of another type.", examples=["quarantine_row"]
    )
    max_rejected: MaxRejectedDocument | None = Field(
        None, description="How much may be rejected; null for any.", examples=[{"rows": 100, "share": 0.05}]
    )
    columns: dict[str, ColumnWordsDocument] = Field(
        default_factory=dict,
        description="By column: all that is said about it. What is left out of a column's words is said no more.",
        examples=[{"amount": {"description": "In euros, without tax.", "labels": ["revenue"], "sensitivity": "none"}}],
    )

    @field_validator("owner", mode="before")
    @classmethod
    def _as_answered(cls, owner: Any) -> Any:
        """An owner as contracts show it, `{"id": …, "label": "ada"}`, is the user of that name."""
        shown = isinstance(owner, dict) and owner.keys() == OwnerDocument.model_fields.keys()
        return owner["label"] if shown else owner
