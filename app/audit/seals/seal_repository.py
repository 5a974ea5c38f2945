"""All SQL of the seals: which rows wait, what was sealed, and the rows as canonical texts."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import Row, func, insert, select, text

from app.audit.log.models import AuditSeal, SealedEntry
from app.audit.seals.canonical import COLUMNS
from app.audit.seals.chain import Present, Seal
from app.kernel.db.database import ReadSession, WriteSession, driver_connection
from app.kernel.db.lookups import Lookup

_SEAL_COLUMNS: Final = [column.name for column in AuditSeal.__table__.columns]
_EPOCH: Final = "trunc(extract(epoch FROM {}) * 1000000)"
_TEXTS: Final = {"time": _EPOCH.format("e.time") + "::text"}
CANONICAL: Final = ", ".join(_TEXTS.get(name, f"e.{name}::text") for name in COLUMNS)
"""The columns as `canonical.encode` takes them."""

_LINEAGE: Final = (
    "(SELECT system_identifier FROM pg_control_system())::text || '/' || "
    "(SELECT oid FROM pg_database WHERE datname = current_database())::text"
)
"""Transaction numbers mean something within one database of one server only: a restore elsewhere begins others."""

_PRESENT: Final = (
    f"SELECT {_LINEAGE} AS lineage, pg_snapshot_xmin(s)::text::bigint AS horizon, "  # noqa: S608 - constants
    f"pg_snapshot_xmax(s)::text::bigint AS snapshot_end, {_EPOCH.format('clock_timestamp()')}::bigint AS time "
    "FROM pg_current_snapshot() s"
)
_UNSEALED: Final = "NOT EXISTS (SELECT 1 FROM spyne.audit_sealed_entries m WHERE m.entry_id = e.id)"
_WAITING: Final = (
    f"SELECT e.id, {CANONICAL} FROM spyne.audit_log e "  # noqa: S608 - constants
    f"WHERE e.transaction_id >= $1 AND e.transaction_id < $2 AND {_UNSEALED} ORDER BY e.transaction_id, e.id LIMIT $3"
)
_MEMBERS: Final = (
    "SELECT m.seal, m.leaf, m.entry_id::text, m.leaf_hash, e.id IS NOT NULL AS present, "  # noqa: S608 - constants
    f"{CANONICAL} FROM spyne.audit_sealed_entries m LEFT JOIN spyne.audit_log e ON e.id = m.entry_id "
    "WHERE m.seal > :after AND m.seal <= :upto ORDER BY m.seal, m.leaf"
)
_OUTSIDE: Final = (
    "SELECT e.id::text AS entry_id, e.transaction_id, "  # noqa: S608 - constants
    f"{_TEXTS['time']} AS time, m.entry_id IS NULL AS unsealed, {CANONICAL} "
    "FROM (SELECT * FROM spyne.audit_log WHERE (transaction_id, id) > (:transaction, CAST(:entry AS uuid)) "
    "AND transaction_id < :until ORDER BY transaction_id, id LIMIT :limit) e "
    "LEFT JOIN spyne.audit_sealed_entries m ON m.entry_id = e.id ORDER BY e.transaction_id, e.id"
)
_ADVISORY_LOCK: Final = 0x5EA1_0F_A0D17
"""Held by the only sealer at a time, over all workers."""

MAX_BIGINT: Final = 2**63 - 1
FETCH_ROWS: Final = 500

WAITING = Lookup(
    f"SELECT p.lineage, p.horizon, l.number, l.lineage, l.horizon, l.total, u.transaction_id, "  # noqa: S608 - constants
    f"extract(epoch FROM clock_timestamp() - u.time)::float8 FROM ({_PRESENT}) p "
    "LEFT JOIN LATERAL (SELECT number, lineage, horizon, total FROM spyne.audit_seals ORDER BY number DESC LIMIT 1) l "
    "ON true LEFT JOIN LATERAL (SELECT e.transaction_id, e.time FROM spyne.audit_log e "
    f"WHERE e.transaction_id >= coalesce(l.horizon, 0) AND {_UNSEALED} ORDER BY e.transaction_id, e.id LIMIT 1) u "
    "ON true",
    (),
)
"""How far the log is sealed: a look into two indexes, whatever its size."""


@dataclass(frozen=True, slots=True)
class SealingProgress:
    """The database now, and the seals so far."""

    lineage: str
    horizon: int
    sealed_lineage: str | None
    """Lineage of the last seal."""
    sealed_horizon: int
    seals: int
    rows: int
    waiting: int | None
    """Transaction of the oldest row without a seal, as far as the last horizon shows."""
    age_seconds: float

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> "SealingProgress":
        """What `WAITING` answers."""
        lineage, horizon, number, sealed_lineage, sealed_horizon, total, waiting, age = row
        return cls(lineage, horizon, sealed_lineage, sealed_horizon or 0, number or 0, total or 0, waiting, age or 0.0)

    @property
    def adopting(self) -> bool:
        """Whether rows are to be taken whatever their transaction."""
        return self.sealed_lineage != self.lineage or self.sealed_horizon == 0

    @property
    def due(self) -> bool:
        """Whether there is something to seal now."""
        if self.adopting:
            return self.waiting is not None or self.sealed_lineage is not None
        return self.waiting is not None and self.waiting < self.horizon


@dataclass(frozen=True, slots=True)
class Member:
    """A row under a seal, as it is recorded, and as it is."""

    seal: int
    leaf: int
    entry_id: str
    leaf_hash: bytes
    values: tuple[str | None, ...] | None
    """What `canonical.encode` takes; None when the row is gone."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row of the log in the order of transactions."""

    entry_id: str
    transaction: int
    time: int
    unsealed: bool
    values: tuple[str | None, ...]


