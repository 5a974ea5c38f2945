"""What a column check may be, for which types, and that its values fit the column. Pure.

Rows are held against checks by `app/ingestion/rows/checks.py`; `unique` by `app/warehouse/merge.py`.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import re2

from app.catalog.contracts.literals import UnfitValueError, literal, written
from app.kernel.problems import Fault
from app.warehouse.plan import Checks
from app.warehouse.types import KEY_KINDS, ORDERED_KINDS, TEXT_KINDS, ColumnType, TypeKind

MAX_PATTERN_LENGTH = 512
PATTERN_MEMORY = 1 << 20
"""Bytes that RE2 may use for one compiled pattern; what needs more is refused when it is registered."""

MAX_CHOICES = 1_000
"""Values of one `one_of`: longer lists are reference data and belong in a table."""


class CheckType(StrEnum):
    """The checks a column may carry."""

    NOT_NULL = "not_null"
    MIN = "min"
    MAX = "max"
    PATTERN = "pattern"
    ONE_OF = "one_of"
    UNIQUE = "unique"


APPLIES_TO: dict[CheckType, frozenset[TypeKind]] = {
    CheckType.NOT_NULL: frozenset(TypeKind),
    CheckType.UNIQUE: KEY_KINDS,
    CheckType.MIN: ORDERED_KINDS,
    CheckType.MAX: ORDERED_KINDS,
    CheckType.PATTERN: TEXT_KINDS,
    CheckType.ONE_OF: frozenset(TypeKind) - {TypeKind.JSONB, TypeKind.BYTEA},
}
"""Which column types a check makes sense for."""

_NAMES = frozenset(CheckType)


def compile_pattern(pattern: str) -> Any:
    """The pattern, compiled by RE2: linear in the text, whatever the pattern. A value passes when it matches anywhere.

    Raises:
        UnfitValueError: too long, not RE2 syntax, or too large once compiled.
    """
    if not pattern or len(pattern) > MAX_PATTERN_LENGTH:
        raise UnfitValueError(f"A pattern has 1 to {MAX_PATTERN_LENGTH} characters.")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    try:
        return re2.compile(pattern, options=options)
    except re2.error as error:
        raise UnfitValueError("It is not RE2 syntax (no look-around, no back-references), or too large.") from error


class ChecksReview:
    """Collects the checks of one column and every fault in them."""

    def __init__(self, column_type: ColumnType, pointer: str) -> None:
        """Begins with none.

        Args:
            column_type: the type of the column.
            pointer: JSON pointer of its list of checks.
        """
        self.faults: list[Fault] = []
        self.found: dict[CheckType, Any] = {}
        self._type = column_type
        self._pointer = pointer

    def add(self, index: int, document: Mapping[str, Any]) -> None:
        """Look at one check. What is missing or of the wrong JSON type was reported before, and is passed over here."""
        name = document.get("type")
        if not isinstance(name, str) or name not in _NAMES:
            return
        kind, at = CheckType(name), f"{self._pointer}/{index}"
        if self._type.kind not in APPLIES_TO[kind]:
            message = f"A {kind.value} check does not apply to a column of type {self._type}."
            self._fault(f"{at}/type", "check-not-applicable", message)
        elif kind in self.found:
            self._fault(f"{at}/type", "duplicate-check", f"The column has a {kind.value} check already.")
        elif kind is CheckType.ONE_OF:
            self.found[kind] = self._choices(document.get("values"), f"{at}/values")
        elif kind in {CheckType.NOT_NULL, CheckType.UNIQUE}:
            self.found[kind] = True
        else:
            self.found[kind] = self._operand(kind, document.get("value"), f"{at}/value")

    def finish(self) -> Checks:
        """The checks together. Of no use when there are faults."""
        low, high = self.found.get(CheckType.MIN), self.found.get(CheckType.MAX)
        if low is not None and high is not None and low > high:
            self._fault(self._pointer, "empty-range", "The min is above the max: no value passes.")
        return _checks(self.found)

    def _operand(self, kind: CheckType, value: Any, pointer: str) -> Any:
        if value is None or (kind is CheckType.PATTERN and not isinstance(value, str)):
            return None
        try:
            if kind is not CheckType.PATTERN:
                return literal(value, self._type)
            compile_pattern(value)
        except UnfitValueError as error:
            self._fault(pointer, f"invalid-{kind.value}", str(error))
            return None
        return value

    def _choices(self, values: Any, pointer: str) -> tuple[Any, ...] | None:
        if not isinstance(values, list):
            return None
        if not 1 <= len(values) <= MAX_CHOICES:
            self._fault(pointer, "invalid-one_of", f"one_of has 1 to {MAX_CHOICES} values.")
            return None
        seen: dict[Any, None] = {}
        for index, value in enumerate(values):
            try:
                choice = literal(value, self._type)
            except UnfitValueError as error:
                self._fault(f"{pointer}/{index}", "invalid-one_of", str(error))
                continue
            if choice in seen:
                self._fault(f"{pointer}/{index}", "duplicate-value", "The value occurs twice.")
            seen[choice] = None
        return tuple(seen)

    def _fault(self, pointer: str, code: str, message: str) -> None:
        self.faults.append(Fault(pointer=pointer, code=code, message=message))


def check_documents(checks: Checks) -> list[dict[str, Any]]:
    """The checks as a contract writes them; `not_null` stands in the column's `nullable`."""
    found: list[dict[str, Any]] = []
    if checks.minimum is not None:
        found.append({"type": CheckType.MIN.value, "value": written(checks.minimum)})
    if checks.maximum is not None:
        found.append({"type": CheckType.MAX.value, "value": written(checks.maximum)})
    if checks.pattern is not None:
        found.append({"type": CheckType.PATTERN.value, "value": checks.pattern})
    if checks.one_of is not None:
        found.append({"type": CheckType.ONE_OF.value, "values": [written(value) for value in checks.one_of]})
    if checks.unique:
        found.append({"type": CheckType.UNIQUE.value})
    return found


def checks_of(documents: Sequence[Mapping[str, Any]], column_type: ColumnType) -> Checks:
    """The checks that `check_documents` wrote."""
    found: dict[CheckType, Any] = {}
    for document in documents:
        kind = CheckType(document["type"])
        value = document.get("values", document.get("value", True))
        if kind is CheckType.ONE_OF:
            found[kind] = tuple(literal(choice, column_type) for choice in value)
        else:
            found[kind] = literal(value, column_type) if kind in {CheckType.MIN, CheckType.MAX} else value
    return _checks(found)


def _checks(found: Mapping[CheckType, Any]) -> Checks:
    return Checks(
        minimum=found.get(CheckType.MIN),
        maximum=found.get(CheckType.MAX),
        pattern=found.get(CheckType.PATTERN),
        one_of=found.get(CheckType.ONE_OF),
        unique=CheckType.UNIQUE in found,
    )
