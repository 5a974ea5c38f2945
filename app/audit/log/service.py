"""Writing the audit log. A row belongs to the transaction of its change: without the row, no change."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from app.audit.log.actions import Verb, verb_of
from app.audit.log.diffs import difference, label, stored
from app.audit.log.origin import client_address
from app.audit.log.repository import AuditWrites
from app.kernel.correlation import correlation_id, trace_id
from app.kernel.db.database import WriteSession, is_retryable
from app.kernel.db.failures import DATABASE_FAILURES
from app.kernel.problems import Unavailable
from app.kernel.security.authorization import Actor
from app.kernel.security.secrets import ServiceSecret


class AuditUnavailable(Unavailable):
    """The audit row could not be written, so the change was not made."""

    code, title = "audit-unavailable", "The change cannot be audited right now"


class AuditTrail:
    """Appends to the audit log within the caller's transaction."""

    def __init__(self, session: WriteSession, secret: ServiceSecret | None = None) -> None:
        """Binds to the transaction of the changes; without the secret, secrets in diffs read `[secret]`, not hashes."""
        self._session = session
        self._entries = AuditWrites(session)
        self._key = secret.key("audit:1") if secret is not None else None

    async def append(
        self,
        actor: Actor,
        action: StrEnum,
        entity_type: str,
        entity_id: UUID | str | None = None,
        entity_label: str | None = None,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
        outcome: Literal["success", "failure"] = "success",
        verb: Verb | None = None,
    ) -> None:
        """Record what the actor did.

        Args:
            actor: who.
            action: `subject:action`, a member of the domain's own enum.
            entity_type: the kind of thing acted on, such as `table`.
            entity_id: its id.
            entity_label: its name now.
            before: its fields before the change; None for a creation.
            after: its fields after; None for a deletion. Of two sides only the fields that differ are kept.
            outcome: how it ended.
            verb: when the last word of the action does not say it.

        Raises:
            AuditUnavailable: the row cannot be written; the transaction is of no more use.
        """
        await self._session.flush()  # so that an error of the business rows is not taken for one of the audit row
        shown_before, shown_after = difference(before, after, self._key)
        row = {
            "actor_kind": actor.kind.value,
            "actor_id": actor.id,
            "actor_label": label(actor.label),
            "action": action.value,
            "verb": (verb or verb_of(action)).value,
            "entity_type": entity_type,
            "entity_id": None if entity_id is None else label(str(entity_id)),
            "entity_label": None if entity_label is None else label(entity_label),
            "before": stored(shown_before),
            "after": stored(shown_after),
            "correlation_id": correlation_id(),
            "trace_id": trace_id(),
            "client_address": client_address(),
            "outcome": outcome,
        }
        try:
            await self._entries.append(row)
        except DATABASE_FAILURES as error:
            if is_retryable(error):
                raise
            raise AuditUnavailable("The audit row could not be written, so nothing was changed.") from error
