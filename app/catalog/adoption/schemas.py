"""Requests and answers of adoption."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field

from app.catalog.adoption.patterns import AdoptionRefusal, RelationPattern, parse_pattern
from app.catalog.adoption.service import Adoption
from app.catalog.tables.schemas import DryRun
from app.kernel.schemas import Reason, StrictModel


def _pattern(text: str) -> str:
    parse_pattern(text)
    return text


class AdoptRequest(StrictModel):
    """Taking relations that exist already."""

    relations: list[Annotated[str, Field(min_length=3, max_length=127), AfterValidator(_pattern)]] = Field(
        min_length=1,
        max_length=100,
        description="`schema.relation`; `*` and `?` stand for any and for one character.",
        examples=[["sales.orders", "reference.*"]],
    )
    names: dict[str, str] = Field(
        default_factory=dict,
        max_length=1_000,
        description="Logical names for relations that are not to keep their own.",
        examples=[{"sales.orders": "sales_orders"}],
    )
    reason: Reason | None = None
    dry_run: DryRun = False

    @property
    def patterns(self) -> list[RelationPattern]:
        """What to look for."""
        return [parse_pattern(text) for text in self.relations]


class AdoptionDocument(BaseModel):
    """What became of one relation."""

    relation: str
    adopted: bool
    name: str | None
    table_id: UUID | None
    refusal: AdoptionRefusal | None = Field(description="Why it was not adopted.")
    grant: str | None = Field(description="SQL that the relation's owner can run, when that is what is missing.")


class AdoptionReport(BaseModel):
    """What became of every relation that was asked for."""

    dry_run: bool
    adopted: int
    refused: int
    relations: list[AdoptionDocument]


def adoption_report(adoptions: Sequence[Adoption], *, dry_run: bool) -> AdoptionReport:
    """What became of every relation."""
    documents = [
        AdoptionDocument(
            relation=adoption.relation,
            adopted=adoption.table_id is not None,
            name=adoption.name,
            table_id=adoption.table_id,
            refusal=adoption.refusal,
            grant=adoption.grant,
        )
        for adoption in adoptions
    ]
    return AdoptionReport(
        dry_run=dry_run,
        adopted=sum(document.adopted for document in documents),
        refused=sum(document.refusal is not None for document in documents),
        relations=documents,
    )
