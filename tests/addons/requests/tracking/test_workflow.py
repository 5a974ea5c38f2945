"""The workflow's table walked whole: every role or union of roles, relation to the request, status and action."""

from collections.abc import Callable
from itertools import chain, combinations
from uuid import UUID

import pytest

from app.access.roles import MATRIX, Role
from app.addons.requests.tracking.workflow import (
    FINAL,
    PARTIES,
    TRANSITIONS,
    Party,
    Refusal,
    RequestAction,
    Requestor,
    RequestStatus,
    Transition,
    decide,
    open_to,
    parties,
    transition,
)
from app.kernel.security.authorization import SYSTEM, Actor, ActorKind, Permission

ME, OTHER, THIRD = (UUID(int=number) for number in (1, 2, 3))
CLIENT = UUID(int=9)
UNIONS = list(chain.from_iterable(combinations(Role, size) for size in range(len(Role) + 1)))
DECISIONS = (RequestAction.APPROVE, RequestAction.REJECT)

WAYS = {
    "submit": "NEW>PENDING_APPROVAL",
    "approve": "PENDING_APPROVAL>APPROVED",
    "reject": "PENDING_APPROVAL>REJECTED",
    "generate": "APPROVED>GENERATING_TA",
    "validate": "GENERATING_TA>VALIDATING",
    "complete": "VALIDATING>COMPLETED",
    "fail": "APPROVED>FAILED GENERATING_TA>FAILED VALIDATING>FAILED",
    "cancel": "NEW>REJECTED PENDING_APPROVAL>REJECTED APPROVED>FAILED GENERATING_TA>FAILED VALIDATING>FAILED",
    "retry": "FAILED>APPROVED",
    "revise": "VALIDATING>VALIDATING COMPLETED>VALIDATING FAILED>VALIDATING",
}
"""The table, written down here once more."""
MAY = {
    "submit": {"requestor"},
    "approve": {"approver"},
    "reject": {"approver"},
    "cancel": {"requestor", "administrator"},
    "retry": {"requestor", "administrator"},
    "revise": {"requestor", "administrator"},
    "generate": {"job"},
    "validate": {"job"},
    "complete": {"job"},
    "fail": {"job"},
}


def actor(
    roles: tuple[Role, ...], id_: UUID = ME, kind: ActorKind = ActorKind.USER, made_by: frozenset[UUID] = frozenset()
) -> Actor:
    permissions = frozenset(chain.from_iterable(MATRIX[role] for role in roles))
    return Actor(kind, id_, "somebody", frozenset(roles), permissions, made_by=made_by)


def filed_by(id_: UUID, kind: str = "user", people: frozenset[UUID] | None = None) -> Requestor:
    return Requestor(kind, id_, frozenset({id_}) if people is None else people)


def test_the_table_is_what_is_written_down() -> None:
    found: dict[str, set[str]] = {}
    for each in TRANSITIONS:
        found.setdefault(each.action.value, set()).add(f"{each.before}>{each.after}")
    assert found == {action: set(ways.split()) for action, ways in WAYS.items()}
    assert {action.value: {party.value for party in who} for action, who in PARTIES.items()} == MAY
    assert len(RequestStatus) == 8


def test_every_status_is_reached_and_left_or_final() -> None:
    assert {each.after for each in TRANSITIONS} == set(RequestStatus) - {RequestStatus.NEW}
    assert {each.before for each in TRANSITIONS} == set(RequestStatus) - {RequestStatus.REJECTED}
    assert RequestStatus.REJECTED in FINAL


@pytest.mark.parametrize("own", [True, False])
def test_each_union_of_roles_may_what_is_written_down(own: bool) -> None:
    requestor = filed_by(ME if own else OTHER)
    for roles in UNIONS:
        who = actor(roles)
        am = {
            "requestor": own and (Role.REQUESTOR in roles or Role.ADMIN in roles),
            "approver": not own and (Role.APPROVER in roles or Role.ADMIN in roles),
            "administrator": Role.ADMIN in roles,
            "job": False,
        }
        for status in RequestStatus:
            for action in RequestAction:
                way = next((way for way in WAYS[action].split() if way.startswith(f"{status}>")), None)
                found = decide(who, requestor, action, status)
                if not any(am[party] for party in MAY[action]):
                    assert found in {Refusal.NOT_A_PARTY, Refusal.OWN_REQUEST}, (roles, status, action)
                elif way is None:
                    assert found is Refusal.WRONG_STATUS, (roles, status, action)
                else:
                    assert isinstance(found, Transition), (roles, status, action)
                    assert f"{found.before}>{found.after}" == way


ACCOUNTS_OF_ONE_PERSON: dict[str, tuple[Callable[[tuple[Role, ...]], Actor], Requestor]] = {
    "the same user": (actor, filed_by(ME)),
    "a client that the requestor made": (
        lambda roles: actor(roles, CLIENT, ActorKind.CLIENT, frozenset({ME})),
        filed_by(ME),
    ),
    "the maker of the client that filed it": (actor, filed_by(CLIENT, "api_client", frozenset({ME}))),
    "two clients of one maker": (
        lambda roles: actor(roles, UUID(int=8), ActorKind.CLIENT, frozenset({ME, THIRD})),
        filed_by(CLIENT, "api_client", frozenset({ME, OTHER})),
    ),
    "the same client, of an unknown maker": (
        lambda roles: actor(roles, CLIENT, ActorKind.CLIENT),
        filed_by(CLIENT, "api_client", frozenset()),
    ),
}


@pytest.mark.parametrize("name", ACCOUNTS_OF_ONE_PERSON)
def test_nobody_decides_about_an_own_request_under_any_union_of_roles(name: str) -> None:
    of, requestor = ACCOUNTS_OF_ONE_PERSON[name]
    for roles in UNIONS:
        who = of(roles)
        assert Party.APPROVER not in parties(who, requestor)
        for status in RequestStatus:
            assert not set(open_to(who, requestor, status)) & set(DECISIONS)
            for action in DECISIONS:
                found = decide(who, requestor, action, status)
                wanted = Refusal.OWN_REQUEST if who.may(Permission.ADDONS_APPROVE) else Refusal.NOT_A_PARTY
                assert found is wanted, (roles, status, action)


def test_a_client_of_another_decides() -> None:
    who = actor((Role.APPROVER,), CLIENT, ActorKind.CLIENT, frozenset({OTHER}))
    for action in DECISIONS:
        assert isinstance(decide(who, filed_by(ME), action, RequestStatus.PENDING_APPROVAL), Transition)


def test_a_client_with_the_id_of_a_user_is_another() -> None:
    """Ids of users and clients come from two tables."""
    who = actor((Role.REQUESTOR,), ME, ActorKind.CLIENT)
    assert parties(who, filed_by(ME)) == frozenset()


def test_the_system_works_and_decides_nothing() -> None:
    assert parties(SYSTEM, filed_by(ME)) == {Party.JOB}
    for status in RequestStatus:
        for action in set(RequestAction) - {RequestAction.GENERATE, RequestAction.VALIDATE}:
            found = decide(SYSTEM, filed_by(ME), action, status)
            assert isinstance(found, Refusal) or action in {RequestAction.COMPLETE, RequestAction.FAIL}


def test_a_transition_is_found_by_action_and_status() -> None:
    assert transition(RequestAction.SUBMIT, RequestStatus.COMPLETED) is None
    found = transition(RequestAction.CANCEL, RequestStatus.PENDING_APPROVAL)
    assert found is not None
    assert (found.after, found.reason_code) == (RequestStatus.REJECTED, "withdrawn")
