"""All SQL of `system_config`; other domains call `app/operations/decisions/service.py`."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, Subquery, func, select
from sqlalchemy.dialects.postgresql import insert

from app.kernel.db.database import ReadSession, WriteSession
from app.operations.decisions.models import SystemConfig

_Decided = Row[tuple[dict[str, Any], int]]


def _decided(key: str) -> Select[*tuple[Any, ...]]:
    return select(SystemConfig.value, SystemConfig.version, SystemConfig.updated_at).where(SystemConfig.key == key)


def decision_subquery(key: str) -> Subquery:
    """The columns `value`, `version` and `updated_at` of one decision; no row when nothing was decided."""
    return _decided(key).subquery(key)


class DecisionReads:
    """Reads decisions."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def get(self, key: str) -> _Decided | None:
        """The decision's value and version; None when nothing was decided."""
        return (await self._session.execute(_decided(key))).one_or_none()

    async def versions(self, keys: Sequence[str]) -> dict[str, int]:
        """The versions of those that were decided."""
        statement = select(SystemConfig.key, SystemConfig.version).where(SystemConfig.key.in_(keys))
        return {row.key: row.version for row in await self._session.execute(statement)}


class DecisionWrites(DecisionReads):
    """Changes decisions."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)

    async def lock(self, key: str) -> _Decided | None:
        """The decision as `get` has it, which nobody else changes before this transaction ends."""
        return (await self._session.execute(_decided(key).with_for_update())).one_or_none()

    async def put(self, key: str, value: dict[str, Any], by: str) -> int:
        """The version of the decision after its value was replaced."""
        at = func.clock_timestamp()
        fresh = insert(SystemConfig).values(key=key, value=value, updated_by=by, updated_at=at)
        changed = fresh.on_conflict_do_update(
            index_elements=[SystemConfig.key],
            set_={"value": value, "updated_by": by, "version": SystemConfig.version + 1, "updated_at": at},
        ).returning(SystemConfig.version)
        return int((await self._session.execute(changed)).scalar_one())
