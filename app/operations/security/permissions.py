"""Who may see and change the protection of the edge."""

from typing import Annotated

from app.kernel.security.authorization import Actor, Permission, requires

CanAdministerSecurity = Annotated[Actor, requires(Permission.SECURITY_ADMIN)]
