"""The rows of the ingestion benchmarks: ten columns of the usual kinds, the same for every side, made once per size."""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

COLUMNS: tuple[tuple[str, str], ...] = (
    ("id", "bigint"),
    ("happened_at", "timestamptz"),
    ("customer", "text"),
    ("category", "text"),
    ("quantity", "integer"),
    ("price", "double precision"),
    ("amount", "numeric(12,2)"),
    ("active", "boolean"),
    ("day", "date"),
    ("note", "text"),
)
_START = datetime(2026, 1, 1, tzinfo=UTC)
_CATEGORIES = ("books", "garden", "music", "tools", "toys")
_STRIDE = 7_919  # a prime: ids come in an order that is neither sorted nor random


def rows(count: int, turn: int, first: int = 0, step: int = 1) -> Iterator[dict[str, Any]]:
    """Rows with distinct ids; a later turn has the same ids, newer event times and other content.

    The ids are `first` and every `step`-th one after it.
    """
    for number in range(count):
        key = number * _STRIDE % count
        moment = _START + timedelta(days=turn, seconds=key % 86_400)
        yield {
            "id": first + key * step,
            "happened_at": moment.isoformat(),
            "customer": f"customer-{key % 50_000}",
            "category": _CATEGORIES[key % 5],
            "quantity": (key + turn) % 100,
            "price": key % 1_000 / 8,
            "amount": f"{(key * 3 + turn) % 1_000_000 / 100:.2f}",
            "active": key % 3 == 0,
            "day": moment.date().isoformat(),
            "note": f"order {key} of turn {turn}, leave at the door",
        }


def write_lines(path: Path, made: Iterable[dict[str, Any]]) -> Path:
    """The NDJSON file of these rows."""
    with path.open("wb") as lines:
        lines.writelines(orjson.dumps(row) + b"\n" for row in made)
    return path


def write(folder: Path, count: int, turn: int) -> tuple[Path, Path]:
    """The NDJSON and CSV files of these rows."""
    ndjson, table = folder / f"{count}-{turn}.ndjson", folder / f"{count}-{turn}.csv"
    with ndjson.open("wb") as lines, table.open("w", newline="") as text:
        writer = csv.writer(text)
        writer.writerow([name for name, _ in COLUMNS])
        for row in rows(count, turn):
            lines.write(orjson.dumps(row) + b"\n")
            writer.writerow(["t" if value is True else "f" if value is False else value for value in row.values()])
    return ndjson, table
