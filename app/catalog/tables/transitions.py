"""Changes of state: planned, then made in one transaction with their grants, history and audit.

Promoting a version takes the name from the current one in the same transaction, so a query sees the old or the new.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import event

from app.audit.log.service import AuditTrail
from app.catalog.tables.actions import TableAction
from app.catalog.tables.events import announce_change
from app.catalog.tables.lifecycle import CURRENT_STATES, LOOKUP_ORDER, TableState, Transition, supersedes, transition
from app.catalog.tables.planning import (
    Content,
    NothingToRestore,
    PlanChanged,
    StateChanged,
    TransitionPlan,
    check_transition,
    current,
    restored_state,
)
from app.catalog.tables.references import TableNotFound, TableReference, parse_reference
from app.catalog.tables.repository import TableWrites
from app.catalog.tables.shape import Shape
from app.catalog.tables.version import TableVersion
from app.kernel.clock import Clock
from app.kernel.db.database import WriteSession
from app.kernel.http.etags import check_if_match
from app.kernel.ports.dependants import DependantSources
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Fault, Forbidden, InvalidRequest
from app.kernel.security.authorization import Actor, Permission
from app.kernel.telemetry.metrics import TABLE_DEPRECATIONS, TABLE_PROMOTIONS
from app.operations.notifications.outbox.announcing import Announcements
from app.warehouse.inspection import Inspector, Measurement, RelationUnreadable
from app.warehouse.publishing import publish

_ACTIONS = {
    Transition.PROMOTE: TableAction.PROMOTED,
    Transition.DEPRECATE: TableAction.DEPRECATED,
    Transition.RESTORE: TableAction.RESTORED,
}

MAX_SUNSET = timedelta(days=36_525)
"""A century: nobody plans further, and calendars end at the year 9999."""

DEPRECATION_ORDER = (TableState.ACTIVE, TableState.READ_ONLY, TableState.SHADOW, TableState.DEPRECATED)
"""What a name means when it is to be deprecated: what is in use, else what never was."""


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """What every change of state may say about itself."""

    reason: str
    dry_run: bool = False
    if_match: str | None = None
    plan_hash: str | None = None
    """Hash of the dry run that was looked at: the change is refused if it would do anything else."""
    confirm: bool = False
    """Whether rows may be taken from queries, as the dry run with that hash said; nothing without the hash."""


@dataclass(frozen=True, slots=True)
class Successor:
    """What follows a deprecated table, in the words of the caller."""

    reference: str | None = None
    """Id, name or name@version of what to use instead."""
    sunset: datetime | None = None
    """When the table goes away."""


class InvalidDeprecation(InvalidRequest):
    """The successor or the sunset makes no sense."""

    code, title = "invalid-deprecation", "The deprecation has faults"


class TransitionService:
    """Plans and makes changes of state."""

    def __init__(
        self, session: WriteSession, clock: Clock, kinds: EventKinds, dependant_sources: DependantSources
    ) -> None:
        self._session = session
        self._clock = clock
        self._announcements = Announcements(session, kinds)
        self._tables = TableWrites(session)
        self._inspector = Inspector(session)
        self._audit = AuditTrail(session)
        self._dependant_sources = dependant_sources

    async def promote(
        self,
        reference: TableReference,
        from_state: TableState,
        to_state: TableState,
        request: ChangeRequest,
        actor: Actor,
    ) -> TransitionPlan:
        """Change the state of the version that the reference and `from_state` name.

        A name alone stands for its newest version in `from_state`: "promote flights from SHADOW" means the new one.

        Raises:
            TableNotFound, StateChanged, InvalidTransition, NoSchemaYet, PreconditionFailed, PlanChanged, GrantNeeded
            ConfirmationNeeded: queries would lose most rows or all.
        """
        order = (from_state, *(state for state in LOOKUP_ORDER if state is not from_state))
        version = await self._find(reference, order)
        check_transition(version, from_state, to_state)
        if transition(from_state, to_state) is not Transition.PROMOTE and not actor.may(Permission.TABLES_DEPRECATE):
            raise Forbidden(f"From {from_state.value} to {to_state.value} needs {Permission.TABLES_DEPRECATE.value}.")
        return await self._change(version, to_state, request, actor)

    async def deprecate(
        self, reference: TableReference, successor: Successor, request: ChangeRequest, actor: Actor
    ) -> TransitionPlan:
        """Take a version out of use, saying what to use instead and until when.

        Raises:
            InvalidDeprecation: the successor is not a table in use, or the sunset not a time to come.
            TableNotFound, InvalidTransition, PreconditionFailed, PlanChanged, GrantNeeded
        """
        version = await self._find(reference, DEPRECATION_ORDER)
        check_transition(version, version.state, TableState.DEPRECATED)
        named = await self._successor(version, successor.reference)
        sunset = successor.sunset
        now = self._clock()
        if sunset is not None and not now < sunset < now + MAX_SUNSET:
            message = f"The sunset lies in the future, at most {MAX_SUNSET.days} days from now."
            raise InvalidDeprecation(faults=[Fault(pointer="/sunset", code="unusable-sunset", message=message)])
        return await self._change(version, TableState.DEPRECATED, request, actor, successor=named, sunset=sunset)

    async def restore(
        self, reference: TableReference, to_state: TableState | None, request: ChangeRequest, actor: Actor
    ) -> TransitionPlan:
        """Bring a deprecated version back, with its data, schema and contract; the current version gives way.

        A version in use stands for the one from which it took the name. Without `to_state` the version comes back in
        the state that it had.

        Raises:
            NothingToRestore: there is no deprecated version to bring back.
            ConfirmationNeeded: queries would lose most rows or all.
            TableNotFound, InvalidTransition, NoSchemaYet, PreconditionFailed, PlanChanged, GrantNeeded
        """
        version = await self._find(reference, LOOKUP_ORDER)
        if version.state is not TableState.DEPRECATED:
            previous = None
            if version.supersedes_id is not None:
                previous = await self._tables.find(TableReference(id=version.supersedes_id), (TableState.DEPRECATED,))
            if previous is None:
                raise NothingToRestore(f"{version.label} is {version.state.value} and took the name from no version.")
            version = previous
        if to_state is None:
            to_state = restored_state(await self._tables.last_state_before(version.id, TableState.DEPRECATED))
        check_transition(version, TableState.DEPRECATED, to_state)
        return await self._change(version, to_state, request, actor)

    async def _find(self, reference: TableReference, order: Sequence[TableState]) -> TableVersion:
        version = await self._tables.find(reference, order)
        if version is None:
            raise TableNotFound(str(reference))
        return version

    async def _successor(self, version: TableVersion, wanted: str | None) -> str | None:
        """The successor as `name`, or as `name@version` where one version is meant."""
        if wanted is None:
            return None
        try:
            reference = parse_reference(wanted)
            found = await self._tables.find(reference, (TableState.ACTIVE, TableState.READ_ONLY, TableState.SHADOW))
        except TableNotFound:
            found = None
        if found is None or found.id == version.id:
            message = "The successor is another table that is not deprecated."
            raise InvalidDeprecation(faults=[Fault(pointer="/successor", code="unusable-successor", message=message)])
        return (
            found.name if reference.name and reference.version is None and found.name != version.name else found.label
        )

    async def _change(
        self, version: TableVersion, to_state: TableState, request: ChangeRequest, actor: Actor, **more: Any
    ) -> TransitionPlan:
        check_if_match(request.if_match, version.etag)
        plan = await self._plan(version, to_state, **more)
        _check_hash(plan, request)
        return plan if request.dry_run else await self._apply(plan, request, actor)

    async def _plan(
        self, version: TableVersion, to_state: TableState, successor: str | None = None, sunset: datetime | None = None
    ) -> TransitionPlan:
        gives_way = None
        if supersedes(version.state, to_state):
            gives_way = await self._tables.find(TableReference(name=version.name), tuple(CURRENT_STATES))
        affected = gives_way or version
        return TransitionPlan(
            target=await self._content(version),
            to_state=to_state,
            superseded=await self._content(gives_way) if gives_way else None,
            successor=successor,
            sunset=sunset,
            dependants=await self._dependant_sources.dependants(self._session, affected.id),
        )

    async def _content(self, version: TableVersion) -> Content:
        shaped = await self._tables.find_shaped(TableReference(id=version.id), tuple(TableState))
        if shaped is None or shaped.snapshot is None:
            return Content(version, None, None)
        shape = shaped.snapshot.shape
        return Content(version, shape, await self._measured(version, shape))

    async def _measured(self, version: TableVersion, shape: Shape, *, hashed: bool = True) -> Measurement | None:
        """What the version holds, with a checksum where one can be made; None when it cannot be read."""
        names = [column.name for column in shape]
        if await self._inspector.readable(version.relation, names):
            # An adopted relation may be gone, closed or broken: that is no reason to keep it in use.
            with suppress(RelationUnreadable):
                hashed = hashed and version.origin == "contract"
                return await self._inspector.measure(version.relation, names, hashed=hashed)
        return None

    async def _recounted(self, content: Content) -> Content:
        """The content with the rows it has now, measured anew as a whole only if these are others than before."""
        if content.shape is None or content.measured is None:
            return content
        counted = await self._measured(content.version, content.shape, hashed=False)
        if counted is not None and counted.rows == content.measured.rows:
            return content
        return replace(content, measured=await self._measured(content.version, content.shape))

    async def _apply(self, plan: TransitionPlan, request: ChangeRequest, actor: Actor) -> TransitionPlan:
        """The plan as it was carried out."""
        target, reason = plan.target.version, request.reason
        self._check_still(plan, await self._tables.lock_versions(target.name))
        if plan.superseded is not None:
            # No batch ends while the versions are locked, so what is counted now is what queries will find.
            plan = replace(
                plan, target=await self._recounted(plan.target), superseded=await self._recounted(plan.superseded)
            )
            _check_hash(plan, request)
            plan.served.require_confirmed(plan.hash, confirmed=request.confirm and request.plan_hash is not None)
        now = self._clock()
        if plan.superseded is not None:
            await self._deprecate_superseded(plan, plan.superseded, now, reason, actor)
        deprecated = plan.to_state is TableState.DEPRECATED
        changes: dict[str, Any] = {
            "state_changed_at": now,
            "deprecated_at": now if deprecated else None,
            "successor": plan.successor,
            "sunset": plan.sunset,
        }
        if plan.superseded is not None:
            changes["supersedes_id"] = plan.superseded.version.id
        after = await self._move(plan, plan.target, plan.to_state, changes, reason, actor)
        await self._publish(plan)
        kind = transition(plan.from_state, plan.to_state)
        assert kind is not None
        await self._audit_change(_ACTIONS[kind], target, after, reason, actor)
        await announce_change(self._announcements, kind, target, plan.to_state, reason, actor, plan.readers)
        self._count_after_commit(plan, kind)
        return plan

    def _check_still(self, plan: TransitionPlan, locked: Sequence[TableVersion]) -> None:
        """What was planned without a lock still holds under it."""
        target = next(version for version in locked if version.id == plan.target.version.id)
        if target.state is not plan.from_state:
            raise StateChanged(target.label, plan.from_state, target.state)
        if target.revision != plan.target.version.revision:
            raise PlanChanged(f"{target.label} was changed meanwhile; look at the plan again.")
        if supersedes(plan.from_state, plan.to_state):
            holder, planned = current(locked), plan.superseded.version if plan.superseded else None
            if (holder and (holder.id, holder.revision)) != (planned and (planned.id, planned.revision)):
                raise PlanChanged(f"Another version of {target.name} took or lost the name meanwhile.")

    async def _deprecate_superseded(
        self, plan: TransitionPlan, superseded: Content, now: datetime, reason: str, actor: Actor
    ) -> None:
        old = superseded.version
        label = plan.target.version.label
        changes = {"state_changed_at": now, "deprecated_at": now, "successor": label, "sunset": None}
        recorded = f"Superseded by {label}: {reason}"
        after = await self._move(plan, superseded, TableState.DEPRECATED, changes, recorded, actor)
        await self._audit_change(TableAction.SUPERSEDED, old, after, reason, actor)
        because = f"{label} took its name. {reason}"
        kind, state = Transition.DEPRECATE, TableState.DEPRECATED
        await announce_change(self._announcements, kind, old, state, because, actor, plan.readers)

    async def _move(
        self,
        plan: TransitionPlan,
        content: Content,
        to_state: TableState,
        changes: dict[str, Any],
        reason: str,
        actor: Actor,
    ) -> TableVersion:
        """The version after its change of state, which is recorded together with what the version holds."""
        before, measured = content.version, content.measured
        after = await self._tables.change_state(before.id, before.state, to_state, changes)
        if after is None:  # the lock makes this impossible; the comparison stays, so that no lock is trusted blindly
            raise PlanChanged(f"{before.label} was changed meanwhile.")
        if measured is not None and before.schema_version is not None:
            at = changes["state_changed_at"]
            await self._tables.record_measurement(before.id, before.schema_version, measured, at)
        await self._tables.record_change(
            before.id, before.state, to_state, by=actor, reason=reason, plan_hash=plan.hash
        )
        return after

    async def _publish(self, plan: TransitionPlan) -> None:
        """Whoever leaves SHADOW or takes a name can be queried from now on; nothing else needs a grant."""
        leaves_shadow = plan.from_state is TableState.SHADOW or plan.to_state in CURRENT_STATES
        if leaves_shadow and plan.target.shape is not None:
            columns = [column.name for column in plan.target.shape]
            await publish(self._session, plan.target.version.relation, columns)

    async def _audit_change(
        self, action: TableAction, before: TableVersion, after: TableVersion, reason: str, actor: Actor
    ) -> None:
        await self._audit.append(
            actor,
            action,
            "table",
            before.id,
            before.label,
            before=_audited(before),
            after=_audited(after) | {"reason": reason},
        )

    def _count_after_commit(self, plan: TransitionPlan, kind: Transition) -> None:
        deprecations = (plan.superseded is not None) + (kind is Transition.DEPRECATE)

        def count(_: object) -> None:
            if kind is not Transition.DEPRECATE:
                TABLE_PROMOTIONS.labels(plan.from_state.value, plan.to_state.value).inc()
            TABLE_DEPRECATIONS.inc(deprecations)

        event.listen(self._session.sync_session, "after_commit", count, once=True)


def _check_hash(plan: TransitionPlan, request: ChangeRequest) -> None:
    if request.plan_hash is not None and request.plan_hash != plan.hash:
        raise PlanChanged(
            f"The plan is another one than the dry run showed; look at it again. {plan.served.words}",
            plan_hash=plan.hash,
        )


def _audited(version: TableVersion) -> dict[str, Any]:
    return {
        "state": version.state.value,
        "supersedes": version.supersedes_id,
        "successor": version.successor,
        "sunset": version.sunset,
    }
