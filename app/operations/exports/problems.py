"""Why exports are refused, and why they fail."""

from collections.abc import Sequence

from app.kernel.problems import Conflict, Fault, InvalidRequest, NotFound, Problem
from app.operations.exports.states import ExportStatus, followers


class InvalidExport(InvalidRequest):
    """There is no such source, or it cannot be asked so."""

    code, title = "invalid-export", "The export has faults"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(faults=faults)


class ExportNotFound(NotFound):
    """There is no such export, or it is another's."""

    code, title = "export-not-found", "There is no such export"


class ExportNotReady(Conflict):
    """There is no file, not yet or not any more."""

    code, title = "export-not-ready", "The export has no file"

    def __init__(self, status: ExportStatus) -> None:
        super().__init__(f"The export is {status}.", state=status.value)


class WrongTransition(Conflict):
    """The export is elsewhere, or may not go there."""

    code, title = "wrong-transition", "The export cannot change so"

    def __init__(self, now: ExportStatus, detail: str) -> None:
        super().__init__(detail, state=now.value, allowed=[status.value for status in followers(now)])


class TooManyExports(Conflict):
    """The caller has many exports under way."""

    code, title = "too-many-exports", "Wait for the exports under way"


class RangeNotSatisfiable(Problem):
    """The range begins behind the end of the file."""

    code, title, status = "range-not-satisfiable", "The range is not within the file", 416

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes.", headers={"Content-Range": f"bytes */{size}"})


class ExportBroken(Problem):
    """The export failed again and again; the log says why."""

    code, title, status = "export-broken", "The export could not be made", 500


class StatementFailed(Problem):
    """The statement fails however often it is run."""

    code, title, status = "statement-failed", "What was to be exported cannot be read", 422
