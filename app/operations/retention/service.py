"""Use cases of retention: decide how long, hold back, count, and let go."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from app.audit.log.service import AuditTrail
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.http.etags import check_if_match, etag
from app.kernel.jobs import enqueue
from app.kernel.ports.retention import Preview, RetentionTarget, RetentionTargets
from app.kernel.ports.retention_holds import lock_category
from app.kernel.problems import Fault, NotFound, faults_within
from app.kernel.security.authorization import SYSTEM, Actor
from app.kernel.security.secrets import ServiceSecret
from app.operations.retention.actions import RetentionAction
from app.operations.retention.models import HoldRow, RuleRow, RunRow
from app.operations.retention.problems import InvalidHold, InvalidRule, InvalidRun, RunOver, RunUnderWay
from app.operations.retention.repository import OPEN, HoldReads, HoldWrites, RuleReads, RuleWrites, RunReads, RunWrites

RUN_JOB = "retention:run"
_ENDS = {
    RetentionAction.RUN_ENDED: ("completed", ("rows", "bytes", "objects", "cut_off")),
    RetentionAction.RUN_CANCELLED: ("cancelled", ("rows", "bytes", "objects")),
    RetentionAction.RUN_FAILED: ("failed", ("rows", "error")),
}
"""The status that an action ends a run with, and the columns that its audit row holds."""


@dataclass(frozen=True, slots=True)
class CategoryStatus:
    """A category: its target, what an admin has decided, and what became of it."""

    target: RetentionTarget
    rule: RuleRow | None
    holds: int = 0
    last_run: RunRow | None = None

    @property
    def days_to_keep(self) -> int:
        """Days by the rule, or by default."""
        return self.rule.days_to_keep if self.rule else self.target.default.days_to_keep

    @property
    def enabled(self) -> bool:
        """Whether what is old goes by the schedule."""
        return self.rule.enabled if self.rule else self.target.default.enabled

    @property
    def version(self) -> int:
        """The version of the rule; 0 by default."""
        return self.rule.version if self.rule else 0

    @property
    def tag(self) -> str:
        """The ETag."""
        return etag(self.version)


class RetentionViews:
    """Shows categories, and what would go."""

    def __init__(self, session: ReadSession, targets: RetentionTargets) -> None:
        self._session = session
        self._targets = targets
        self._rules = RuleReads(session)
        self.runs = RunReads(session)
        self.holds = HoldReads(session)

    def target(self, category: str) -> RetentionTarget:
        """The category's target. Raises `CategoryNotFound`."""
        return self._targets.of(category)

    async def everything(self) -> list[CategoryStatus]:
        """Every category, in the order in which a sweep takes them."""
        rules, holds, runs = await self._rules.by_category(), await self.holds.open_counts(), await self.runs.last()
        return [
            CategoryStatus(target, rules.get(name := target.category), holds.get(name, 0), runs.get(name))
            for target in self._targets
        ]

    async def one(self, category: str) -> CategoryStatus:
        """The category. Raises `CategoryNotFound`."""
        self.target(category)
        return next(each for each in await self.everything() if each.target.category == category)

    async def preview(self, category: str, days: int | None) -> tuple[datetime, Preview]:
        """The cut-off, and what a run with it would remove now. Raises `CategoryNotFound`."""
        target = self.target(category)
        kept = days or CategoryStatus(target, await self._rules.get(category)).days_to_keep
        cut_off = await self._rules.ago(kept)
        return cut_off, await target.preview(self._session, cut_off)


