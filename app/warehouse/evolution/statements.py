# ruff: noqa: S608 - the statements are made of validated plans; every identifier goes through `quote`
"""The statements that change a governed relation and its before-images. Pure: steps and plans in, SQL text out."""

from collections.abc import Sequence

from app.warehouse.evolution.steps import (
    AddColumn,
    DropColumn,
    DropNotNull,
    EvolutionStep,
    Narrow,
    SetNotNull,
    UndoStep,
    Widen,
)
from app.warehouse.evolution.types import fits
from app.warehouse.layout import HASH, IMAGE_BY, IMAGE_OP, content_hash, hidden_columns
from app.warehouse.naming import RelationName, own, quote, quote_all
from app.warehouse.plan import RelationPlan

_STORED = own("stored")


def lock(plan: RelationPlan) -> str:
    """Takes both relations for this transaction alone: the images first, for which no reader waits."""
    return f"LOCK TABLE {plan.before.sql}, {plan.relation.sql} IN ACCESS EXCLUSIVE MODE"


def table_bytes(plan: RelationPlan) -> str:
    """A single value: the bytes of both relations without their indexes."""
    sizes = " + ".join(f"pg_table_size('{name.sql}'::regclass)" for name in _both(plan))
    return f"SELECT {sizes}"


def count_rows(plan: RelationPlan) -> str:
    """A single value: the rows of both relations."""
    counts = " + ".join(f"(SELECT count(*) FROM {name.sql})" for name in _both(plan))
    return f"SELECT {counts}"


def alter(relation: RelationName, steps: Sequence[EvolutionStep | UndoStep], *, validate: bool = True) -> str:
    """Makes the steps' changes, of the relation or of its images.

    Without `validate` rows are not read for NOT NULL: for callers who know that no column has one. The constraint then
    says of itself that it was not validated, and holds for every row that is written.
    """
    return f"ALTER TABLE {relation.sql} " + ", ".join(_action(step, validate=validate) for step in steps)


def _action(step: EvolutionStep | UndoStep, *, validate: bool) -> str:
    match step:
        case AddColumn(column):
            return f"ADD COLUMN {quote(column.name)} {column.type.sql}"
        case DropColumn(name):
            return f"DROP COLUMN {quote(name)}"
        case Widen(name, _, new) | Narrow(name, _, new):
            return f"ALTER COLUMN {quote(name)} TYPE {new.sql}"
        case DropNotNull(name):
            return f"ALTER COLUMN {quote(name)} DROP NOT NULL"
        case SetNotNull(name):
            return f"ALTER COLUMN {quote(name)} SET NOT NULL" if validate else f"ADD NOT NULL {quote(name)} NOT VALID"


def copied_columns(plan: RelationPlan, relation: RelationName) -> tuple[str, ...]:
    """All columns of the relation, or of the plan's images, as `converted_rows` answers them."""
    image = (IMAGE_BY, IMAGE_OP) if relation == plan.before else ()
    return (*image, *(column.name for column in plan.columns), *hidden_columns(plan))


def converted_rows(old: RelationPlan, new: RelationPlan, relation: RelationName) -> str:
    """The rows of the relation, or of its images, as the new plan has them: types, columns, content hash."""
    names = copied_columns(new, relation)
    kept = {column.name for column in old.columns}
    converted = ", ".join(
        f"{quote(column.name) if column.name in kept else 'NULL'}::{column.type.sql} AS {quote(column.name)}"
        for column in new.columns
    )
    visible = {column.name for column in new.columns}
    hidden = quote_all(tuple(name for name in names if name not in visible))
    values = ", ".join(content_hash(new) if name == HASH else quote(name) for name in names)
    return f"SELECT {values} FROM (SELECT {converted}, {hidden} FROM {relation.sql}) {_STORED}"


def hash_without(new: RelationPlan, relation: RelationName, columns: Sequence[str]) -> str:
    """Makes the content hash anew, as the plan without these columns has it, of rows with a value in one of them."""
    return f"UPDATE {relation.sql} SET {HASH} = {content_hash(new)} WHERE {_any_value(columns)}"


def _any_value(columns: Sequence[str]) -> str:
    return " OR ".join(f"{quote(name)} IS NOT NULL" for name in columns)


def stands_in_way(step: UndoStep) -> str:
    """SQL condition: a row cannot stay what it is when the step is done."""
    match step:
        case DropColumn(name):
            return f"{quote(name)} IS NOT NULL"
        case Narrow(name, old, new):
            return f"NOT ({fits(new, old, quote(name))})"
        case SetNotNull(name):
            return f"{quote(name)} IS NULL"


def count_in_way(relation: RelationName, steps: Sequence[UndoStep]) -> str:
    """A single row: of each step, the rows of the relation that stand in the way."""
    counts = ", ".join(f"count(*) FILTER (WHERE {stands_in_way(step)})" for step in steps)
    return f"SELECT {counts} FROM {relation.sql}"


def _both(plan: RelationPlan) -> tuple[RelationName, RelationName]:
    return (plan.relation, plan.before)
