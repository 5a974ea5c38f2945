"""All SQL of the modes."""

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import Executable, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Result

from app.kernel.db.database import WriteSession
from app.operations.decisions.models import SystemConfig


class _Executes(Protocol):
    async def execute(self, statement: Executable) -> Result[Any]: ...


class SystemConfigRepository:
    """Reads and replaces decisions."""

    def __init__(self, session: Any) -> None:
        self._session: _Executes = session

    async def get(self, key: str) -> tuple[dict[str, Any], int] | None:
        """The decision and its version, or None when nothing was decided."""
        found = (
            await self._session.execute(select(SystemConfig.value, SystemConfig.version).where(SystemConfig.key == key))
        ).one_or_none()
        return (found.value, found.version) if found else None

    async def versions(self, keys: Sequence[str]) -> dict[str, int]:
        """The versions of those that were decided."""
        statement = select(SystemConfig.key, SystemConfig.version).where(SystemConfig.key.in_(keys))
        return {row.key: row.version for row in await self._session.execute(statement)}


class SystemConfigWrites(SystemConfigRepository):
    """Also changes decisions."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self._writer = session

    async def lock(self, key: str) -> tuple[dict[str, Any], int] | None:
        """As `get`, and nobody else changes it before this transaction ends."""
        statement = select(SystemConfig.value, SystemConfig.version).where(SystemConfig.key == key).with_for_update()
        found = (await self._writer.execute(statement)).one_or_none()
        return (found.value, found.version) if found else None

    async def put(self, key: str, value: dict[str, Any], by: str) -> int:
        """Replace the decision; answers its new version."""
        at = func.clock_timestamp()
        fresh = insert(SystemConfig).values(key=key, value=value, updated_by=by, updated_at=at)
        changed = fresh.on_conflict_do_update(
            index_elements=[SystemConfig.key],
            set_={"value": value, "updated_by": by, "version": SystemConfig.version + 1, "updated_at": at},
        ).returning(SystemConfig.version)
        return int((await self._writer.execute(changed)).scalar_one())
