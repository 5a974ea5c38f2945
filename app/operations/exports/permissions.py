"""Who may export."""

from typing import Annotated

from app.kernel.security.authorization import Actor, Permission, requires

CanExport = Annotated[Actor, requires(Permission.EXPORTS_RUN)]
CanReportExports = Annotated[Actor, requires(Permission.SYSTEM_WRITE)]
