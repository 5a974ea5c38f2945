"""Measures accepted joins again where their tables are others than when they were measured, and flags what decayed."""

import logging
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from app.audit.log.service import AuditTrail
from app.catalog.joins.actions import JoinAction
from app.catalog.joins.configuration import policy_in_force
from app.catalog.joins.events import DECAYED
from app.catalog.joins.evidence.configuration import LOOK_SECONDS
from app.catalog.joins.evidence.looking import CANNOT_LOOK
from app.catalog.joins.evidence.subjects import JoinSubject
from app.catalog.joins.policy import Estimates, decay, is_news
from app.catalog.joins.records import AcceptedVersion
from app.catalog.joins.repository import JoinReads, JoinWrites, stored
from app.kernel.clock import Clock
from app.kernel.db.database import Units, WriteSession
from app.kernel.ports.events import EventKinds
from app.kernel.problems import Problem
from app.kernel.runtime.configuration import ConfigurationInForce
from app.kernel.security.authorization import SYSTEM
from app.operations.notifications.outbox.announcing import Announcements
from app.warehouse.evidence.measuring import measure_join
from app.warehouse.evidence.samples import JoinMeasure

log = logging.getLogger(__name__)

COLUMN_GONE = "A column of the join is gone, has a type that compares with nothing, or the table cannot be read."


class JoinRemeasuring:
    """Measures joins exactly, each in a snapshot of its own, and keeps what was found."""

    def __init__(self, units: Units, configuration: ConfigurationInForce, kinds: EventKinds, clock: Clock) -> None:
        self._units, self._configuration, self._kinds, self._clock = units, configuration, kinds, clock

    async def measure(
        self, subjects: Sequence[JoinSubject], estimates: Mapping[str, Estimates], changed: AbstractSet[str] | None
    ) -> tuple[int, int]:
        """How many joins in force were measured again, and how many of them do not hold as they were accepted.

        Measured are those of a table that is another version or has another shape now, and those of a table that has
        changed of which the estimates say otherwise than what is known.

        Args:
            subjects: the versions that stand for tables.
            estimates: what samples say of joins, by their ids.
            changed: the tables that have changed since the last look; None to measure all joins.
        """
        by_name = {subject.table: subject for subject in subjects}
        async with self._units.read() as session:
            joins = await JoinReads(session).active()
        measured = decayed = 0
        for join in joins:
            if changed is not None and _stands(join, by_name):
                touched = not changed.isdisjoint((join.left.table, join.right.table))
                said, policy = estimates.get(join.join_id), policy_in_force(self._configuration)
                if not touched or said is None or not is_news(join.accepted_measure, bool(join.decay), said, policy):
                    continue
            reasons = await self._again(join, by_name)
            if reasons is not None:
                measured, decayed = measured + 1, decayed + bool(reasons)
        return measured, decayed

    async def _again(self, join: AcceptedVersion, subjects: Mapping[str, JoinSubject]) -> tuple[str, ...] | None:
        """Why the join does not hold, by its measure now; None when it could not be measured for want of time."""
        left, right = subjects.get(join.left.table), subjects.get(join.right.table)
        if left is None or right is None:
            return None  # no version stands for the table: there is nothing that a query could join
        measure = None
        try:
            async with self._units.snapshot() as session:
                sides = (left.relation, join.left.columns), (right.relation, join.right.columns)
                measure = await measure_join(session, *sides, seconds=self._configuration.value(LOOK_SECONDS))
        except CANNOT_LOOK as problem:
            if isinstance(problem, Problem) and problem.status >= 500:  # noqa: PLR2004 - of time, not of the relation
                log.warning("a join could not be measured in time", extra={"join": join.label})
                return None
        reasons = (
            (COLUMN_GONE,)
            if measure is None
            else decay(join.accepted_measure, measure, policy_in_force(self._configuration))
        )
        await self._units.run(lambda session: self._keep(session, join, (left, right), measure, reasons))
        return reasons

    async def _keep(
        self,
        session: WriteSession,
        join: AcceptedVersion,
        sides: tuple[JoinSubject, JoinSubject],
        measure: JoinMeasure | None,
        reasons: tuple[str, ...],
    ) -> None:
        values: dict[str, Any] = {
            "decay": list(reasons),
            "left_table_id": sides[0].table_id,
            "right_table_id": sides[1].table_id,
            "left_schema_version": sides[0].schema_version,
            "right_schema_version": sides[1].schema_version,
        }
        if measure is not None:
            values |= {"measure": stored(measure), "measured_at": self._clock()}
        if not await JoinWrites(session).change(join, **values):
            return  # decided about meanwhile: by then it was measured again
        if reasons == join.decay:
            return
        before, after = {"decay": list(join.decay)}, {"decay": list(reasons)}
        await AuditTrail(session).append(
            SYSTEM, JoinAction.REMEASURED, "join", join.join_id, join.label, before=before, after=after
        )
        if reasons:
            await Announcements(session, self._kinds).announce(
                DECAYED,
                f"{join.label} does not hold any more as it was accepted",
                " ".join(reasons),
                {"join_id": join.join_id, "version": join.version, "decay": list(reasons)},
                f"join/{join.label}",
            )


def _stands(join: AcceptedVersion, subjects: Mapping[str, JoinSubject]) -> bool:
    """Whether the versions and shapes that were measured still stand for the join's tables."""
    pairs = zip((join.left, join.right), join.schema_versions, strict=True)
    return all(
        (subject := subjects.get(side.table)) is not None
        and (subject.table_id, subject.schema_version) == (side.table_id, schema_version)
        for side, schema_version in pairs
    )
