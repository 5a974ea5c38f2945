"""Why jobs are not shown, and not cancelled."""

from app.kernel.jobs import JobState
from app.kernel.problems import Conflict, NotFound


class JobNotFound(NotFound):
    """There is no such job, not any more, or it is another's."""

    code, title = "job-not-found", "There is no such job"


class JobIsOver(Conflict):
    """The job has come to its end."""

    code, title = "job-is-over", "The job is over"

    def __init__(self, state: JobState) -> None:
        super().__init__(f"The job is {state}: only one that is queued or running can be cancelled.", state=state.value)


class UnknownJobKind(Conflict):
    """The process does not know what stands for such a job and would have to end with it."""

    code, title = "unknown-job-kind", "The process that was asked does not know jobs of this name"

    def __init__(self, name: str) -> None:
        super().__init__(f"Ask a process of the version of Spyne that has jobs {name}.", name=name)
