"""What an imported contract changes of the one there is, with verdicts: the one place where an import is compared."""

from app.catalog.contracts.compared import compared_schema
from app.catalog.contracts.definition import ContractDefinition
from app.catalog.drift.change import Change
from app.catalog.drift.classify import classify
from app.catalog.drift.renames import infer


def drift_of(before: ContractDefinition | None, after: ContractDefinition) -> tuple[Change, ...]:
    """The changes that lead from the one contract to the other; none while one of them has no columns.

    Args:
        before: the contract that the table's name stands for; None when there is none.
        after: what the document says.
    """
    if before is None or before.columns is None or after.columns is None:
        return ()
    old = compared_schema(before.columns, before.semantics)
    new = compared_schema(after.columns, after.semantics)
    pairing = infer(old.fields, new.fields)
    return classify(old, new, renames=pairing.renames, hints=pairing.hints)
