"""People and roles, as the registry knows the domain."""

from app.access.models import RolePermission, RoleRow, User, UserRole
from app.access.users.actions import UserAction
from app.access.users.contributions import UsersSource
from app.access.users.router import router
from app.kernel.domains.domain import Domain

DOMAIN = Domain(
    name="users",
    routers=(router,),
    models=(User, RoleRow, RolePermission, UserRole),
    actions=(UserAction,),
    export_sources=(UsersSource(),),
)
