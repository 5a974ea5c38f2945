"""Who may query."""

from typing import Annotated

from app.kernel.security.authorization import Actor, Permission, requires

CanQuery = Annotated[Actor, requires(Permission.QUERY_RUN)]
