"""The joins in force between the tables of a statement, as the guard knows them."""

from collections.abc import Mapping

from app.catalog.joins.records import AcceptedVersion
from app.catalog.joins.service import JoinReading
from app.kernel.db.database import ReadSession
from app.query.guard.relations import ONE, AcceptedJoin, FanOut, RelationView
from app.warehouse.evidence.samples import Multiplicity


async def joins_in_force(session: ReadSession, tables: Mapping[str, RelationView]) -> tuple[AcceptedJoin, ...]:
    """The joins in force between these tables, by logical name."""
    return tuple(_join(each, tables) for each in await JoinReading(session).in_force(tables.keys()))


def _join(join: AcceptedVersion, tables: Mapping[str, RelationView]) -> AcceptedJoin:
    """The join as the guard knows it, by its last measurement."""
    measure = join.measure
    return AcceptedJoin(
        join_id=join.join_id,
        left_table=join.left.table,
        left_columns=join.left.columns,
        right_table=join.right.table,
        right_columns=join.right.columns,
        version=join.version,
        left_rows=_fan_out(measure.fan_out, unique=measure.left_unique),
        right_rows=_fan_out(measure.multiplication, unique=measure.right_unique),
        orphan_rate=measure.orphan_rate,
        decayed=" ".join(join.decay) or _of_other_version(join, tables),
    )


def _fan_out(rows: Multiplicity | None, *, unique: bool) -> FanOut | None:
    """The numbers as the guard keeps them. Where no value matches and a side is not unique, nothing is known."""
    if unique:
        return ONE
    return None if rows is None else FanOut(rows.mean, rows.p99, rows.max)


def _of_other_version(join: AcceptedVersion, tables: Mapping[str, RelationView]) -> str | None:
    """That the join was measured on another version of a table than the statement reads, until it is measured again."""
    for side in (join.left, join.right):
        table = tables.get(side.table)
        if table is not None and str(table.table_id) != str(side.table_id):
            return f"It was measured with version {side.version} of {side.table}, which is version {table.version} now."
    return None