class RetentionService:
    """Changes rules, holds and runs within one transaction, audited."""

    def __init__(self, session: WriteSession, targets: RetentionTargets, secret: ServiceSecret) -> None:
        self._session = session
        self._targets = targets
        self._rules = RuleWrites(session)
        self._holds = HoldWrites(session)
        self._runs = RunWrites(session)
        self._audit = AuditTrail(session, secret)

    async def decide(
        self, actor: Actor, wanted: Mapping[str, Any], if_match: str | None
    ) -> tuple[CategoryStatus, bool]:
        """The category under its rule, and whether that was made now.

        Raises:
            InvalidRule: there is no such category, or it cannot be archived as asked for.
            PreconditionFailed: `if_match` names another version.
        """
        target = self._rule_target(wanted)
        category = target.category
        await lock_category(self._session, category)
        before = await self._rules.get(category)
        check_if_match(if_match, CategoryStatus(target, before).tag)
        values = {name: wanted[name] for name in ("days_to_keep", "enabled", "description")}
        was = None if before is None else {name: getattr(before, name) for name in values}
        if was != values:
            await self._rules.put(category, values | {"archive": target.archives, "updated_by": actor.label})
            action = RetentionAction.RULE_CREATED if before is None else RetentionAction.RULE_CHANGED
            await self._record(actor, action, category, category, before=was, after=values)
        return await RetentionViews(self._session, self._targets).one(category), before is None

    def _rule_target(self, wanted: Mapping[str, Any]) -> RetentionTarget:
        target = self._targets.get(wanted["category"])
        if target is None:
            message = f"The categories are {', '.join(self._targets.names())}."
            raise InvalidRule(faults=[Fault(pointer="/category", code="unknown-category", message=message)])
        archive = wanted.get("archive")
        if archive is not None and archive is not target.archives:
            message = "This category is always archived." if target.archives else "This category cannot be archived."
            raise InvalidRule(faults=[Fault(pointer="/archive", code="archive", message=message)])
        if wanted["days_to_keep"] < target.default.least_days:
            message = f"This category is needed for {target.default.least_days} days."
            raise InvalidRule(faults=[Fault(pointer="/days_to_keep", code="too-few", message=message)])
        return target

    async def hold(self, actor: Actor, category: str, wanted: Mapping[str, Any], reason: str) -> HoldRow:
        """A new hold. When it is answered, no step of a run that began before it is under way any more.

        Raises:
            CategoryNotFound
            InvalidHold: the filter is not one of the category's; every fault is listed.
        """
        target = self._targets.of(category)
        try:
            checked = target.hold_filter.model_validate(dict(wanted))
        except ValidationError as error:
            raise InvalidHold(faults=faults_within("/filter", error)) from error
        kept = checked.model_dump(mode="json", exclude_none=True)
        await lock_category(self._session, category)
        row = await self._holds.add(HoldRow(category=category, filter=kept, reason=reason, made_by=actor.label))
        await self._session.refresh(row)
        after = {"filter": kept, "reason": reason}
        await self._record(actor, RetentionAction.HOLD_MADE, row.id, category, after=after)
        return row

    async def release(self, actor: Actor, category: str, hold_id: UUID) -> None:
        """End a hold; it stays as history. Releasing it again changes nothing.

        Raises:
            CategoryNotFound
            NotFound: the category has no such hold.
        """
        self._targets.of(category)
        row = await self._holds.lock(category, hold_id)
        if row.released_at is not None:
            return
        row.released_at, row.released_by = await self._rules.ago(0), actor.label
        before = {"filter": row.filter, "reason": row.reason}
        await self._record(actor, RetentionAction.HOLD_RELEASED, row.id, category, before=before)

    async def run(self, actor: Actor, category: str, cut_off: datetime | None, *, dry_run: bool) -> RunRow:
        """A run: over when it is a dry one, else waiting for its job.

        Raises:
            CategoryNotFound
            InvalidRun: the cut-off is later than the rule allows.
            RunUnderWay: another one is not over.
        """
        target = self._targets.of(category)
        latest = await self._rules.ago(CategoryStatus(target, await self._rules.get(category)).days_to_keep)
        if cut_off is not None and cut_off > latest:
            message = f"The rule keeps what is younger than {latest.isoformat()}."
            raise InvalidRun(faults=[Fault(pointer="/cut_off", code="too-late", message=message)])
        if dry_run:
            amount = (await target.preview(self._session, cut_off or latest)).amount
            now = await self._rules.ago(0)
            counted = {"status": "completed", "started_at": now, "ended_at": now, **asdict(amount)}
            return await self._made(actor, category, cut_off or latest, dry_run=True, **counted)
        await lock_category(self._session, category)
        other = await self._runs.open(category)
        if other is not None:
            raise RunUnderWay(f"Run {other.id} is {other.status}.", run_id=str(other.id))
        return await self.start(actor, category, cut_off or latest)

    async def start(self, actor: Actor, category: str, cut_off: datetime) -> RunRow:
        """A run that waits for its job, enqueued here; to be called where none other is open."""
        row = await self._made(actor, category, cut_off, dry_run=False, status="queued")
        await self.enqueue(actor, row)
        after = {"cut_off": cut_off, "dry_run": False}
        await self._record(actor, RetentionAction.RUN_STARTED, row.id, category, after=after)
        return row

    async def enqueue(self, actor: Actor, row: RunRow) -> None:
        """Give the run a job; its key keeps two of one category apart."""
        key = f"retention:{row.category}"
        row.job_id = await enqueue(self._session, RUN_JOB, {"run_id": row.id}, actor=actor, key=key)
        await self._session.flush()

    async def _made(self, actor: Actor, category: str, cut_off: datetime, **values: Any) -> RunRow:
        row = RunRow(category=category, cut_off=cut_off, requested_by=actor.label, **values)
        await self._runs.add(row)
        await self._session.refresh(row)
        return row

    async def cancel(self, actor: Actor, category: str, run_id: UUID) -> RunRow:
        """The run, which removes nothing more. Raises `CategoryNotFound`, `NotFound`, `RunOver`."""
        self._targets.of(category)
        row = await self._runs.lock(run_id)
        if row is None or row.category != category:
            raise NotFound
        if row.status not in OPEN:
            raise RunOver(f"The run is {row.status}.")
        await self.end(actor, row, RetentionAction.RUN_CANCELLED)
        return row

    async def cancel_with_job(self, actor: Actor, run_id: UUID) -> None:
        """End the run, if it is open, as its job is cancelled by an actor who may do that."""
        row = await self._runs.lock(run_id)
        if row is not None and row.status in OPEN:
            await self.end(actor, row, RetentionAction.RUN_CANCELLED)

    async def end(self, actor: Actor, row: RunRow, action: RetentionAction) -> None:
        """End an open run by the action, with what it has removed until now."""
        status, columns = _ENDS[action]
        row.status, row.ended_at = status, await self._rules.ago(0)
        await self._session.flush()
        after = {name: getattr(row, name) for name in columns}
        outcome = "failure" if row.error is not None else "success"
        await self._record(actor, action, row.id, row.category, after=after, outcome=outcome)

    async def take_up_stranded(self) -> int:
        """How many runs were given a new job, their own having ended without them."""
        stranded = await self._runs.stranded()
        for run in stranded:
            await self.enqueue(SYSTEM, run)
        return len(stranded)

    async def start_due(self, category: str) -> bool:
        """Whether a run was begun: the category's rule is enabled, and none is under way."""
        await lock_category(self._session, category)
        status = CategoryStatus(self._targets.of(category), await self._rules.get(category))
        if not status.enabled or await self._runs.open(category) is not None:
            return False
        await self.start(SYSTEM, category, await self._rules.ago(status.days_to_keep))
        return True

    async def _record(
        self, actor: Actor, action: RetentionAction, entity_id: UUID | str, category: str, **sides: Any
    ) -> None:
        await self._audit.append(actor, action, action.entity_type, entity_id, category, **sides)
