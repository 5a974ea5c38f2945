"""How schemas are compared: every rule once, then what holds for all of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.drift.change import Change, ChangeKind, Severity
from app.catalog.drift.classify import breaking, classify, of_columns
from app.catalog.drift.policy import POLICY, RuleId
from app.catalog.drift.renames import Rename
from app.catalog.drift.schema import SchemaField, TableSchema, ValueProfile

SEMANTICS = {
    "mode": "upsert",
    "idempotency_key": ["id"],
    "event_time_column": "changed_at",
    "processing_time_column": "ingested_at",
    "dedupe_window": "24h",
    "dedupe_window_seconds": 86_400,
    "conflict_resolution": "latest_wins",
}


def column(name: str = "amount", kind: str | None = "integer", **more: Any) -> SchemaField:
    return SchemaField(name, kind, **more)


def schema(*fields: SchemaField, **more: Any) -> TableSchema:
    return TableSchema(fields, **more)


def ruled(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(change.rule, change.path) for change in changes]


AMOUNT = column()
NOTE = column("note", "text")

ONE_COLUMN = [
    ({"kind": "bigint"}, {"kind": "integer"}, "narrowed", "/columns/amount/type"),
    ({"kind": "integer[]"}, {"kind": "bigint[]"}, "widened", "/columns/amount/type/element"),
    ({"nullable": False}, {}, "made-nullable", "/columns/amount/nullable"),
    ({}, {"nullable": False}, "made-required", "/columns/amount/nullable"),
    ({}, {"default": 0}, "default-added", "/columns/amount/default"),
    ({"default": 0}, {"default": "1"}, "default-changed", "/columns/amount/default"),
    ({"default": 0}, {}, "default-removed", "/columns/amount/default"),
    ({"nullable": False, "default": 0}, {"nullable": False}, "default-removed-required", "/columns/amount/default"),
    ({"kind": None}, {}, "type-stated", "/columns/amount/type"),
]


@pytest.mark.parametrize(("old", "new", "rule", "path"), ONE_COLUMN)
def test_a_column_changes(old: dict[str, Any], new: dict[str, Any], rule: str, path: str) -> None:
    found = classify(schema(column(**old)), schema(column(**new)))
    assert ruled(found) == [(rule, path)]
    assert found[0].column == "amount"


FACTS = [
    ({}, {"minimum": 0}, "check-tightened"),
    ({"minimum": 0}, {}, "check-loosened"),
    ({"minimum": 0}, {"minimum": 1}, "check-tightened"),
    ({"minimum": "0.5"}, {"minimum": "0.25"}, "check-loosened"),
    ({"minimum": 0}, {"minimum": "0.00"}, None),
    ({"minimum": "2026-01-01T00:00:00Z"}, {"minimum": "2026-01-01T01:00:00+01:00"}, None),
    ({"minimum": "2026-01-01T00:00:00Z"}, {"minimum": "2026-01-01T00:00:00+01:00"}, "check-loosened"),
    ({"minimum": "2026-01-01"}, {"minimum": "2026-02-01"}, "check-tightened"),
    ({"minimum": "NaN"}, {"minimum": 1}, "check-changed"),
    ({"maximum": 5}, {"maximum": 9}, "check-loosened"),
    ({"maxLength": 14}, {"maxLength": 20}, "check-loosened"),
    ({"minLength": 8}, {"minLength": 10}, "check-tightened"),
    ({"enum": ["a", "b"]}, {"enum": ["b", "a"]}, None),
    ({"enum": ["a"]}, {"enum": ["a", "b"]}, "check-loosened"),
    ({"enum": ["a", "b"]}, {"enum": ["b"]}, "check-tightened"),
    ({"enum": ["a", "b"]}, {"enum": ["b", "c"]}, "check-changed"),
    ({"enum": ["a"]}, {"enum": "a"}, "check-changed"),
    ({"pattern": "^a"}, {"pattern": "^b"}, "check-changed"),
    ({"pattern": "^a"}, {}, "check-loosened"),
    ({}, {"unique": True}, "check-tightened"),
    ({"unique": True}, {"unique": False}, "check-loosened"),
    ({}, {"unique": False}, None),
    ({"format": "email"}, {"format": "uri"}, "check-changed"),
    ({"references": "a.b"}, {"references": "a.c"}, "reference-changed"),
    ({"source": "theAmount"}, {}, "source-changed"),
    ({"pii": True}, {"pii": False}, "sensitivity-lowered"),
    ({}, {"pii": True}, "sensitivity-raised"),
    ({"sensitivity": "none"}, {"sensitivity": "private"}, "sensitivity-raised"),
    ({"sensitivity": "none"}, {}, None),
    ({"classification": "restricted"}, {"classification": "public"}, "sensitivity-lowered"),
    ({"classification": "internal"}, {"classification": "confidential"}, "sensitivity-raised"),
    ({"classification": "secret"}, {"classification": "sensitive"}, "sensitivity-changed"),
    ({"description": "Net."}, {"description": "Gross."}, "words-changed"),
    ({"tags": ["a"]}, {"tags": []}, "words-changed"),
    ({}, {"tags": []}, None),
    ({"our-own": 1}, {}, "words-changed"),
]


@pytest.mark.parametrize(("old", "new", "rule"), FACTS)
def test_what_is_said_of_a_column_changes(old: dict[str, Any], new: dict[str, Any], rule: str | None) -> None:
    found = classify(schema(column(facts=old)), schema(column(facts=new)))
    assert [change.rule for change in found] == ([rule] if rule else [])


TOGETHER = [
    ({"key": ("a", "b")}, {"key": ("b", "a")}, []),
    ({"key": ("a",)}, {"key": ("b",)}, [("key-changed", "/key")]),
    ({"key": ("a",)}, {"key": ()}, [("key-removed", "/key")]),
    ({"key": ()}, {"key": ("a",)}, [("key-added", "/key")]),
    ({"key": None}, {"key": ("a",)}, []),
    ({"mode": "append"}, {"mode": "upsert"}, [("mode-changed", "/ingestion_semantics/mode")]),
    (
        {"conflict_resolution": "latest_wins"},
        {"conflict_resolution": "reject"},
        [("conflict-resolution-changed", "/ingestion_semantics/conflict_resolution")],
    ),
    (
        {"event_time_column": "a"},
        {"event_time_column": "b"},
        [("event-time-changed", "/ingestion_semantics/event_time_column")],
    ),
    (
        {"processing_time_column": "a"},
        {"processing_time_column": "b"},
        [("processing-time-changed", "/ingestion_semantics/processing_time_column")],
    ),
    (
        {"dedupe_window": "24h", "dedupe_window_seconds": 86_400},
        {"dedupe_window": "P1D", "dedupe_window_seconds": 86_400},
        [],
    ),
    (
        {"dedupe_window_seconds": 5},
        {"dedupe_window_seconds": 6},
        [("dedupe-window-longer", "/ingestion_semantics/dedupe_window")],
    ),
    (
        {"dedupe_window_seconds": 6},
        {"dedupe_window_seconds": 5},
        [("dedupe-window-shorter", "/ingestion_semantics/dedupe_window")],
    ),
    (
        {"dedupe_window": "24h"},
        {"dedupe_window": "P1D"},
        [("dedupe-window-changed", "/ingestion_semantics/dedupe_window")],
    ),
]


@pytest.mark.parametrize(("old", "new", "expected"), TOGETHER)
def test_keys_and_semantics_change(old: dict[str, Any], new: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    def made(said: dict[str, Any]) -> TableSchema:
        return (
            schema(AMOUNT, key=said["key"]) if "key" in said else schema(AMOUNT, semantics={**SEMANTICS_LESS, **said})
        )

    assert ruled(classify(made(old), made(new))) == expected


SEMANTICS_LESS = {"mode": "append"}


def test_columns_come_go_and_move() -> None:
    found = classify(
        schema(AMOUNT, NOTE, column("a/b")),
        schema(
            NOTE,
            AMOUNT,
            column("country", "text"),
            column("region", "text", nullable=False),
            column("zone", "text", nullable=False, default="''"),
        ),
    )
    assert ruled(found) == [
        ("column-removed", "/columns/a~1b"),
        ("column-added", "/columns/country"),
        ("column-added-required", "/columns/region"),
        ("column-added-with-default", "/columns/zone"),
        ("reordered", "/columns"),
    ]
    assert found[0].old == {"type": "integer", "nullable": True}
    assert found[-1].new == ["note", "amount"]


def test_a_rename_of_a_live_relation_is_known_by_its_number() -> None:
    old = schema(column(number=1), replace(NOTE, number=2), relation=7)
    new = schema(column("total", "bigint", number=1, nullable=False), replace(NOTE, number=2), relation=7)
    renamed, widened, required = classify(old, new)
    assert (renamed.rule, renamed.old, renamed.new, renamed.confidence) == ("column-renamed", "amount", "total", None)
    assert (renamed.path, renamed.column, renamed.evidence) == ("/columns/amount", "amount", {"attnum": 1})
    assert (widened.rule, widened.column, required.rule) == ("widened", "amount", "made-required")


def test_two_columns_of_a_live_relation_swap_their_names() -> None:
    old = schema(column("a", number=1), column("b", number=2), relation=7)
    new = schema(column("b", number=1), column("a", number=2), relation=7)
    assert [(change.rule, change.old, change.new) for change in classify(old, new)] == [
        ("column-renamed", "a", "b"),
        ("column-renamed", "b", "a"),
    ]


def test_a_column_made_anew_under_its_name_is_another_column() -> None:
    old = schema(column(number=1), NOTE, relation=7)
    new = schema(NOTE, column(number=3), relation=7)
    removed, added = classify(old, new, renames=[Rename("amount", "amount", 1.0)])
    assert (removed.rule, added.rule) == ("column-removed", "column-added")
    assert removed.evidence == added.evidence == {"added_again": True, "attnum": [1, 3]}
    assert "made anew" in removed.suggestion


def test_a_restored_relation_is_compared_by_names() -> None:
    old = schema(column("a", number=1), column("b", number=2), relation=7)
    new = schema(column("a", number=2), column("b", number=1), relation=8)
    assert classify(old, new) == ()


def test_a_known_rename_keeps_the_column_in_key_and_semantics() -> None:
    old = schema(column("id"), column("changed_at", "timestamptz"), NOTE, key=("id",), semantics=SEMANTICS)
    new = schema(
        column("customer_id"),
        column("changed_at", "timestamptz"),
        NOTE,
        key=("customer_id",),
        semantics={**SEMANTICS, "idempotency_key": ["customer_id"]},
    )
    known = Rename("id", "customer_id", 0.9, {"name_similarity": 0.6})
    (found,) = classify(old, new, renames=[known, Rename("note", "changed_at", 0.9), Rename("gone", "new", 0.9)])
    assert (found.rule, found.confidence, found.evidence) == ("column-renamed", 0.9, {"name_similarity": 0.6})
    assert [change.rule for change in classify(old, new)] == ["column-removed", "column-added", "key-changed"]


def test_a_renamed_time_of_events_is_the_same_one() -> None:
    old = schema(column("changed_at", "timestamptz"), semantics=SEMANTICS)
    new = schema(column("modified_at", "timestamptz"), semantics={**SEMANTICS, "event_time_column": "modified_at"})
    found = classify(old, new, renames=[Rename("changed_at", "modified_at", 0.9)])
    assert [change.rule for change in found] == ["column-renamed"]
    assert [change.rule for change in classify(old, new)] == ["column-removed", "column-added", "event-time-changed"]


def test_a_rename_to_a_column_that_was_there_before_is_none() -> None:
    found = classify(schema(NOTE, AMOUNT), schema(AMOUNT), renames=[Rename("note", "amount", 0.9)])
    assert ruled(found) == [("column-removed", "/columns/note")]


def test_a_hint_names_the_nearest_on_both_sides() -> None:
    removed, added = classify(
        schema(AMOUNT, NOTE), schema(AMOUNT, column("remark", "text")), hints=[Rename("note", "remark", 0.5, {"x": 1})]
    )
    assert removed.evidence == {"nearest": "remark", "confidence": 0.5, "x": 1}
    assert added.evidence == {"nearest": "note", "confidence": 0.5, "x": 1}
    assert "note may be called remark now" in removed.suggestion


DECLARED = of_columns(
    [
        {"name": "id", "type": "bigint", "nullable": False, "checks": [], "source": None},
        {"name": "price", "type": "numeric(12,2)", "nullable": True, "checks": [{"type": "min", "value": 0}]},
        {"name": "city", "type": "varchar(20)", "nullable": True, "checks": [], "source": "/address/city"},
        {"name": "born", "type": "date", "nullable": True, "checks": [], "source": "birthday"},
        {"name": "changed_at", "type": "timestamptz", "nullable": False, "checks": []},
        {"name": "ingested_at", "type": "timestamptz", "nullable": False, "checks": []},
    ],
    SEMANTICS,
)
FITTING = (
    column("birthday", "date"),
    column("changed_at", "timestamptz"),
    column("address", "jsonb"),
    column("price", "bigint"),
    column("id", "bigint"),
)


def test_a_batch_that_fits_does_not_drift() -> None:
    assert classify(DECLARED, schema(*FITTING), as_batch=True) == ()
    assert classify(DECLARED, schema(), as_batch=True) == (), "no rows, no evidence"
    required = schema(*(replace(field, nullable=False) for field in FITTING))
    assert classify(DECLARED, required, as_batch=True) == ()


def test_a_batch_that_does_not_fit() -> None:
    values = ValueProfile(rows=10, nulls=4)
    batch = schema(
        column("id", "double precision"),
        column("price", "text", values=ValueProfile(rows=9, nulls=9)),
        column("born", "date"),
        column("changed_at", "timestamp"),
        column("colour", "text", nullable=False, values=values),
    )
    found = classify(DECLARED, batch, as_batch=True)
    assert ruled(found) == [
        ("widened-inexactly", "/columns/id/type"),
        ("zone-changed", "/columns/changed_at/type"),
        ("column-absent", "/columns/city"),
        ("column-absent", "/columns/born"),
        ("column-added", "/columns/born"),
        ("column-added", "/columns/colour"),
    ]
    assert (found[2].kind, found[2].readers, found[2].writers) == ("REMOVE", "WARNING", "WARNING")
    assert (found[-1].new, found[-1].rows) == ({"type": "text", "nullable": True}, 6)


def test_a_renamed_column_of_a_batch() -> None:
    batch = schema(*FITTING[:-1], column("customer_id", "bigint"))
    (found,) = classify(DECLARED, batch, renames=[Rename("id", "customer_id", 0.9)], as_batch=True)
    assert (found.rule, found.old, found.new, found.confidence) == ("column-renamed", "id", "customer_id", 0.9)


def test_columns_of_a_contract_become_a_schema() -> None:
    assert DECLARED.key == ("id",)
    assert DECLARED.semantics is SEMANTICS
    found = of_columns(
        [
            {
                "name": "state",
                "type": "text",
                "nullable": False,
                "checks": [
                    {"type": "one_of", "values": ["a", "b"]},
                    {"type": "pattern", "value": "^[ab]$"},
                    {"type": "unique"},
                    {"type": "max", "value": "z"},
                ],
                "source": "theState",
            }
        ],
        words={"state": {"description": "Where it stands.", "sensitivity": "private"}},
    )
    assert found == schema(
        column(
            "state",
            "text",
            nullable=False,
            facts={
                "enum": ["a", "b"],
                "pattern": "^[ab]$",
                "unique": True,
                "maximum": "z",
                "source": "theState",
                "description": "Where it stands.",
                "sensitivity": "private",
            },
        )
    )


def test_the_policy_has_a_row_for_every_rule() -> None:
    assert set(POLICY) == set(RuleId)
    for rule in POLICY.values():
        assert rule.suggestion.endswith(".")
        if rule.kind in {ChangeKind.KEY, ChangeKind.RENAME}:
            assert rule.writers is Severity.BREAKING


SPECIFIED = {
    "column-added": "CC", "reordered": "CC", "made-nullable": "WC", "column-added-required": "WB",
    "column-removed": "BW", "column-renamed": "BB", "widened": "CC", "widened-inexactly": "WC", "narrowed": "BB",
    "other-family": "BB", "zone-changed": "BB", "numeric-precision-up": "CC", "numeric-scale-changed": "BB",
    "length-shrunk": "BB", "made-required": "WB", "key-changed": "BB", "key-removed": "BB", "mode-changed": "BB",
    "conflict-resolution-changed": "BB", "dedupe-window-longer": "CC", "dedupe-window-shorter": "WW",
    "event-time-changed": "BB", "processing-time-changed": "BB", "column-absent": "WW", "words-changed": "CC",
}  # fmt: skip
"""Readers and writers, as the specification of the feature demands them."""


def test_the_policy_says_what_was_specified() -> None:
    said = {rule: POLICY[RuleId(rule)] for rule in SPECIFIED}
    assert {rule: row.readers.value[0] + row.writers.value[0] for rule, row in said.items()} == SPECIFIED


NAMES = st.sampled_from(["id", "amount", "note", "city", "zip", "a/b", "born"])
KINDS = st.sampled_from(
    [None, "integer", "bigint", "numeric(12,2)", "real", "text", "varchar(9)", "date", "timestamptz", "integer[]", "x"]
)
FACT_SETS: st.SearchStrategy[Mapping[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "minimum": st.integers(0, 3),
        "enum": st.lists(st.sampled_from("abc"), max_size=3),
        "pattern": st.sampled_from(["a", "b"]),
        "unique": st.booleans(),
        "pii": st.booleans(),
        "description": st.sampled_from(["", "a", "b"]),
    },
)
FIELDS = st.builds(
    SchemaField, NAMES, KINDS, nullable=st.booleans(), default=st.none() | st.integers(0, 2), facts=FACT_SETS
)
SCHEMAS = st.builds(
    lambda fields, keyed, mode: TableSchema(
        tuple(fields), key=tuple(field.name for field in fields[:keyed]), semantics={**SEMANTICS, "mode": mode}
    ),
    st.lists(FIELDS, max_size=6, unique_by=lambda field: field.name),
    st.integers(0, 2),
    st.sampled_from(["append", "upsert"]),
)


@given(SCHEMAS)
def test_a_schema_does_not_differ_from_itself(one: TableSchema) -> None:
    assert classify(one, one) == ()
    assert [change.rule for change in classify(one, one, as_batch=True) if change.rule != "column-absent"] == []


@given(SCHEMAS, SCHEMAS, st.randoms(use_true_random=False))
def test_the_order_of_columns_changes_no_other_verdict(old: TableSchema, new: TableSchema, chance: Any) -> None:
    mixed = replace(new, fields=tuple(chance.sample(new.fields, len(new.fields))))

    def verdicts(found: tuple[Change, ...]) -> list[str]:
        return sorted(repr(change) for change in found if change.kind is not ChangeKind.REORDER)

    assert verdicts(classify(old, new)) == verdicts(classify(old, mixed))


INVERSE = {ChangeKind.ADD: ChangeKind.REMOVE, ChangeKind.REMOVE: ChangeKind.ADD}


@given(SCHEMAS, SCHEMAS)
def test_the_way_back_is_of_the_inverse_kinds(old: TableSchema, new: TableSchema) -> None:
    forth = sorted((INVERSE.get(change.kind, change.kind), change.path) for change in classify(old, new))
    back = sorted((change.kind, change.path) for change in classify(new, old))
    assert forth == back


@given(SCHEMAS, SCHEMAS)
def test_every_verdict_is_the_table_s(old: TableSchema, new: TableSchema) -> None:
    found = classify(old, new)
    for change in found:
        rule = POLICY[RuleId(change.rule)]
        assert (change.kind, change.readers, change.writers) == (rule.kind, rule.readers, rule.writers)
    assert breaking(found) is any(POLICY[RuleId(change.rule)].readers is Severity.BREAKING for change in found)
    assert len({change.identity for change in found}) == len(found)
