"""What the state of a table means: its transitions, what it allows, who sees it, and which version a name stands for.

Pure. The rest of the catalog asks here and decides nothing itself; who sees SHADOW is said by `service.sees_shadow`.
"""

from dataclasses import dataclass
from enum import StrEnum


class TableState(StrEnum):
    """Where a version of a table stands."""

    SHADOW = "SHADOW"
    READ_ONLY = "READ_ONLY"
    ACTIVE = "ACTIVE"
    DEPRECATED = "DEPRECATED"


class Transition(StrEnum):
    """The three operations that change a state."""

    PROMOTE = "promote"
    DEPRECATE = "deprecate"
    RESTORE = "restore"


TRANSITIONS: dict[tuple[TableState, TableState], Transition] = {
    (TableState.SHADOW, TableState.ACTIVE): Transition.PROMOTE,
    (TableState.SHADOW, TableState.READ_ONLY): Transition.PROMOTE,
    (TableState.READ_ONLY, TableState.ACTIVE): Transition.PROMOTE,
    (TableState.ACTIVE, TableState.READ_ONLY): Transition.PROMOTE,
    (TableState.SHADOW, TableState.DEPRECATED): Transition.DEPRECATE,
    (TableState.READ_ONLY, TableState.DEPRECATED): Transition.DEPRECATE,
    (TableState.ACTIVE, TableState.DEPRECATED): Transition.DEPRECATE,
    (TableState.DEPRECATED, TableState.ACTIVE): Transition.RESTORE,
    (TableState.DEPRECATED, TableState.READ_ONLY): Transition.RESTORE,
}
"""Every allowed change of state, and the operation that makes it. Nothing ever goes back to SHADOW."""

CURRENT_STATES = frozenset({TableState.ACTIVE, TableState.READ_ONLY})
"""At most one version of a logical table is in one of these: the one that its name stands for."""

RESOLUTION_ORDER = (TableState.ACTIVE, TableState.READ_ONLY, TableState.DEPRECATED)
"""What a name in a query means, best first; DEPRECATED only if asked for, SHADOW never."""

LOOKUP_ORDER = (TableState.ACTIVE, TableState.READ_ONLY, TableState.DEPRECATED, TableState.SHADOW)
"""What a name in a path means. SHADOW comes last, so that a name means the same version to every role that sees any."""


@dataclass(frozen=True, slots=True)
class Properties:
    """What a state allows."""

    queryable: bool
    """By name alone; a deprecated table needs the flag as well."""
    writable: bool
    """By ingestion."""
    auto_joined: bool
    """By accepted joins."""


PROPERTIES: dict[TableState, Properties] = {
    TableState.SHADOW: Properties(queryable=False, writable=True, auto_joined=False),
    TableState.READ_ONLY: Properties(queryable=True, writable=False, auto_joined=False),
    TableState.ACTIVE: Properties(queryable=True, writable=True, auto_joined=True),
    TableState.DEPRECATED: Properties(queryable=False, writable=False, auto_joined=False),
}


def transition(from_state: TableState, to_state: TableState) -> Transition | None:
    """The operation that leads from one state to the other; None when there is no way."""
    return TRANSITIONS.get((from_state, to_state))


def supersedes(from_state: TableState, to_state: TableState) -> bool:
    """Whether the change makes another version the one its name stands for, so that the current one is deprecated."""
    return from_state not in CURRENT_STATES and to_state in CURRENT_STATES


def visible(state: TableState, *, sees_shadow: bool) -> bool:
    """Whether a caller sees a table in this state at all; what is not seen answers 404."""
    return state is not TableState.SHADOW or sees_shadow


def visible_states(*, sees_shadow: bool) -> tuple[TableState, ...]:
    """The states that a caller sees, in the order in which a name finds its version."""
    return tuple(state for state in LOOKUP_ORDER if visible(state, sees_shadow=sees_shadow))


def resolution_order(*, include_deprecated: bool) -> tuple[TableState, ...]:
    """The states in which a query may use a table, best first."""
    return RESOLUTION_ORDER if include_deprecated else RESOLUTION_ORDER[:2]
