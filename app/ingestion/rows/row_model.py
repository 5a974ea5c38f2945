"""Rows of a contract: decoders built from its columns, checks, and the assembly of chunks ready for COPY.

Fast path: a compiled decoder validates a whole chunk; checks look at whole columns. Only a chunk with a fault in it is
gone through row by row. Both paths accept and refuse the same rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, timedelta
from itertools import islice
from math import isfinite
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from app.catalog.contracts.definition import ChangePolicy
from app.ingestion.rows.checks import (
    NULL_DOCUMENT,
    ColumnCheck,
    column_checks,
    failed_rows,
    indexed_limit,
    unstorable_text,
    values_of,
    wide_check,
)
from app.ingestion.rows.field_reader import BadValue, FieldReader, shown
from app.ingestion.rows.misfits import TypeMisfits, is_far
from app.ingestion.rows.object_types import Leaf, ObjectType
from app.ingestion.rows.observations import ChunkObservations, Observations, Observed
from app.ingestion.rows.values import nullable, python_type
from app.warehouse.copying import UnstorableText, encode_rows
from app.warehouse.plan import RelationPlan
from app.warehouse.rejections import MAX_FAULTS, Chunk, Rejection, RejectionCode, RowFault, rejection_of
from app.warehouse.types import FLOAT_KINDS, TypeKind

Row = tuple[Any, ...]
"""Line number, then the values of the record columns in order."""

_EDGES = (b'"0001-01-01', b'"9999-12-31')
_MOST_OFFSET = timedelta(hours=16)
"""PostgreSQL reads offsets below this (`MAX_TZDISP_HOUR` is 15); RFC 3339 goes to 23:59."""
_MINUTE = timedelta(minutes=1)
_MANY = 1 << 62

MAX_FIELDS = 2000
"""Fields of one row, known or not; a contract has at most 1000 columns. A row with more is refused."""

GivenT = TypeVar("GivenT")


class TooManyFaults(Exception):  # noqa: N818 - no error, but a change of the way
    """So many rows of a chunk have faults that it is to be looked at in parts."""


class RowModel:
    """The reader of rows of one contract. Built once per batch; not shared between batches that run side by side."""

    def __init__(
        self, plan: RelationPlan, unknown: ChangePolicy = ChangePolicy.FREEZE, types: ChangePolicy = ChangePolicy.FREEZE
    ) -> None:
        """Builds what the columns need.

        Args:
            plan: the columns, and what the rows become part of.
            unknown: what becomes of fields that no column reads.
            types: what becomes of values that a column's type does not hold.
        """
        self.plan = plan
        self.unknown = unknown
        self.observations = Observations(plan)
        """What decoders have seen in the chunks that were given out."""
        self.passes_over = unknown in {ChangePolicy.DISCARD_VALUE, ChangePolicy.EVOLVE}
        """Whether a field that no column reads leaves its row as it is."""
        self.names = tuple(column.name for column in plan.record_columns)
        self.ignored = plan.processing_time
        self._kinds = [column.type.kind for column in plan.record_columns]
        self._conversions = [
            (i + 1, kind) for i, kind in enumerate(self._kinds) if kind in {TypeKind.JSONB, TypeKind.BYTEA}
        ]
        self._instants = [i + 1 for i, kind in enumerate(self._kinds) if kind is TypeKind.TIMESTAMPTZ]
        columns = enumerate(plan.record_columns, start=1)
        self._wide_checks = [(i, check) for i, column in columns if (check := wide_check(plan, column)) is not None]
        self._floats = [i + 1 for i, kind in enumerate(self._kinds) if kind in FLOAT_KINDS]
        checks = self._column_checks()
        self.misfits = TypeMisfits(plan, types, checks)
        """What becomes of values that a column's type does not hold."""
        self._checks = [(i, check) for i, check in checks if not (check.of_type and self.misfits.are_left_out(i))]
        self._checks_of: dict[int, list[ColumnCheck]] = {}
        for index, check in [*self._checks, *self._wide_checks]:
            self._checks_of.setdefault(index, []).append(check)
        self._places = {column.header: index for index, column in enumerate(plan.record_columns, start=1)}
        self.known = frozenset({*self._places, self.ignored})
        """Names of fields that columns read, and the one that is not taken."""
        self._readers: dict[int, FieldReader] = {}
        self._required = [column.header for column in plan.record_columns if column.name in plan.required]
        self._likely = {_likened(header): header for header in self._places}
        self._elsewhere = {column.name: column.header for column in plan.record_columns if column.source is not None}

    def _column_checks(self) -> list[tuple[int, ColumnCheck]]:
        columns = enumerate(self.plan.record_columns, start=1)
        return [(i, check) for i, column in columns for check in column_checks(self.plan, column)]

    def observed(self) -> Observed:
        """What was observed in the rows so far, whether they were taken or refused."""
        return self.observations.observed()

    def object_type(self, *, ignoring: bool) -> ObjectType:
        """The type of a JSON object that is a row; `ignoring` lets the processing time come, which is not taken."""
        leaves = []
        for column in self.plan.record_columns:
            value_type = python_type(column, max_length=indexed_limit(self.plan, column))
            required = column.name in self.plan.required
            leaves.append(Leaf(column.path, value_type if required else nullable(value_type), required))
        strict = not self.passes_over
        return ObjectType(leaves, strict=strict, ignored=self.ignored if ignoring else None)

    def assemble(
        self,
        rows: list[Row],
        raw: Callable[[int], str | bytes],
        refused: Sequence[Rejection] = (),
        *,
        most_faults: int = _MANY,
        finite: bool = False,
        seen: ChunkObservations | None = None,
    ) -> Chunk:
        """A chunk of decoded rows: checked, encoded.

        Args:
            rows: as they were decoded.
            raw: gives the text of a row by its position in `rows`.
            refused: rows of the chunk that are refused already.
            most_faults: how many of the rows may be refused here.
            finite: whether no double is NaN or infinite, as numbers of JSON are not.
            seen: what was observed in the rows; values that their type does not hold are noted there.

        Raises:
            TooManyFaults: more than `most_faults` of the rows are refused here. To say why takes long: it is done for
                fewer rows at once.
        """
        seen = ChunkObservations() if seen is None else seen
        if self._conversions:
            rows = [self._converted(row) for row in rows]
        rows = self.misfits.without(rows, seen)
        failed = failed_rows(rows, self._checks)
        if len(failed) > most_faults:
            raise TooManyFaults
        faults = {at: rejection_of(rows[at][0], raw(at), self.value_faults(rows[at], seen)) for at in failed}
        if faults:
            rows = [row for position, row in enumerate(rows) if position not in faults]
        written = rows if finite else self._with_special_numbers(rows)
        payload, more = self._encoded(written, raw, faults, most_faults, seen)
        rejected = tuple(sorted((*refused, *faults.values(), *more), key=attrgetter("line")))
        return Chunk(len(rows) - len(more), payload, rejected, self.misfits.notices(seen))

    def _with_special_numbers(self, rows: list[Row]) -> list[Row]:
        """The rows with NaN and infinity as PostgreSQL writes them: a double of JSON cannot be either."""
        for index in self._floats:
            if all(map(isfinite, values_of(rows, index))):
                continue
            rows = [
                row if row[index] is None or isfinite(row[index]) else _replaced(row, index, _SPECIAL[str(row[index])])
                for row in rows
            ]
        return rows

    def examine(
        self,
        given: Mapping[str, GivenT | None],
        read: Callable[[FieldReader, GivenT], Any],
        number: int,
        known: Sequence[RowFault] = (),
        seen: ChunkObservations | None = None,
    ) -> Row | list[RowFault]:
        """The row of that number, whose fields are read one by one; or all that is wrong with it, in order.

        Args:
            given: the fields of the row by the headers of the columns (`Column.header`); None for a null.
            read: how a value is read, one of the ways of `FieldReader`.
            number: of the row.
            known: what was found to be wrong with it already.
            seen: what was observed in the rows; values that their type does not hold are noted there.
        """
        seen = ChunkObservations() if seen is None else seen
        values: list[Any] = [number, *[None] * len(self.names)]
        wrong = {fault.column for fault in known}
        faults = [*known, *islice(self._unknown_faults(given), MAX_FAULTS)]
        found: list[tuple[int, RowFault]] = []
        for name, value in given.items():
            index = self._places.get(name)
            if index is None or value is None or name in wrong:
                continue
            try:
                values[index] = read(self._reader(index), value)
            except BadValue as bad:
                if (fault := self.misfits.fault_of(index, bad, value, seen)) is not None:
                    found.append((index, fault))
        found += islice(self._missing_faults(given), MAX_FAULTS)
        if not found and not faults:
            return tuple(values)
        row = self._converted(tuple(values)) if self._conversions else tuple(values)
        row = self.misfits.without_far_instants(self.misfits.without([row], seen)[0], seen)
        found += self._indexed_faults(row, seen)
        return [*faults, *(fault for _, fault in sorted(found, key=_by_index))]

    def _reader(self, index: int) -> FieldReader:
        """The reader of a column's values, made when it is needed: most batches need none, and a contract is wide."""
        reader = self._readers.get(index)
        if reader is None:
            reader = self._readers[index] = FieldReader(self.plan, self.plan.record_columns[index - 1])
        return reader

    def _unknown_faults(self, given: Mapping[str, Any]) -> Iterator[RowFault]:
        if self.passes_over:
            return
        for name in given:
            if name not in self._places and name != self.ignored:
                yield self.unknown_fault(name)

    def unknown_fault(self, name: str) -> RowFault:
        """The fault that no column reads a field of that name; says which one does that is spelled alike."""
        if name in self._elsewhere:
            message = f"the column {shown(name)} is read from {self._elsewhere[name]}"
        else:
            alike = self._likely.get(_likened(name))
            hint = f"; it has {alike}" if alike is not None else ""
            message = f"the contract has no column {shown(name)}{hint}"
        set_aside = self.unknown is ChangePolicy.QUARANTINE_ROW
        return RowFault(RejectionCode.UNKNOWN_COLUMN, name, message, set_aside)

    def _missing_faults(self, given: Mapping[str, Any]) -> Iterator[tuple[int, RowFault]]:
        for name in self._required:
            if given.get(name) is None:
                index = self._places[name]
                yield index, self._reader(index).missing(self.plan, "is null" if name in given else "is missing")

    def value_faults(self, row: Row, seen: ChunkObservations) -> list[RowFault]:
        """All that is wrong with the values of a row that was decoded, in the order of the columns."""
        return [fault for _, fault in self._indexed_faults(row, seen)]

    def _indexed_faults(self, row: Row, seen: ChunkObservations) -> Iterator[tuple[int, RowFault]]:
        for index, value in enumerate(row[1:], start=1):
            if value is None:
                continue
            name, of_type = self.names[index - 1], False
            for check in self._checks_of.get(index, ()):
                if check.bad(value):
                    of_type |= check.of_type
                    message = f"{name}: {shown(value)} {check.message}"
                    yield index, self.misfits.fault(check.code, name, message, of_type=check.of_type)
            if (fault := self._storage_fault(index, value)) is not None:
                of_type |= fault.code is RejectionCode.OUT_OF_RANGE
                yield index, fault
            if of_type:
                seen.add_misfit(name, value)

    def _encoded(
        self,
        rows: list[Row],
        raw: Callable[[int], str | bytes],
        gone: dict[int, Rejection],
        most_faults: int,
        seen: ChunkObservations,
    ) -> tuple[bytes, list[Rejection]]:
        """COPY input of the rows, and rows refused because PostgreSQL cannot store a text or an instant of theirs."""
        try:
            payload = encode_rows(rows)
            if self._surely_storable(payload) and not self._has_far_offset(rows):
                return payload, []
        except UnstorableText:
            pass
        left = [position for position in range(len(rows) + len(gone)) if position not in gone]
        stored: list[Row] = []
        unstorable: list[tuple[int, Row]] = []
        for position, found in zip(left, rows, strict=True):
            row = self.misfits.without_far_instants(found, seen)
            if self._can_be_stored(row):
                stored.append(self._in_utc(row))
            else:
                unstorable.append((position, row))
        if len(unstorable) > most_faults:
            raise TooManyFaults
        refused = [rejection_of(row[0], raw(position), self.value_faults(row, seen)) for position, row in unstorable]
        return encode_rows(stored), refused

    def _surely_storable(self, payload: bytes) -> bool:
        if self._wide_checks and not payload.isascii():
            return False
        return not self._instants or not any(edge in payload for edge in _EDGES)

    def _has_far_offset(self, rows: list[Row]) -> bool:
        """Whether an instant has an offset that PostgreSQL does not read, or JSON does not write: one with seconds.

        Zones are few, rows are many.
        """
        zones = {row[index].tzinfo for index in self._instants for row in rows if row[index] is not None}
        offsets = [zone.utcoffset(None) for zone in zones]
        return any(abs(offset) >= _MOST_OFFSET or offset % _MINUTE for offset in offsets)

    def _in_utc(self, row: Row) -> Row:
        values = list(row)
        for index in self._instants:
            values[index] = values[index] and values[index].astimezone(UTC)
        return tuple(values)

    def _can_be_stored(self, row: Row) -> bool:
        if any(self._storage_fault(index, value) is not None for index, value in enumerate(row) if value is not None):
            return False
        return not any(row[index] is not None and check.bad(row[index]) for index, check in self._wide_checks)

    def _storage_fault(self, index: int, value: Any) -> RowFault | None:
        """What keeps PostgreSQL from storing a text or an instant."""
        name = self.names[index - 1]
        if isinstance(value, str) and unstorable_text(value):
            message = f"{name}: {shown(value)} holds a NUL character or a lone surrogate"
            return RowFault(RejectionCode.INVALID_TEXT, name, message)
        if index in self._instants and is_far(value):
            message = f"{name}: {shown(value)} is before year 1 or after year 9999 in UTC"
            return self.misfits.fault(RejectionCode.OUT_OF_RANGE, name, message, of_type=True)
        return None

    def _converted(self, row: Row) -> Row:
        values = list(row)
        for index, kind in self._conversions:
            value = values[index]
            if value is None:
                continue
            values[index] = "\\x" + value.hex() if kind is TypeKind.BYTEA else self._document(index, value)
        return tuple(values)

    def _document(self, index: int, value: Any) -> str | None:
        """The text of a jsonb value. JSON's null is the column's null; where there may be none, a check refuses it."""
        text = bytes(value).decode() if isinstance(value, msgspec.Raw) else str(value)
        absent = text.strip() == NULL_DOCUMENT and self.names[index - 1] not in self.plan.required
        return None if absent else text

    def fault(self, error: Exception) -> RowFault:
        """What is wrong with a row that no decoder can read."""
        if isinstance(error, UnicodeDecodeError):
            return RowFault(RejectionCode.INVALID_TEXT, None, "the row is not UTF-8")
        if isinstance(error, RecursionError):
            return RowFault(RejectionCode.MALFORMED_LINE, None, "the row is nested too deeply")
        if not isinstance(error, msgspec.ValidationError):
            return RowFault(RejectionCode.MALFORMED_LINE, None, f"the row cannot be read: {error}")
        return RowFault(RejectionCode.MALFORMED_LINE, None, NO_OBJECT)


_SPECIAL = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def _replaced(row: Row, index: int, value: Any) -> Row:
    return (*row[:index], value, *row[index + 1 :])


NO_OBJECT = 'a row is a JSON object, for example {"id": 1}'


def _likened(name: str) -> str:
    """The name without what often differs between two spellings of one."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def _by_index(found: tuple[int, RowFault]) -> int:
    return found[0]
