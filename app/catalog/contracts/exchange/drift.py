"""What an imported contract says otherwise than the one there is: the one place where an import is compared. Pure.

Verdicts of `app/catalog/drift` on the two belong here, in place of bare names.
"""

from app.catalog.contracts.definition import ContractDefinition
from app.catalog.contracts.difference import contract_difference


def drift_of(before: ContractDefinition | None, after: ContractDefinition) -> list[str]:
    """JSON pointers of what differs, as a contract is registered: `/dedupe_window`, `/schema/columns/amount`.

    Args:
        before: the contract that the table's name stands for; None when there is none.
        after: what the document says.
    """
    if before is None:
        return []
    found = contract_difference(before, after)
    places = [f"/{change.field}" for change in found.fields]
    columns = found.columns
    if columns is not None:
        names = [column.name for column in (*columns.added, *columns.removed)]
        places += [f"/schema/columns/{name}" for name in (*names, *(change.after.name for change in columns.changed))]
    return places + (["/schema/columns"] if found.reordered else [])
