"""More bodies in CSV and Parquet like those of `hostile_tables.py`: by the borders of records, and by what unpacks."""

import gzip
from collections.abc import Callable

import pyarrow as pa

from tests.ingestion.files import parquet_file
from tests.ingestion.hostile_bodies import AT, Hostile, sized
from tests.ingestion.steps import CSV, PARQUET

HEADER = b"id,at,v\n"


def rows(line: str, times: int) -> Callable[[], bytes]:
    """The line again and again, below the header of the narrow contract."""
    return lambda: HEADER + f"{line}\n".replace("AT", AT).encode() * times


def behind(text: bytes, times: int, head: bytes = HEADER) -> Callable[[], bytes]:
    """The text again and again, without line ends."""
    return lambda: head + text * times


def table(columns: dict[str, object], **options: object) -> bytes:
    return parquet_file(pa.table(columns), **options)


def keyed(count: int, value: pa.Array) -> dict[str, object]:
    """So many rows with a key, an event time, and a column `v`."""
    at = pa.array([0] * count, pa.int64()).cast(pa.timestamp("us", "UTC"))
    return {"id": pa.array(range(count), pa.int64()), "at": at, "v": value}


def same(text: str, count: int) -> pa.Array:
    """One text in so many rows, which is in the file once."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array([text]))


def _nested(depth: int) -> bytes:
    value: object = 1
    for _ in range(depth):
        value = {"a": value}
    return table({"id": [1], "at": ["2026-01-01T00:00:00Z"], "v": [value]})


def _columns() -> bytes:
    """More than the longest footer has room for."""
    one = pa.array([1])
    return table({f"u{n}": one for n in range(sized(45_000, 100_000))})


def _long_list() -> bytes:
    both = pa.array([[1] * sized(100_000, 500_000)] * 2)
    return table(keyed(2, both) | {"doc": both})


MORE_CSV = [
    Hostile("narrow", "blank lines of two bytes", behind(b"\r\n", 500_000), CSV),
    Hostile("narrow", "carriage returns", behind(b"\r", 1_000_000), CSV),
    Hostile("narrow", "quotes", behind(b'"', 2_000_001), CSV),
    Hostile("narrow", "pairs of quotes", behind(b'"",', sized(300_000, 500_000)), CSV),
    Hostile("narrow", "quoted empty fields", rows('"","",""', sized(12_000, 20_000)), CSV),
    Hostile("narrow", "quotes that are none", rows('1,AT,5" pipe', sized(8_000, 20_000)), CSV),
    Hostile("narrow", "a quote in a long line", behind(b'x"', 2_000_000), CSV),
    Hostile("narrow", "letters", rows("x,x,x", sized(12_000, 20_000)), CSV),
    Hostile("narrow", "a name without an end", behind(b"x", 8_000_000, b'"'), CSV),
    Hostile("narrow", "a name of eight megabytes", behind(b"x", 8_000_000, b""), CSV),
    Hostile("narrow", "a million names", lambda: ",".join(f"u{n}" for n in range(1_000_000)).encode() + b"\n1", CSV),
    Hostile("narrow", "names that are quoted", behind(b'"u",', sized(400_000, 1_000_000), b""), CSV),
    Hostile("narrow", "commas", behind(b",", 8_000_000), CSV),
    Hostile("narrow", "commas instead of a header", behind(b",", 8_000_000, b""), CSV),
    Hostile("narrow", "a long number", behind(b"1", 4_000_000), CSV),
    Hostile("narrow", "a field of many lines", behind(b"\n", 4_000_000, HEADER + b'1,"'), CSV),
    Hostile("narrow", "spaces", rows(f"1,AT,{' ' * 60_000}", 20), CSV),
    Hostile("wide", "wide rows", lambda: ",".join(["id", "at", *(f"u{n}" for n in range(1_900))]).encode()
            + f"\n1,{AT},{',' * 1_899}".encode() * 100, CSV),
    Hostile("documents", "deep documents", lambda: b"id,at,doc\n" + f'1,{AT},"{"[" * 100_000}"\n'.encode() * 5, CSV),
    Hostile("documents", "large exponents", lambda: b"id,at,n\n"
            + f"1,{AT},1e99999\n".encode() * sized(8_000, 20_000), CSV),
    Hostile("undeclared", "letters", lambda: HEADER + b"x,x,x\n" * 40_000, CSV),
    Hostile("narrow", "dense commas", lambda: gzip.compress(HEADER + b",,\n" * sized(25_000, 100_000)), CSV, "gzip"),
]  # fmt: skip

MORE_PARQUET = [
    Hostile("narrow", "tens of thousands of columns", _columns, PARQUET),
    Hostile("narrow", "many row groups", lambda: table(keyed(5_000, pa.array([1] * 5_000)), row_group_size=1), PARQUET),
    Hostile("documents", "a huge text in all rows", lambda: table(keyed(3_000, same("x" * 4_000_000, 3_000))
            | {"t": same("a" * 4_000_000, 3_000)}), PARQUET),
    Hostile("documents", "a text that is dense", lambda: table({"t": ["a" * 90_000_000]}, compression="zstd",
            use_dictionary=False, write_statistics=False), PARQUET),
    Hostile("documents", "a long list", _long_list, PARQUET),
    Hostile("documents", "nested deeply", lambda: _nested(200), PARQUET),
    Hostile("undeclared", "a thousand columns of lists", lambda: table({f"u{n}": [[1]] for n in range(900)}), PARQUET),
]  # fmt: skip
