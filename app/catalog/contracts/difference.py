"""How contracts, and versions of a contract's schema, differ. Pure; what breaks is decided in `catalog.drift`.

Contracts are compared by what they mean, not by how they are written: `24h` is `PT24H`, `int8` is `bigint`, and the
columns of a key and the values of a `one_of` have no order. The columns of a schema have one, which `select *` shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from app.catalog.contracts.definition import ContractDefinition, column_document
from app.catalog.tables.shape import ColumnChange, Difference, difference
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


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field of a contract, beside its columns, that says something else."""

    field: str
    """As a contract names it: `dedupe_window`."""
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class ContractDifference:
    """What one contract says otherwise than another."""

    fields: tuple[FieldChange, ...]
    columns: Difference[Column] | None
    """None when one of them leaves the columns to its first batch."""
    reordered: bool = False
    """Whether the columns that both have stand in another order."""

    @property
    def nothing(self) -> bool:
        """Whether the two mean the same."""
        columns = self.columns
        differ = columns is not None and bool(columns.added or columns.removed or columns.changed)
        return not self.fields and not differ and not self.reordered


def preceding(version: int) -> int:
    """The version to compare with when none is named: the one before, or version 1 itself."""
    return max(version - 1, 1)


def aspects(change: ColumnChange[Column]) -> tuple[Aspect, ...]:
    """What changed about the column."""
    return tuple(each for each in Aspect if getattr(change.before, each.value) != getattr(change.after, each.value))


def contract_difference(before: ContractDefinition, after: ContractDefinition) -> ContractDifference:
    """What `after` says otherwise than `before`, both under one table name."""
    meant, told = _meaning(before), _meaning(after)
    old, new = _said(before), _said(after)
    fields = [FieldChange(name, old[name], new[name]) for name in meant if meant[name] != told[name]]
    if before.columns is None or after.columns is None:
        if before.columns is not after.columns:
            fields.append(FieldChange("schema", _schema(before), _schema(after)))
        return ContractDifference(tuple(fields), None)
    columns = difference(before.columns, _ordered_like(before.columns, after.columns))
    old_names, new_names = [[column.name for column in each] for each in (before.columns, after.columns)]
    kept = [name for name in old_names if name in set(new_names)]
    reordered = kept != [name for name in new_names if name in set(old_names)]
    return ContractDifference(tuple(fields), columns, reordered)


def _said(definition: ContractDefinition) -> Mapping[str, Any]:
    """The fields beside the columns, as they are shown."""
    policy = definition.policy
    limits = {"rows": policy.max_rejected_rows, "share": policy.max_rejected_share}
    return {"endpoint": definition.endpoint, **definition.semantics.document()} | {
        "unknown_columns": policy.unknown_columns.value,
        "type_changes": policy.type_changes.value,
        "max_rejected": limits if any(limit is not None for limit in limits.values()) else None,
    }


def _meaning(definition: ContractDefinition) -> Mapping[str, Any]:
    """The same fields, so that equal ones mean the same."""
    semantics = definition.semantics
    return {
        **_said(definition),
        "idempotency_key": frozenset(semantics.idempotency_key),
        "dedupe_window": semantics.dedupe_window,
    }


def _schema(definition: ContractDefinition) -> list[dict[str, Any]] | None:
    return None if definition.columns is None else [column_document(column) for column in definition.columns]


def _ordered_like(before: Sequence[Column], after: Sequence[Column]) -> list[Column]:
    """The columns of `after`, each `one_of` in the order of `before` where it has the same values."""
    choices = {column.name: column.checks.one_of for column in before}
    found = []
    for column in after:
        old, new = choices.get(column.name), column.checks.one_of
        same = old is not None and new is not None and frozenset(old) == frozenset(new)
        found.append(replace(column, checks=replace(column.checks, one_of=old)) if same else column)
    return found
