"""Refusals of runs: what cannot be planned, and plans that do not hold any more."""

from app.kernel.problems import Conflict, Fault, InvalidRequest, NotFound, Problem


class RunNotFound(NotFound):
    """There is no such run."""

    code, title = "run-not-found", "There is no such run"


class RunOver(Conflict):
    """The run came to its end before."""

    code, title = "run-over", "The run is over"


class PlanNeeded(InvalidRequest):
    """Nothing is changed without a plan that somebody has seen."""

    code, title = "plan-needed", "A plan comes first"

    def __init__(self) -> None:
        super().__init__('Ask with {"dry_run": true} first, look at the plan, and send its plan_hash along.')


class PlanChanged(Conflict):
    """The plan was made on other data: batches came in since, or the schema is another; `plan` is a fresh one."""

    code, title = "plan-changed", "The plan does not hold any more"


class NothingToTakeBack(Conflict):
    """The batch is not in the table: it failed, still waits, or was taken back before."""

    code, title = "nothing-to-take-back", "The batch is not in the table"


class LaterBatches(Conflict):
    """Later batches have written the same rows; `batches` lists them, the newest first."""

    code, title = "later-batches", "Later batches have written the same rows"


class BodyMissing(Conflict):
    """Bodies are not kept any more, or never were; `batches` lists whose."""

    code, title = "body-missing", "Not every body is kept"


class NothingToReplay(Conflict):
    """No batch, or no refused row, is there that could be taken again."""

    code, title = "nothing-to-replay", "There is nothing to take again"


class InvalidIngestionRun(InvalidRequest):
    """The run cannot be made as it was asked for; `faults` says what is wrong with its batches, source or target."""

    code, title = "invalid-ingestion-run", "The run has faults"

    @classmethod
    def of(cls, pointer: str, code: str, message: str) -> "InvalidIngestionRun":
        """The refusal for one fault."""
        return cls(faults=[Fault(pointer=pointer, code=code, message=message)])


class RunFailed(Problem):
    """A part failed again and again; the log says why."""

    code, title, status = "run-failed", "A part of the run could not be done", 500
