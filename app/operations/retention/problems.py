"""Why rules, holds and runs are refused."""

from app.kernel.problems import Conflict, InvalidRequest


class InvalidRule(InvalidRequest):
    """The rule does not fit its category."""

    code, title = "invalid-retention-rule", "The rule has faults"


class InvalidHold(InvalidRequest):
    """The hold's filter does not fit its category."""

    code, title = "invalid-retention-hold", "The hold has faults"


class InvalidRun(InvalidRequest):
    """The cut-off is later than the rule allows."""

    code, title = "invalid-retention-run", "The run has faults"


class RunUnderWay(Conflict):
    """Another run of the category is not over yet."""

    code, title = "retention-run-under-way", "A run of this category is under way"


class RunOver(Conflict):
    """The run is over."""

    code, title = "retention-run-over", "The run is over"
