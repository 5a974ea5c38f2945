"""Answers of adoption."""

from collections.abc import Sequence

from app.catalog.adoption.schemas import AdoptionDocument, AdoptionReport
from app.catalog.adoption.service import Adoption


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
