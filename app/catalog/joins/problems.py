"""What can be wrong with a decision about a join."""

from collections.abc import Sequence

from app.catalog.joins.policy import PolicyFault
from app.kernel.problems import Conflict, Fault, NotFound, Problem


class CandidateNotFound(NotFound):
    """No such candidate, or none between tables that the caller may see."""

    code, title = "join-candidate-not-found", "There is no such join candidate"


class JoinNotFound(NotFound):
    """No such accepted join, or none between tables that the caller may see."""

    code, title = "join-not-found", "There is no such join"


class CandidateRejected(Conflict):
    """The candidate was rejected before."""

    code, title = "join-candidate-rejected", "The join candidate has been rejected"


class JoinInForce(Conflict):
    """The candidate's join is accepted already and holds."""

    code, title = "join-in-force", "The join is accepted and holds"


class JoinDeprecated(Conflict):
    """The join was taken out of use before."""

    code, title = "join-deprecated", "The join is deprecated"


class JoinAgainstPolicy(Problem):
    """The join, measured now, is worse than the policy allows, and no override came with the request."""

    code, title, status = "join-against-policy", "The policy speaks against the join", 422

    def __init__(self, faults: Sequence[PolicyFault]) -> None:
        super().__init__(
            f"{' '.join(fault.message for fault in faults)} Give `override_rationale` to accept it all the same.",
            faults=[Fault(pointer="/candidate_id", code=fault.code, message=fault.message) for fault in faults],
        )
