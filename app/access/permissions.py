"""Who may administer identities."""

from typing import Annotated

from app.kernel.security.authorization import Actor, Permission, requires

CanAdministerUsers = Annotated[Actor, requires(Permission.USERS_ADMIN)]
