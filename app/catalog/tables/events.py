"""What the catalog announces: changes of a table's state."""

from collections.abc import Sequence
from typing import Any, Final

from app.catalog.tables.lifecycle import TableState, Transition
from app.catalog.tables.version import TableVersion
from app.kernel.ports.events import EventKind
from app.kernel.security.authorization import Actor
from app.operations.notifications.outbox.announcing import Announcements

PROMOTED: Final = EventKind("table:promoted", "A table changed its state by a promotion.")
DEPRECATED: Final = EventKind("table:deprecated", "A table was deprecated, or another version took its name.")
RESTORED: Final = EventKind("table:restored", "A deprecated table came back.")

EVENT_KINDS: Final = (PROMOTED, DEPRECATED, RESTORED)
_KIND_OF: Final = {Transition.PROMOTE: PROMOTED, Transition.DEPRECATE: DEPRECATED, Transition.RESTORE: RESTORED}


async def announce_change(
    announcements: Announcements,
    kind: Transition,
    before: TableVersion,
    to_state: TableState,
    reason: str,
    actor: Actor,
    readers: Sequence[str],
) -> None:
    """Announce that a version changed its state, in the transaction of the change.

    Who is notified of a deprecation can tell the readers, the people who lately executed queries on what goes out of
    use: their labels stand in body and payload. Other changes take nothing from them and do not name them.
    """
    body = f"{actor.label} changed {before.label} from {before.state.value} to {to_state.value}: {reason}"
    told: dict[str, Any] = {}
    if kind is Transition.DEPRECATE:
        told["readers"] = list(readers)
        if readers:
            body = f"{body} Read lately by {', '.join(readers)}."
    await announcements.announce(
        _KIND_OF[kind],
        f"{before.label} is now {to_state.value}",
        body,
        {
            "table_id": before.id,
            "table": before.name,
            "version": before.version,
            "from_state": before.state.value,
            "to_state": to_state.value,
            "reason": reason,
            "by": actor.label,
        }
        | told,
        f"table/{before.label}",
    )
