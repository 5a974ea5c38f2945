"""All SQL of the configuration."""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.paging import Page, PageRequest, cut
from app.operations.configuration.models import ConfigurationVersion
from app.operations.decisions import service as decisions

REVISION: Final = "configuration"
"""Key of `system_config` whose version counts every change of the configuration."""

_LOCK: Final = "spyne.configuration"


class Decisions:
    """Reads what was decided."""

    model: ClassVar = ConfigurationVersion

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def current(self) -> Sequence[ConfigurationVersion]:
        """The last decision about every key of which there is one."""
        statement = (
            select(ConfigurationVersion)
            .ext(distinct_on(ConfigurationVersion.key))
            .order_by(ConfigurationVersion.key, ConfigurationVersion.version.desc())
        )
        return (await self._session.execute(statement)).scalars().all()

    async def last(self, key: str) -> ConfigurationVersion | None:
        """The last decision about a key."""
        statement = self._of(key).order_by(ConfigurationVersion.version.desc()).limit(1)
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def one(self, key: str, version: int) -> ConfigurationVersion | None:
        """That decision about a key."""
        statement = self._of(key).where(ConfigurationVersion.version == version)
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def history(self, key: str, request: PageRequest) -> Page[ConfigurationVersion]:
        """A page of the decisions about a key, the last one first."""
        statement = self._of(key).order_by(ConfigurationVersion.version.desc()).limit(request.limit + 1)
        after = request.after(_version)
        if after is not None:
            statement = statement.where(ConfigurationVersion.version < after)
        rows = (await self._session.execute(statement)).scalars().all()
        return cut(rows, request, lambda row: str(row.version))

    @staticmethod
    def _of(key: str) -> Any:
        return select(ConfigurationVersion).where(ConfigurationVersion.key == key)


class DecisionWrites(Decisions):
    """Also decides."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self._writer = session

    async def one_at_a_time(self) -> None:
        """Nobody else decides before the transaction ends."""
        await self._writer.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(_LOCK, 0))))

    async def add(self, row: ConfigurationVersion) -> ConfigurationVersion:
        """The decision, made; processes are told by the revision."""
        self._writer.add(row)
        await self._writer.flush()
        await decisions.put(self._writer, REVISION, {}, row.decided_by)
        return row


def _version(text: str) -> int:
    version = int(text)
    if not 0 < version < 2**31:
        raise ValueError("not a version")
    return version
