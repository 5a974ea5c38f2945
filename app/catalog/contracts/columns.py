"""Which columns a contract may have, and which of them can be key, event time and processing time. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from app.catalog.contracts.checks import ChecksReview, CheckType
from app.catalog.names import column_name_fault, column_reading
from app.kernel.problems import Fault
from app.warehouse.plan import Checks, Column
from app.warehouse.sources import FieldPath, InvalidSourceError, clashes, source_path, written_source
from app.warehouse.types import (
    EVENT_TIME_KINDS,
    KEY_KINDS,
    PROCESSING_TIME_KINDS,
    ColumnType,
    TypeKind,
    UnknownTypeError,
    parse_type,
)

MAX_COLUMNS = 1_000
"""PostgreSQL's relations take 1600 (manual, appendix K); hidden columns and before-images need room beside these."""

MAX_CHECKS = len(CheckType)

SEMANTICS = "/ingestion_semantics"
"""JSON pointer of the part of a contract that mentions columns by name."""


SOURCE_FORMS = 'A source is the name of a field, like "customerId", or a JSON Pointer, like "/customer/id".'


@dataclass(frozen=True, slots=True)
class Place:
    """Where a column is read from, as far as that can be read."""

    column: str
    path: FieldPath
    pointer: str
    """JSON pointer of what says so: the column's source, or its name."""
    named: bool
    """Whether the column names it as its source."""


class Mentions:
    """The column names that semantics mention, as far as they can be read, each with its pointer."""

    def __init__(self, semantics: Mapping[str, Any]) -> None:
        key = semantics.get("idempotency_key")
        self.key: list[tuple[str, str]] = [
            (f"{SEMANTICS}/idempotency_key/{index}", name)
            for index, name in enumerate(key if isinstance(key, list) else [])
            if isinstance(name, str)
        ]
        self.event_time = self._one(semantics, "event_time_column")
        self.processing_time = self._one(semantics, "processing_time_column")

    def _one(self, semantics: Mapping[str, Any], field: str) -> tuple[str, str] | None:
        name = semantics.get(field)
        return (f"{SEMANTICS}/{field}", name) if isinstance(name, str) else None


class ColumnsReview:
    """Reads the `schema` of a contract, as far as it can be read."""

    def __init__(self, schema: Any) -> None:
        self.faults: list[Fault] = []
        self.columns: list[Column] = []
        self.named: dict[str, ColumnType | None] = {}
        """Every readable name with its type, None where the type is faulty."""
        self.places: list[Place] = []
        listed = schema.get("columns") if isinstance(schema, dict) else None
        self.complete = isinstance(listed, list) and all(
            isinstance(item, dict) and isinstance(item.get("name"), str) for item in listed
        )
        """Whether every column could be named, so that a column which is not there is missing for sure."""
        if isinstance(listed, list):
            self._read(listed)

    def _read(self, listed: Sequence[Any]) -> None:
        if not 1 <= len(listed) <= MAX_COLUMNS:
            self._fault("/schema/columns", "invalid-columns", f"A schema has 1 to {MAX_COLUMNS} columns.")
        for index, item in enumerate(listed[:MAX_COLUMNS]):
            if isinstance(item, dict):
                self._column(item, f"/schema/columns/{index}")

    def _column(self, item: Mapping[str, Any], pointer: str) -> None:
        column_type = self._type(item.get("type"), f"{pointer}/type")
        name = item.get("name")
        if isinstance(name, str):
            wrong = column_name_fault(name)
            if wrong:
                self._fault(f"{pointer}/name", "invalid-column-name", wrong)
            if name in self.named:
                self._fault(f"{pointer}/name", "duplicate-column", "Another column has this name already.")
            self.named.setdefault(name, column_type)
        source = self._source(item.get("source"), name, pointer)
        if column_type is None:
            return
        checks, not_null = self._checks(item.get("checks"), column_type, f"{pointer}/checks")
        if isinstance(name, str):
            nullable = item.get("nullable", True) is True and not not_null
            self.columns.append(Column(name, column_type, nullable, checks, source))

    def _source(self, text: Any, name: Any, pointer: str) -> str | None:
        """The source in its shortest form; None for one that says no more than the column's name does."""
        if not isinstance(name, str):
            return None
        if not isinstance(text, str):
            self.places.append(Place(name, (name,), f"{pointer}/name", named=False))
            return None
        try:
            path = source_path(text)
        except InvalidSourceError as error:
            self._fault(f"{pointer}/source", "invalid-source", f"{SOURCE_FORMS} {error}")
            return None
        self.places.append(Place(name, path, f"{pointer}/source", named=True))
        return None if path == (name,) else written_source(path)

    def _type(self, text: Any, pointer: str) -> ColumnType | None:
        if not isinstance(text, str):
            return None
        try:
            return parse_type(text)
        except UnknownTypeError as error:
            self._fault(pointer, "unknown-type", str(error))
            return None

    def _checks(self, listed: Any, column_type: ColumnType, pointer: str) -> tuple[Checks, bool]:
        if not isinstance(listed, list):
            return Checks(), False
        review = ChecksReview(column_type, pointer)
        for index, document in enumerate(listed[: MAX_CHECKS + 1]):
            if isinstance(document, dict):
                review.add(index, document)
        checks = review.finish()
        self.faults += review.faults
        return checks, CheckType.NOT_NULL in review.found

    def _fault(self, pointer: str, code: str, message: str) -> None:
        self.faults.append(Fault(pointer=pointer, code=code, message=message))


