"""A retention target that is rows of one table, said by data alone: which table, which time, what keeps a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from app.kernel.db.database import ReadSession, WriteSession
from app.kernel.ports.retention import Amount, Default, HoldFilter, Preview, Removed
from app.kernel.ports.retention_holds import TIMES, held

_NO_FIELDS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsTarget:
    """Rows of a table, `t` in all SQL below: `t.*` where the row is meant, since a table may have a column `t`."""

    category: str
    description: str
    default: Default
    table: str
    """Qualified name."""
    key: Sequence[tuple[str, str]]
    """Primary key: columns and their types. Steps go along it, so none looks at what another has seen."""
    time: str
    """SQL of the time that counts."""
    removable: str = "true"
    """SQL condition: nobody needs the row any more, whatever its age."""
    join: str = ""
    """SQL of tables which the time, the condition or a hold needs, such as `JOIN spyne.others o ON …`."""
    fields: Mapping[str, str] = field(default_factory=lambda: _NO_FIELDS)
    """SQL of what a hold may name beside times; the names are those of `hold_filter`."""
    hold_filter: type[HoldFilter] = HoldFilter
    size: str = "octet_length(CAST(t.* AS text))"
    """SQL of the bytes that the row counts for: of its text, which is the same however it is read."""
    object_key: str = "CAST(NULL AS text)"
    """SQL of the key of a stored object that goes with the row."""
    clearing: str = ""
    """Assignment of an UPDATE which removes what is old while the row stays; empty: the row goes."""
    archives: bool = False

    def __post_init__(self) -> None:
        named = set(self.hold_filter.model_fields) - set(TIMES)
        if named != set(self.fields):
            raise ValueError(f"{self.category}: holds name {sorted(named)}, SQL is there for {sorted(self.fields)}")

    @property
    def _old(self) -> str:
        """The predicate: old enough, and nobody needs it."""
        return f"{self.time} < :cut_off AND ({self.removable})"

    @property
    def held(self) -> str:
        """SQL condition: a hold covers the row."""
        return held(self.category, self.time, self.fields)

    async def preview(self, session: ReadSession, cut_off: datetime) -> Preview:
        """Count what is older than the cut-off, by what the rows say."""
        statement = text(
            "SELECT count(*) FILTER (WHERE NOT held), "  # noqa: S608 - SQL of the targets, none of a request
            "coalesce(sum(bytes) FILTER (WHERE NOT held), 0), count(object) FILTER (WHERE NOT held), "
            "count(*) FILTER (WHERE held), coalesce(sum(bytes) FILTER (WHERE held), 0), "
            "count(object) FILTER (WHERE held), "
            "min(at) FILTER (WHERE NOT held), max(at) FILTER (WHERE NOT held) "
            f"FROM (SELECT {self.time} AS at, {self.size} AS bytes, {self.object_key} AS object, {self.held} AS held "
            f"FROM {self.table} t {self.join} WHERE {self._old}) old"
        )
        found = (await session.execute(statement, {"cut_off": cut_off})).one()
        return Preview(self._amount(*found[:3]), self._amount(*found[3:6]), found[6], found[7])

    async def delete_some(self, session: WriteSession, cut_off: datetime, cursor: str | None, limit: int) -> Removed:
        """Remove some; rows that somebody else has locked are passed over."""
        names = [name for name, _ in self.key]
        wanted: dict[str, Any] = {"cut_off": cut_off, "limit": limit}
        beyond = ""
        if cursor is not None:
            wanted |= {f"k{number}": value for number, value in enumerate(orjson.loads(cursor))}
            begin = ", ".join(f"CAST(CAST(:k{number} AS text) AS {kind})" for number, (_, kind) in enumerate(self.key))
            beyond = f"AND ({', '.join(f't.{name}' for name in names)}) > ({begin})"
        keys = ", ".join(f"t.{name}" for name in names)
        same = " AND ".join(f"t.{name} = d.{name}" for name in names)
        change = (
            f"UPDATE {self.table} t SET {self.clearing} FROM doomed d WHERE {same}"  # noqa: S608 - as above
            if self.clearing
            else f"DELETE FROM {self.table} t USING doomed d WHERE {same}"  # noqa: S608 - as above
        )
        removed = ", ".join(f"d.{name}" for name in names)
        statement = text(
            f"WITH doomed AS MATERIALIZED (SELECT {keys}, {self.size} AS bytes, {self.object_key} AS object "  # noqa: S608 - as above
            f"FROM {self.table} t {self.join} WHERE {self._old} AND NOT {self.held} {beyond} "
            f"ORDER BY {keys} LIMIT :limit FOR UPDATE OF t SKIP LOCKED), "
            f"gone AS ({change} RETURNING {removed}, d.bytes, d.object) "
            f"SELECT bytes, object, {', '.join(f'CAST({name} AS text)' for name in names)} FROM gone "
            f"ORDER BY {', '.join(names)}"
        )
        gone = (await session.execute(statement, wanted)).all()
        objects = [row[1] for row in gone if row[1] is not None]
        amount = self._amount(len(gone), sum(row[0] for row in gone), len(objects))
        last = orjson.dumps(list(gone[-1][2:])).decode() if len(gone) == limit else None
        return Removed(amount, last, objects)

    def _amount(self, rows: Any, size: Any, objects: Any) -> Amount:
        return Amount(0 if self.clearing else int(rows), int(size), int(objects))


ID = (("id", "uuid"),)
