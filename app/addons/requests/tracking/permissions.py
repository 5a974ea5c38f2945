"""Who may ask for add-ons, decide about requests, and see them."""

from typing import Annotated, Final

from fastapi import Depends

from app.addons.requests.tracking.models import AddonRequest
from app.addons.requests.tracking.problems import AddonRequestNotFound
from app.addons.requests.tracking.workflow import Requestor, filed
from app.kernel.problems import Forbidden
from app.kernel.security.authorization import Actor, AnyActor, Permission, requires

CanRequest = Annotated[Actor, requires(Permission.ADDONS_REQUEST)]
CanDecide = Annotated[Actor, requires(Permission.ADDONS_APPROVE)]

ANY_OF: Final = (Permission.ADDONS_REQUEST, Permission.ADDONS_APPROVE, Permission.ADDONS_ADMINISTER)
"""Each of them lets its holder look at requests: the first at own ones, the others at all."""


async def _one_who_sees(actor: AnyActor) -> Actor:
    if not any(actor.may(permission) for permission in ANY_OF):
        names = [permission.value for permission in ANY_OF]
        raise Forbidden(f"This needs one of the permissions {', '.join(names)}.", missing=names)
    return actor


CanSee = Annotated[Actor, Depends(_one_who_sees)]


def requestor_of(row: AddonRequest) -> Requestor:
    """Who filed the request."""
    return Requestor(row.requestor_kind, row.requestor_id, frozenset(row.requestor_people))


def sees_all(actor: Actor) -> bool:
    """Whether the actor sees the requests of everybody."""
    return actor.may(Permission.ADDONS_APPROVE) or actor.may(Permission.ADDONS_ADMINISTER)


def visible(actor: Actor, row: AddonRequest | None) -> AddonRequest:
    """The request: the actor's own, or anybody's for approvers and administrators. Raises `AddonRequestNotFound`."""
    own = row is not None and filed(actor, requestor_of(row)) and actor.may(Permission.ADDONS_REQUEST)
    if row is None or not (own or sees_all(actor)):
        raise AddonRequestNotFound
    return row
