"""What a registration has come to, in words. Pure."""

from app.catalog.contracts.difference import ContractDifference
from app.catalog.contracts.record import Former, Registration

MAX_PARTS = 8
"""How many differences are named in words; all of them stand beside the words."""


def summary(registration: Registration) -> str:
    """What was done with the contract that was sent, and what its table is now."""
    contract = registration.contract
    if not registration.made:
        return (
            f"The same contract is registered already, as {contract.id}, and its table is {contract.state.value}: "
            "nothing was stored."
        )
    if registration.former is None:
        return f"{contract.id} is registered. Its table is in SHADOW until an admin promotes it."
    return _beside(contract.id, f"{contract.table_name}@{contract.version}", registration.former)


def _beside(contract_id: str, table: str, former: Former) -> str:
    old = former.contract
    return (
        f"{contract_id} is a further version with an empty table of its own; it {_differs(former.difference)} "
        f"{old.id}, whose table is {old.state.value} and stays as it is until an admin promotes {table}."
    )


def _differs(difference: ContractDifference) -> str:
    if difference.nothing:
        return "says the same as"
    parts = [change.field for change in difference.fields]
    if difference.columns is not None:
        columns = difference.columns
        parts += [f"the new column {column.name}" for column in columns.added]
        parts += [f"the missing column {column.name}" for column in columns.removed]
        parts += [f"the column {change.after.name}" for change in columns.changed]
    if difference.reordered:
        parts.append("the order of columns")
    more = len(parts) - MAX_PARTS
    shown = parts[:MAX_PARTS] + ([f"{more} more"] if more > 0 else [])
    listed = " and ".join([part for part in (", ".join(shown[:-1]), shown[-1]) if part])
    return f"differs in {listed} from"
