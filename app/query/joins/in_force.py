"""The joins in force between the tables of a statement, as the guard knows them."""

from collections.abc import Mapping
from dataclasses import replace

from app.catalog.joins.records import AcceptedVersion
from app.catalog.joins.service import JoinReading
from app.kernel.db.database import ReadSession
from app.query.guard.relations import ONE, AcceptedJoin, FanOut, RelationView
from app.warehouse.evidence.samples import Multiplicity


async def joins_in_force(session: ReadSession, tables: Mapping[str, RelationView]) -> tuple[AcceptedJoin, ...]:
    """The joins in force between these tables, by logical name."""
    return tuple(_join(each, tables) for each in await JoinReading(session).in_force(tables.keys()))


def _join(join: AcceptedVersion, tables: Mapping[str, RelationView]) -> AcceptedJoin:
    """The join as the guard knows it, with the numbers of its last measurement where that was of the tables read.

    Of other versions nothing is said: it would be wrong of these, and whoever reads these may not see those.
    """
    known = AcceptedJoin(
        join_id=join.join_id,
        left_table=join.left.table,
        left_columns=join.left.columns,
        right_table=join.right.table,
        right_columns=join.right.columns,
        version=join.version,
    )
    for side in (join.left, join.right):
        if str(tables[side.table].table_id) != str(side.table_id):
            return replace(known, decayed=f"It was measured with another version of {side.table} than is read here.")
    measure = join.measure
    return replace(
        known,
        left_rows=_fan_out(measure.fan_out, unique=measure.left_unique),
        right_rows=_fan_out(measure.multiplication, unique=measure.right_unique),
        orphan_rate=measure.orphan_rate,
        decayed=" ".join(join.decay) or None,
        cardinality=measure.cardinality,
    )


def _fan_out(rows: Multiplicity | None, *, unique: bool) -> FanOut | None:
    """The numbers as the guard keeps them. Where no value matches and a side is not unique, nothing is known."""
    if unique:
        return ONE
    return None if rows is None else FanOut(rows.mean, rows.p99, rows.max)
