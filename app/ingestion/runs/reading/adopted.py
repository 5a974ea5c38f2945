# ruff: noqa: S608 - made of the catalogue's relation and the contract's columns; every identifier goes through `quote`
"""Rows of an adopted relation, in the order of their keys, as records that a contract reads. Pure: SQL text out."""

from dataclasses import dataclass

from app.warehouse.inspection import RelationColumn
from app.warehouse.merge import Document, build_document
from app.warehouse.naming import RelationName, own, quote, quote_all
from app.warehouse.plan import RelationPlan

T = own("t")


@dataclass(frozen=True, slots=True)
class AdoptedRows:
    """The rows of a relation under a plan; columns are known by their names."""

    relation: RelationName
    shape: tuple[RelationColumn, ...]
    plan: RelationPlan

    @property
    def _types(self) -> dict[str, str]:
        return {column.name: column.type for column in self.shape}

    @property
    def missing_keys(self) -> tuple[str, ...]:
        """Columns of the key that the relation does not have: without them its rows have no order."""
        return tuple(name for name in self.plan.key if name not in self._types)

    @property
    def missing(self) -> tuple[str, ...]:
        """Columns of the contract that the relation does not have: they stay empty."""
        return tuple(column.name for column in self.plan.record_columns if column.name not in self._types)

    @property
    def unused(self) -> tuple[str, ...]:
        """Columns of the relation that the contract does not have."""
        known = {column.name for column in self.plan.columns}
        return tuple(name for name in self._types if name not in known)

    def count(self) -> str:
        """A single row: rows with a whole key, and rows without."""
        whole = " AND ".join(f"{T}.{quote(name)} IS NOT NULL" for name in self.plan.key)
        return (
            f"SELECT count(*) FILTER (WHERE {whole}), count(*) FILTER (WHERE NOT ({whole})) "
            f"FROM {self.relation.sql} {T}"
        )

    def page(self, rows: int, *, first: bool) -> str:
        """Rows (record as JSON, then the key as text), with whole keys, in their order; equal keys are not parted.

        Takes the last key of the page before as parameters, unless it is the first page.
        """
        key = quote_all(self.plan.key, f"{T}.")
        record: Document = {}
        for column in self.plan.record_columns:
            if column.name in self._types:
                *outer, last = column.path
                inner = record
                for name in outer:
                    found = inner.setdefault(name, {})
                    assert isinstance(found, dict)
                    inner = found
                inner[last] = f"{T}.{quote(column.name)}"
        texts = ", ".join(f"{T}.{quote(name)}::text" for name in self.plan.key)
        whole = " AND ".join(f"{T}.{quote(name)} IS NOT NULL" for name in self.plan.key)
        begin = ", ".join(f"CAST(${n}::text AS {self._types[name]})" for n, name in enumerate(self.plan.key, 1))
        beyond = "" if first else f" AND ({key}) > ({begin})"
        return (
            f"SELECT ({build_document(record)})::text, {texts} FROM {self.relation.sql} {T} "
            f"WHERE {whole}{beyond} ORDER BY {key} FETCH FIRST {rows:d} ROWS WITH TIES"
        )
