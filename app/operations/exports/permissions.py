"""Who may export, who sees an export, and who may ask for what is in it."""

from typing import Annotated

from app.kernel.ports.exports import ExportSource
from app.kernel.problems import Forbidden
from app.kernel.security.authorization import Actor, Permission, requires
from app.operations.exports.models import ExportRow
from app.operations.exports.problems import ExportNotFound

CanExport = Annotated[Actor, requires(Permission.EXPORTS_RUN)]
CanReportExports = Annotated[Actor, requires(Permission.SYSTEM_WRITE)]


def owns(actor: Actor, row: ExportRow) -> bool:
    """Whether the actor asked for the export."""
    return row.requested_by_kind == actor.kind.value and row.requested_by_id == actor.id


def visible(actor: Actor, row: ExportRow | None) -> ExportRow:
    """The export: the actor's own, or anybody's for who runs the service. Raises `ExportNotFound` for all others."""
    if row is None or not (owns(actor, row) or actor.may(Permission.SYSTEM_READ)):
        raise ExportNotFound
    return row


def require_right(actor: Actor, source: ExportSource) -> None:
    """Return when the actor holds the source's permission. Raises `Forbidden`."""
    if not actor.may(source.permission):
        raise Forbidden(f"This needs the permission {source.permission}.", missing=[source.permission.value])
