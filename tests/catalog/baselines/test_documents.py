"""Baselines as documents and as schemas."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.baselines.comparison import BaselinedTable, Comparison, comparison
from app.catalog.baselines.documents import (
    Baseline,
    baseline_of_shape,
    compared,
    document_of,
    enum_text,
    relation_of,
    schema_of,
)
from app.catalog.drift.classify import classify
from app.catalog.drift.types import DriftType, Family, parse
from app.warehouse.inspection import RelationColumn, RelationKind, canonical
from app.warehouse.live import LiveColumn, LiveForeignKey, LiveKey, LiveRelation, LiveRelations
from app.warehouse.naming import RelationName
from tests.catalog.baselines.relations import live_relations

ORDERS = RelationName("shop", "orders")
CLIENTS = RelationName("shop", "clients")
RELATION = LiveRelation(
    oid=900,
    lineage="7/5",
    name=ORDERS,
    kind=RelationKind.TABLE,
    columns=(
        LiveColumn("id", 1, "bigint", nullable=False, identity="a"),
        LiveColumn("amount", 3, "numeric(12,2)", nullable=True, default="0", expression="zero"),
        LiveColumn("twice", 4, "numeric", nullable=True, default="(amount * 2)", expression="double", generated="s"),
        LiveColumn("mood", 5, "shop.mood", nullable=True, comment="Of the client", labels=("glad", "it's")),
        LiveColumn("area", 6, "integer", nullable=True),
        LiveColumn("client", 7, "character varying(8)", nullable=True),
        LiveColumn("_spyne_mine", 8, "integer", nullable=True),
    ),
    primary_key=LiveKey("orders_pkey", ("id",)),
    unique_keys=(LiveKey("a", ("client", "area")), LiveKey("b", ("amount",)), LiveKey("c", ("_spyne_mine", "id"))),
    foreign_keys=(LiveForeignKey("of_client", ("client", "area"), CLIENTS, 901, ("code", "area"), (2, 1)),),
    comment="What was bought",
)


def changed(relation: LiveRelation, **columns: dict[str, Any]) -> LiveRelation:
    """The relation with changes of columns, by the name that each has in `RELATION`."""
    numbers = {column.name: column.number for column in RELATION.columns}
    wanted = {numbers[name]: change for name, change in columns.items()}
    return replace(relation, columns=tuple(replace(c, **wanted.get(c.number, {})) for c in relation.columns))


def renamed(relation: LiveRelation, **names: str) -> LiveRelation:
    """The relation with other names of columns, wherever those are mentioned, as PostgreSQL shows it afterwards."""

    def other(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.get(column, column) for column in columns)

    def expression(text: str | None) -> str | None:
        return text and " ".join(names.get(word.strip("()"), word) for word in text.split(" "))

    key = relation.primary_key
    return replace(
        relation,
        columns=tuple(
            replace(c, name=names.get(c.name, c.name), default=expression(c.default)) for c in relation.columns
        ),
        primary_key=key and replace(key, columns=other(key.columns)),
        unique_keys=tuple(replace(each, columns=other(each.columns)) for each in relation.unique_keys),
        foreign_keys=tuple(replace(each, columns=other(each.columns)) for each in relation.foreign_keys),
    )


def table(baseline: Baseline) -> BaselinedTable:
    """A table with that baseline."""
    return BaselinedTable(UUID(int=1), "orders@1", ORDERS, baseline, datetime(2026, 1, 1, tzinfo=UTC))


def changes(old: Baseline, new: LiveRelation | None) -> list[tuple[str, str]]:
    """Rules and paths of what changed."""
    return [(change.rule, change.path) for change in Comparison(table(old), new).changes()]


@given(live_relations())
def test_a_document_holds_all_of_a_relation(relation: LiveRelation) -> None:
    document = msgspec.json.decode(msgspec.json.encode(document_of(relation)))
    assert relation_of(document) == relation
    assert schema_of(relation_of(document)) == schema_of(relation)
    assert changes(Baseline(relation), relation) in ([], [("relation-renamed", "")])


def test_other_documents_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        relation_of({"oid": "many"})


@given(live_relations(), st.integers(2, 50))
def test_a_restored_relation_is_the_same_whatever_its_numbers(relation: LiveRelation, oid: int) -> None:
    """As after `pg_dump`: another oid, numbers without gaps, constraints and expressions written anew."""
    restored = replace(
        relation,
        oid=relation.oid + oid,
        columns=tuple(
            replace(column, number=place, expression=None) for place, column in enumerate(relation.columns, start=1)
        ),
        unique_keys=tuple(replace(key, name=f"k{place}") for place, key in enumerate(relation.unique_keys)),
        foreign_keys=tuple(replace(key, target_oid=key.target_oid + 50) for key in relation.foreign_keys),
    )
    assert classify(*compared(Baseline(relation), restored)) == ()


@given(st.lists(st.text("ab,'\"(é", min_size=1, max_size=8), unique=True, min_size=1, max_size=5))
def test_an_enum_is_spelled_so_that_drift_reads_its_labels(labels: list[str]) -> None:
    assert parse(enum_text(labels)) == DriftType(Family.ENUM, labels=tuple(labels))


def test_the_words_of_a_schema() -> None:
    schema = schema_of(RELATION)
    assert [(f.name, f.number, f.type, f.nullable, f.default) for f in schema.fields] == [
        ("id", 1, "bigint", False, "GENERATED ALWAYS AS IDENTITY"),
        ("amount", 3, "numeric(12,2)", True, "0"),
        ("twice", 4, "numeric", True, "GENERATED ALWAYS AS ((amount * 2)) STORED"),
        ("mood", 5, "enum('glad', 'it''s')", True, None),
        ("area", 6, "integer", True, None),
        ("client", 7, "varchar(8)", True, None),
    ]
    assert {field.name: field.facts for field in schema.fields if field.facts} == {
        "amount": {"unique": True},
        "mood": {"description": "Of the client", "physicalType": "shop.mood"},
        "client": {
            "unique": [["client", "area"]],
            "relationships": [
                {"type": "foreignKey", "from": ["client", "area"], "to": ["shop.clients.code", "shop.clients.area"]}
            ],
        },
    }
    assert (schema.key, schema.relation) == (("id",), 900)


MENTIONED_EVERYWHERE = renamed(RELATION, amount="price", client="area", area="client", id="number")
CASES: dict[str, tuple[LiveRelation | None, list[tuple[str, str]]]] = {
    "gone": (None, [("relation-gone", "")]),
    "another name of the relation": (replace(RELATION, name=RelationName("shop", "sold")), [("relation-renamed", "")]),
    "another schema": (replace(RELATION, name=RelationName("old", "orders")), [("relation-renamed", "")]),
    "names alone, although keys and expressions mention them": (
        MENTIONED_EVERYWHERE,
        [("column-renamed", f"/columns/{name}") for name in ("id", "amount", "area", "client")],
    ),
    "the target of a foreign key got other names": (
        replace(
            RELATION,
            foreign_keys=(
                replace(RELATION.foreign_keys[0], target=RelationName("shop", "people"), target_columns=("c", "a")),
            ),
        ),
        [],
    ),
    "another target": (
        replace(RELATION, foreign_keys=(replace(RELATION.foreign_keys[0], target=ORDERS, target_oid=900),)),
        [("reference-changed", "/columns/client/relationships")],
    ),
    "another expression": (
        changed(RELATION, twice={"default": "(amount * 3)", "expression": "triple"}),
        [("default-changed", "/columns/twice/default")],
    ),
    "no identity": (changed(RELATION, id={"identity": ""}), [("default-removed-required", "/columns/id/default")]),
    "a label more": (
        changed(RELATION, mood={"labels": ("glad", "it's", "sad")}),
        [("enum-labels-added", "/columns/mood/type")],
    ),
    "a label less": (changed(RELATION, mood={"labels": ("glad",)}), [("enum-labels-removed", "/columns/mood/type")]),
    "comments": (
        replace(changed(RELATION, mood={"comment": None}), comment=None),
        [("words-changed", "/description"), ("words-changed", "/columns/mood/description")],
    ),
    "no key": (replace(RELATION, primary_key=None), [("key-removed", "/key")]),
    "a column of each key made anew under its name": (
        changed(RELATION, id={"number": 9}, area={"number": 10}),
        [
            ("reference-changed", "/columns/client/relationships"),
            ("check-changed", "/columns/client/unique"),
            ("column-removed", "/columns/id"),
            ("column-removed", "/columns/area"),
            ("column-added-with-default", "/columns/id"),
            ("column-added", "/columns/area"),
            ("key-changed", "/key"),
        ],
    ),
    "a unique key less": (
        replace(RELATION, unique_keys=RELATION.unique_keys[1:]),
        [("check-loosened", "/columns/client/unique")],
    ),
    "names of constraints and what is hidden": (
        replace(
            changed(RELATION, _spyne_mine={"type": "text"}),
            primary_key=LiveKey("other", ("id",)),
            unique_keys=(LiveKey("x", ("amount",)), LiveKey("y", ("amount",)), LiveKey("z", ("client", "area"))),
        ),
        [],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_changed_of_one_relation(name: str) -> None:
    now, expected = CASES[name]
    assert changes(Baseline(RELATION), now) == expected


def test_numbers_of_another_database_say_nothing() -> None:
    """A restore elsewhere can give the oid that was, with numbers that are now those of other columns."""
    columns = tuple(replace(column, number=place) for place, column in enumerate(RELATION.columns, start=1))
    elsewhere = replace(RELATION, lineage="8/5", columns=columns)
    compared_now = Comparison(table(Baseline(RELATION)), elsewhere)
    assert compared_now.changes() == ()
    assert compared_now.calls_for_renewal()
    assert [rule for rule, _ in changes(Baseline(RELATION), replace(elsewhere, lineage="7/5"))] != []


def test_a_stored_shape_knows_names_types_and_nulls() -> None:
    shape = tuple(
        RelationColumn(column.name, canonical(column.type), column.nullable) for column in RELATION.columns[:-1]
    )
    old = baseline_of_shape(ORDERS, shape)
    assert changes(old, RELATION) == []
    assert Comparison(table(old), RELATION).calls_for_renewal()
    now = changed(renamed(RELATION, area="region"), client={"type": "text"}, amount={"nullable": False})
    assert changes(old, now) == [
        ("made-required", "/columns/amount/nullable"),
        ("widened", "/columns/client/type"),
        ("column-removed", "/columns/area"),
        ("column-added", "/columns/region"),
    ]


def test_the_name_comes_before_the_oid() -> None:
    moved = replace(RELATION, name=RelationName("shop", "orders_old"))
    recreated = replace(RELATION, oid=950)
    kept = table(Baseline(RELATION))

    def live(*relations: LiveRelation) -> LiveRelation | None:
        at_hand = LiveRelations({each.name: each for each in relations}, {each.oid: each for each in relations})
        found = comparison(kept, at_hand)
        assert found is not None
        assert found.is_renamed == (found.live is moved)
        return found.live

    assert live(moved, recreated) is recreated
    assert live(moved) is moved
    assert live(replace(moved, lineage="8/5")) is None
    assert comparison(kept, LiveRelations({}, {}, busy={ORDERS: 950})) is None
    assert comparison(kept, LiveRelations({}, {}, busy={moved.name: 900})) is None
    assert comparison(kept, LiveRelations({ORDERS: recreated}, {950: recreated}, busy={moved.name: 900})) is not None
    assert Comparison(kept, None).new is None
    assert Comparison(kept, None).old == schema_of(RELATION)


def test_the_index_of_a_governed_identity_comes_with_the_first_rows_and_is_no_change() -> None:
    governed = replace(RELATION, name=RelationName("data", "orders__v1"), unique_keys=())
    merged = replace(governed, unique_keys=(LiveKey("orders__v1__key", ("id", "area")),))
    assert schema_of(governed) == schema_of(merged)
