"""The log of migrations: which revision was applied, reverted or stamped, when, by whom, in how long, by which version.

A row is written in the transaction of its migration, so that it is there exactly when the migration is. The table
comes with a migration of its own (0035): rows of revisions before it wait, and are written as soon as it is there; when
a downgrade has dropped it, rows are dropped too. A later migration can add columns with defaults alone, for rows are
written before it as well.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version
from typing import Any, Final

import asyncpg
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import BigInteger, CheckConstraint, Text, func, insert, text
from sqlalchemy.orm import Mapped, mapped_column

from app.kernel.db.models import Base, Identified

BASE: Final = "base"
"""Alembic's name for a database without any migration."""


class Direction(StrEnum):
    """What was done with a revision."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    STAMP = "stamp"
    """The database was said to be at it; nothing was run."""


class LoggedMigration(Base, Identified):
    """A revision that was applied, reverted or stamped."""

    __tablename__ = "schema_migrations_log"
    __table_args__ = (
        CheckConstraint("direction IN ('upgrade', 'downgrade', 'stamp')", name="direction"),
        CheckConstraint("duration_ms >= 0", name="duration_ms"),
        {"comment": "Migrations that were applied, reverted or stamped, the oldest first by id"},
    )

    revision: Mapped[str] = mapped_column(Text, comment="The revision; base for a stamp of an empty database")
    direction: Mapped[str] = mapped_column(Text, comment="upgrade, downgrade or stamp")
    applied_by: Mapped[str] = mapped_column(Text, comment="The login that did it")
    duration_ms: Mapped[int] = mapped_column(BigInteger, comment="How long it took, in milliseconds")
    service_version: Mapped[str] = mapped_column(Text, comment="Version of the service whose code did it")
    applied_at: Mapped[datetime] = mapped_column(server_default=func.now(), comment="When it was done")


_NOW: Final = text(
    "SELECT session_user::text AS login, clock_timestamp() AS moment, "
    "to_regclass('spyne.schema_migrations_log') IS NOT NULL AS is_there"
)
_LATEST: Final = (
    "SELECT DISTINCT ON (revision) revision, direction, applied_by, duration_ms, service_version, applied_at "
    "FROM spyne.schema_migrations_log ORDER BY revision, id DESC"
)


class MigrationLogger:
    """Writes the log of one run of Alembic, as its `on_version_apply` hook."""

    def __init__(self) -> None:
        self._waiting: list[dict[str, Any]] = []
        self._began = time.monotonic()
        self._version = version("spyne")

    def __call__(self, *, ctx: MigrationContext, step: MigrationInfo, **_: object) -> None:
        """Log a step that was just done."""
        elapsed = time.monotonic() - self._began
        assert ctx.connection is not None
        now = ctx.connection.execute(_NOW).one()
        direction, revisions = done(step)
        self._waiting += [
            {
                "revision": revision,
                "direction": direction.value,
                "applied_by": now.login,
                "duration_ms": round(elapsed * 1000),
                "service_version": self._version,
                "applied_at": now.moment,
            }
            for revision in revisions
        ]
        if now.is_there:
            ctx.connection.execute(insert(LoggedMigration), self._waiting)
            self._waiting = []
        self._began = time.monotonic()


def done(step: MigrationInfo) -> tuple[Direction, tuple[str, ...]]:
    """What a step of Alembic's did, and with which revisions: those that were stamped, else the one that was run."""
    if step.is_stamp:
        return Direction.STAMP, step.destination_revision_ids or (BASE,)
    return (Direction.UPGRADE if step.is_upgrade else Direction.DOWNGRADE), step.up_revision_ids


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What was done last with a revision."""

    revision: str
    direction: Direction
    applied_by: str
    duration_ms: int
    service_version: str
    applied_at: datetime


async def latest(connection: asyncpg.Connection) -> Mapping[str, LogEntry]:
    """What was done last with each revision, by revision; nothing of revisions from before the log was kept."""
    if not await connection.fetchval("SELECT to_regclass('spyne.schema_migrations_log') IS NOT NULL"):
        return {}
    rows = await connection.fetch(_LATEST)
    return {row["revision"]: LogEntry(**{**row, "direction": Direction(row["direction"])}) for row in rows}


async def current(connection: asyncpg.Connection) -> str | None:
    """The revision that the database is at; None before any."""
    if not await connection.fetchval("SELECT to_regclass('spyne.alembic_version') IS NOT NULL"):
        return None
    found: str | None = await connection.fetchval("SELECT version_num FROM spyne.alembic_version")
    return found
