"""SQL of flags."""

from collections.abc import Sequence

from sqlalchemy import func, select

from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest
from app.operations.flags.models import FlagRow


class FlagReads(Reading[FlagRow]):
    """Reads flags."""

    model = FlagRow
    sorts = ("key", "type", "updated_at", "created_at")

    async def matching(
        self, *, archived: bool | None, enabled: bool | None, flag_type: str | None, request: PageRequest
    ) -> Page[FlagRow]:
        """A page of flags, newest first."""
        statement = self.base()
        if archived is not None:
            statement = statement.where(FlagRow.archived_at.is_not(None) if archived else FlagRow.archived_at.is_(None))
        if enabled is not None:
            statement = statement.where(FlagRow.enabled.is_(enabled))
        if flag_type is not None:
            statement = statement.where(FlagRow.type == flag_type)
        return await self.page(statement, request)

    async def by_key(self, key: str) -> FlagRow:
        """The flag. Raises `NotFound`."""
        return await self.one(self.base().where(FlagRow.key == key))

    async def revision(self) -> int:
        """Rises with every change of any flag: no row goes, each change counts one up, and so does each new row."""
        return int((await self.session.execute(select(func.coalesce(func.sum(FlagRow.version), 0)))).scalar_one())

    async def in_use(self) -> Sequence[FlagRow]:
        """Every flag that is not archived."""
        return await self.all(self.base().where(FlagRow.archived_at.is_(None)))


class FlagWrites(Writing[FlagRow], FlagReads):
    """Makes and changes flags."""

    async def lock(self, key: str) -> FlagRow:
        """The flag, which nobody else changes before this transaction ends. Raises `NotFound`."""
        return await self.one(self.base().where(FlagRow.key == key).with_for_update())
