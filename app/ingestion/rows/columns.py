"""Columns of values become the columns of rows, as CSV and Parquet bring them.

A compiled function checks a column at once; where it finds a fault, the values of that column are read one by one. JSON
brings rows instead: `app/ingestion/decoding/json_rows.py`.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import msgspec

from app.ingestion.rows.checks import exact_columns, indexed_limit
from app.ingestion.rows.field_reader import BadValue, FieldReader
from app.ingestion.rows.row_model import RowModel
from app.ingestion.rows.text_values import finer_time, reader_of
from app.ingestion.rows.values import nullable, python_type
from app.warehouse.plan import Column


class ContractColumn:
    """A column of a contract, and what its values are held against."""

    def __init__(self, model: RowModel, column: Column) -> None:
        """Builds the type that the compiled function looks for."""
        self.name = column.name
        self.kind = column.type.kind
        self.exact = column.name in exact_columns(model.plan)
        """Whether a value is taken exactly or not at all."""
        self._required = column.name in model.plan.required
        self._plan = model.plan
        self._column = column
        value_type = python_type(column, str, indexed_limit(model.plan, column))
        self._all = list[value_type if self._required else nullable(value_type)]  # type: ignore[misc]  # made at run time

    @cached_property
    def _single(self) -> FieldReader:
        """The reader of single values, made when it is needed: a contract is wide, and most batches need none."""
        return FieldReader(self._plan, self._column)

    def checked(self, values: Sequence[Any]) -> list[Any]:
        """The values, all of which the column takes. Raises `ValueError`: it does not take all of them."""
        found: list[Any] = msgspec.convert(values, self._all)
        return found

    def of_texts(self, texts: Sequence[str | None], bad: set[int]) -> Sequence[Any]:
        """The values of texts that no type marks; positions of texts with a fault go to `bad`."""
        if not (self.exact and finer_time(self.kind, texts)):
            try:
                return self.checked(reader_of(self.kind).column(texts))
            except (ValueError, RecursionError):
                pass
        return self.one_by_one(texts, FieldReader.of_text, bad)

    def one_by_one(self, given: Sequence[Any], read: Callable[[FieldReader, Any], Any], bad: set[int]) -> list[Any]:
        """The values that `read` makes of what was given; the positions of others go to `bad`."""
        found = []
        for position, value in enumerate(given):
            read_value = None
            if value is not None:
                try:
                    read_value = read(self._single, value)
                except BadValue:
                    bad.add(position)
            elif self._required:
                bad.add(position)
            found.append(read_value)
        return found


def contract_columns(model: RowModel) -> list[ContractColumn]:
    """The columns that a batch brings, in the contract's order."""
    return [ContractColumn(model, column) for column in model.plan.record_columns]
