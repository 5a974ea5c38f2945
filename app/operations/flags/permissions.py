"""Who may evaluate flags for others."""

from typing import Annotated

from app.kernel.security.authorization import Actor, Permission, requires

CanEvaluate = Annotated[Actor, requires(Permission.FLAGS_EVALUATE)]
