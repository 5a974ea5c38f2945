"""The workflow of a request: eight statuses, every transition, and who may cause it. Pure.

Four eyes: nobody approves or rejects a request of their own, whatever roles they hold, nor by an API client that they
made, nor a request of such a client. Which client a person made is known where the service recorded it
(`Actor.people`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.kernel.security.authorization import Actor, ActorKind, Permission


class RequestStatus(StrEnum):
    """Where a request stands."""

    NEW = "NEW"
    """Filed; samples may be added and removed."""
    PENDING_APPROVAL = "PENDING_APPROVAL"
    APPROVED = "APPROVED"
    """The generation is on the way."""
    REJECTED = "REJECTED"
    """Refused by an approver, or withdrawn before a decision."""
    GENERATING_TA = "GENERATING_TA"
    VALIDATING = "VALIDATING"
    COMPLETED = "COMPLETED"
    """The newest validation run that counts has passed."""
    FAILED = "FAILED"
    """Nothing could be generated, the validation has not passed, or the request was cancelled after the approval."""


class RequestAction(StrEnum):
    """What moves a request."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    RETRY = "retry"
    REVISE = "revise"
    """An edited package is uploaded, to be validated as a generated one."""
    GENERATE = "generate"
    VALIDATE = "validate"
    COMPLETE = "complete"
    FAIL = "fail"


class Party(StrEnum):
    """What somebody is to a request; one actor may be several."""

    REQUESTOR = "requestor"
    APPROVER = "approver"
    """May approve, and is not the person behind the request."""
    ADMINISTRATOR = "administrator"
    JOB = "job"


class Reasons(StrEnum):
    """Reason codes that say more than the status does."""

    WITHDRAWN = "withdrawn"
    """Cancelled before a decision: the status is REJECTED."""
    CANCELLED = "cancelled"
    """Cancelled after the approval: the status is FAILED."""
    REJECTED = "rejected"
    """An approver said no."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of the status."""

    action: RequestAction
    before: RequestStatus
    after: RequestStatus
    reason_code: Reasons | None = None
    """The code that the request has from then on; None where the cause gives one, or there is none."""


_S, _A = RequestStatus, RequestAction

TRANSITIONS: Final = (
    Transition(_A.SUBMIT, _S.NEW, _S.PENDING_APPROVAL),
    Transition(_A.APPROVE, _S.PENDING_APPROVAL, _S.APPROVED),
    Transition(_A.REJECT, _S.PENDING_APPROVAL, _S.REJECTED, Reasons.REJECTED),
    Transition(_A.GENERATE, _S.APPROVED, _S.GENERATING_TA),
    Transition(_A.VALIDATE, _S.GENERATING_TA, _S.VALIDATING),
    Transition(_A.COMPLETE, _S.VALIDATING, _S.COMPLETED),
    Transition(_A.FAIL, _S.APPROVED, _S.FAILED),
    Transition(_A.FAIL, _S.GENERATING_TA, _S.FAILED),
    Transition(_A.FAIL, _S.VALIDATING, _S.FAILED),
    Transition(_A.CANCEL, _S.NEW, _S.REJECTED, Reasons.WITHDRAWN),
    Transition(_A.CANCEL, _S.PENDING_APPROVAL, _S.REJECTED, Reasons.WITHDRAWN),
    Transition(_A.CANCEL, _S.APPROVED, _S.FAILED, Reasons.CANCELLED),
    Transition(_A.CANCEL, _S.GENERATING_TA, _S.FAILED, Reasons.CANCELLED),
    Transition(_A.CANCEL, _S.VALIDATING, _S.FAILED, Reasons.CANCELLED),
    Transition(_A.RETRY, _S.FAILED, _S.APPROVED),
    Transition(_A.REVISE, _S.VALIDATING, _S.VALIDATING),
    Transition(_A.REVISE, _S.COMPLETED, _S.VALIDATING),
    Transition(_A.REVISE, _S.FAILED, _S.VALIDATING),
)
"""Every transition. A request that failed was approved before, and its samples are as they were: so it is tried again
without another decision."""

_OF_REQUEST: Final = frozenset({Party.REQUESTOR, Party.ADMINISTRATOR})

