"""`/api/users`: people, their roles and passwords; `/api/roles`: what the roles allow."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from app.access.naming import NameTaken
from app.access.permissions import CanAdministerUsers
from app.access.roles import Role
from app.access.subject_status import known_permissions
from app.access.users.repository import RoleHolding, UserFilter
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
from app.access.users.service import LastAdmin, UserReading, UserService, UserView
from app.kernel.http.etags import IfMatch, set_etag
from app.kernel.http.routes import TransactionalRoute
from app.kernel.http.sessions import Reads, Writes
from app.kernel.paging import PageDocument, Paging, show
from app.kernel.problems import PreconditionFailed, responses
from app.kernel.runtime.resources import ResourcesDep
from app.kernel.security.authorization import Actor, AnyActor, Permission

router = APIRouter(prefix="/api", tags=["access"], route_class=TransactionalRoute)

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def _users(session: Writes, resources: ResourcesDep) -> UserService:
    return UserService(session, resources)


async def _filter(
    q: Annotated[
        str | None, Query(max_length=200, description="Part of the username, e-mail address or name, in any case.")
    ] = None,
    role: Annotated[Role | None, Query(description="Who holds this role.")] = None,
    status: Annotated[Status | None, Query(description="Active or disabled ones.")] = None,
    provider: Annotated[Provider | None, Query(description="Who logs in there.")] = None,
) -> UserFilter:
    return UserFilter(q, role, status, provider)


UsersDep = Annotated[UserService, Depends(_users)]
FilterDep = Annotated[UserFilter, Depends(_filter)]


def _shown(view: UserView) -> UserDocument:
    user = view.user
    return UserDocument(
        id=user.id,
        username=user.username,
        email=user.email,
        display_name=user.display_name,
        status=user.status,
        provider=user.auth_provider,
        roles=sorted(view.roles),
        must_change_password=user.must_change_password,
        last_login_at=user.last_login_at,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


@router.get("/users", operation_id="list_users")
async def list_users(
    _: CanAdministerUsers, session: Reads, wanted: FilterDep, paging: Paging, request: Request, response: Response
) -> PageDocument[UserDocument]:
    """People with their roles, newest first."""
    return show(await UserReading(session).page(wanted, paging), _shown, request, response)


@router.post("/users", operation_id="create_user", status_code=201, responses=responses(NameTaken))
async def create_user(
    wanted: NewUser, actor: CanAdministerUsers, users: UsersDep, response: Response
) -> NewUserDocument:
    """A new person; without a password a one-time one is made, which this answer alone shows."""
    password = wanted.password.get_secret_value() if wanted.password else None
    view, one_time = await users.admit(
        actor, wanted.username, password, wanted.roles, email=wanted.email, display_name=wanted.display_name
    )
    response.headers.update(NO_STORE | {"Location": f"/api/users/{view.user.id}", "ETag": view.tag})
    return NewUserDocument(**_shown(view).model_dump(), one_time_password=one_time)


@router.get("/users/{user_id}", operation_id="get_user")
async def get_user(user_id: UUID, _: CanAdministerUsers, session: Reads, response: Response) -> UserDocument:
    """One person."""
    view = await UserReading(session).get(user_id)
    set_etag(response, view.tag)
    return _shown(view)


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
    view = await users.change(actor, user_id, wanted.model_dump(include=wanted.model_fields_set), if_match)
    set_etag(response, view.tag)
    return _shown(view)


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
    view = await users.set_roles(actor, user_id, wanted.roles, if_match)
    set_etag(response, view.tag)
    return _shown(view)


@router.get("/roles", operation_id="list_roles")
async def list_roles(actor: AnyActor, session: Reads) -> RolesDocument:
    """The matrix of roles and permissions."""
    return RolesDocument(roles=[_role(holding, actor) for holding in await UserReading(session).roles()])


def _role(holding: RoleHolding, actor: Actor) -> RoleDocument:
    permissions = [
        PermissionDocument(name=permission, description=permission.description)
        for permission in sorted(known_permissions(holding.permissions))
    ]
    holders = HoldersDocument(users=holding.users, clients=holding.clients)
    return RoleDocument(
        name=holding.name, permissions=permissions, holders=holders if actor.may(Permission.USERS_ADMIN) else None
    )
