"""All SQL of rules, holds, runs and tombstones."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Select, delete, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from app.kernel.db.repository import Reading, Writing
from app.kernel.jobs.models import OPEN_STATES, JobRun
from app.kernel.paging import Page, PageRequest
from app.operations.retention.models import HoldRow, RuleRow, RunRow, TombstoneRow

OPEN = ("queued", "running")


class RuleReads(Reading[RuleRow]):
    """Reads rules."""

    model = RuleRow

    async def by_category(self) -> dict[str, RuleRow]:
        """Every rule that an admin has made, by category."""
        return {row.category: row for row in await self.all(self.base())}

    async def get(self, category: str) -> RuleRow | None:
        """The category's rule, if an admin has made one."""
        return await self.maybe(self.base().where(RuleRow.category == category))

    async def ago(self, days: int) -> datetime:
        """The time so many days ago, by the database's clock."""
        moment = func.now(type_=DateTime(timezone=True)) - timedelta(days=days)
        return (await self.session.execute(select(moment))).scalar_one()


class RuleWrites(Writing[RuleRow], RuleReads):
    """Makes and changes rules as well."""

    async def put(self, category: str, values: Mapping[str, Any]) -> None:
        """Make or change the rule."""
        fresh = insert(RuleRow).values(category=category, **values)
        changed = {**values, "version": RuleRow.version + 1, "updated_at": func.now()}
        upsert = fresh.on_conflict_do_update(index_elements=[RuleRow.category], set_=changed).returning(RuleRow)
        await self.session.execute(upsert, execution_options={"populate_existing": True})


class HoldReads(Reading[HoldRow]):
    """Reads holds."""

    model = HoldRow

    async def of(self, category: str, *, open_only: bool, request: PageRequest) -> Page[HoldRow]:
        """A page of the category's holds, newest first."""
        statement = self.base().where(HoldRow.category == category)
        if open_only:
            statement = statement.where(HoldRow.released_at.is_(None))
        return await self.page(statement, request)

    async def open_counts(self) -> dict[str, int]:
        """How many holds are in force, by category; none is left out."""
        counted = select(HoldRow.category, func.count()).where(HoldRow.released_at.is_(None)).group_by(HoldRow.category)
        return {row[0]: int(row[1]) for row in await self.session.execute(counted)}


class HoldWrites(Writing[HoldRow], HoldReads):
    """Makes and releases holds as well."""

    async def lock(self, category: str, hold_id: UUID) -> HoldRow:
        """The category's hold, which nobody else changes before the transaction ends. Raises `NotFound`."""
        return await self.one(self.base().where(HoldRow.id == hold_id, HoldRow.category == category).with_for_update())


class RunReads(Reading[RunRow]):
    """Reads runs."""

    model = RunRow

    async def of(self, category: str, request: PageRequest) -> Page[RunRow]:
        """A page of the category's runs, newest first."""
        return await self.page(self.base().where(RunRow.category == category), request)

    async def get(self, category: str, run_id: UUID) -> RunRow:
        """The category's run. Raises `NotFound`."""
        return await self.one(self.base().where(RunRow.id == run_id, RunRow.category == category))

    async def last(self) -> dict[str, RunRow]:
        """The newest run of each category that was not a dry one."""
        real = self.base().where(RunRow.dry_run.is_(False))
        newest = real.ext(distinct_on(RunRow.category)).order_by(RunRow.category, RunRow.id.desc())
        return {row.category: row for row in await self.all(newest)}

    async def open(self, category: str) -> RunRow | None:
        """The run of the category that is not over."""
        return await self.maybe(self.base().where(RunRow.category == category, RunRow.status.in_(OPEN)))

    async def stranded(self) -> Sequence[RunRow]:
        """Runs that are not over although their job is."""
        alive = select(JobRun.id).where(JobRun.id == RunRow.job_id, JobRun.state.in_(OPEN_STATES))
        return await self.all(self.base().where(RunRow.status.in_(OPEN), ~alive.exists()))

    async def leftovers(self, limit: int) -> Sequence[TombstoneRow]:
        """Some objects that runs which are over have not removed."""
        over = select(RunRow.id).where(RunRow.id == TombstoneRow.run_id, RunRow.status.not_in(OPEN))
        return await self._first(select(TombstoneRow).where(over.exists()), limit)

    async def tombstones(self, run_id: UUID, limit: int) -> Sequence[TombstoneRow]:
        """Some objects that the run is to remove."""
        return await self._first(select(TombstoneRow).where(TombstoneRow.run_id == run_id), limit)

    async def _first(self, statement: Select[TombstoneRow], limit: int) -> Sequence[TombstoneRow]:
        return await self.all(statement.order_by(TombstoneRow.id).limit(limit))


class RunWrites(Writing[RunRow], RunReads):
    """Makes and changes runs as well."""

    async def lock(self, run_id: UUID) -> RunRow | None:
        """The run, which nobody else changes before the transaction ends."""
        return await self.maybe(self.base().where(RunRow.id == run_id).with_for_update())

    async def add_tombstones(self, run_id: UUID, keys: Sequence[str]) -> None:
        """Note objects to be removed once this transaction has committed."""
        if keys:
            await self.session.execute(insert(TombstoneRow), [{"run_id": run_id, "object_key": key} for key in keys])

    async def remove_tombstones(self, ids: Sequence[UUID]) -> None:
        """Forget objects that are gone."""
        await self.session.execute(delete(TombstoneRow).where(TombstoneRow.id.in_(ids)))

    async def keep_object(self, run_id: UUID, key: str) -> None:
        """Remove the tombstone of an object that is to stay after all."""
        await self.session.execute(
            delete(TombstoneRow).where(TombstoneRow.run_id == run_id, TombstoneRow.object_key == key)
        )