PARTIES: Final[Mapping[RequestAction, frozenset[Party]]] = {
    _A.SUBMIT: frozenset({Party.REQUESTOR}),
    _A.APPROVE: frozenset({Party.APPROVER}),
    _A.REJECT: frozenset({Party.APPROVER}),
    _A.CANCEL: _OF_REQUEST,
    _A.RETRY: _OF_REQUEST,
    _A.REVISE: _OF_REQUEST,
    _A.GENERATE: frozenset({Party.JOB}),
    _A.VALIDATE: frozenset({Party.JOB}),
    _A.COMPLETE: frozenset({Party.JOB}),
    _A.FAIL: frozenset({Party.JOB}),
}
"""Who may cause what."""

NEEDED: Final[Mapping[Party, Permission]] = {
    Party.REQUESTOR: Permission.ADDONS_REQUEST,
    Party.APPROVER: Permission.ADDONS_APPROVE,
    Party.ADMINISTRATOR: Permission.ADDONS_ADMINISTER,
}
"""The permission without which nobody is the party; jobs need none."""

SAMPLES_OPEN: Final = frozenset({_S.NEW})
"""Statuses in which samples are added and removed: what is approved is what was shown to the approver."""

WORKING: Final = frozenset({_S.APPROVED, _S.GENERATING_TA, _S.VALIDATING})
"""Statuses in which a job of the request is on the way."""

FINAL: Final = frozenset({_S.REJECTED, _S.COMPLETED, _S.FAILED})
"""Statuses in which nothing goes on."""

_TABLE: Final = {(each.action, each.before): each for each in TRANSITIONS}


@dataclass(frozen=True, slots=True)
class Requestor:
    """Who filed a request."""

    kind: str
    id: UUID | None
    people: frozenset[UUID]
    """Users behind the requestor when the request was filed: the user, or those who made the client."""


class Refusal(StrEnum):
    """Why an action is refused."""

    OWN_REQUEST = "own-request"
    """Four eyes: the actor is behind the request."""
    NOT_A_PARTY = "not-a-party"
    WRONG_STATUS = "wrong-status"


def transition(action: RequestAction, status: RequestStatus) -> Transition | None:
    """The transition of the action from the status; None when there is no such way."""
    return _TABLE.get((action, status))


def statuses_for(action: RequestAction) -> tuple[RequestStatus, ...]:
    """The statuses from which the action leads somewhere."""
    return tuple(each.before for each in TRANSITIONS if each.action is action)


def filed(actor: Actor, requestor: Requestor) -> bool:
    """Whether the actor filed the request under the same account."""
    return actor.id is not None and actor.kind.value == requestor.kind and actor.id == requestor.id


def same_person(actor: Actor, requestor: Requestor) -> bool:
    """Whether one person may be behind the actor and the request: the account is the same, or a user is behind both."""
    return filed(actor, requestor) or bool(actor.people & requestor.people)


def parties(actor: Actor, requestor: Requestor) -> frozenset[Party]:
    """What the actor is to the request."""
    if actor.kind is ActorKind.SYSTEM:
        return frozenset({Party.JOB})
    found = {
        Party.REQUESTOR: filed(actor, requestor),
        Party.APPROVER: not same_person(actor, requestor),
        Party.ADMINISTRATOR: True,
    }
    return frozenset(party for party, holds in found.items() if holds and actor.may(NEEDED[party]))


def decide(actor: Actor, requestor: Requestor, action: RequestAction, status: RequestStatus) -> Transition | Refusal:
    """The transition that the actor causes, or why the action is refused: first for who asks, then for the status."""
    wanted = PARTIES[action]
    if not wanted & parties(actor, requestor):
        own = wanted == {Party.APPROVER} and actor.may(Permission.ADDONS_APPROVE) and same_person(actor, requestor)
        return Refusal.OWN_REQUEST if own else Refusal.NOT_A_PARTY
    return transition(action, status) or Refusal.WRONG_STATUS


def open_to(actor: Actor, requestor: Requestor, status: RequestStatus) -> tuple[RequestAction, ...]:
    """The actions that the actor may cause now, in the order of `RequestAction`."""
    return tuple(each for each in RequestAction if isinstance(decide(actor, requestor, each, status), Transition))
