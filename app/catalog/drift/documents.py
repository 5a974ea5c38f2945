"""A change as it is shown over HTTP, in reports of drift and in answers to imports."""

from typing import Any

from pydantic import BaseModel, Field

from app.catalog.drift.change import Change, ChangeKind, Severity


class DriftChange(BaseModel):
    """One change, with its verdict."""

    kind: ChangeKind = Field(description="What changed.", examples=["RENAME"])
    rule: str = Field(description="Rule that graded it.", examples=["column-renamed"])
    path: str = Field(description="JSON pointer into the schema.", examples=["/columns/mail"])
    column: str | None = Field(description="The column, by its old name where there is one.")
    old: Any = Field(description="Before.")
    new: Any = Field(description="After.")
    severity: Severity = Field(description="The worse of what it means for readers and for writers.")
    readers: Severity = Field(description="What it means for people who query.")
    writers: Severity = Field(description="What it means for those who send rows.")
    confidence: float | None = Field(description="Of an inferred rename, 0 to 1; null where nothing was guessed.")
    evidence: dict[str, Any] = Field(description="What the verdict rests on.")
    rows: int | None = Field(description="Rows that showed it; null where no rows were looked at.")
    suggestion: str = Field(description="The cheapest safe thing to do.")

    @staticmethod
    def of(change: Change) -> "DriftChange":
        """The change as it is shown."""
        return DriftChange(
            evidence=dict(change.evidence),
            **{name: getattr(change, name) for name in DriftChange.model_fields if name != "evidence"},
        )
