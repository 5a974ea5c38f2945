"""Changes go into a kept document where they are said; everything else stays as it came."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.catalog.contracts.column_words import words_of
from app.catalog.contracts.odcs.document import SentDocument, kept_document
from app.catalog.contracts.odcs.importing import Draft, draft
from app.catalog.contracts.odcs.merging import Imported, merged
from app.catalog.contracts.odcs.validation import VERSIONS, violations
from app.catalog.contracts.odcs.writing import json_text
from app.catalog.contracts.record import ContractRecord
from app.catalog.tables.lifecycle import TableState
from app.warehouse.naming import RelationName
from app.warehouse.plan import Checks, Column
from app.warehouse.types import ColumnType, TypeKind, parse_type
from tests.catalog.contracts.odcs.documents import CASES, SEMANTICS, document, with_feature
from tests.catalog.contracts.odcs.losses import losses


def record(made: Draft, **changes: Any) -> ContractRecord:
    """The contract that the draft was registered as."""
    definition = made.definition
    found = ContractRecord(
        id=f"{definition.table_name}_v1",
        table_id=UUID(int=1),
        table_name=definition.table_name,
        version=1,
        state=TableState.SHADOW,
        endpoint=definition.endpoint,
        semantics=definition.semantics,
        policy=definition.policy,
        owner_id=UUID(int=2),
        owner_label="ada",
        schema_version=1,
        revision=1,
        relation=RelationName("data", f"{definition.table_name}__v1"),
        created_at=datetime(2030, 1, 1, tzinfo=UTC),
        description=made.description,
        words=words_of(made.words),
    )
    return replace(found, **changes)


def drafted(found: dict[str, Any], index: int = 0) -> Draft:
    names = [entry["name"] for entry in found["schema"]]
    return draft(SentDocument(found, found["apiVersion"], dict.fromkeys(names, SEMANTICS)), index)


def kept(found: dict[str, Any]) -> dict[str, Any]:
    """The document as it is read again."""
    return kept_document(json_text(found).decode())


def exported(found: dict[str, Any], *columns: Column, without: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """The document with changes of its first contract: columns added or replaced by name, or taken out."""
    made = drafted(found)
    now = {column.name: column for column in made.definition.columns or ()}
    now |= {column.name: column for column in columns}
    left = tuple(column for name, column in now.items() if name not in without)
    after = merged(found, Imported(record(made, **changes), made.name, left))
    assert violations(after, found["apiVersion"]) == []
    return after


def column(name: str, spelled: str, **more: Any) -> Column:
    return Column(name, parse_type(spelled), **more)


@pytest.mark.parametrize(("feature", "version"), CASES)
def test_without_changes_all_stays(feature: str, version: str) -> None:
    found = kept(with_feature(feature, version))
    before = copy.deepcopy(found)
    after = exported(found)
    assert found == before
    assert list(losses(found, after)) == []
    assert exported(after) == after


def properties(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in found["schema"][0]["properties"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_column_is_added(version: str) -> None:
    found = kept(document(version))
    added = column("c", "timestamptz", nullable=False, checks=Checks(one_of=(datetime(2030, 1, 1, tzinfo=UTC),)))
    after = exported(found, added, words=words_of({"c": {"description": "New", "labels": ["x"]}}))
    assert list(properties(after)) == ["order_id", "changed_at", "ingested_at", "c"]
    assert (properties(after)["c"]["physicalType"], properties(after)["c"]["description"]) == ("timestamptz", "New")
    again = drafted(after).definition.columns
    assert again is not None
    assert again[3] == added


def test_a_column_goes() -> None:
    found = kept(
        document(
            "v3.1.0",
            {"name": "note", "logicalType": "string", "businessName": "N"},
            {"name": "b", "logicalType": "boolean"},
        )
    )
    after = exported(found, without=("note",))
    assert list(properties(after)) == ["order_id", "changed_at", "b", "ingested_at"]


WIDENED: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    (
        {"logicalType": "integer", "physicalType": "INT"},
        "bigint",
        {"physicalType": "bigint", "logicalTypeOptions": {"format": "i64"}},
    ),
    (
        {"logicalType": "integer", "logicalTypeOptions": {"format": "i32", "multipleOf": 5}},
        "bigint",
        {"logicalTypeOptions": {"format": "i64", "multipleOf": 5}},
    ),
    (
        {"logicalType": "integer", "logicalTypeOptions": {"format": "i32"}},
        "numeric",
        {"logicalType": "number", "physicalType": "numeric"},
    ),
    ({"physicalType": "int"}, "bigint", {"physicalType": "bigint", "logicalType": "integer"}),
    (
        {"logicalType": "string", "logicalTypeOptions": {"maxLength": 3, "format": "email"}},
        "text",
        {"logicalTypeOptions": {"format": "email"}, "physicalType": "text"},
    ),
    (
        {"logicalType": "string", "physicalType": "varchar(3)"},
        "varchar(9)",
        {"physicalType": "varchar(9)", "logicalTypeOptions": {"maxLength": 9}},
    ),
    ({"logicalType": "date"}, "timestamp", {"logicalType": "timestamp", "physicalType": "timestamp"}),
    (
        {"logicalType": "number", "logicalTypeOptions": {"format": "f32"}},
        "double precision",
        {"logicalTypeOptions": {"format": "f64"}},
    ),
]


@pytest.mark.parametrize(("said", "wider", "expected"), WIDENED)
def test_a_type_is_widened(said: dict[str, Any], wider: str, expected: dict[str, Any]) -> None:
    more = {"name": "c", "businessName": "C", "examples": [1], "customProperties": [{"property": "x", "value": 1}]}
    found = kept(document("v3.1.0", more | said))
    after = properties(exported(found, column("c", wider)))["c"]
    assert {name: after.get(name) for name in expected} == expected
    assert {name: after[name] for name in more} == more


def test_checks_change_among_rules_of_others() -> None:
    theirs = {"type": "custom", "engine": "soda", "implementation": "x"}
    ours = {"type": "custom", "engine": "spyne", "implementation": {"type": "one_of", "values": ["a"]}}
    custom = [{"property": "mine", "value": 1}, {"property": "source", "value": "/a/b"}]
    found = kept(
        document(
            "v3.1.0", {"name": "c", "logicalType": "string", "quality": [ours, theirs], "customProperties": custom}
        )
    )
    changed = column("c", "text", checks=Checks(one_of=("a", "b"), pattern="^a"), source="/a/c")
    after = properties(exported(found, changed))["c"]
    now = {"type": "custom", "engine": "spyne", "implementation": {"type": "one_of", "values": ["a", "b"]}}
    assert after["quality"] == [theirs, now]
    assert after["logicalTypeOptions"] == {"pattern": "^a"}
    assert {each["property"]: each["value"] for each in after["customProperties"]} == {
        "mine": 1,
        "source": "/a/c",
        "patternSyntax": "RE2",
    }


def test_words_change() -> None:
    said = {"name": "c", "logicalType": "string", "description": "Old", "tags": ["a"], "classification": "restricted"}
    found = kept(document("v3.1.0", said))
    words = {
        "c": {"description": "New", "labels": ["a", "b"], "sensitivity": "private"},
        "order_id": {"sensitivity": "private"},
    }
    after = exported(found, words=words_of(words), description="What it is")
    assert after["schema"][0]["description"] == "What it is"
    assert properties(after)["c"] == said | {"description": "New", "tags": ["a", "b"]}
    assert properties(after)["order_id"]["classification"] == "private"
    gone = properties(exported(found, words={}))["c"]
    assert gone == {"name": "c", "logicalType": "string"}


@pytest.mark.parametrize(
    ("version", "team", "expected"),
    [
        ("v3.0.2", None, [{"username": "ada", "role": "owner"}]),
        ("v3.1.0", None, {"members": [{"username": "ada", "role": "owner", "id": str(UUID(int=2))}]}),
        ("v3.1.0", [{"username": "bob"}], [{"username": "bob"}, {"username": "ada", "role": "owner"}]),
        ("v3.1.0", {"members": [{"username": "ada", "role": "x"}]}, {"members": [{"username": "ada", "role": "x"}]}),
        (
            "v3.2.0",
            {"name": "T"},
            {"name": "T", "members": [{"username": "ada", "role": "owner", "id": str(UUID(int=2))}]},
        ),
    ],
)
def test_the_owner_is_of_the_team(version: str, team: Any, expected: Any) -> None:
    found = document(version) | ({} if team is None else {"team": team})
    assert exported(kept(found))["team"] == expected


def test_status_and_our_own_limitation_follow_the_table() -> None:
    found = kept(document("v3.1.0", description={"limitations": "Not open for queries yet.", "usage": "x"}))
    active = exported(found, state=TableState.ACTIVE)
    assert (active["status"], active["description"]) == ("active", {"usage": "x"})
    theirs = kept(document("v3.1.0", description={"limitations": "Theirs"}))
    assert exported(theirs, state=TableState.READ_ONLY)["description"] == {"limitations": "Theirs"}


def test_several_tables_keep_their_own_semantics() -> None:
    found = kept(with_feature("several tables", "v3.1.0"))
    made = [drafted(found, index) for index in (0, 1)]
    parts = [Imported(record(each), each.name, each.definition.columns) for each in made]
    after = merged(found, *parts[:1], parts[1:])
    assert violations(after, "v3.1.0") == []
    sent = SentDocument(after, "v3.1.0")
    assert [draft(sent, index).definition for index in (0, 1)] == [each.definition for each in made]


def test_custom_properties_are_said_where_they_stand() -> None:
    said = [{"property": "mode", "value": "append", "id": "m"}, {"property": "mode", "value": 1, "vendor": "other"}]
    found = kept(document("v3.2.0", customProperties=said, status="active"))
    after = exported(found)
    assert after["customProperties"][:2] == [said[0] | {"value": "upsert"}, said[1]]
    assert {"property": "endpoint", "value": "/api/v1/orders"} in after["customProperties"]


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True).map(lambda name: f"x_{name}")
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
)
REALS = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-1000, max_value=1000)
CUSTOM = st.recursive(
    LEAVES | REALS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc é", max_size=4), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(
    [TypeKind.TEXT, TypeKind.BIGINT, TypeKind.BOOLEAN, TypeKind.DATE, TypeKind.JSONB, TypeKind.UUID]
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Documents with custom values of all kinds, and properties of several types."""
    listed = st.lists(st.builds(lambda name, value: {"property": name, "value": value}, NAMES, CUSTOM), max_size=3)
    said = []
    for name in draw(st.lists(NAMES, unique=True, max_size=4)):
        logical = draw(st.sampled_from(["string", "integer", "number", "boolean", "date", "object", "array"]))
        each: dict[str, Any] = {"name": name, "logicalType": logical, "customProperties": draw(listed)}
        said.append(
            each
            | draw(
                st.fixed_dictionaries(
                    {},
                    optional={
                        "businessName": st.text("ab"),
                        "description": st.text("cd"),
                        "required": st.booleans(),
                        "examples": st.lists(CUSTOM, max_size=2),
                    },
                )
            )
        )
    found = document(draw(st.sampled_from(list(VERSIONS))), *said, customProperties=draw(listed))
    return kept(found)


