"""Why actions on requests for add-ons are refused."""

from app.addons.requests.tracking.workflow import PARTIES, Party, RequestAction, RequestStatus, statuses_for
from app.kernel.problems import Conflict, Forbidden, NotFound


class AddonRequestNotFound(NotFound):
    """There is no such request, or it is another's and the caller sees own ones alone."""

    code, title = "addon-request-not-found", "There is no such request for an add-on"


class OwnRequest(Forbidden):
    """Four eyes: who is behind a request decides nothing about it."""

    code, title = "own-request", "Another person decides about this request"

    def __init__(self) -> None:
        super().__init__(
            "You filed this request, or made the client that filed it or the client that asks. "
            "A person with addons:approve who did neither approves or rejects it."
        )


class NotAParty(Forbidden):
    """The action is for others."""

    code, title = "not-a-party", "The action is for others"

    def __init__(self, action: RequestAction, doing: str | None = None) -> None:
        """Takes the action whose parties may; `doing` says what was tried where that is not the action itself."""
        named = ["an administrator" if party is Party.ADMINISTRATOR else f"the {party}" for party in PARTIES[action]]
        super().__init__(f"To {doing or f'{action} a request'} is for {' or '.join(sorted(named, reverse=True))}.")


class WrongStatus(Conflict):
    """The request stands elsewhere."""

    code, title = "wrong-status", "The request does not stand so that this can be done"

    def __init__(self, now: RequestStatus, wanted: str, allowed: tuple[RequestStatus, ...]) -> None:
        names = ", ".join(allowed)
        super().__init__(f"The request is {now}; {wanted} while it is {names}.", state=now.value, allowed=allowed)

    @classmethod
    def of(cls, action: RequestAction, now: RequestStatus) -> "WrongStatus":
        """The refusal of an action of the workflow."""
        return cls(now, f"`{action.value}` is possible", statuses_for(action))


class NoSamples(Conflict):
    """The request has no sample, so there is nothing to make an add-on of."""

    code, title = "no-samples", "The request has no sample"

    def __init__(self) -> None:
        super().__init__("Upload a sample first: POST …/samples, one multipart part `file` with some hundred lines.")
