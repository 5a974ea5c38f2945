"""Which column of one schema is which column of another. Pure.

Columns of one live relation are told apart by their numbers, which stay with them through every change of name. All
others are told apart by their names, and by renames that the caller knows of (`app/catalog/drift/renames.py` infers
some).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.catalog.drift.renames import Rename
from app.catalog.drift.schema import SchemaField, TableSchema
from app.warehouse.sources import FieldPath, InvalidSourceError, source_path


@dataclass(frozen=True, slots=True)
class Pair:
    """A column that both schemas have."""

    old: SchemaField
    new: SchemaField
    rename: Rename | None = None
    """Set where the names differ."""
    nested: bool = False
    """Whether the new column only holds the value somewhere within, so that its type says nothing."""


@dataclass(frozen=True, slots=True)
class Matching:
    """All columns of two schemas, in the order of the schema that each stands in."""

    pairs: tuple[Pair, ...]
    removed: tuple[SchemaField, ...]
    added: tuple[SchemaField, ...]


def match(old: TableSchema, new: TableSchema, renames: Sequence[Rename] = ()) -> Matching:
    """The columns, by number where both are the same live relation, otherwise by name and the renames.

    A rename counts where only the old schema has its old name, and only the new schema its new name. Renames are passed
    over where numbers decide.
    """
    if old.relation is not None and old.relation == new.relation:
        return _by_number(old, new)
    return _by_name(old.fields, new.fields, renames)


def match_batch(declared: TableSchema, batch: TableSchema, renames: Sequence[Rename] = ()) -> Matching:
    """The declared columns and the fields of a batch, which carries a column in the field that its source names."""
    by_name = {field.name: field for field in batch.fields}
    paths = {field.name: _source(field) for field in declared.fields}
    read = [
        Pair(field, by_name[path[0]], nested=len(path) > 1)
        for field in declared.fields
        if (path := paths[field.name]) is not None and path[0] in by_name
    ]
    fields_read = {pair.new.name for pair in read}
    columns_read = {pair.old.name for pair in read}
    rest = _by_name(
        tuple(field for field in declared.fields if paths[field.name] is None),
        tuple(field for field in batch.fields if field.name not in fields_read),
        renames,
    )
    pairs = {pair.old.name: pair for pair in (*read, *rest.pairs)}
    removed = {field.name for field in rest.removed} | {
        n for n, path in paths.items() if path and n not in columns_read
    }
    return Matching(
        pairs=tuple(pairs[field.name] for field in declared.fields if field.name in pairs),
        removed=tuple(field for field in declared.fields if field.name in removed),
        added=rest.added,
    )


def _source(field: SchemaField) -> FieldPath | None:
    """The path of fields that the column is read from; None where it is read from the field of its own name."""
    source = field.facts.get("source")
    if not isinstance(source, str):
        return None
    try:
        return source_path(source)
    except InvalidSourceError:
        return None


def _by_number(old: TableSchema, new: TableSchema) -> Matching:
    there = {field.number: field for field in new.fields if field.number is not None}
    pairs = tuple(
        Pair(field, there[field.number], _numbered_rename(field, there[field.number]))
        for field in old.fields
        if field.number is not None and field.number in there
    )
    kept = {pair.old.number for pair in pairs}
    rest = _by_name(
        tuple(field for field in old.fields if field.number is None),
        tuple(field for field in new.fields if field.number is None),
        (),
    )
    found = {pair.old.name: pair for pair in (*pairs, *rest.pairs)}
    return Matching(
        pairs=tuple(found[field.name] for field in old.fields if field.name in found),
        removed=(
            *(field for field in old.fields if field.number is not None and field.number not in kept),
            *rest.removed,
        ),
        added=(*(field for field in new.fields if field.number is not None and field.number not in kept), *rest.added),
    )


def _numbered_rename(old: SchemaField, new: SchemaField) -> Rename | None:
    return Rename(old.name, new.name, None, {"attnum": old.number}) if old.name != new.name else None


def _by_name(old: Sequence[SchemaField], new: Sequence[SchemaField], renames: Sequence[Rename]) -> Matching:
    before, after = {field.name for field in old}, {field.name: field for field in new}
    renamed = {each.old: each for each in renames if each.old not in after and each.new in after.keys() - before}
    pairs = []
    taken: set[str] = set()
    for field in old:
        rename = renamed.get(field.name)
        name = field.name if rename is None else rename.new
        if name in after and name not in taken:
            taken.add(name)
            pairs.append(Pair(field, after[name], rename))
    kept = {pair.old.name for pair in pairs}
    return Matching(
        pairs=tuple(pairs),
        removed=tuple(field for field in old if field.name not in kept),
        added=tuple(field for field in new if field.name not in taken),
    )
