"""All SQL of candidates, accepted joins and their usage."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import Select, Text, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import aliased

from app.catalog.joins.evidence.models import JoinEvidenceRow
from app.catalog.joins.models import AcceptedJoinRow, JoinCandidateRow, JoinUsageRow
from app.catalog.joins.records import (
    AcceptedVersion,
    CandidateStatus,
    Deprecation,
    JoinCandidate,
    JoinSide,
    JoinStatus,
    Rejection,
    RejectionReason,
    Usage,
)
from app.catalog.models import TableVersionRow
from app.catalog.tables.lifecycle import TableState
from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.db.listing import Order, SortKey, listed, newest_first
from app.kernel.ids import new_id
from app.kernel.paging import Page, PageRequest
from app.warehouse.evidence.samples import JoinMeasure

C = JoinCandidateRow.__table__.c
J = AcceptedJoinRow.__table__.c
U = JoinUsageRow.__table__.c
_LEFT = aliased(TableVersionRow, name="left_version")
_RIGHT = aliased(TableVersionRow, name="right_version")
_LEFT_LOOK = aliased(JoinEvidenceRow, name="left_look")
_RIGHT_LOOK = aliased(JoinEvidenceRow, name="right_look")
_LOOKED_AT: Final = func.greatest(
    C.measured_at, func.least(*(func.coalesce(look.measured_at, C.measured_at) for look in (_LEFT_LOOK, _RIGHT_LOOK)))
)
"""When the older of both tables was looked at last: a candidate of which nothing changed is not written again."""
_NEWER = aliased(AcceptedJoinRow, name="newer")
_SIDES: Final = (
    _LEFT.version.label("left_version"),
    _LEFT.state.label("left_state"),
    _RIGHT.version.label("right_version"),
    _RIGHT.state.label("right_state"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateFilter:
    """Which candidates; absent conditions hold for all."""

    table1: str | None = None
    table2: str | None = None
    min_score: float = 0.0
    status: CandidateStatus | None = None
    accepted: bool | None = None


class JoinReads:
    """Reads joins. What is between tables of which one is in another state than those given is not there."""

    def __init__(self, session: ReadSession) -> None:
        self.session = session

    async def candidates(
        self, states: Iterable[TableState], wanted: CandidateFilter, request: PageRequest
    ) -> Page[JoinCandidate]:
        """Candidates, those with the best evidence first."""
        statement = _candidates(states).where(C.score >= wanted.min_score)
        for name in (wanted.table1, wanted.table2):
            if name is not None:
                statement = statement.where((C.left_table == name) | (C.right_table == name))
        if wanted.table1 is not None and wanted.table1 == wanted.table2:
            statement = statement.where(C.left_table == C.right_table)
        if wanted.status is not None:
            statement = statement.where(C.status == wanted.status.value)
        if wanted.accepted is not None:
            statement = statement.where(J.version.is_not(None) if wanted.accepted else J.version.is_(None))
        best_first = Order((SortKey(C.score, is_descending=True), SortKey(C.id)))
        return await listed(self.session, statement, request, best_first, _candidate)

    async def candidate(self, id_: str, states: Iterable[TableState]) -> JoinCandidate | None:
        """The candidate, or None."""
        row = (await self.session.execute(_candidates(states).where(C.id == id_))).one_or_none()
        return _candidate(row) if row else None

    async def page(
        self, states: Iterable[TableState], table: str | None, status: JoinStatus | None, request: PageRequest
    ) -> Page[AcceptedVersion]:
        """The newest version of each accepted join, newest first, with its usage."""
        newest = (
            select(func.max(_NEWER.version)).where(_NEWER.join_id == J.join_id).correlate(AcceptedJoinRow.__table__)
        )
        statement = _versions(states).where(J.version == newest.scalar_subquery())
        if table is not None:
            statement = statement.where(or_(J.left_table == table, J.right_table == table))
        if status is not None:
            statement = statement.where(J.status == status.value)
        page = await listed(self.session, statement, request, newest_first(J.id), _version)
        return replace(page, items=await self._with_usage(page.items))

    async def versions(self, join_id: str, states: Iterable[TableState]) -> list[AcceptedVersion]:
        """Every version of the join, newest first, each with the usage of the join."""
        statement = _versions(states).where(J.join_id == join_id).order_by(J.version.desc())
        return await self._with_usage([_version(row) for row in await self.session.execute(statement)])

    async def active(self, tables: Collection[str] | None = None) -> list[AcceptedVersion]:
        """The joins in force between tables of these names, or all; by id."""
        statement = _versions(TableState).where(J.status == JoinStatus.ACTIVE.value)
        if tables is not None:
            names = literal(list(tables), ARRAY(Text))  # an array: one statement, however many names there are
            statement = statement.where(J.left_table == func.any(names), J.right_table == func.any(names))
        return [_version(row) for row in await self.session.execute(statement.order_by(J.join_id))]

    async def estimates(self) -> dict[str, JoinMeasure]:
        """What the last look estimated of each join in force, by id."""
        statement = select(C.id, C.measure).join_from(
            JoinCandidateRow, AcceptedJoinRow, (J.join_id == C.id) & (J.status == JoinStatus.ACTIVE.value)
        )
        return {row.id: _measure(row.measure) for row in await self.session.execute(statement)}

    async def _with_usage(self, found: Sequence[AcceptedVersion]) -> list[AcceptedVersion]:
        lately = func.now() - func.make_interval(0, 0, 0, 30)
        statement = (
            select(
                U.join_id,
                func.count().label("executions"),
                func.count().filter(U.used_at > lately).label("last_30_days"),
                func.max(U.used_at).label("last_used_at"),
            )
            .where(U.join_id.in_({each.join_id for each in found}))
            .group_by(U.join_id)
        )
        usage = {
            row.join_id: Usage(row.executions, row.last_30_days, row.last_used_at)
            for row in (await self.session.execute(statement) if found else ())
        }
        return [replace(each, usage=usage.get(each.join_id, Usage())) for each in found]


class JoinWrites(JoinReads):
    """Keeps candidates, and decisions about them."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self.writer = session

    async def keep_candidates(self, rows: Sequence[dict[str, Any]]) -> None:
        """Keep what discovery found, in the place of what it found before; a rejection stays.

        What was found so before is not written again, only looked at later: the evidence says when.
        """
        if not rows:
            return
        statement = insert(JoinCandidateRow)
        found: dict[str, Any] = {name: statement.excluded[name] for name in rows[0] if name != "id"}
        news = [C[name].is_distinct_from(value) for name, value in found.items() if name != "measured_at"]
        upsert = statement.on_conflict_do_update(
            index_elements=[C.id], set_=found | {"revision": C.revision + 1}, where=or_(*news)
        )
        await self.writer.execute(upsert, list(rows))

    async def drop_candidates(self, kept: Collection[str]) -> None:
        """Remove what is suggested no more; what was rejected or is in force stays, so that the decision does."""
        stays = func.all(literal(list(kept), ARRAY(Text)))
        in_force = select(J.id).where(J.join_id == C.id, J.status == JoinStatus.ACTIVE.value).exists()
        gone = delete(JoinCandidateRow).where(C.id != stays, C.status == CandidateStatus.SUGGESTED.value, ~in_force)
        await self.writer.execute(gone)

    async def reject(self, id_: str, revision: int, **values: Any) -> bool:
        """Whether the candidate was as it was seen, and is rejected now."""
        statement = (
            update(JoinCandidateRow)
            .where(C.id == id_, C.revision == revision)
            .values(status=CandidateStatus.REJECTED.value, revision=C.revision + 1, **values)
            .returning(C.id)
        )
        return (await self.writer.execute(statement)).scalar_one_or_none() is not None

    async def lock(self, join_id: str) -> None:
        """Nobody else decides about the join before this transaction ends."""
        await self.writer.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(f"spyne.joins:{join_id}", 0)))
        )

    async def accept(self, values: dict[str, Any]) -> None:
        """Add a version of a join, which is in force instead of the one before."""
        await self.writer.execute(
            update(AcceptedJoinRow)
            .where(J.join_id == values["join_id"], J.status == JoinStatus.ACTIVE.value)
            .values(status=JoinStatus.SUPERSEDED.value, revision=J.revision + 1)
        )
        await self.writer.execute(insert(AcceptedJoinRow).values(id=new_id(), **values))

    async def change(self, version: AcceptedVersion, **values: Any) -> bool:
        """Whether the version was as it was seen, and is changed now."""
        statement = (
            update(AcceptedJoinRow)
            .where(J.id == version.id, J.revision == version.revision, J.status == JoinStatus.ACTIVE.value)
            .values(revision=J.revision + 1, **values)
            .returning(J.id)
        )
        return (await self.writer.execute(statement)).scalar_one_or_none() is not None

    async def use(self, execution_id: UUID, joins: Iterable[tuple[str, int]], at: datetime) -> None:
        """Record that an execution used these versions of joins; once, however often it is said."""
        rows = [
            {"execution_id": execution_id, "join_id": join_id, "version": version, "used_at": at}
            for join_id, version in sorted(set(joins))
        ]
        if rows:
            await self.writer.execute(insert(JoinUsageRow).values(rows).on_conflict_do_nothing())