def microseconds(value: str) -> int:
    """A time in microseconds; what PostgreSQL calls infinity is the farthest one."""
    try:
        return int(value)
    except ValueError:
        return -MAX_BIGINT if value.startswith("-") else MAX_BIGINT


class SealReads:
    """Reads seals and what they cover."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    async def last(self) -> Seal | None:
        """The newest seal."""
        return await self._first(select(AuditSeal).order_by(AuditSeal.number.desc()).limit(1))

    async def numbered(self, number: int) -> Seal | None:
        """The seal of this number."""
        return await self._first(select(AuditSeal).where(AuditSeal.number == number))

    async def _first(self, statement: Any) -> Seal | None:
        found = (await self._session.execute(statement)).scalars().first()
        return None if found is None else _seal(found)

    async def between(self, after: int, upto: int, limit: int) -> list[Seal]:
        """Seals in order, those with numbers above `after` and not above `upto`."""
        statement = select(AuditSeal).where(AuditSeal.number > after, AuditSeal.number <= upto)
        found = await self._session.execute(statement.order_by(AuditSeal.number).limit(limit))
        return [_seal(row) for row in found.scalars()]

    async def before(self, number: int, limit: int) -> list[Seal]:
        """The last seals in front of a number, in order."""
        statement = select(AuditSeal).where(AuditSeal.number < number).order_by(AuditSeal.number.desc()).limit(limit)
        return [_seal(row) for row in (await self._session.execute(statement)).scalars()][::-1]

    async def numbers_within(self, since: int | None, until: int | None) -> tuple[int, int]:
        """First and last number of the seals made within this time (microseconds); (1, 0) when there is none."""
        statement = select(func.min(AuditSeal.number), func.max(AuditSeal.number))
        if since is not None:
            statement = statement.where(AuditSeal.sealed_at >= since)
        if until is not None:
            statement = statement.where(AuditSeal.sealed_at < until)
        first, last = (await self._session.execute(statement)).one()
        return (1, 0) if first is None else (first, last)

    async def members(self, after: int, upto: int) -> AsyncIterator[Member]:
        """The rows under these seals, by seal and leaf; memory does not grow with their number."""
        statement = text(_MEMBERS).execution_options(yield_per=FETCH_ROWS)
        found = await self._session.stream(statement, {"after": after, "upto": upto})
        async for row in found:
            yield _member(row)

    async def log(self, transaction: int, entry_id: str, until: int, limit: int) -> list[LogRow]:
        """Rows in the order of transaction and id, after this one, of transactions below `until`."""
        wanted = {"transaction": transaction, "entry": entry_id, "until": until, "limit": limit}
        found = await self._session.execute(text(_OUTSIDE), wanted)
        return [
            LogRow(row[0], row[1], microseconds(row[2]), row[3], tuple(row[4:]))  # the rest is the canonical columns
            for row in found
        ]

    async def membership(self, entry_id: UUID) -> tuple[int, int] | None:
        """Seal and leaf of a row."""
        statement = select(SealedEntry.seal, SealedEntry.leaf).where(SealedEntry.entry_id == entry_id)
        found = (await self._session.execute(statement)).first()
        return None if found is None else (found[0], found[1])

    async def leaf_hashes(self, number: int) -> Sequence[bytes]:
        """The recorded leaves of a seal, in order."""
        statement = select(SealedEntry.leaf_hash).where(SealedEntry.seal == number).order_by(SealedEntry.leaf)
        return (await self._session.execute(statement)).scalars().all()

    async def values(self, entry_id: UUID) -> tuple[str | None, ...] | None:
        """The row as `canonical.encode` takes it."""
        statement = text(f"SELECT {CANONICAL} FROM spyne.audit_log e WHERE e.id = :id")  # noqa: S608 - constants
        found = (await self._session.execute(statement, {"id": entry_id})).first()
        return None if found is None else tuple(found)

    async def present(self) -> tuple[Present, int]:
        """The database now, and the oldest transaction under way."""
        row = (await self._session.execute(text(_PRESENT))).one()
        return Present(row.lineage, row.snapshot_end, row.time), row.horizon


class SealWrites(SealReads):
    """Adds seals. There is deliberately no way to change or remove one."""

    def __init__(self, session: WriteSession) -> None:
        super().__init__(session)
        self._writes = session

    async def alone(self) -> bool:
        """Whether this transaction is the one that may seal, until its end."""
        statement = select(func.pg_try_advisory_xact_lock(_ADVISORY_LOCK))
        return bool((await self._writes.execute(statement)).scalar_one())

    async def waiting(self, transaction: int, until: int, limit: int) -> AsyncIterator[asyncpg.Record]:
        """Rows without a seal in the order of transaction and id: the id, then what `canonical.encode` takes."""
        connection = await driver_connection(self._writes)
        async for row in connection.cursor(_WAITING, transaction, until, limit, prefetch=FETCH_ROWS):
            yield row

    async def add(self, seal: Seal, members: Sequence[tuple[UUID, bytes]]) -> None:
        """The seal and which rows it covers, in the order of its leaves."""
        values = {name: getattr(seal, name) for name in _SEAL_COLUMNS}
        await self._writes.execute(insert(AuditSeal).values(values))
        connection = await driver_connection(self._writes)
        await connection.copy_records_to_table(
            SealedEntry.__tablename__,
            schema_name="spyne",
            columns=["seal", "leaf", "entry_id", "leaf_hash"],
            records=[(seal.number, leaf, entry, hashed) for leaf, (entry, hashed) in enumerate(members)],
        )


def _seal(row: AuditSeal) -> Seal:
    return Seal(**{name: getattr(row, name) for name in _SEAL_COLUMNS})


def _member(row: Row[Any]) -> Member:
    seal, leaf, entry_id, leaf_hash, present = tuple(row)[:5]
    return Member(seal, leaf, entry_id, leaf_hash, tuple(row[5:]) if present else None)
