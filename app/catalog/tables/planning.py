"""What a change of state would do, worked out before it is done, and the hash that names that plan. Pure."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.catalog.tables.lifecycle import CURRENT_STATES, TableState, transition
from app.catalog.tables.served_rows import ServedRows
from app.catalog.tables.shape import Shape, ShapeDifference, difference, shape_documents
from app.catalog.tables.version import TableVersion
from app.kernel.ports.dependants import Dependant, readers
from app.kernel.problems import Conflict
from app.warehouse.inspection import Measurement


class StateChanged(Conflict):
    """The table is not in the state that the caller believes."""

    code, title = "state-changed", "The state of the table is another one"

    def __init__(self, table: str, expected: TableState, actual: TableState) -> None:
        super().__init__(f"{table} is {actual.value}, not {expected.value}.", table=table, state=actual.value)


class InvalidTransition(Conflict):
    """No way leads from the one state to the other."""

    code, title = "invalid-transition", "The state cannot change like this"

    def __init__(self, from_state: TableState, to_state: TableState) -> None:
        ways = [state.value for state in TableState if transition(from_state, state)]
        super().__init__(
            f"From {from_state.value} a table can become {', '.join(ways)}, not {to_state.value}.", allowed=ways
        )


class NoSchemaYet(Conflict):
    """Nobody can query a table without columns."""

    code, title = "no-schema-yet", "The table has no columns yet"


class PlanChanged(Conflict):
    """What the change would do is not what the plan said."""

    code, title = "plan-changed", "The plan has changed"


class NothingToRestore(Conflict):
    """The table is not deprecated and took its name from no other version."""

    code, title = "nothing-to-restore", "There is no version to restore"


@dataclass(frozen=True, slots=True)
class Content:
    """A version with what it looks like and holds; no shape, no content."""

    version: TableVersion
    shape: Shape | None
    measured: Measurement | None


@dataclass(frozen=True, slots=True)
class TransitionPlan:
    """Everything that a change of state would do."""

    target: Content
    to_state: TableState
    superseded: Content | None
    """The version that would lose the name and be deprecated."""
    successor: str | None = None
    sunset: datetime | None = None
    dependants: tuple[Dependant, ...] = ()

    @property
    def from_state(self) -> TableState:
        """Where the change begins."""
        return self.target.version.state

    @property
    def difference(self) -> ShapeDifference | None:
        """How the columns differ for those who used the superseded version."""
        if self.superseded is None or self.superseded.shape is None or self.target.shape is None:
            return None
        return difference(self.superseded.shape, self.target.shape)

    @property
    def served(self) -> ServedRows:
        """What queries find under the name now, and then."""
        version = self.target.version
        after = self.target if self.to_state in CURRENT_STATES else None
        before = self.superseded or (self.target if self.from_state in CURRENT_STATES else None)
        return ServedRows(
            name=version.name,
            before=before.version.label if before else None,
            after=after.version.label if after else None,
            now=before.measured if before else None,
            then=after.measured if after else None,
        )

    @property
    def readers(self) -> tuple[str, ...]:
        """The people who lately executed queries on the version that goes out of use, by their labels."""
        return readers(self.dependants)

    @property
    def hash(self) -> str:
        """SHA-256 of what would change: states, versions, columns, lasting dependants, and whether rows would be lost.

        Row counts themselves move all the time and are left out, and so are dependants that come and go by themselves.
        Executions are among these: whoever tries a query between the dry run and the change, the admin too, would make
        the plan another one, as would a reader of 30 days ago who drops out. A new reader misses nothing: the notice of
        the deprecation names the readers at the time of the change.
        """
        old, loss = self.superseded, self.served.loss
        document = {
            "table": str(self.target.version.id),
            "from": self.from_state.value,
            "to": self.to_state.value,
            "columns": shape_documents(self.target.shape) if self.target.shape else None,
            "superseded": [str(old.version.id), old.version.state.value] if old else None,
            "superseded_columns": shape_documents(old.shape) if old and old.shape else None,
            "successor": self.successor,
            "sunset": self.sunset.isoformat() if self.sunset else None,
            "dependants": sorted(f"{each.kind}:{each.id}" for each in self.dependants if each.lasting),
            "loss": loss.value if loss else None,
        }
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def current(versions: Sequence[TableVersion]) -> TableVersion | None:
    """The version that the name stands for; None when none is ACTIVE or READ_ONLY."""
    return next((version for version in versions if version.state in CURRENT_STATES), None)


def check_transition(version: TableVersion, from_state: TableState, to_state: TableState) -> None:
    """Return when the change is possible.

    Raises:
        StateChanged: the version is in another state.
        InvalidTransition: no way leads there.
        NoSchemaYet: the version has no relation to query.
    """
    if version.state is not from_state:
        raise StateChanged(version.label, from_state, version.state)
    if transition(from_state, to_state) is None:
        raise InvalidTransition(from_state, to_state)
    if to_state in CURRENT_STATES and version.schema_version is None:
        raise NoSchemaYet("Its contract declares no schema, and no batch has come in yet that would say.")


def restored_state(last_state: TableState | None) -> TableState:
    """The state in which a deprecated version comes back: the one it had, READ_ONLY if nobody could query it then."""
    return last_state if last_state in CURRENT_STATES and last_state else TableState.READ_ONLY
