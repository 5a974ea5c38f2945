"""What the engine must know of a governed relation, as frozen values: columns, key, times, mode and resolution."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property

from app.warehouse.naming import HIDDEN_PREFIX, RelationName, before_relation
from app.warehouse.sources import FieldPath, clashes, source_path, written_source
from app.warehouse.types import EVENT_TIME_KINDS, PROCESSING_TIME_KINDS, ColumnType


class Mode(StrEnum):
    """How a batch relates to what is stored."""

    APPEND = "append"
    UPSERT = "upsert"
    REPLACE = "replace"


class Resolution(StrEnum):
    """Which of several rows with one key stays."""

    LATEST_WINS = "latest_wins"
    EARLIEST_WINS = "earliest_wins"
    FIRST_WRITE_WINS = "first_write_wins"
    LAST_WRITE_WINS = "last_write_wins"
    REJECT = "reject"


BY_EVENT_TIME = frozenset({Resolution.LATEST_WINS, Resolution.EARLIEST_WINS})
"""Resolutions decided by (event time, content hash): the same table in whatever order rows arrive."""

STORED_STAYS = frozenset({Resolution.FIRST_WRITE_WINS, Resolution.REJECT})
"""Resolutions under which a stored row is never overwritten."""


@dataclass(frozen=True, slots=True)
class Checks:
    """What a contract demands of a column's values beyond the type. Bounds are inclusive and of the column's type."""

    minimum: object | None = None
    maximum: object | None = None
    pattern: str | None = None
    one_of: tuple[object, ...] | None = None
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a governed relation."""

    name: str
    type: ColumnType
    nullable: bool = True
    checks: Checks = field(default_factory=Checks)
    source: str | None = None
    """Where records carry the value when it is not in a field of the column's name: see `app/warehouse/sources.py`."""

    @property
    def path(self) -> FieldPath:
        """The names of fields that lead to the value in a JSON object: `("customer", "id")`."""
        return (self.name,) if self.source is None else source_path(self.source)

    @property
    def header(self) -> str:
        """The name of the value in a CSV header or a Parquet file: another one for every path."""
        return written_source(self.path)


class PlanError(ValueError):
    """The parts of a plan do not fit together."""


@dataclass(frozen=True)
class RelationPlan:
    """A governed relation and the rules by which batches become part of it.

    Raises:
        PlanError: a key or time column is not among the columns, has a type that cannot serve, a name is reserved, or
            two columns read the same.
    """

    relation: RelationName
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    event_time: str
    processing_time: str
    mode: Mode
    resolution: Resolution
    dedupe_window: timedelta

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names) or any(name.startswith(HIDDEN_PREFIX) for name in names):
            raise PlanError("column names are distinct and do not begin with the reserved prefix")
        if not self.key or len(set(self.key)) != len(self.key) or not {*self.key, *self.times} <= set(names):
            raise PlanError("the key and both time columns are among the columns")
        if any(column.source is not None for column in self.columns):  # names alone are distinct, and cost nothing here
            self._check_sources()
        if self.processing_time in {*self.key, self.event_time}:
            raise PlanError("the processing time is set on arrival and can be neither key nor event time")
        if self.column(self.event_time).type.kind not in EVENT_TIME_KINDS:
            raise PlanError("the event time is a date, timestamp or timestamptz")
        if self.column(self.processing_time).type.kind not in PROCESSING_TIME_KINDS:
            raise PlanError("the processing time is a timestamp or timestamptz")
        if self.dedupe_window <= timedelta(0):
            raise PlanError("the dedupe window is longer than nothing")

    def _check_sources(self) -> None:
        if clashes([column.path for column in self.columns]) or self.column(self.processing_time).source is not None:
            raise PlanError("every column reads a place of its own in a record, the processing time none")

    @property
    def times(self) -> tuple[str, str]:
        """Event time and processing time."""
        return (self.event_time, self.processing_time)

    @property
    def before(self) -> RelationName:
        """Where this relation's before-images are kept."""
        return before_relation(self.relation)

    @cached_property
    def record_columns(self) -> tuple[Column, ...]:
        """The columns that a batch brings: all but the processing time, in the contract's order."""
        return tuple(column for column in self.columns if column.name != self.processing_time)

    @cached_property
    def payload(self) -> tuple[str, ...]:
        """The content: all columns but key, event time and processing time."""
        taken = {*self.key, *self.times}
        return tuple(column.name for column in self.columns if column.name not in taken)

    @cached_property
    def identity(self) -> tuple[str, ...]:
        """What no two stored rows share: the key; in append mode the key and the event time."""
        if self.mode is Mode.APPEND and self.event_time not in self.key:
            return (*self.key, self.event_time)
        return self.key

    @cached_property
    def required(self) -> frozenset[str]:
        """Columns that no row may leave empty."""
        declared = {column.name for column in self.columns if not column.nullable}
        return frozenset(declared | {*self.key, *self.times})

    @cached_property
    def unique(self) -> tuple[str, ...]:
        """Columns with a `unique` check that the identity does not imply already."""
        return tuple(c.name for c in self.columns if c.checks.unique and (c.name,) != self.identity)

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)
