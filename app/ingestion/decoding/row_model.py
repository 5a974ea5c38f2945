"""Rows of a contract: decoders built from its columns, checks, and the assembly of chunks ready for COPY.

Fast path: a compiled decoder validates a whole chunk; checks look at whole columns. Only a chunk with a fault in it is
gone through row by row. Both paths accept and refuse the same rows.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import repeat
from operator import attrgetter, length_hint
from typing import Any

import msgspec

from app.ingestion.decoding.checks import (
    NULL_DOCUMENT,
    column_checks,
    first_faults,
    indexed_limit,
    unstorable_texts,
    wide_check,
)
from app.ingestion.decoding.values import nullable, python_type
from app.warehouse.copying import UnstorableText, encode_rows
from app.warehouse.plan import RelationPlan
from app.warehouse.rejections import Chunk, Rejection, RejectionCode, clip
from app.warehouse.types import TypeKind

Row = tuple[Any, ...]
"""Line number, then the values of the record columns in order."""

_PATH = re.compile(r" - at `\$(?:\.([^`]*)|\[(\d+)\][^`]*)`$")
_NAMED = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)
_EDGES = (b'"0001-01-01', b'"9999-12-31')
_FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)
_LAST_INSTANT = datetime.max.replace(tzinfo=UTC)
_MOST_OFFSET = timedelta(hours=16)
"""PostgreSQL reads offsets below this (`MAX_TZDISP_HOUR` is 15); RFC 3339 goes to 23:59."""
_MANY = 1 << 62


class UnknownColumns(StrEnum):
    """What happens to a value whose column the contract does not know."""

    REJECT = "reject"
    DISCARD = "discard"


class RowModel:
    """The reader of rows of one contract. Built once per batch; not shared between batches that run side by side."""

    def __init__(self, plan: RelationPlan, unknown: UnknownColumns = UnknownColumns.REJECT) -> None:
        self.plan = plan
        self.unknown = unknown
        self.names = tuple(column.name for column in plan.record_columns)
        self.ignored = plan.processing_time
        self._kinds = [column.type.kind for column in plan.record_columns]
        self._conversions = [
            (i + 1, kind) for i, kind in enumerate(self._kinds) if kind in {TypeKind.JSONB, TypeKind.BYTEA}
        ]
        self._instants = [i + 1 for i, kind in enumerate(self._kinds) if kind is TypeKind.TIMESTAMPTZ]
        self._absent = repeat(None, _MANY)
        columns = enumerate(plan.record_columns, start=1)
        self._wide_checks = [(i, check) for i, column in columns if (check := wide_check(plan, column)) is not None]
        self._exact_checks = self._checks(exact=True)
        self._loose_checks = self._checks(exact=False)

    def _checks(self, *, exact: bool) -> list[tuple[int, Any]]:
        columns = enumerate(self.plan.record_columns, start=1)
        return [(i, check) for i, column in columns for check in column_checks(self.plan, column, exact=exact)]

    def object_type(self) -> Any:
        """The type of a JSON object that is a row: an optional field for the processing time comes last."""
        fields: list[tuple[str, Any, Any]] = []
        renamed: dict[str, str] = {}
        for number, column in enumerate(self.plan.record_columns):
            renamed[f"f{number}"] = column.name
            value_type = python_type(column, max_length=indexed_limit(self.plan, column))
            required = column.name in self.plan.required
            default = msgspec.NODEFAULT if required else msgspec.field(default_factory=self._absent.__next__)
            fields.append((f"f{number}", value_type if required else nullable(value_type), default))
        renamed["ignored"] = self.ignored
        fields.append(("ignored", Any, None))
        strict = self.unknown is UnknownColumns.REJECT
        return msgspec.defstruct("Row", fields, rename=renamed, forbid_unknown_fields=strict, kw_only=True, gc=False)

    def array_type(self, document: Any) -> Any:
        """The type of a sequence of values that is a row, in the order of the record columns."""
        fields = []
        for number, column in enumerate(self.plan.record_columns):
            value_type = python_type(column, document, indexed_limit(self.plan, column))
            fields.append((f"f{number}", value_type if column.name in self.plan.required else nullable(value_type)))
        return msgspec.defstruct("Row", fields, array_like=True, forbid_unknown_fields=True, gc=False)

    def absent_fields(self) -> int:
        """How many optional fields decoded objects have left out so far."""
        return _MANY - length_hint(self._absent)

    def assemble(
        self,
        rows: list[Row],
        raw: Callable[[int], str | bytes],
        refused: Sequence[Rejection] = (),
        *,
        exact: bool = True,
    ) -> Chunk:
        """A chunk of decoded rows: checked, encoded. `raw` gives the text of a row by its position in `rows`."""
        if self._conversions:
            rows = [self._converted(row) for row in rows]
        faults: dict[int, Rejection] = {}
        for position, check in first_faults(rows, self._exact_checks if exact else self._loose_checks).items():
            message = f"{check.column} {check.message}"
            faults[position] = Rejection(rows[position][0], check.code, check.column, message, clip(raw(position)))
        if faults:
            rows = [row for position, row in enumerate(rows) if position not in faults]
        payload, more = self._encoded(rows, raw, faults)
        rejected = (*refused, *faults.values(), *more)
        return Chunk(len(rows) - len(more), payload, tuple(sorted(rejected, key=attrgetter("line"))))

    def _encoded(
        self, rows: list[Row], raw: Callable[[int], str | bytes], gone: dict[int, Rejection]
    ) -> tuple[bytes, list[Rejection]]:
        """COPY input of the rows, and rows refused because PostgreSQL cannot store a text or an instant of theirs."""
        try:
            payload = encode_rows(rows)
            if self._surely_storable(payload) and not self._has_far_offset(rows):
                return payload, []
        except UnstorableText:
            pass
        left = [position for position in range(len(rows) + len(gone)) if position not in gone]
        refused: list[Rejection] = []
        stored: list[Row] = []
        for position, row in zip(left, rows, strict=True):
            fault = self._storage_fault(row)
            if fault is None:
                stored.append(self._in_utc(row))
            else:
                name, code, message = fault
                refused.append(Rejection(row[0], code, name, f"{name} {message}", clip(raw(position))))
        return encode_rows(stored), refused

    def _surely_storable(self, payload: bytes) -> bool:
        if self._wide_checks and not payload.isascii():
            return False
        return not self._instants or not any(edge in payload for edge in _EDGES)

    def _has_far_offset(self, rows: list[Row]) -> bool:
        """Whether an instant is written with an offset that PostgreSQL does not read. Zones are few, rows are many."""
        zones = {row[index].tzinfo for index in self._instants for row in rows if row[index] is not None}
        return any(abs(zone.utcoffset(None)) >= _MOST_OFFSET for zone in zones)

    def _in_utc(self, row: Row) -> Row:
        values = list(row)
        for index in self._instants:
            values[index] = values[index] and values[index].astimezone(UTC)
        return tuple(values)

    def _storage_fault(self, row: Row) -> tuple[str, RejectionCode, str] | None:
        for index in unstorable_texts(row):
            return self.names[index - 1], RejectionCode.INVALID_TEXT, "holds a NUL character or a lone surrogate"
        for index in self._instants:
            value = row[index]
            if value is not None and not _FIRST_INSTANT <= value <= _LAST_INSTANT:
                return self.names[index - 1], RejectionCode.OUT_OF_RANGE, "is before year 1 or after year 9999 in UTC"
        for index, check in self._wide_checks:
            if row[index] is not None and check.bad(row[index]):
                return self.names[index - 1], check.code, check.message
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

    def rejection(self, line: int, raw: str | bytes, error: Exception) -> Rejection:
        """The refusal of a row for what a decoder said about it."""
        code, column, message = self._explain(error)
        return Rejection(line, code, column, message, clip(raw))

    def _explain(self, error: Exception) -> tuple[RejectionCode, str | None, str]:
        if isinstance(error, UnicodeDecodeError):
            return RejectionCode.INVALID_TEXT, None, "the row is not UTF-8"
        if isinstance(error, RecursionError):
            return RejectionCode.MALFORMED_LINE, None, "the row is nested too deeply"
        if not isinstance(error, msgspec.ValidationError):
            return RejectionCode.MALFORMED_LINE, None, f"the row cannot be read: {error}"
        return self._explain_value(str(error))

    def _explain_value(self, text: str) -> tuple[RejectionCode, str | None, str]:
        """What a decoder's message says: every fact of it is in its text only (a test pins the messages)."""
        if named := _NAMED.match(text):
            column = named.group(2)
            if named.group(1) == "contains unknown":
                return RejectionCode.UNKNOWN_COLUMN, column, f"the contract has no column {column}"
            return self._missing(column), column, f"{column} is missing"
        path = _PATH.search(text)
        if path is None:
            return RejectionCode.MALFORMED_LINE, None, "a row is a JSON object"
        column = path.group(1) if path.group(1) is not None else self.names[int(path.group(2))]
        code = self._missing(column) if "got `null`" in text and column in self.plan.required else _value_code(text)
        return code, column, f"{column}: {text[: path.start()]}"

    def _missing(self, column: str) -> RejectionCode:
        key = {*self.plan.key, self.plan.event_time}
        return RejectionCode.MISSING_KEY if column in key else RejectionCode.NOT_NULL


def _value_code(message: str) -> RejectionCode:
    if "of length <=" in message:
        return RejectionCode.TOO_LONG
    if "Invalid enum value" in message:
        return RejectionCode.ONE_OF
    if "out of range" in message or re.search(r"^Expected `[^`]*` [<>]=", message):
        return RejectionCode.OUT_OF_RANGE
    return RejectionCode.WRONG_TYPE
