"""The joins in force between the tables of a statement, as the guard sees them; what each does to rows, in words."""

from collections.abc import Mapping
from typing import Final

from app.catalog.joins.records import AcceptedVersion
from app.catalog.joins.service import JoinReading
from app.kernel.db.database import ReadSession
from app.query.guard.findings import UsedJoin
from app.query.guard.relations import ONE, AcceptedJoin, FanOut, RelationView
from app.query.tables import mentions
from app.warehouse.evidence.samples import Multiplicity

_FILTERING: Final = frozenset({"in", "correlated"})


async def joins_in_force(
    session: ReadSession, sql: str, tables: Mapping[str, RelationView]
) -> tuple[AcceptedJoin, ...]:
    """The joins in force between tables that a statement mentions; a statement of one mention joins nothing."""
    if mentions(sql, tables) < 2:  # noqa: PLR2004 - a join has two sides
        return ()
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


def is_turned(used: UsedJoin, join: AcceptedJoin) -> bool:
    """Whether the statement's left is the join's right."""
    straight = (used.left, used.right) == (join.left_table, join.right_table)
    return not (straight and set(zip(join.left_columns, join.right_columns, strict=True)) <= set(used.pairs))


def cardinality_of(used: UsedJoin, join: AcceptedJoin) -> str | None:
    """The join's cardinality, of the statement's left to its right."""
    found = join.cardinality
    return ":".join(reversed(found.split(":"))) if found is not None and is_turned(used, join) else found


def row_effect(used: UsedJoin, join: AcceptedJoin) -> str:
    """What the join does to the rows of the statement's left and right, in a sentence or two."""
    if used.kind in _FILTERING:
        return f"Rows of {used.left} are kept or left out by it, and never repeated."
    turned = is_turned(used, join)
    met, meeting = (join.left_rows, join.right_rows) if turned else (join.right_rows, join.left_rows)
    said = [_meets(used.left, used.right, met)]
    if met is not None and met.multiplies:
        said.append(f"So columns of {used.left} repeat.")
    elif meeting is not None and meeting.multiplies:
        said.append(f"Columns of {used.right} repeat. {_meets(used.right, used.left, meeting)}")
    said.append(_orphans(used, join, turned=turned))
    return " ".join(part for part in said if part)


def _meets(one: str, other: str, rows: FanOut | None) -> str:
    if rows is None:
        return f"How many rows of {other} a row of {one} meets is not known."
    if not rows.multiplies:
        return f"A row of {one} meets at most one row of {other}."
    return f"A row of {one} that meets any meets {rows.mean:.3g} rows of {other} on average, at most {rows.max:,}."


def _orphans(used: UsedJoin, join: AcceptedJoin, *, turned: bool) -> str:
    """What becomes of rows of the referring side that meet nothing."""
    if not join.orphan_rate:
        return ""
    side, other = (used.right, used.left) if turned else (used.left, used.right)
    kept = used.kind in {"full", "right" if turned else "left"}
    share = f"{join.orphan_rate:.2%} of the rows of {side} with a value meet no row of {other} and "
    return share + ("are kept with nulls." if kept else "are left out.")
