"""Many rows at once: made, changed, or put in the place of those with the same key. Sets, not loops.

Up to `COPY_ROWS` rows travel as one array per column, `INSERT … SELECT FROM unnest(…)`: PostgreSQL plans one short
statement whatever the number of rows, where `VALUES` with thousands of parameters is parsed anew for each. More rows
are copied (`COPY … FROM STDIN BINARY`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ARRAY, Select, Table, column, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.selectable import TableValuedAlias

from app.kernel.db.database import WriteSession, driver_connection

COPY_ROWS: Final = 10_000
PORTION_ROWS: Final = 5_000
"""Rows of one statement: bounds what is in memory twice."""

Rows = Sequence[Mapping[str, Any]]
"""Values by column; every row has the columns of the first one. Columns that none has take their defaults."""


async def add_rows(session: WriteSession, table: Table, rows: Rows) -> int:
    """How many rows were made: all of them, or none. Raises ValueError: rows of different columns."""
    _check_columns(rows)
    if len(rows) > COPY_ROWS:
        return await _copied(session, table, rows)
    made = 0
    for portion in _portions(rows):
        given = _given(table, portion)
        await session.execute(insert(table).from_select(list(portion[0]), _all_of(given, portion)))
        made += len(portion)
    return made


async def change_rows(session: WriteSession, table: Table, rows: Rows, key: Sequence[str] = ("id",)) -> int:
    """How many rows were changed: those of the table that have the key of one of the rows.

    Raises:
        ValueError: two of the rows have one key, so that which of them counts would be a guess; or different columns.
    """
    _check_keys(rows, key)
    changed = 0
    for portion in _portions(rows):
        given = _given(table, portion)
        values = {name: given.c[name] for name in portion[0] if name not in key}
        same = [table.c[name] == given.c[name] for name in key]
        found = await session.execute(update(table).values(values).where(*same).returning(literal(1)))
        changed += len(found.all())
    return changed


async def put_rows(session: WriteSession, table: Table, rows: Rows, key: Sequence[str] = ("id",)) -> int:
    """How many rows were made, or changed where the table had the key of theirs. The key has a unique index.

    Raises:
        ValueError: two of the rows have one key, or different columns.
    """
    _check_keys(rows, key)
    for portion in _portions(rows):
        made = upsert(table).from_select(list(portion[0]), _all_of(_given(table, portion), portion))
        changed = {name: made.excluded[name] for name in portion[0] if name not in key}
        conflict = made.on_conflict_do_update(index_elements=list(key), set_=changed) if changed else None
        await session.execute(made.on_conflict_do_nothing(index_elements=list(key)) if conflict is None else conflict)
    return len(rows)


def _check_columns(rows: Rows) -> None:
    if any(row.keys() != rows[0].keys() for row in rows):
        raise ValueError("the rows have different columns")


def _portions(rows: Rows) -> Iterator[Rows]:
    return (rows[start : start + PORTION_ROWS] for start in range(0, len(rows), PORTION_ROWS))


def _given(table: Table, rows: Rows) -> TableValuedAlias:
    """The rows as a relation. Raises TypeError for columns of arrays, which `unnest` would take apart."""
    names = list(rows[0])
    nested = [name for name in names if isinstance(table.c[name].type, ARRAY)]
    if nested:
        raise TypeError(f"columns of arrays do not travel in arrays: {', '.join(nested)}")
    arrays = [literal([row[name] for row in rows], ARRAY(table.c[name].type)) for name in names]
    columns = [column(name, table.c[name].type) for name in names]
    return func.unnest(*arrays).table_valued(*columns, name="given").render_derived()


def _all_of(given: TableValuedAlias, rows: Rows) -> Select[*tuple[Any, ...]]:
    return select(*[given.c[name] for name in rows[0]])


def _check_keys(rows: Rows, key: Sequence[str]) -> None:
    _check_columns(rows)
    keys = [tuple(row[name] for name in key) for row in rows]
    if len(set(keys)) < len(keys):
        raise ValueError(f"two rows have one key ({', '.join(key)})")


async def _copied(session: WriteSession, table: Table, rows: Rows) -> int:
    await session.execute(select(1))  # begins the transaction, if nothing has
    driver = await driver_connection(session)
    dialect = session.get_bind().dialect
    names = list(rows[0])
    written = [table.c[name].type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is for name in names]
    places: list[tuple[str, Callable[[Any], Any]]] = list(zip(names, written, strict=True))
    records = (tuple([write(row[name]) for name, write in places]) for row in rows)
    await driver.copy_records_to_table(table.name, schema_name=table.schema, columns=names, records=records)
    return len(rows)


def _as_it_is(value: Any) -> Any:
    return value
