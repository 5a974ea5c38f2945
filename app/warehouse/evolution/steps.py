"""What must be done to a relation that holds rows so that it is as another plan says, or that it cannot be. Pure.

Only what leaves every stored row valid and every stored value what it is can be done in place: a column that may be
empty, a wider type, a column that may be empty by now. Everything else needs a relation of its own, that is a new
version of the contract. The order of columns is no matter: everything finds them by name.

What a change means for readers and writers, and so who has to agree: `app/catalog/drift/policy.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from app.kernel.problems import Conflict
from app.warehouse.evolution.types import changes_hash, holds_all_of, rewrites_table
from app.warehouse.plan import Column, RelationPlan
from app.warehouse.types import ColumnType


class NeedsNewVersion(Conflict):
    """The relation cannot be changed in place so that it is as the contract says; `reasons` lists every one."""

    code, title = "needs-new-version", "The change needs a new version of the contract"

    def __init__(self, reasons: tuple[str, ...]) -> None:
        self.reasons = reasons
        super().__init__("; ".join(reasons), reasons=list(reasons))


@dataclass(frozen=True, slots=True)
class AddColumn:
    """The relation gets a column, empty in every stored row."""

    column: Column


@dataclass(frozen=True, slots=True)
class Widen:
    """The column gets a type that holds every value of its old one."""

    name: str
    old: ColumnType
    new: ColumnType


@dataclass(frozen=True, slots=True)
class DropNotNull:
    """The column may be empty."""

    name: str


@dataclass(frozen=True, slots=True)
class DropColumn:
    """The column goes, and its values: the inverse of `AddColumn`."""

    name: str


@dataclass(frozen=True, slots=True)
class Narrow:
    """The column gets its former type again: the inverse of `Widen`."""

    name: str
    old: ColumnType
    """The wide type."""
    new: ColumnType


@dataclass(frozen=True, slots=True)
class SetNotNull:
    """The column may not be empty: the inverse of `DropNotNull`."""

    name: str


EvolutionStep: TypeAlias = AddColumn | Widen | DropNotNull
UndoStep: TypeAlias = DropColumn | Narrow | SetNotNull


def steps(before: RelationPlan, after: RelationPlan) -> tuple[EvolutionStep, ...]:
    """The steps from one plan of a relation to another, in the order of the other's columns; none when none is needed.

    The dedupe window, sources and checks of values ask nothing of the relation, so they may differ.

    Raises:
        NeedsNewVersion: what differs cannot be had in place; every reason is listed.
    """
    reasons = (*_semantics(before, after), *_columns(before, after))
    if reasons:
        raise NeedsNewVersion(reasons)
    return tuple(_steps(before, after))


def undo_steps(before: RelationPlan, after: RelationPlan) -> tuple[UndoStep, ...]:
    """The steps back from `after` to `before`: the inverse of `steps(before, after)`, the last one first.

    Raises:
        NeedsNewVersion: there is no way from `before` to `after` either.
    """
    return tuple(_inverse(step) for step in reversed(steps(before, after)))


def rewrites(step: EvolutionStep | UndoStep) -> bool:
    """Whether every stored row has to be written anew: by PostgreSQL's rules, or because its content hash changes."""
    if isinstance(step, Widen | Narrow):
        return rewrites_table(step.new, step.old) or changes_hash(step.new, step.old)
    return False


def reads_all_rows(step: EvolutionStep | UndoStep) -> bool:
    """Whether the step takes the longer the more rows are stored, while nobody can read: a rewrite, or an index."""
    return rewrites(step) or (isinstance(step, AddColumn) and step.column.checks.unique)


def _semantics(before: RelationPlan, after: RelationPlan) -> Iterator[str]:
    """Reasons outside the columns."""
    if before.relation != after.relation:
        yield f"{before.relation} and {after.relation} are two relations"
    if set(before.key) != set(after.key):
        yield "the idempotency key is another"
    if before.event_time != after.event_time:
        yield "the event time is another column"
    if before.processing_time != after.processing_time:
        yield "the processing time is another column"
    if before.mode is not after.mode:
        yield f"the mode changes from {before.mode} to {after.mode}"
    if before.resolution is not after.resolution:
        yield f"the conflict resolution changes from {before.resolution} to {after.resolution}"


def _columns(before: RelationPlan, after: RelationPlan) -> Iterator[str]:
    """Reasons within the columns."""
    old, new = ({column.name: column for column in plan.columns} for plan in (before, after))
    yield from (f"column {name} is gone" for name in old if name not in new)
    for name, column in new.items():
        if name not in old:
            if name in after.required:
                yield f"column {name} is new and may not be empty, but stored rows have no value for it"
            continue
        if old[name].type != column.type:
            yield from _type(before, old[name], column)
        if name in after.required and name not in before.required:
            yield f"column {name} may not be empty any more"
        if old[name].checks.unique != column.checks.unique:
            yield f"column {name} {'becomes unique' if column.checks.unique else 'is not unique any more'}"


def _type(plan: RelationPlan, old: Column, new: Column) -> Iterator[str]:
    change = f"column {old.name} changes from {old.type} to {new.type}"
    if not holds_all_of(new.type, old.type):
        yield f"{change}, which cannot hold every value of it"
    elif old.name in {*plan.key, *plan.times} and rewrites_table(new.type, old.type):
        yield f"{change}, and rows are told apart by it"


def _steps(before: RelationPlan, after: RelationPlan) -> Iterator[EvolutionStep]:
    old = {column.name: column for column in before.columns}
    for column in after.columns:
        if column.name not in old:
            yield AddColumn(column)
            continue
        if old[column.name].type != column.type:
            yield Widen(column.name, old[column.name].type, column.type)
        if column.name in before.required and column.name not in after.required:
            yield DropNotNull(column.name)


def _inverse(step: EvolutionStep) -> UndoStep:
    match step:
        case AddColumn(column):
            return DropColumn(column.name)
        case Widen(name, old, new):
            return Narrow(name, new, old)
        case DropNotNull(name):
            return SetNotNull(name)
