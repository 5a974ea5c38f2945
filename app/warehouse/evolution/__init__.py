"""Changing a governed relation in place when its contract evolves, and taking such a change back.

`steps.py` says what can be done to a relation that holds rows, `types.py` what a change of a column's type costs;
`statements.py` has the SQL; `relation.py` does it within the caller's transaction; `patience.py` opens that transaction
as often as needed. Whether a change is wanted, and by whom, is decided above: in the catalogue.
"""

from app.warehouse.evolution.obstacles import CannotUndo, Obstacle, ObstacleKind, obstacles
from app.warehouse.evolution.patience import RelationBusy, with_retries
from app.warehouse.evolution.relation import apply, take_turn, undo
from app.warehouse.evolution.steps import (
    AddColumn,
    DropColumn,
    DropNotNull,
    EvolutionStep,
    Narrow,
    NeedsNewVersion,
    SetNotNull,
    UndoStep,
    Widen,
    rewrites,
    steps,
    undo_steps,
)

__all__ = [
    "AddColumn",
    "CannotUndo",
    "DropColumn",
    "DropNotNull",
    "EvolutionStep",
    "Narrow",
    "NeedsNewVersion",
    "Obstacle",
    "ObstacleKind",
    "RelationBusy",
    "SetNotNull",
    "UndoStep",
    "Widen",
    "apply",
    "obstacles",
    "rewrites",
    "steps",
    "take_turn",
    "undo",
    "undo_steps",
    "with_retries",
]
