"""Why exports are refused, and why they fail."""

from collections.abc import Iterable, Sequence

from app.kernel.problems import Conflict, Fault, InvalidRequest, NotFound, Problem
from app.operations.exports.states import Status, followers


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

    def __init__(self, status: Status) -> None:
        super().__init__(f"The export is {status}.", state=status.value)


class WrongTransition(Conflict):
    """The export is elsewhere, or may not go there."""

    code, title = "wrong-transition", "The export cannot change so"

    def __init__(self, now: Status, detail: str) -> None:
        super().__init__(detail, state=now.value, allowed=[status.value for status in followers(now)])


class TooManyExports(Conflict):
    """The caller has many exports under way."""

    code, title = "too-many-exports", "Wait for the exports under way"


class RangeNotSatisfiable(Problem):
    """The range begins behind the end of the file."""

    code, title, status = "range-not-satisfiable", "The range is not within the file", 416

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes.", headers={"Content-Range": f"bytes */{size}"})


class ResultTooLarge(Problem):
    """More than the caller's roles allow; nothing is ever cut."""

    code, title, status = "result-too-large", "The result is larger than the limit", 422


class NotRepresentableInForm(Problem):
    """A value has no place in the form that was asked for."""

    code, title, status = "not-representable", "The form cannot hold a value", 422


class ExportBroken(Problem):
    """It failed again and again; the log tells why."""

    code, title, status = "export-broken", "The export could not be made", 500


def faults_of(errors: Iterable[tuple[tuple[int | str, ...], str, str]]) -> list[Fault]:
    """Faults within `filter_params` from places, kinds and messages."""
    return [
        Fault(
            pointer="/filter_params" + "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in where),
            code=kind.replace("_", "-"),
            message=message,
        )
        for where, kind, message in errors
    ]
