"""What an imported contract changes of the one there is, with verdicts: the one place where an import is compared."""

from app.catalog.contracts.definition import ContractDefinition, column_document
from app.catalog.drift.change import Change
from app.catalog.drift.classify import classify, of_columns
from app.catalog.drift.renames import infer
from app.catalog.drift.schema import TableSchema


def drift_of(before: ContractDefinition | None, after: ContractDefinition) -> tuple[Change, ...]:
    """The changes that lead from the one contract to the other; none while one of them has no columns.

    Args:
        before: the contract that the table's name stands for; None when there is none.
        after: what the document says.
    """
    if before is None or before.columns is None or after.columns is None:
        return ()
    old, new = _schema(before), _schema(after)
    pairing = infer(old.fields, new.fields)
    return classify(old, new, renames=pairing.renames, hints=pairing.hints)


def _schema(contract: ContractDefinition) -> TableSchema:
    window = {"dedupe_window_seconds": contract.semantics.dedupe_window.total_seconds()}
    documents = [column_document(column) for column in contract.columns or ()]
    return of_columns(documents, contract.semantics.document() | window)