def named_for_fields(columns: Sequence[Column], processing_time: str) -> list[Column]:
    """The columns of a first batch, whose names are its fields': `customerId` is read into the column `customer_id`.

    A column keeps a name that it cannot bear where another has the better one, so that it is refused. The processing
    time is read from nowhere, so no field becomes it.
    """
    readings = {column.name: column_reading(column.name) for column in columns if column_name_fault(column.name)}
    names = Counter(reading[0] if (reading := readings.get(each.name)) else each.name for each in columns)
    names[processing_time] += 1
    found = []
    for column in columns:
        reading = readings.get(column.name)
        if reading is not None and names[reading[0]] == 1:
            column = replace(column, name=reading[0], source=reading[1])  # noqa: PLW2901 - the same, read from there
        found.append(column)
    return found


def placement_faults(mentions: Mentions, named: Mapping[str, ColumnType | None], *, complete: bool) -> list[Fault]:
    """Where the key and time columns are missing from a schema, or have a type that cannot serve.

    Args:
        mentions: the key and time columns.
        named: the columns of the schema; types that could not be read are None.
        complete: whether these are all columns there are; nothing is missing otherwise.
    """
    places = [(pointer, name, KEY_KINDS, "a key column", True) for pointer, name in mentions.key]
    if mentions.event_time:
        places.append((*mentions.event_time, EVENT_TIME_KINDS, "the event time", True))
    if mentions.processing_time:
        places.append((*mentions.processing_time, PROCESSING_TIME_KINDS, "the processing time", False))
    faults = []
    for pointer, name, kinds, role, required in places:
        column_type = named.get(name)
        if name not in named and required and complete:
            near = get_close_matches(name[:63], named, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            message = f"The schema has no column {name[:63]!r}.{hint}"
            faults.append(Fault(pointer=pointer, code="unknown-column", message=message))
        elif column_type is not None and column_type.kind not in kinds:
            faults.append(Fault(pointer=pointer, code="unusable-type", message=_unusable(column_type, role, kinds)))
    return faults


def source_faults(places: Sequence[Place], mentions: Mentions) -> list[Fault]:
    """Where columns read the same value, one reads a part of what another reads whole, or the processing time is read.

    A value has one column: of two that read it, one would be a computed copy, which is a query's matter. The processing
    time is set on arrival; a field of its name is passed over.
    """
    processing_time = mentions.processing_time and mentions.processing_time[1]
    faults = []
    for place in places:
        if place.named and place.column == processing_time:
            message = "Spyne sets the processing time: it has no source."
            faults.append(Fault(pointer=place.pointer, code="processing-time-in-use", message=message))
    read = [place for place in places if place.column != processing_time]
    for place in read:
        if place.path[0] == processing_time:
            message = f"A field {place.path[0]!r} is passed over: the processing time has its name. Rename that column."
            faults.append(Fault(pointer=place.pointer, code="processing-time-in-use", message=message))
    for first, second in clashes([place.path for place in read]):
        one, other = read[first], read[second]
        if one.column == other.column:
            continue  # said as a column that stands there twice
        blamed = one if one.named and not other.named else other
        inside = len(one.path) < len(other.path) and one.path == other.path[: len(one.path)]
        same = "a part of the value" if inside else "the same value"
        message = (
            f"{other.column} reads {written_source(other.path)!r}, which is {same} that {one.column} reads: "
            "a value has one column. Name another source for one of them."
        )
        faults.append(Fault(pointer=blamed.pointer, code="duplicate-source", message=message))
    return faults


def _unusable(column_type: ColumnType, role: str, kinds: frozenset[TypeKind]) -> str:
    usable = ", ".join(sorted(kind.value for kind in kinds))
    return f"A column of type {column_type} cannot be {role}; these can: {usable}."
