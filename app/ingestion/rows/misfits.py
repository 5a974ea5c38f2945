"""Values that their column's type does not hold: noted, and refused, set aside or left out as the contract says.

A value that fails a check of the contract (a bound, a pattern, a list) fits its type, and is refused as before.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.catalog.contracts.definition import ChangePolicy
from app.ingestion.rows.checks import ColumnCheck, values_of
from app.ingestion.rows.field_reader import BadValue, shown
from app.ingestion.rows.observations import ChunkObservations
from app.warehouse.plan import RelationPlan
from app.warehouse.rejections import RejectionCode, RowFault
from app.warehouse.sources import FieldPath, written_source
from app.warehouse.types import TypeKind

_FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)
_LAST_INSTANT = datetime.max.replace(tzinfo=UTC)

Row = tuple[Any, ...]
"""Line number, then the values of the record columns in order: a column's index in the row counts from 1."""


def is_far(instant: datetime) -> bool:
    """Whether the instant is before year 1 or after year 9999 in UTC, where neither Python nor PostgreSQL has it."""
    return not _FIRST_INSTANT <= instant <= _LAST_INSTANT


_SET_ASIDE = frozenset({ChangePolicy.QUARANTINE_ROW, ChangePolicy.EVOLVE})
"""Policies under which a row waits for the schema: what evolves is known once all rows were read, and no limit of
refused rows may end the reading before."""


class TypeMisfits:
    """What becomes of such values under one contract."""

    def __init__(self, plan: RelationPlan, policy: ChangePolicy, checks: Sequence[tuple[int, ColumnCheck]]) -> None:
        """Binds to the columns and to the policy; `checks` are all that are made of values, by the column's index."""
        self._plan = plan
        self._policy = policy
        self._names = tuple(column.name for column in plan.record_columns)
        self._checks = [(index, check) for index, check in checks if check.of_type and self.are_left_out(index)]
        kinds = enumerate((column.type.kind for column in plan.record_columns), start=1)
        self._instants = [index for index, kind in kinds if kind is TypeKind.TIMESTAMPTZ and self.are_left_out(index)]

    def are_left_out(self, index: int) -> bool:
        """Whether values of the column become null, and their rows are taken."""
        return self._policy is ChangePolicy.DISCARD_VALUE and self._names[index - 1] not in self._plan.required

    def fault(self, code: RejectionCode, name: str, message: str, *, of_type: bool) -> RowFault:
        """The fault of a value; `of_type` says that a wider type might take the value."""
        return RowFault(code, name, message, set_aside=of_type and self._policy in _SET_ASIDE)

    def fault_of(self, index: int, bad: BadValue, given: Any, seen: ChunkObservations) -> RowFault | None:
        """The fault of a value that its column did not take; None when the value is left out."""
        name = self._names[index - 1]
        if bad.of_type:
            seen.add_misfit(name, seen.read(given))
            if self.are_left_out(index):
                seen.left_out[name] = None
                return None
        return self.fault(bad.code, name, bad.message, of_type=bad.of_type)

    def fault_of_no_object(self, path: FieldPath, given: Any, seen: ChunkObservations) -> RowFault | None:
        """The fault that a JSON text is no object, though columns are read from fields in it.

        None when the value is left out. It fits none of these columns, and is noted for each.
        """
        columns = enumerate(self._plan.record_columns, start=1)
        beneath = [index for index, column in columns if column.path[: len(path)] == path]
        for index in beneath:
            seen.add_misfit(self._names[index - 1], seen.read(given))
        if all(map(self.are_left_out, beneath)):
            seen.left_out.update(dict.fromkeys(self._names[index - 1] for index in beneath))
            return None
        place = written_source(path)
        said = f"{place}: {shown(bytes(given))} is not a JSON object"
        return self.fault(RejectionCode.WRONG_TYPE, place, said, of_type=True)

    def without(self, rows: list[Row], seen: ChunkObservations) -> list[Row]:
        """The rows with null in place of values that are left out as a check of the type refuses them."""
        if not self._checks:
            return rows
        found = [*rows]
        for index, check in self._checks:
            values = values_of(found, index)
            if not values or check.passes(values):
                continue
            for at, row in enumerate(found):
                if row[index] is not None and check.bad(row[index]):
                    found[at] = self._without(row, index, seen)
        return found

    def without_far_instants(self, row: Row, seen: ChunkObservations) -> Row:
        """The row with null in place of instants that cannot be stored and are left out."""
        for index in self._instants:
            if row[index] is not None and is_far(row[index]):
                row = self._without(row, index, seen)
        return row

    def _without(self, row: Row, index: int, seen: ChunkObservations) -> Row:
        name = self._names[index - 1]
        seen.add_misfit(name, row[index])
        seen.left_out[name] = None
        return (*row[:index], None, *row[index + 1 :])

    def notices(self, seen: ChunkObservations) -> tuple[str, ...]:
        """What was left out, a sentence for each column: the same words whatever the number of values."""
        types = {name: self._plan.column(name).type for name in seen.left_out}
        return tuple(
            f"Values of {name} that are no {column_type} were left out." for name, column_type in types.items()
        )
