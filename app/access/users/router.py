"""`/api/users`: people, their roles and passwords; `/api/roles`: what the roles allow."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from app.access.models import User
from app.access.naming import NameTaken
from app.access.permissions import CanAdministerUsers
from app.access.roles import Role
from app.access.subject_status import known_permissions
from app.access.users.repository import RoleHolding, RoleReads, UserFilter, UserReads
from app.access.users.schemas import (
    HoldersDocument,
    NewUser,
    NewUserDocument,
    PermissionDocument,
    Provider,
    RoleDocument,
    RolesDocument,
    Status,
    UserChange,
    UserDocument,
    UserRoles,
)
from app.access.users.service import LastAdmin, UserService
from app.kernel.http.caching import NO_STORE
from app.kernel.http.etags import IfMatch, Tagged, etag
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import reads, writes
from app.kernel.paging import PageDocument, PageRequest, show, sorted_by
from app.kernel.problems import PreconditionFailed, responses
from app.kernel.security.authorization import Actor, AnyActor, Permission

router = APIRouter(prefix="/api", tags=["access"], route_class=TransactionalRoute)


async def _filter(
    q: Annotated[
        str | None, Query(max_length=200, description="Part of the username, e-mail address or name, in any case.")
    ] = None,
    role: Annotated[Role | None, Query(description="Who holds this role.")] = None,
    status: Annotated[Status | None, Query(description="Active or disabled ones.")] = None,
    provider: Annotated[Provider | None, Query(description="Who logs in there.")] = None,
) -> UserFilter:
    return UserFilter(q, role, status, provider)


UsersDep = Annotated[UserService, writes(UserService)]
PeopleDep = Annotated[UserReads, reads(UserReads)]
RolesDep = Annotated[RoleReads, reads(RoleReads)]
FilterDep = Annotated[UserFilter, Depends(_filter)]


def _shown(user: User) -> UserDocument:
    own = ("id", "username", "email", "display_name", "status", "must_change_password")
    times = ("last_login_at", "created_at", "updated_at")
    fields = {name: getattr(user, name) for name in (*own, *times)}
    return UserDocument.model_validate(fields | {"provider": user.auth_provider, "roles": sorted(user.roles)})


SortedPaging = Annotated[PageRequest, sorted_by(*UserReads.sorts)]


@router.get("/users", operation_id="list_users")
async def list_users(
    _: CanAdministerUsers,
    people: PeopleDep,
    wanted: FilterDep,
    paging: SortedPaging,
    request: Request,
    response: Response,
) -> PageDocument[UserDocument]:
    """People with their roles, newest first."""
    return show(await people.matching(wanted, paging), _shown, request, response)


@router.post("/users", operation_id="create_user", status_code=201, responses=responses(NameTaken))
async def create_user(
    wanted: NewUser, actor: CanAdministerUsers, users: UsersDep, response: Response
) -> NewUserDocument:
    """A new person; without a password a one-time one is made, which this answer alone shows."""
    password = wanted.password.get_secret_value() if wanted.password else None
    user, one_time = await users.admit(
        actor, wanted.username, password, wanted.roles, email=wanted.email, display_name=wanted.display_name
    )
    response.headers.update(NO_STORE | {"Location": f"/api/users/{user.id}", "ETag": etag(user.version)})
    return NewUserDocument(**_shown(user).model_dump(), one_time_password=one_time)


@router.get("/users/{user_id}", operation_id="get_user")
async def get_user(user_id: UUID, _: CanAdministerUsers, people: PeopleDep, response: Response) -> UserDocument:
    """One person."""
    user = await people.with_roles(user_id)
    return _shown(Tagged(user, etag(user.version)).put_on(response))


@router.patch("/users/{user_id}", operation_id="change_user", responses=responses(PreconditionFailed, LastAdmin))
async def change_user(
    user_id: UUID,
    wanted: UserChange,
    actor: CanAdministerUsers,
    users: UsersDep,
    response: Response,
    if_match: IfMatch = None,
) -> UserDocument:
    """Change name, address or status. Disabling ends sessions and tokens everywhere within a second."""
    changed = await users.change(actor, user_id, wanted.model_dump(include=wanted.model_fields_set), if_match)
    return _shown(changed.put_on(response))


@router.delete(
    "/users/{user_id}", operation_id="delete_user", status_code=204, responses=responses(PreconditionFailed, LastAdmin)
)
async def delete_user(user_id: UUID, actor: CanAdministerUsers, users: UsersDep, if_match: IfMatch = None) -> None:
    """Remove a person and everything that was issued to them; what they did keeps their name."""
    await users.delete(actor, user_id, if_match)


@router.put("/users/{user_id}/roles", operation_id="set_user_roles", responses=responses(PreconditionFailed, LastAdmin))
async def set_user_roles(
    user_id: UUID,
    wanted: UserRoles,
    actor: CanAdministerUsers,
    users: UsersDep,
    response: Response,
    if_match: IfMatch = None,
) -> UserDocument:
    """Let a person hold exactly these roles; what changes counts everywhere within a second."""
    return _shown((await users.set_roles(actor, user_id, wanted.roles, if_match)).put_on(response))


@router.get("/roles", operation_id="list_roles")
async def list_roles(actor: AnyActor, roles: RolesDep) -> RolesDocument:
    """The matrix of roles and permissions."""
    return RolesDocument(roles=[_role(holding, actor) for holding in await roles.holdings()])


def _role(holding: RoleHolding, actor: Actor) -> RoleDocument:
    permissions = [
        PermissionDocument(name=permission, description=permission.description)
        for permission in sorted(known_permissions(holding.permissions))
    ]
    holders = HoldersDocument(users=holding.users, clients=holding.clients)
    return RoleDocument(
        name=holding.name, permissions=permissions, holders=holders if actor.may(Permission.USERS_ADMIN) else None
    )
