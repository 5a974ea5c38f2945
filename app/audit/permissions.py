"""Who may read the audit log."""

from typing import Annotated

from app.kernel.security.authorization import Actor, Permission, requires

CanReadAudit = Annotated[Actor, requires(Permission.AUDIT_READ)]
