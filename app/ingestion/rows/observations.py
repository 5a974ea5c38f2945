"""What is observed while the rows of a batch are decoded: columns that are absent, unknown fields, values of no type.

Decoders note what they see of a chunk in `ChunkObservations`, and add that to the batch's `Observations` when the chunk
is given out: rows that are decoded as a whole, given up and read once more one by one are counted once. Work and memory
are bounded whatever a sender writes.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from app.catalog.drift.schema import ValueProfile
from app.catalog.drift.sketches import sketch_of
from app.ingestion.rows.inference import WRITTEN, ColumnSummary, Seen, kind_of, summary_of
from app.ingestion.rows.widening import Extent, extent_of, widened
from app.warehouse.plan import RelationPlan
from app.warehouse.rejections import MAX_NAME_CHARACTERS, clip
from app.warehouse.types import ColumnType

MAX_UNKNOWN_NAMES = 100
"""Names of unknown fields that are kept of a batch, the first ones; of all others the fields are counted."""

SKETCHED_VALUES = 10_000
"""Values of an unknown field that its sketch is made of, the first ones: each takes some microseconds to hash."""


@dataclass(frozen=True, slots=True)
class SeenField:
    """What was seen of an unknown field, or of the values of a column that did not fit its type."""

    rows: int
    """Rows that brought it."""
    summary: ColumnSummary
    """Of the values that are not null."""
    textual: bool
    """Whether numbers and booleans, too, came as text (CSV)."""
    values: ValueProfile | None = None
    """Of an unknown field: the evidence for a rename. The sketch is of the first `SKETCHED_VALUES` values."""
    extent: Extent = field(default_factory=Extent)
    """Of values that did not fit: how large and how fine the numbers among them are."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What was observed in the rows of a batch, whether they were taken or refused."""

    rows: int
    """Rows whose fields could be read, however they ended: no text without form, no record of the wrong width."""
    absent: Mapping[str, int]
    """Declared columns: rows that had no such field. A null is a field. Columns that every row had are not listed."""
    unknown: Mapping[str, SeenField]
    """Fields that no column reads, by name or path (`/customer/vip`): the first `MAX_UNKNOWN_NAMES` names."""
    misfits: Mapping[str, SeenField]
    """Columns: their values that did not fit the declared type. Values that failed a check alone are not among them."""
    plan: RelationPlan = field(repr=False)
    """What was declared."""
    more: int = 0
    """Unknown fields of other names, counted one by one over all rows."""

    @property
    def vanished(self) -> tuple[str, ...]:
        """The columns that every row lacked, in the contract's order; none that the contract requires."""
        if not self.rows:
            return ()
        names = [column.name for column in self.plan.record_columns if column.name not in self.plan.required]
        return tuple(name for name in names if self.absent.get(name) == self.rows)

    @property
    def nothing(self) -> bool:
        """Whether the rows are as declared: nothing unknown, no value that does not fit, no column gone."""
        return not (self.unknown or self.misfits or self.vanished)

    def inferred_type(self, name: str) -> ColumnType | None:
        """The type for an unknown field, or the wider one for a column whose values did not fit.

        None for an unknown field that was never more than null, and where no wider type would do (`widening.py`).

        Raises:
            KeyError: neither an unknown field nor a column with such values.
        """
        if (unknown := self.unknown.get(name)) is not None:
            seen = unknown.summary.seen
            return ColumnType(kind_of(seen, textual=unknown.textual)) if seen else None
        misfit = self.misfits[name]
        declared = self.plan.column(name).type
        return widened(declared, misfit.summary.seen, misfit.extent, textual=misfit.textual)


def kept_name(name: str) -> str:
    """The name of an unknown field as it is kept: cut, and written so that PostgreSQL can store it."""
    if len(name) <= MAX_NAME_CHARACTERS and name.isprintable():
        return name
    return clip(name, MAX_NAME_CHARACTERS)


def _as_it_is(value: Any) -> Any:
    return value


@dataclass(slots=True)
class _Shape:
    """Rows read one by one that have the same fields in the same order, as most rows of a sender have."""

    unknown: dict[str, str]
    """Names of unknown fields by how they are kept: names that are one when they are cut have one place."""
    more: int
    """Unknown fields that have no place."""
    rows: int = 0