def stored(measure: JoinMeasure) -> dict[str, Any]:
    """The measure as it is stored."""
    found: dict[str, Any] = msgspec.to_builtins(measure)
    return found


def _candidates(states: Iterable[TableState]) -> Select[Any]:
    seen = [state.value for state in states]
    return (
        select(*C, *_SIDES, J.version.label("accepted_version"), _LOOKED_AT.label("looked_at"))
        .join_from(JoinCandidateRow, _LEFT, _LEFT.id == C.left_table_id)
        .outerjoin(_LEFT_LOOK, (_LEFT_LOOK.table_id == C.left_table_id) & _LEFT_LOOK.usable)
        .outerjoin(_RIGHT_LOOK, (_RIGHT_LOOK.table_id == C.right_table_id) & _RIGHT_LOOK.usable)
        .join(_RIGHT, _RIGHT.id == C.right_table_id)
        .outerjoin(AcceptedJoinRow, (J.join_id == C.id) & (J.status == JoinStatus.ACTIVE.value))
        .where(_LEFT.state.in_(seen), _RIGHT.state.in_(seen))
    )


def _versions(states: Iterable[TableState]) -> Select[Any]:
    seen = [state.value for state in states]
    return (
        select(*J, *_SIDES)
        .join_from(AcceptedJoinRow, _LEFT, _LEFT.id == J.left_table_id)
        .join(_RIGHT, _RIGHT.id == J.right_table_id)
        .where(_LEFT.state.in_(seen), _RIGHT.state.in_(seen))
    )


