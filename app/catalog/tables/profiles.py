"""What a profile looks like over HTTP."""

from uuid import UUID

from pydantic import BaseModel, Field

from app.catalog.tables.version import TableVersion
from app.warehouse.profile import Profile


class TopValueDocument(BaseModel):
    """A frequent value."""

    value: str = Field(description="As text, cut to 200 characters.")
    share: float = Field(description="Of the sampled rows, 0 to 1, in steps of 0.000001.")


class ColumnProfileDocument(BaseModel):
    """What the sample shows of one column."""

    name: str
    type: str
    nulls: float = Field(description="Share of the sampled rows, 0 to 1, in steps of 0.000001.")
    distinct: int = Field(description="Distinct values, estimated for the whole table; exact when `complete`.")
    minimum: str | None = Field(description="As text; null for types without an order, and without values.")
    maximum: str | None
    top_values: list[TopValueDocument] = Field(
        description="At most ten, the most frequent first; none that occur once."
    )
    sketch: list[str] | None = Field(
        description="The smallest 64-bit hashes of distinct values (bottom-k, k = 256), ascending; null unless asked "
        "for with `sketch`."
    )


class ProfileDocument(BaseModel):
    """What is in the columns of a table, from a bounded sample."""

    table_id: UUID
    name: str
    version: int
    rows: int = Field(description="Estimated; exact when `complete`.")
    sampled: int = Field(description="Rows that were looked at.")
    complete: bool = Field(description="All rows were looked at.")
    columns: list[ColumnProfileDocument]


def profile_document(version: TableVersion, profile: Profile, *, sketch: bool) -> ProfileDocument:
    """The profile of a version. Sketches are kilobytes for each column, so they are shown to who asks for them."""
    columns = [ColumnProfileDocument.model_validate(column, from_attributes=True) for column in profile.columns]
    return ProfileDocument(
        table_id=version.id,
        name=version.name,
        version=version.version,
        rows=profile.rows,
        sampled=profile.sampled,
        complete=profile.complete,
        columns=columns if sketch else [column.model_copy(update={"sketch": None}) for column in columns],
    )
