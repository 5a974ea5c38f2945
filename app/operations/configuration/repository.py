"""All SQL of the configuration."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from app.kernel.db.listing import Order, SortKey
from app.kernel.db.repository import Reading, Writing
from app.kernel.paging import Page, PageRequest
from app.operations.configuration.models import ConfigurationVersion
from app.operations.decisions import service as decisions

REVISION: Final = "configuration"
"""Key of `system_config` whose version counts every change of the configuration."""

_LOCK: Final = "spyne.configuration"


class ConfigurationReads(Reading[ConfigurationVersion]):
    """Reads decisions about keys."""

    model = ConfigurationVersion

    async def current(self) -> Sequence[ConfigurationVersion]:
        """The last decision about every key of which there is one."""
        newest_first = (ConfigurationVersion.key, ConfigurationVersion.version.desc())
        return await self.all(self.base().ext(distinct_on(ConfigurationVersion.key)).order_by(*newest_first))

    async def last(self, key: str) -> ConfigurationVersion | None:
        """The last decision about a key."""
        return await self.maybe(self._of(key).limit(1))

    async def version(self, key: str, version: int) -> ConfigurationVersion | None:
        """The decision about a key that has this version."""
        return await self.maybe(self._of(key).where(ConfigurationVersion.version == version))

    async def history(self, key: str, request: PageRequest) -> Page[ConfigurationVersion]:
        """A page of the decisions about a key, the last one first."""
        last_first = Order((SortKey(ConfigurationVersion.version, is_descending=True),))
        return await self.page(self.base().where(ConfigurationVersion.key == key), request, last_first)

    def _of(self, key: str) -> Select[ConfigurationVersion]:
        return self.base().where(ConfigurationVersion.key == key).order_by(ConfigurationVersion.version.desc())


class ConfigurationWrites(Writing[ConfigurationVersion], ConfigurationReads):
    """Adds decisions as well."""

    async def one_at_a_time(self) -> None:
        """Nobody else decides before the transaction ends."""
        await self.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(_LOCK, 0))))

    async def add(self, row: ConfigurationVersion) -> ConfigurationVersion:
        """The decision, made; processes see by the revision that there is one."""
        await super().add(row)
        await decisions.put(self.session, REVISION, {}, row.decided_by)
        return row
