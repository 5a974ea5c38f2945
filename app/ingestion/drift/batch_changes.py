"""What the rows of a batch say about the schema of their contract, as changes with verdicts. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.catalog.contracts.compared import compared_schema
from app.catalog.contracts.record import IngestionContract
from app.catalog.drift.change import Change, ChangeKind, Severity
from app.catalog.drift.classify import classify
from app.catalog.drift.renames import Pairing, infer
from app.catalog.drift.schema import SchemaField, TableSchema, ValueProfile
from app.catalog.drift_reports.reports import Finding
from app.catalog.drift_reports.restating import AS_TEXT
from app.ingestion.rows.observations import Observed

SHARE_OF_MISFITS = 0.1
"""Share of a batch's rows from which values of another family are drift and not a few faulty rows.

A single mistyped value in a large batch says nothing of the schema; whoever changes a column's type sends all of its
values so. One value that is merely too large for its type is evidence enough, and always reported.
"""


def batch_changes(
    contract: IngestionContract, observed: Observed, stored: Mapping[str, ValueProfile] | None = None
) -> list[Change]:
    """The changes that the rows suggest, each with the number of rows that showed it.

    Args:
        contract: whose schema it is; it has columns.
        observed: what decoding saw.
        stored: what is known of the stored values of columns that no row brings, for telling renames. Without it no
            column is taken for another one: names alone do not tell `address_1` and `address_2` apart.
    """
    if observed.nothing or contract.columns is None:
        return []
    old = _declared(contract, stored or {})
    new = _schema_of_rows(contract, observed)
    pairing = infer(old.fields, new.fields) if stored is not None else Pairing((), ())
    found = classify(old, new, renames=pairing.renames, hints=pairing.hints, as_batch=True)
    found += classify(*_types_that_do_not_fit(old, observed))
    return [counted for change in found if (counted := _counted(change, observed)) is not None]


def findings(changes: Sequence[Change]) -> list[Finding]:
    """The changes as findings of their own: each is decided by itself, and known whatever others come with it."""
    return [Finding((change,), change.rows or 0) for change in changes]


def _declared(contract: IngestionContract, stored: Mapping[str, ValueProfile]) -> TableSchema:
    """The contract's schema, by the names of its columns: what decoding saw is told by these, wherever it is read."""
    assert contract.columns is not None
    columns = [replace(column, source=None) for column in contract.columns]
    schema = compared_schema(columns, contract.contract.semantics)
    fields = tuple(replace(field, values=stored.get(field.name)) for field in schema.fields)
    return replace(schema, fields=fields)


def _schema_of_rows(contract: IngestionContract, observed: Observed) -> TableSchema:
    """The fields that the rows have: declared columns with their types, and unknown ones with those of their values."""
    assert contract.columns is not None
    gone = {name for name, rows in observed.absent.items() if rows == observed.rows}  # required ones as well
    fields = {
        column.name: SchemaField(column.name, column.type.sql, column.nullable)
        for column in contract.columns
        if column.name not in gone
    }
    for name, seen in observed.unknown.items():
        inferred = observed.inferred_type(name)
        fields.setdefault(name, SchemaField(name, inferred.sql if inferred else None, values=seen.values))
    return TableSchema(tuple(fields.values()))


def _types_that_do_not_fit(declared: TableSchema, observed: Observed) -> tuple[TableSchema, TableSchema]:
    """The columns with values that do not fit: as they are declared, and as they had to be to hold these as well."""
    old = [field for field in declared.fields if field.name in observed.misfits]
    wider = [(field, observed.inferred_type(field.name)) for field in old]
    new = [replace(field, type=found.sql) if found is not None else field for field, found in wider]
    return TableSchema(tuple(old)), TableSchema(tuple(new))


def _counted(change: Change, observed: Observed) -> Change | None:
    """The change with the rows that showed it; None for too few rows to say something of the schema."""
    name = change.column or ""
    if change.kind is ChangeKind.ADD:
        seen = observed.unknown.get(name)
        if seen is None:
            return replace(change, rows=None)
        evidence = {**change.evidence, AS_TEXT: True} if seen.textual else change.evidence
        return replace(change, rows=seen.rows, evidence=evidence)
    if change.kind is ChangeKind.TYPE_CHANGE:
        seen = observed.misfits.get(name)
        rows = seen.rows if seen else 0
        if change.severity is Severity.BREAKING and rows < SHARE_OF_MISFITS * observed.rows:
            return None
        return replace(change, rows=rows)
    return replace(change, rows=observed.rows)