def _side(row: Any, side: str) -> JoinSide:
    return JoinSide(
        table=getattr(row, f"{side}_table"),
        columns=tuple(getattr(row, f"{side}_columns")),
        table_id=getattr(row, f"{side}_table_id"),
        version=getattr(row, f"{side}_version"),
        state=TableState(getattr(row, f"{side}_state")),
    )


def _measure(document: dict[str, Any]) -> JoinMeasure:
    return msgspec.convert(document, JoinMeasure)


def _candidate(row: Any) -> JoinCandidate:
    rejection = None
    if row.rejected_reason is not None:
        reason = RejectionReason(row.rejected_reason)
        rejection = Rejection(reason, row.rejected_note, row.rejected_by, row.rejected_at)
    return JoinCandidate(
        id=row.id,
        left=_side(row, "left"),
        right=_side(row, "right"),
        score=row.score,
        measure=_measure(row.measure),
        reasons=tuple(row.reasons),
        warnings=tuple(row.warnings),
        measured_at=row.looked_at,
        status=CandidateStatus(row.status),
        rejection=rejection,
        accepted_version=row.accepted_version,
        revision=row.revision,
    )


def _version(row: Any) -> AcceptedVersion:
    deprecation = None
    if row.deprecated_at is not None:
        deprecation = Deprecation(row.deprecated_at, row.deprecated_by, row.deprecated_reason)
    return AcceptedVersion(
        id=row.id,
        join_id=row.join_id,
        version=row.version,
        status=JoinStatus(row.status),
        left=_side(row, "left"),
        right=_side(row, "right"),
        rationale=row.rationale,
        override_rationale=row.override_rationale,
        overridden=tuple(row.overridden),
        accepted_by=row.accepted_by,
        accepted_at=row.created_at,
        accepted_measure=_measure(row.accepted_measure),
        measure=_measure(row.measure),
        measured_at=row.measured_at,
        schema_versions=(row.left_schema_version, row.right_schema_version),
        decay=tuple(row.decay),
        deprecation=deprecation,
        revision=row.revision,
    )
