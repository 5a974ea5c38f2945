"""Rows as Parquet: fetched in portions as what Arrow takes, written by the kernel's writer, passed on when ready."""

from asyncio import to_thread
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final, cast

import pyarrow as pa

from app.kernel.tabular.parquet import Drain, ParquetFile
from app.kernel.tabular.rendering import Column, over, text_sql
from app.kernel.tabular.types import NotRepresentableError, array, field
from app.operations.exports.files.problems import NotRepresentableInFormat

FETCH_ROWS: Final = 5_000

_MICROSECONDS: Final = ("(extract(epoch FROM {name}) * 1000000)::int8", pa.int64())
_FETCHED: Final[Mapping[str, tuple[str, Any]]] = {
    "oid": ("{name}::int8", None),
    "real": ("{name}::float8", None),
    "date": ("({name} - DATE '1970-01-01')", pa.int32()),
    "time": _MICROSECONDS,
    "timestamp": _MICROSECONDS,
    "timestamptz": _MICROSECONDS,
}
"""What is fetched of a type, and its Arrow type, where it is not that of the column: numbers are cheaper than texts."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How a column is kept in the file."""

    field: Any
    """Arrow's."""
    expression: str
    """Whose values are fetched for it."""
    given: Any
    """The Arrow type of those values; None when it is the field's own."""


def parquet_columns(columns: Sequence[Column], decimals: Mapping[str, tuple[int, int]]) -> list[Kept]:
    """How the columns are kept: types exactly, where Arrow has them; all others as text.

    Args:
        columns: of the statement.
        decimals: precision and scale of `numeric` columns that have them, by name.
    """
    kept = []
    for index, column in enumerate(columns):
        wanted, name = field(column.name, column.type, decimals.get(column.name)), f"c{index}"
        if pa.types.is_string(wanted.type) or pa.types.is_decimal(wanted.type):
            kept.append(Kept(wanted, text_sql(column, name), pa.string()))
        else:
            expression, given = _FETCHED.get(column.type, ("{name}", None))
            kept.append(Kept(wanted, expression.format(name=name), given))
    return kept


def _put(file: ParquetFile, schema: Any, kept: Sequence[Kept], rows: Sequence[Any]) -> None:
    columns = list(zip(*rows, strict=True)) if kept else []
    arrays = [array(each.field, values, each.given) for each, values in zip(kept, columns, strict=True)]
    file.put(pa.record_batch(arrays, schema=schema))


async def write_parquet(
    connection: Any, sql: str, columns: Sequence[Column], decimals: Mapping[str, tuple[int, int]]
) -> AsyncIterator[tuple[bytes, int]]:
    """The file in pieces, each with the rows that were read for it.

    Raises:
        NotRepresentableInFormat: a value has no place in its column.
        asyncpg.PostgresError: the statement failed.
    """
    kept, drain = parquet_columns(columns, decimals), Drain()
    schema = pa.schema([each.field for each in kept])
    file = await to_thread(ParquetFile, cast("IO[bytes]", drain), schema)
    prepared = await connection.prepare(over(sql, columns, [each.expression for each in kept]))
    cursor = await prepared.cursor()
    try:
        while rows := await cursor.fetch(FETCH_ROWS):
            await to_thread(_put, file, schema, kept, rows)
            yield drain.taken(), len(rows)
    except NotRepresentableError as error:
        raise NotRepresentableInFormat(f"{error} Export as CSV or NDJSON.") from error
    await to_thread(file.finish)
    yield drain.taken(), 0
