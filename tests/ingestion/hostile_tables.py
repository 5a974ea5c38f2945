"""Bodies in CSV and Parquet that cost far more than their bytes wherever work is done on them all at once."""

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.ingestion.hostile_bodies import AT, Hostile, sized
from tests.ingestion.steps import CSV, PARQUET

HEADER = b"id,at,v\n"
DOCUMENTS = b"id,at,doc,n,b,t\n"
ROWS = sized(8_000, 12_000)


def table(columns: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file)
    return file.getvalue()


def rows(**columns: Any) -> bytes:
    """A table of sound keys and event times, and of these columns."""
    return table({"id": range(ROWS), "at": pa.array([0] * ROWS, pa.timestamp("us", "UTC")), **columns})


def _nulls() -> bytes:
    return table({"id": pa.nulls(ROWS, pa.int64()), "at": pa.nulls(ROWS, pa.timestamp("us", "UTC"))})


def _far_times() -> bytes:
    return table({"id": range(ROWS), "at": pa.array([2**62] * ROWS, pa.timestamp("us", "UTC"))})


def _groups() -> bytes:
    file, piece = io.BytesIO(), pa.table({"id": [1], "at": pa.array([0], pa.timestamp("us", "UTC"))})
    with pq.ParquetWriter(file, piece.schema) as writer:
        for _ in range(2_000):
            writer.write_table(piece)
    return file.getvalue()


def _nested() -> bytes:
    kind: Any = pa.int64()
    value: Any = 1
    for _ in range(60):
        kind, value = pa.list_(kind), [value]
    return rows(doc=pa.array([value] * ROWS, kind))


OF_CSV = [
    Hostile("narrow", "empty fields", lambda: HEADER + b",,\n" * ROWS, CSV),
    Hostile("narrow", "blank lines", lambda: HEADER + b"\n" * 500_000, CSV),
    Hostile("narrow", "quotes", lambda: HEADER + b'"' * 500_000, CSV),
    Hostile("narrow", "a quote without an end", lambda: HEADER + b'1,"' + b"x\n" * 1_000_000, CSV),
    Hostile("narrow", "texts behind quotes", lambda: HEADER + b'"a"b,1,1\n' * ROWS, CSV),
    Hostile("narrow", "one field a line", lambda: HEADER + b"1\n" * ROWS, CSV),
    Hostile("narrow", "many fields a line", lambda: HEADER + (b"," * 5_000 + b"\n") * 100, CSV),
    Hostile("narrow", "a name without an end", lambda: b'"' + b"x" * 2_000_000, CSV),
    Hostile("narrow", "names", lambda: ",".join(f"u{n}" for n in range(100_000)) + "\n1", CSV),
    Hostile("narrow", "a long field", lambda: HEADER + b"1" * 4_000_000, CSV),
    Hostile("narrow", "integers with a point", lambda: HEADER + f"1.0,{AT},1.0\n".encode() * ROWS, CSV),
    Hostile("narrow", "no integers", lambda: HEADER + f"1,{AT},x\n".encode() * ROWS, CSV),
    Hostile("narrow", "no UTF-8", lambda: HEADER + f"1,{AT},\xff\n".encode("latin-1") * ROWS, CSV),
    Hostile("narrow", "fine times", lambda: HEADER + b"1,2026-01-01T00:00:00.1234567Z,1\n" * ROWS, CSV),
    Hostile("wide", "empty records", lambda: b"id,at\n" + f"1,{AT}\n".encode() * 500, CSV),
    Hostile("documents", "long numbers", lambda: f"id,at,doc\n1,{AT},[{' '.join(['9' * 999] * 2_000)}]\n", CSV),
    Hostile("documents", "digits", lambda: DOCUMENTS + f"1,{AT},,{'9' * 1_000_000},,\n".encode(), CSV),
    Hostile("documents", "NUL", lambda: DOCUMENTS + f'1,{AT},"""\\u0000""",,,\n'.encode() * ROWS, CSV),
    Hostile("documents", "hex", lambda: DOCUMENTS + f"1,{AT},,,\\x{'0' * 1_000_001},\n".encode(), CSV),
    Hostile("undeclared", "names", lambda: ",".join(f"u{n}" for n in range(60_000)) + "\n1\n", CSV),
    Hostile("undeclared", "codes", lambda: HEADER + f"1E5,{AT},1\n".encode() * ROWS, CSV),
]

OF_PARQUET = [
    Hostile("narrow", "nothing but nulls", _nulls, PARQUET),
    Hostile("narrow", "no table", lambda: b"PAR1" + b"\0" * 1_000_000 + b"PAR1", PARQUET),
    Hostile("narrow", "a thousand columns", lambda: table({f"u{n}": [1] for n in range(1_000)}), PARQUET),
    Hostile("narrow", "an unknown column", lambda: rows(u=["x"] * ROWS), PARQUET),
    Hostile("narrow", "times far away", _far_times, PARQUET),
    Hostile("narrow", "many groups of rows", _groups, PARQUET),
    Hostile("narrow", "no integers", lambda: rows(v=[1.5] * ROWS), PARQUET),
    Hostile("documents", "nested lists", _nested, PARQUET),
    Hostile("documents", "a large document", lambda: rows(doc=[json.dumps([1] * 200)] * ROWS), PARQUET),
    Hostile("documents", "long texts", lambda: rows(t=["b" * 20_000] * 50 + [None] * (ROWS - 50)), PARQUET),
    Hostile("undeclared", "nested lists", _nested, PARQUET),
]
