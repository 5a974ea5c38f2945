"""A contract's columns and semantics as drift compares them. Pure."""

from collections.abc import Sequence

from app.catalog.contracts.definition import Semantics, column_document
from app.catalog.drift.classify import of_columns
from app.catalog.drift.schema import TableSchema
from app.warehouse.plan import Column


def compared_schema(columns: Sequence[Column], semantics: Semantics | None) -> TableSchema:
    """The schema with these columns; without semantics when these are not to be compared."""
    documents = [column_document(column) for column in columns]
    if semantics is None:
        return of_columns(documents)
    window = {"dedupe_window_seconds": semantics.dedupe_window.total_seconds()}
    return of_columns(documents, semantics.document() | window)