@dataclass(slots=True)
class ChunkObservations:
    """What is seen of the rows of one chunk, until the chunk is given out."""

    read: Callable[[Any], Any] = _as_it_is
    """How the value of a field is read, when it is to be looked at; None of a null."""
    textual: bool = False
    rows: int = 0
    absent: Counter[str] = field(default_factory=Counter)
    """Of rows that were read together: rows by column."""
    shapes: dict[tuple[str, ...], _Shape] = field(default_factory=dict)
    """Rows that were read one by one, by the names of their fields."""
    closed: Counter[str] = field(default_factory=Counter)
    """Of these rows: how often a column was neither given nor absent, by its header."""
    unknown: dict[str, Sequence[Any]] = field(default_factory=dict)
    more: int = 0
    misfits: dict[str, list[Any]] = field(default_factory=dict)
    left_out: dict[str, None] = field(default_factory=dict)
    """Columns of which a value became null, as it did not fit."""

    def add_rows(self, rows: int, absent: Mapping[str, int]) -> None:
        """Note rows that were read together, and in how many of them which column was absent."""
        self.rows += rows
        self.absent.update(absent)

    def add_row(self, given: Mapping[str, Any], known: AbstractSet[str], closed: Sequence[str] = ()) -> None:
        """Note a row that was read by itself.

        Args:
            given: its fields.
            known: names of fields that are read, or known not to be.
            closed: headers of columns that are neither given nor absent, as the object that holds them is null.
        """
        names = tuple(given)
        shape = self.shapes.get(names)
        if shape is None:
            shape = self.shapes[names] = _shape(given, known)
        shape.rows += 1
        if closed:
            self.closed.update(closed)
        for kept, name in shape.unknown.items():
            values = self.unknown.setdefault(kept, [])
            assert isinstance(values, list)
            values.append(given[name])

    def add_unknown(self, names: Mapping[str, Sequence[Any]], more: int) -> None:
        """Note the values of unknown columns that came together, and how many fields came beside them."""
        self.unknown.update(names)
        self.more += more

    def add_misfit(self, column: str, value: Any) -> None:
        """Note a value that does not fit its column's type, as it was read."""
        self.misfits.setdefault(column, []).append(value)


def _shape(given: Mapping[str, Any], known: AbstractSet[str]) -> _Shape:
    if given.keys() <= known:
        return _Shape({}, 0)
    unknown = [name for name in given if name not in known]
    places: dict[str, str] = {}
    for name in unknown:
        places.setdefault(kept_name(name), name)
    return _Shape(places, len(unknown) - len(places))


@dataclass(slots=True)
class _Field:
    """What was seen so far under a name."""

    textual: bool
    rows: int = 0
    summary: ColumnSummary = field(default_factory=ColumnSummary)
    extent: Extent = field(default_factory=Extent)
    sketched: int = 0
    sketch: frozenset[int] = frozenset()

    def add(self, rows: int, values: Sequence[Any]) -> None:
        """Take in values that came in so many rows."""
        self.rows += rows
        self.summary |= summary_of(values, textual=self.textual, known=self.summary.seen)

    def add_to_sketch(self, values: Sequence[Any]) -> None:
        """Take the values into the sketch while there is room."""
        first = values[: SKETCHED_VALUES - self.sketched]
        if first:
            self.sketched += len(first)
            self.sketch = sketch_of(first, self.sketch)

    def seen(self, values: ValueProfile | None = None) -> SeenField:
        """What was seen. Beside text it does not matter what else a text may be, which depends on the order of rows."""
        kinds = self.summary.seen
        if Seen.TEXT in kinds:
            kinds = Seen.TEXT if self.textual else Seen.TEXT | (kinds & ~WRITTEN)
        return SeenField(self.rows, ColumnSummary(kinds, self.summary.values), self.textual, values, self.extent)


class Observations:
    """What is observed in the rows of one batch. The order in which chunks are added is that of the rows."""

    def __init__(self, plan: RelationPlan) -> None:
        self._plan = plan
        self._columns = [(column.header, column.name) for column in plan.record_columns]
        self._rows = 0
        self._absent: Counter[str] = Counter()
        self._unknown: dict[str, _Field] = {}
        self._misfits: dict[str, _Field] = {}
        self._more = 0

    def add(self, seen: ChunkObservations) -> None:
        """Take in what was seen of a chunk that is given out."""
        self._rows += seen.rows
        self._absent.update(seen.absent)
        self._more += seen.more
        if seen.shapes:
            self._add_shapes(seen)
        for name, values in seen.unknown.items():
            self._add_unknown(name, values, seen)
        for name, values in seen.misfits.items():
            column = self._misfits.setdefault(name, _Field(seen.textual))
            column.add(len(values), values)
            column.extent |= extent_of(values)

    def _add_shapes(self, seen: ChunkObservations) -> None:
        """Take in rows that were read one by one."""
        given = Counter(seen.closed)
        rows = 0
        for names, shape in seen.shapes.items():
            rows += shape.rows
            self._more += shape.more * shape.rows
            for name in names:
                given[name] += shape.rows
        for header, name in self._columns:
            if (absent := rows - given[header]) > 0:
                self._absent[name] += absent
        self._rows += rows

    def _add_unknown(self, name: str, given: Sequence[Any], seen: ChunkObservations) -> None:
        found = self._unknown.get(name)
        if found is None:
            if len(self._unknown) >= MAX_UNKNOWN_NAMES:
                self._more += len(given)
                return
            found = self._unknown[name] = _Field(seen.textual)
        read = (seen.read(value) for value in given if value is not None)
        values = [value for value in read if value is not None]
        found.add(len(given), values)
        found.add_to_sketch(values)

    def observed(self) -> Observed:
        """What was observed so far."""
        unknown = {name: found.seen(self._profile(found)) for name, found in self._unknown.items()}
        misfits = {name: found.seen() for name, found in self._misfits.items()}
        absent = {name: rows for _, name in self._columns if (rows := self._absent[name])}
        return Observed(self._rows, absent, unknown, misfits, self._plan, self._more)

    def _profile(self, found: _Field) -> ValueProfile:
        return ValueProfile(self._rows, self._rows - found.summary.values, found.sketch)
