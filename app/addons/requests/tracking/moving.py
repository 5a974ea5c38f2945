"""Moves a request to its next status: step, audit row and announcement, all in the transaction of the change."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.addons.requests.tracking.actions import OF_STEP, REQUEST
from app.addons.requests.tracking.events import OF_STATUS
from app.addons.requests.tracking.models import AddonRequest, RequestStep
from app.addons.requests.tracking.permissions import requestor_of
from app.addons.requests.tracking.problems import NotAParty, OwnRequest, WrongStatus
from app.addons.requests.tracking.repository import RequestWrites
from app.addons.requests.tracking.workflow import FINAL, Refusal, RequestAction, RequestStatus, Transition, decide
from app.audit.log.service import AuditTrail
from app.kernel.db.database import WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.security.authorization import Actor
from app.kernel.telemetry.metrics import counter
from app.operations.notifications.outbox.announcing import Announcements

REQUESTS_MOVED = counter(
    "spyne_addon_requests_moved_total", "Requests for add-ons that changed their status.", "status"
)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a request is moved."""

    reason: str | None = None
    """In words."""
    code: str | None = None
    """For programs; the transition's own code counts more."""


UNEXPLAINED = Cause()


class RequestMoves:
    """Moves locked requests within the caller's transaction."""

    def __init__(self, session: WriteSession, kinds: EventKinds) -> None:
        self._requests = RequestWrites(session)
        self._audit = AuditTrail(session)
        self._announcements = Announcements(session, kinds)

    async def move(
        self, actor: Actor, row: AddonRequest, action: RequestAction, cause: Cause = UNEXPLAINED
    ) -> Transition:
        """The transition, made on a locked request.

        Raises:
            OwnRequest: four eyes.
            NotAParty: the action is for others.
            WrongStatus: the request stands elsewhere.
        """
        status = RequestStatus(row.status)
        found = decide(actor, requestor_of(row), action, status)
        if found is Refusal.OWN_REQUEST:
            raise OwnRequest
        if found is Refusal.NOT_A_PARTY:
            raise NotAParty(action)
        if not isinstance(found, Transition):
            raise WrongStatus.of(action, status)
        now = await self._requests.now()
        seconds = max(0.0, (now - row.status_since).total_seconds())
        _set(row, found, cause, actor, now)
        await self._requests.add_step(_step(row, found, seconds, actor))
        await self._record(actor, row, found)
        if found.before is not found.after:
            REQUESTS_MOVED.labels(found.after.value).inc()
        return found

    async def _record(self, actor: Actor, row: AddonRequest, made: Transition) -> None:
        before = {"status": made.before.value}
        after = {"status": made.after.value, "reason_code": row.reason_code, "reason": row.reason}
        shown = {name: value for name, value in after.items() if value is not None}
        failed = made.after is RequestStatus.FAILED
        await self._audit.append(
            actor, OF_STEP[made.action], REQUEST, row.id, row.title, before=before, after=shown,
            outcome="failure" if failed else "success",
        )  # fmt: skip
        kind = OF_STATUS.get(made.after)
        if kind is not None:
            why = f": {row.reason}" if row.reason else ""
            facts = {"request_id": row.id, "title": row.title, "requestor": row.requestor, "by": actor.label}
            await self._announcements.announce(
                kind, f"The add-on request “{row.title}” is {made.after.value}{why}", payload=facts | after,
                entity=f"addon-request/{row.id}",
            )  # fmt: skip


def _set(row: AddonRequest, made: Transition, cause: Cause, actor: Actor, now: datetime) -> None:
    row.status, row.version = made.after.value, row.version + 1
    if made.before is not made.after:
        row.status_since = now
    row.reason_code = made.reason_code.value if made.reason_code is not None else cause.code
    row.reason = cause.reason
    row.completed_at = now if made.after in FINAL else None
    if made.action is RequestAction.SUBMIT:
        row.submitted_at = now
    if made.action in {RequestAction.APPROVE, RequestAction.REJECT}:
        row.decided_at, row.decided_by_id, row.decided_by = now, actor.id, actor.label


def _step(row: AddonRequest, made: Transition, seconds: float, actor: Actor) -> RequestStep:
    values: dict[str, Any] = {"reason_code": row.reason_code, "reason": row.reason}
    return RequestStep(
        request_id=row.id,
        action=made.action.value,
        from_status=made.before.value,
        to_status=made.after.value,
        seconds=seconds,
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        actor=actor.label,
        **values,
    )
