"""The columns that a CSV or Parquet file names, held against the contract's, before any row is read. Pure.

A file without a column that no row may leave empty would have every row refused for the same reason: it is refused as a
whole, with what it names, what is expected, and the likely slip.
"""

import difflib
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from app.catalog.contracts.definition import ChangePolicy
from app.ingestion.decoding.problems import HeaderMismatch, MalformedBody
from app.ingestion.rows.observations import MAX_UNKNOWN_NAMES, ChunkObservations, kept_name
from app.ingestion.rows.row_model import RowModel
from app.kernel.problems import Fault
from app.warehouse.rejections import MAX_FAULTS, RejectionCode, RowFault

SHOWN_NAMES = 20
"""Column names that a problem lists."""

SHOWN_CHARACTERS = 60
"""Characters of a name that a problem shows."""

_NAMELESS = RowFault(
    RejectionCode.UNKNOWN_COLUMN, None, "a column has no name: is there a comma at the end of the header?"
)
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_PANDAS_INDEX = re.compile(r"__index_level_[0-9]+__|Unnamed: 0(?:\.[0-9]+)*")
"""What pandas calls the row index of a data frame: in Parquet, and in CSV that was written and read again."""


@dataclass(frozen=True, slots=True)
class Header:
    """Where a file has the contract's columns."""

    names: tuple[str, ...]
    expected: tuple[str, ...]
    """The names by which the contract's record columns are read, in order."""
    places: tuple[int | None, ...]
    """Of each of them: its place among the names of the file."""
    unknown: tuple[str, ...]
    """Names that the contract does not have."""
    ignored: tuple[str, ...]
    """Names of columns that are not looked at."""
    absent: tuple[str, ...]
    """Columns of the contract that the file does not have."""

    @property
    def notices(self) -> tuple[str, ...]:
        """What is left out, in words."""
        return tuple(
            f"The column {_shown(name)} is not read: it is the row index of a data frame." for name in self.ignored
        )


def match_header(names: Sequence[str], model: RowModel) -> Header:
    """The header of a file.

    Raises:
        MalformedBody: a name stands there twice.
        HeaderMismatch: a column that no row may leave empty is missing.
    """
    check_distinct(names)
    places = {name: place for place, name in enumerate(names)}
    columns = model.plan.record_columns
    expected = [column.header for column in columns]
    needed = [column.header for column in columns if column.name in model.plan.required and column.header not in places]
    if needed:
        raise _mismatch(names, needed, expected)
    index = [name for place, name in enumerate(names) if is_row_index(name, place) and name not in expected]
    known = {*expected, model.ignored, *index}
    unknown = [name for name in names if name not in known]
    absent = [column.name for column in columns if column.header not in places]
    found = tuple(map(places.get, expected))
    return Header(tuple(names), tuple(expected), found, tuple(unknown), tuple(index), tuple(absent))


class HeaderObservations:
    """What a header says of every row: columns that are absent, and unknown ones with their values."""

    def __init__(self, header: Header) -> None:
        """Finds the places of unknown columns, as many as are kept of a batch."""
        self._absent = header.absent
        places = {name: place for place, name in enumerate(header.names)}
        kept: dict[str, int] = {}
        for name in header.unknown:
            kept.setdefault(kept_name(name), places[name])
        self._kept = dict(islice(kept.items(), MAX_UNKNOWN_NAMES))
        self._more = len(header.unknown) - len(self._kept)

    def note(self, rows: int, values: Callable[[int], Sequence[Any]], seen: ChunkObservations) -> None:
        """Note so many rows; `values` gives those of the column at a place of the header, None for a null."""
        seen.add_rows(rows, dict.fromkeys(self._absent, rows))
        seen.add_unknown({name: values(place) for name, place in self._kept.items()}, self._more * rows)


def unknown_faults(header: Header, model: RowModel) -> list[RowFault]:
    """The faults that every row of the file has, as it brings a value for columns that the contract does not have."""
    if model.passes_over:
        return []
    nameless = replace(_NAMELESS, set_aside=model.unknown is ChangePolicy.QUARANTINE_ROW)
    return [model.unknown_fault(name) if name else nameless for name in header.unknown[:MAX_FAULTS]]


def check_distinct(names: Sequence[str]) -> None:
    """Return when no name stands there twice. Raises `MalformedBody`."""
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        raise MalformedBody(f"the header names a column twice: {_listed(twice)}")


def is_row_index(name: str, place: int) -> bool:
    """Whether a column is what pandas adds to a data frame's own: in CSV, a first column without a name."""
    return _PANDAS_INDEX.fullmatch(name) is not None or (not name and place == 0)


def _mismatch(names: Sequence[str], needed: Sequence[str], expected: Sequence[str]) -> HeaderMismatch:
    separator = _separator(names, expected)
    others = [name for name in names if name not in expected]
    hints = {name: None if separator else _likely(name, others) for name in needed}
    said = {name: f"{_shown(near)} seems to be meant for it." for name, near in hints.items() if near is not None}
    slips = (
        [separator] if separator else [f"{_shown(hints[name] or '')} seems to be meant for {name}." for name in said]
    )
    return HeaderMismatch(
        " ".join(
            [
                f"The file has {_listed(names)}; the contract has {_listed(expected)}, and needs {_listed(needed)}.",
                *slips,
            ]
        ),
        faults=[
            Fault(
                pointer=f"/{name}",
                code="missing-column",
                message=f"There is no column {name}. {said.get(name, separator or '')}".strip(),
            )
            for name in needed
        ],
        received_columns=[_clipped(name) for name in names[:SHOWN_NAMES]],
        expected_columns=list(expected),
    )


def _separator(names: Sequence[str], expected: Sequence[str]) -> str | None:
    """What to say when another character than the comma seems to stand between the names."""
    if len(names) != 1:
        return None
    for mark, called in _SEPARATORS.items():
        parts = [part.strip().strip('"') for part in names[0].split(mark, len(expected))]
        if len(parts) > 1 and any(_likely(part, expected) is not None for part in parts):
            return f"The names seem to be separated by {called}; the fields of CSV are separated by commas."
    return None


def _likely(name: str, among: Sequence[str]) -> str | None:
    """The one among the names that the name is spelled like: by case and punctuation, or else nearly so."""
    plain = _plain(name)
    alike = [other for other in among[:1000] if _plain(other) == plain]
    return next(iter(alike or difflib.get_close_matches(name, [*among[:100]], n=1, cutoff=0.75)), None)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", name[:200].casefold())


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
    return ", ".join(map(_shown, names[:SHOWN_NAMES])) + more


def _shown(name: str) -> str:
    return f'"{_clipped(name)}"'


def _clipped(name: str) -> str:
    return name if len(name) <= SHOWN_CHARACTERS else name[:SHOWN_CHARACTERS] + "…"
