"""Baselines as documents, and a baseline beside what is there now, as two schemas that drift can be told from. Pure.

By what name of the Open Data Contract Standard a schema's facts say what PostgreSQL knows:

| PostgreSQL                          | in the schema                                                              |
|-------------------------------------|----------------------------------------------------------------------------|
| primary key                         | `TableSchema.key`                                                          |
| unique index of one column          | `unique`: true                                                             |
| unique indexes of several columns   | `uniqueKeys` of the first column: lists of columns (no word in the standard) |
| foreign key                         | `relationships` of its first column: `{type, from, to}`                    |
| comment of a column                 | `description`                                                              |
| labels of an enum type              | `enum`                                                                     |
| generated column                    | `generated`: `{expression, kind}` (no word in the standard), no default    |
| identity column                     | `identity`: `always` or `by default` (no word in the standard)             |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec

from app.catalog.drift.schema import SchemaField, TableSchema
from app.catalog.tables.shape import Shape
from app.warehouse.inspection import RelationKind, canonical
from app.warehouse.live import LiveColumn, LiveForeignKey, LiveKey, LiveRelation
from app.warehouse.naming import DATA_SCHEMA, HIDDEN_PREFIX, RelationName

IDENTITY: Final = {"a": "always", "d": "by default"}
"""`pg_attribute.attidentity` in words."""
GENERATED: Final = {"s": "stored", "v": "virtual"}
"""`pg_attribute.attgenerated` in words."""
UNKNOWN_OID: Final = 0
"""PostgreSQL's InvalidOid: no relation has it."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a relation looked like when it was last accepted."""

    relation: LiveRelation
    whole: bool = field(default=True, kw_only=True)
    """False where names, types and nullability alone are known: of tables adopted before there were baselines."""


def baseline_of_shape(relation: RelationName, shape: Shape) -> Baseline:
    """The baseline that the stored shape of a table gives: columns without numbers that PostgreSQL would know."""
    columns = tuple(LiveColumn(each.name, place, each.type, each.nullable) for place, each in enumerate(shape, start=1))
    return Baseline(LiveRelation(UNKNOWN_OID, "", relation, RelationKind.TABLE, columns), whole=False)


def document_of(baseline: Baseline) -> dict[str, Any]:
    """The baseline as `drift_baselines.document` keeps it."""
    document: dict[str, Any] = msgspec.to_builtins(baseline)
    return document


def baseline_of(document: Mapping[str, Any]) -> Baseline:
    """The baseline that `document_of` wrote. Raises `msgspec.ValidationError` for any other document."""
    return msgspec.convert(document, Baseline)


def is_same_relation(old: LiveRelation, new: LiveRelation) -> bool:
    """Whether PostgreSQL takes both for one relation, so that the numbers of columns say which is which.

    An oid of another database or server says nothing: after a restore a relation can get an oid that another one had.
    """
    return (old.oid, old.lineage) == (new.oid, new.lineage)


def compared(old: Baseline, new: LiveRelation) -> tuple[TableSchema, TableSchema]:
    """Both as schemas, reduced to what the baseline knows, and with equal `relation` only for one and the same.

    What only reads differently because a column or another relation got a new name reads alike in both: the old keys,
    foreign keys and expressions are given in the names of now.
    """
    if not old.whole:
        return _names_and_types(old.relation), _names_and_types(new)
    if not is_same_relation(old.relation, new):
        return replace(schema_of(old.relation), relation=None), schema_of(new)
    return schema_of(_with_texts_of(old.relation, new), _new_names(old.relation, new)), schema_of(new)


def schema_of(relation: LiveRelation, names: Mapping[str, str] | None = None) -> TableSchema:
    """The visible columns of the relation and its keys.

    Args:
        relation: as it is, or was.
        names: the present names of columns, by the name that the relation shows; they replace what keys and foreign
            keys mention, not the names of the columns themselves.
    """
    present = names or {}
    facts = _facts(relation, present)
    return TableSchema(
        fields=tuple(
            SchemaField(
                name=column.name,
                type=canonical(column.type),
                nullable=column.nullable,
                default=None if column.generated else column.default,
                number=column.number,
                facts=facts[column.name],
            )
            for column in _visible(relation)
        ),
        key=_spelled(relation.primary_key.columns, present) if relation.primary_key else (),
        relation=relation.oid,
    )


