"""Who may see and switch the modes."""

from typing import Annotated

from app.kernel.security.authorization import Actor, Permission, requires

CanSeeSystem = Annotated[Actor, requires(Permission.SYSTEM_READ)]
CanRunSystem = Annotated[Actor, requires(Permission.SYSTEM_WRITE)]