@given(documents(), st.data())
@settings(max_examples=200)
def test_whatever_changes_what_is_not_ours_stays(found: dict[str, Any], data: st.DataObject) -> None:
    """The merge keeps every field of columns that are left, but those that say what changed; and is stable."""
    made = drafted(found)
    columns = list(made.definition.columns or ())
    free = [each.name for each in columns if each.name.startswith("x_")]
    gone = set(data.draw(st.lists(st.sampled_from(free), unique=True) if free else st.just([])))
    changed = set(data.draw(st.lists(st.sampled_from(free), unique=True) if free else st.just([]))) - gone
    now = [
        replace(each, type=ColumnType(data.draw(KINDS)), checks=Checks()) if each.name in changed else each
        for each in columns
        if each.name not in gone
    ]
    now += [Column(f"y_{index}", ColumnType(data.draw(KINDS))) for index in range(data.draw(st.integers(0, 3)))]
    contract = record(made, state=data.draw(st.sampled_from(TableState)))
    after = merged(found, Imported(contract, made.name, tuple(now)))
    assert violations(after, found["apiVersion"]) == []
    before = copy.deepcopy(found)
    typed = ("logicalType", "logicalTypeOptions", "physicalType")
    left = [each for each in before["schema"][0]["properties"] if each["name"] not in gone]
    for each in left:
        if each["name"] in changed:
            for field in typed:
                each.pop(field, None)
                next(new for new in after["schema"][0]["properties"] if new["name"] == each["name"]).pop(field, None)
    before["schema"][0]["properties"] = left
    assert list(losses(before, after)) == []


@given(documents())
@settings(max_examples=100)
def test_bytes_stay(found: dict[str, Any]) -> None:
    """What is not ours is the same text, number by number."""
    after = json.loads(json_text(exported(found)), parse_float=Decimal)
    for before, now in zip(found["customProperties"], after["customProperties"], strict=False):
        assert json_text(before) == json_text(now)
