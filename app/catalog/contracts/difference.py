"""How one version of a contract's schema differs from another. Pure; what breaks is decided in `tables.shape`."""

from dataclasses import dataclass
from enum import StrEnum

from app.catalog.tables.shape import ColumnChange, Difference
from app.warehouse.plan import Column


class Aspect(StrEnum):
    """What may change about a column."""

    TYPE = "type"
    NULLABLE = "nullable"
    CHECKS = "checks"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class SchemaDifference:
    """Two versions of one contract's schema, and what differs in their columns."""

    contract_id: str
    from_version: int
    to_version: int
    columns: Difference[Column]


def preceding(version: int) -> int:
    """The version to compare with when none is named: the one before, or version 1 itself."""
    return max(version - 1, 1)


def aspects(change: ColumnChange[Column]) -> tuple[Aspect, ...]:
    """What changed about the column."""
    return tuple(each for each in Aspect if getattr(change.before, each.value) != getattr(change.after, each.value))
