"""CSV tables of lookups: read with bounds, searched by the match types of transforms.conf.spec."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from app.addons.replay.settings.wildcards import fits, tokens

MAX_ROWS = 200_000
MAX_COLUMNS = 500
MAX_CACHED = 10_000
"""Answers that are kept: transforms.conf.spec, cache_size."""
MAX_COMPARED = 5_000
"""Rows of a table with wildcards or networks that are compared with one event; later rows are not looked at."""


@dataclass(frozen=True)
class LookupTable:
    """The table; rows have as many cells as there are columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ragged: int = 0


def read_table(text: str) -> LookupTable | None:
    """The CSV file's table; None where there is no header or the text cannot be read as CSV."""
    rows: list[tuple[str, ...]] = []
    ragged = 0
    try:
        reader = csv.reader(io.StringIO(text, newline=""), strict=False)
        columns = tuple(name.strip() for name in next(reader, []))[:MAX_COLUMNS]
        for row in reader:
            if len(rows) >= MAX_ROWS:
                break
            if not row:
                continue
            ragged += len(row) != len(columns)
            rows.append(tuple((row + [""] * len(columns))[: len(columns)]))
    except csv.Error:
        return None
    return LookupTable(columns, tuple(rows), ragged) if columns else None


@dataclass
class TableSearch:
    """Finds rows by the values of some columns. `kinds` is EXACT, WILDCARD or CIDR for each of the columns."""

    table: LookupTable
    columns: Sequence[str]
    kinds: Sequence[str]
    case_sensitive: bool
    most: int
    _by_values: dict[tuple[str, ...], list[tuple[str, ...]]] = field(default_factory=dict)
    _cached: dict[tuple[str, ...], list[tuple[str, ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._places = [self.table.columns.index(column) for column in self.columns]
        if all(kind == "EXACT" for kind in self.kinds):
            for row in self.table.rows:
                kept = self._by_values.setdefault(tuple(self._cased(row[place]) for place in self._places), [])
                if len(kept) < self.most:
                    kept.append(row)

    def _cased(self, text: str) -> str:
        return text if self.case_sensitive else text.casefold()

    def rows(self, values: Sequence[str]) -> list[Mapping[str, str]]:
        """The rows that match, in the order of the file, at most `most`."""
        wanted = tuple(self._cased(value) for value in values)
        found = self._cached.get(wanted)
        if found is None:
            found = self._by_values.get(wanted, []) if self._by_values else self._compared(wanted)
            if len(self._cached) < MAX_CACHED:
                self._cached[wanted] = found
        return [dict(zip(self.table.columns, row, strict=True)) for row in found]

    def _compared(self, wanted: tuple[str, ...]) -> list[tuple[str, ...]]:
        found: list[tuple[str, ...]] = []
        for row in self.table.rows[:MAX_COMPARED]:
            cells = [self._cased(row[place]) for place in self._places]
            if all(_cell_fits(kind, cell, text) for kind, cell, text in zip(self.kinds, cells, wanted, strict=True)):
                found.append(row)
                if len(found) >= self.most:
                    break
        return found


def _cell_fits(kind: str, cell: str, text: str) -> bool:
    if kind == "WILDCARD":
        return fits(tokens(cell, "*"), text)
    if kind == "CIDR":
        try:
            return ip_address(text.strip()) in ip_network(cell.strip(), strict=False)
        except ValueError:
            return False
    return cell == text
