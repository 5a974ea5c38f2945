"""What can be wrong with a decision about drift."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.kernel.problems import Conflict, Fault, InvalidRequest, NotFound


class DriftNotFound(NotFound):
    """No such report, or none on a table that the caller may see."""

    code, title = "drift-not-found", "There is no such drift report"


class DriftDecided(Conflict):
    """Somebody decided before, or the change was applied by itself."""

    code, title = "drift-decided", "The drift report is not open any more"


class NeedsNewVersionOfContract(Conflict):
    """The change breaks something, or the relation cannot take it on in place."""

    code, title = "needs-new-version", "The change needs a further version of the contract"

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__(
            "Resolve it with action new_version: a further version of the contract is made in SHADOW beside this one, "
            f"to be filled by replay. {' '.join(reasons)}",
            reasons=list(reasons),
        )


class UndoImpossible(Conflict):
    """Something depends on the change by now; everything that does is listed."""

    code, title = "undo-impossible", "The change cannot be undone any more"

    def __init__(self, detail: str, obstacles: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(detail, obstacles=list(obstacles))


class InvalidDecision(InvalidRequest):
    """The action cannot be taken on this report."""

    code, title = "invalid-decision", "The decision has faults"

    def __init__(self, message: str, pointer: str = "/action") -> None:
        super().__init__(faults=[Fault(pointer=pointer, code="inapplicable", message=message)])

    @classmethod
    def of_contract(cls, faults: Sequence[Fault]) -> "InvalidDecision":
        """The refusal of a further version of a contract that would have these faults."""
        refusal = cls("The changes lead to no contract: the other faults are those that it would have.")
        refusal.faults = (*refusal.faults, *faults)
        return refusal
