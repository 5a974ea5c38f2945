"""Who may read and who may manage knowledge."""

from typing import Annotated

from app.kernel.security.authorization import Actor, Permission, requires

CanReadKnowledge = Annotated[Actor, requires(Permission.KNOWLEDGE_READ)]
CanManageKnowledge = Annotated[Actor, requires(Permission.KNOWLEDGE_MANAGE)]
