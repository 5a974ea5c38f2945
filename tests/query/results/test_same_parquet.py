"""A value is the same in the Parquet of an answer and in that of an export, for every type that a contract may name."""

import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.kernel.db.query_login import QueryLimits
from app.kernel.ports.export_formats import Compression
from app.kernel.ports.export_formats import Format as FileFormat
from app.kernel.ports.exports import Login, Statement
from app.kernel.runtime.resources import Resources
from app.kernel.tabular.rendering import columns_of
from app.kernel.tabular.types import NotRepresentableError, time_microseconds
from app.operations.exports.files.problems import NotRepresentableInFormat
from app.operations.exports.files.writing import FileForm, Output, Progress, write_content
from app.query.results.columns import readable
from app.query.results.encoders import ResultTarget, encoder_for
from app.query.results.formats import Format
from app.warehouse.types import TypeKind

KEPT: dict[TypeKind, tuple[str, list[str]]] = {
    TypeKind.TEXT: ("string", ["", "=1+1", "ü\u2028\U0001f600", "NaN"]),
    TypeKind.VARCHAR: ("string", ["x", " y "]),
    TypeKind.SMALLINT: ("int16", ["-32768", "32767"]),
    TypeKind.INTEGER: ("int32", ["-2147483648", "2147483647"]),
    TypeKind.BIGINT: ("int64", ["-9223372036854775808", "9223372036854775807"]),
    TypeKind.NUMERIC: ("string", ["0.10", "-12345678901234567890.123456789", "NaN", "Infinity", "1e30"]),
    TypeKind.REAL: ("float", ["0.1", "-3.4028235e38", "Infinity"]),
    TypeKind.DOUBLE: ("double", ["0.1", "1e300", "-Infinity", "5e-324"]),
    TypeKind.BOOLEAN: ("bool", ["true", "false"]),
    TypeKind.DATE: ("date32[day]", ["0001-01-01", "1969-12-31", "9999-12-31"]),
    TypeKind.TIME: ("time64[us]", ["00:00", "05:00:00.25", "23:59:59.999999"]),
    TypeKind.TIMESTAMP: ("timestamp[us]", ["0001-01-01 00:00", "1969-12-31 23:59:59.999999", "9999-12-31 23:59:59.5"]),
    TypeKind.TIMESTAMPTZ: ("timestamp[us, tz=UTC]", ["0001-01-01 00:00Z", "2026-03-29 02:30+02", "9999-12-31 23:59Z"]),
    TypeKind.UUID: ("string", ["00000000-0000-0000-0000-00000000000a"]),
    TypeKind.JSONB: ("string", ['{"a": [1, 2.50], "b": "ü"}', "null", '"x"']),
    TypeKind.BYTEA: ("binary", ["", "\\x00ff"]),
}
REFUSED: dict[TypeKind, list[str]] = {
    TypeKind.DATE: ["infinity", "0044-03-15 BC", "10000-01-01"],
    TypeKind.TIME: ["24:00:00"],
    TypeKind.TIMESTAMP: ["-infinity", "0044-03-15 00:00 BC", "10000-01-01 00:00"],
    TypeKind.TIMESTAMPTZ: ["infinity", "0044-03-15 00:00Z BC", "10000-01-01 00:00Z"],
}


class Kept:
    """A writer of objects that keeps the bytes."""

    def __init__(self) -> None:
        self.file = io.BytesIO()

    async def write(self, data: bytes) -> None:
        self.file.write(data)


async def answered(resources: Resources, sql: str) -> pa.Table:
    """What the answer of a query holds."""
    async with resources.query_login.transaction(QueryLimits()) as connection:
        columns = columns_of((await connection.prepare(sql)).get_attributes())
        rows = await connection.fetch(readable(sql, columns, 10**9, Format.PARQUET))
    file = io.BytesIO()
    writer = encoder_for(ResultTarget(Format.PARQUET, columns, file, 10**9, {}))
    writer.begin()
    assert writer.write(rows) == len(rows)
    writer.finish({})
    return pq.read_table(io.BytesIO(file.getvalue()))


async def exported(resources: Resources, sql: str, login: Login, **more: Any) -> pa.Table:
    """What the file of an export holds."""
    kept, progress = Kept(), Progress()
    output = Output(kept, Compression.NONE)
    await write_content(
        resources, Statement(sql=sql, login=login, **more), FileForm(FileFormat.PARQUET), output, progress
    )
    return pq.read_table(io.BytesIO(kept.file.getvalue()))


def _sql(kind: TypeKind, texts: list[str]) -> str:
    values = ", ".join("('" + text.replace("'", "''") + f"'::{kind})" for text in [*texts])
    return f"SELECT c FROM (VALUES {values}, (NULL)) AS t (c)"


def test_every_type_of_a_contract_is_here() -> None:
    assert set(KEPT) == set(TypeKind)


@pytest.mark.parametrize("kind", TypeKind)
async def test_both_doors_give_the_same(resources: Resources, kind: TypeKind) -> None:
    wanted, texts = KEPT[kind]
    answer = await answered(resources, _sql(kind, texts))
    assert str(answer.schema.field("c").type) == wanted
    for login in Login:
        file = await exported(resources, _sql(kind, texts), login)
        assert file.schema.equals(answer.schema, check_metadata=True)
        assert file.to_pylist() == answer.to_pylist()
    assert answer.to_pylist()[-1] == {"c": None}
    assert len(set(answer.column("c").to_pylist())) == len(texts) + 1, "no two values have become one"


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in REFUSED.items() for text in texts])
async def test_both_doors_refuse_the_same(resources: Resources, kind: TypeKind, text: str) -> None:
    with pytest.raises(NotRepresentableError):
        await answered(resources, _sql(kind, [text]))
    for login in Login:
        with pytest.raises(NotRepresentableInFormat):
            await exported(resources, _sql(kind, [text]), login)


async def test_a_numeric_whose_digits_are_known_is_a_decimal(resources: Resources) -> None:
    sql = "SELECT v::numeric(12,2) AS c FROM (VALUES (-12.5), (NULL)) AS t (v)"
    found = await exported(resources, sql, Login.QUERY, decimals={"c": (12, 2)})
    assert str(found.schema.field("c").type) == "decimal128(12, 2)"
    assert found.schema.field("c").metadata == {b"spyne.type": b"numeric(12,2)"}
    assert found.column("c").to_pylist() == [Decimal("-12.50"), None]
    with pytest.raises(NotRepresentableInFormat):
        await exported(resources, sql.replace("-12.5", "'NaN'::numeric"), Login.QUERY, decimals={"c": (12, 2)})


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [("00:00:00", 0), ("00:00:00.000001", 1), ("05:00:00.25", 18_000_250_000), ("24:00:00", 86_400_000_000)],
)
def test_times(text: str, microseconds: int) -> None:
    assert time_microseconds(text) == microseconds