def _visible(relation: LiveRelation) -> list[LiveColumn]:
    return [column for column in relation.columns if not column.name.startswith(HIDDEN_PREFIX)]


def _names_and_types(relation: LiveRelation) -> TableSchema:
    fields = (SchemaField(column.name, canonical(column.type), column.nullable) for column in _visible(relation))
    return TableSchema(tuple(fields))


def _facts(relation: LiveRelation, names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """What is declared of each visible column beside name, type, nullability and default."""
    facts = {column.name: _own_facts(column) for column in _visible(relation)}
    for key in relation.unique_keys:
        if not _is_ours(relation, key) and facts.keys() >= set(key.columns):
            first = facts[key.columns[0]]
            if len(key.columns) == 1:
                first["unique"] = True
            else:
                first.setdefault("uniqueKeys", []).append(list(_spelled(key.columns, names)))
    for foreign in relation.foreign_keys:
        if facts.keys() >= set(foreign.columns):
            link = _relationship(foreign, names)
            facts[foreign.columns[0]].setdefault("relationships", []).append(link)
    return {name: _ordered(found) for name, found in facts.items()}


def _own_facts(column: LiveColumn) -> dict[str, Any]:
    found = {
        "description": column.comment,
        "enum": None if column.labels is None else list(column.labels),
        "identity": IDENTITY.get(column.identity),
        "generated": {"expression": column.default, "kind": GENERATED.get(column.generated, column.generated)}
        if column.generated
        else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _relationship(foreign: LiveForeignKey, names: Mapping[str, str]) -> dict[str, Any]:
    to = [f"{foreign.target}.{column}" for column in foreign.target_columns]
    return {"type": "foreignKey", "from": list(_spelled(foreign.columns, names)), "to": to}


def _ordered(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts with their lists of keys in an order that the names of indexes and constraints do not decide."""
    by_columns = {"uniqueKeys": lambda each: each, "relationships": lambda each: (each["from"], each["to"])}
    return {
        name: _distinct(sorted(value, key=by_columns[name])) if name in by_columns else value
        for name, value in facts.items()
    }


def _distinct(sorted_values: list[Any]) -> list[Any]:
    """The values without repetitions: two indexes can hold the same uniqueness."""
    return [value for place, value in enumerate(sorted_values) if place == 0 or value != sorted_values[place - 1]]


def _is_ours(relation: LiveRelation, key: LiveKey) -> bool:
    """Whether the index is the one that the first merge makes on a governed relation (`ddl.identity_index`)."""
    return relation.name.schema == DATA_SCHEMA and key.name == f"{relation.name.name}__key"


def _spelled(columns: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(names.get(column, column) for column in columns)


def _new_names(old: LiveRelation, new: LiveRelation) -> dict[str, str]:
    """Present names of the columns that are still there, by their old names."""
    present = {column.number: column.name for column in new.columns}
    return {column.name: present[column.number] for column in old.columns if column.number in present}


def _with_texts_of(old: LiveRelation, new: LiveRelation) -> LiveRelation:
    """The old relation, with expressions and targets of foreign keys that are still the same in their present words."""
    columns = {column.number: column for column in new.columns}
    targets = {(each.target_oid, each.target_numbers): each for each in new.foreign_keys}
    return replace(
        old,
        columns=tuple(_with_expression_of(each, columns.get(each.number)) for each in old.columns),
        foreign_keys=tuple(
            _with_target_of(each, targets.get((each.target_oid, each.target_numbers))) for each in old.foreign_keys
        ),
    )


def _with_expression_of(old: LiveColumn, new: LiveColumn | None) -> LiveColumn:
    if new is None or old.expression is None or old.expression != new.expression:
        return old
    return replace(old, default=new.default)


def _with_target_of(old: LiveForeignKey, new: LiveForeignKey | None) -> LiveForeignKey:
    if new is None:
        return old
    return replace(old, target=new.target, target_columns=new.target_columns)
