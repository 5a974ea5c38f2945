"""Renames that are inferred: from values, nulls, place and name."""

import hashlib
import time
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.drift.names import similarity, tokens
from app.catalog.drift.renames import MAX_PAIRS, Pairing, infer, pair
from app.catalog.drift.schema import SchemaField, ValueProfile

SKETCH = 64


def profile(values: Iterable[Any], nulls: int = 0) -> ValueProfile:
    listed = list(values)
    hashes = {int.from_bytes(hashlib.blake2b(str(value).encode(), digest_size=8).digest()) for value in listed}
    return ValueProfile(len(listed) + nulls, nulls, frozenset(sorted(hashes)[:SKETCH]))


def texts(start: int, stop: int) -> list[str]:
    return [f"text {number}" for number in range(start, stop)]


def column(name: str, kind: str = "text", values: ValueProfile | None = None) -> SchemaField:
    return SchemaField(name, kind, values=values)


KEPT = (column("first"), column("second"), column("third"))


def inferred(old: Sequence[SchemaField], new: Sequence[SchemaField]) -> Pairing:
    """Between tables in which each of the columns stands after the first of three that stay."""
    return infer((KEPT[0], *old, *KEPT[1:]), (KEPT[0], *new, *KEPT[1:]))


def names(pairing: Pairing) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    return [(each.old, each.new) for each in pairing.renames], [(each.old, each.new) for each in pairing.hints]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("unitPrice", ("unit", "price")),
        ("unit_prices", ("unit", "price")),
        ("HTTPStatus2", ("http", "status", "2")),
        ("address", ("address",)),
        ("__", ()),
    ],
)
def test_words_of_a_name(name: str, expected: tuple[str, ...]) -> None:
    assert tokens(name) == expected


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        ("unit_price", "unitPrice", 1, 1),
        ("mobilephone", "mobile_phone", 1, 1),
        ("weights", "weight", 1, 1),
        ("price", "unit_price", 0.7, 0.9),
        ("qty", "quantity", 0.7, 0.9),
        ("addr_line", "address_line", 0.7, 1),
        ("recieved", "received", 0.8, 0.95),
        ("name", "supplier_name", 0.5, 0.7),
        ("supplier_id", "warehouse_id", 0, 0.2),
        ("parent_id", "agent_id", 0, 0.2),
        ("created_at", "updated_at", 0, 0.2),
        ("shipping_town", "billing_town", 0.2, 0.4),
        ("note", "colour", 0, 0),
        ("__", "note", 0, 0),
        ("__", "__", 1, 1),
    ],
)
def test_how_alike_names_are(one: str, other: str, least: float, most: float) -> None:
    assert least <= similarity(one, other) <= most
    assert similarity(one, other) == similarity(other, one)


@given(st.text(max_size=12), st.text(max_size=12))
def test_every_pair_of_names_has_a_likeness(one: str, other: str) -> None:
    assert 0 <= similarity(one, other) == similarity(other, one) <= 1
    assert similarity(one, one) == 1


def test_shared_values_make_a_rename_whatever_the_names() -> None:
    old = [column("nickname", values=profile(texts(0, 300))), column("colour", values=profile(texts(900, 950)))]
    new = [column("handle", values=profile(texts(150, 450))), column("shade", values=profile(texts(5_000, 5_300)))]
    found = inferred(old, new)
    assert names(found) == ([("nickname", "handle")], [])
    (rename,) = found.renames
    assert 0.9 < (rename.confidence or 0) < 1
    assert rename.evidence["shared_values"] > 10
    assert rename.evidence["value_overlap"] == pytest.approx(0.5, abs=0.2)


def test_two_candidates_that_are_as_likely_are_a_hint() -> None:
    old = [column("nickname", values=profile(texts(0, 300)))]
    new = [column("handle", values=profile(texts(100, 400))), column("login", values=profile(texts(100, 400)))]
    renames, hints = names(inferred(old, new))
    assert renames == []
    assert [hint[0] for hint in hints] == ["nickname"]
    assert names(inferred(new, old))[0] == [], "nor the other way round"


def test_names_decide_between_two_of_one_domain() -> None:
    old = [column("home_town", values=profile(texts(0, 50) * 4))]
    new = [column("hometown", values=profile(texts(0, 50) * 4)), column("workplace", values=profile(texts(0, 50) * 4))]
    assert names(inferred(old, new))[0] == [("home_town", "hometown")]


@pytest.mark.parametrize("kind", ["boolean", "integer"])
def test_values_that_every_column_has_are_weak_evidence(kind: str) -> None:
    values = profile([1, 0] * 50)
    assert names(inferred([column("hidden", kind, values)], [column("verified", kind, values)]))[0] == []
    assert names(inferred([column("hidden", kind, values)], [column("is_hidden", kind, values)]))[0] == [
        ("hidden", "is_hidden")
    ]


def test_numbers_that_other_columns_share_as_well_are_weak_evidence() -> None:
    values = profile(range(1, 200))
    old, new = [column("seller", "bigint", values)], [column("agent", "bigint", values)]
    assert names(inferred(old, new))[0] == [("seller", "agent")], "no other column has these numbers"
    like = (column("position", "bigint", values),)
    assert names(infer((*KEPT, *old, *like), (*KEPT, *new, *like)))[0] == []


def test_labels_that_differ_speak_against_a_rename() -> None:
    old = [column("colour", values=profile(["red", "green", "blue"] * 30))]
    new = [column("shirt_colour", values=profile(["small", "large"] * 30))]
    assert names(inferred(old, new)) == ([], [])


def test_another_share_of_nulls_speaks_against_a_rename() -> None:
    old, same, other = profile(texts(0, 300), nulls=150), profile(texts(0, 300), nulls=150), profile(texts(0, 300))
    assert names(inferred([column("fax", values=old)], [column("pager", values=same)]))[0] == [("fax", "pager")]
    found = inferred([column("fax", values=old)], [column("pager", values=other)])
    assert found.renames == () or (found.renames[0].confidence or 0) < 0.95


@pytest.mark.parametrize(
    ("old", "new"), [("text", "bytea"), ("integer", "text"), ("timestamp", "timestamptz"), ("jsonb", "text")]
)
def test_columns_of_other_families_are_never_one(old: str, new: str) -> None:
    values = profile(texts(0, 300))
    assert names(inferred([column("price", old, values)], [column("prices", new, values)])) == ([], [])


def test_a_wider_type_may_come_with_a_rename() -> None:
    assert names(inferred([column("qty", "integer")], [column("quantity", "bigint")]))[0] == [("qty", "quantity")]


def test_without_values_names_and_place_decide() -> None:
    assert names(inferred([column("unit_price")], [column("unitPrice")]))[0] == [("unit_price", "unitPrice")]
    assert names(inferred([column("price")], [column("unit_price")]))[0] == [("price", "unit_price")]
    moved = infer((column("price"), *KEPT), (*KEPT, column("unit_price")))
    assert names(moved) == ([], [("price", "unit_price")]), "elsewhere, a hint"
    assert names(inferred([column("note")], [column("colour")])) == ([], [("note", "colour")]), (
        "a place alone is a hint"
    )
    assert names(pair([column("note")], [column("colour")])) == ([], [])
    assert names(inferred([column("seller_id")], [column("warehouse_id")]))[0] == []


def test_where_everything_changed_nothing_is_inferred() -> None:
    some = [column(f"old_{number}") for number in range(MAX_PAIRS // 20 + 1)]
    others = [column(f"new_{number}") for number in range(20)]
    assert pair(some, others) == Pairing((), ())


def test_the_largest_table_is_paired_within_a_few_seconds() -> None:
    values = [profile(texts(number, number + 500)) for number in range(31)]
    old = [column(f"old {number}", values=each) for number, each in enumerate(values)]
    new = [column(f"new {number}", values=each) for number, each in enumerate(values)]
    began = time.process_time()
    pair(old, new, kept=[column(f"kept {number}", values=values[number % 31]) for number in range(1_000)])
    assert time.process_time() - began < 5


FIELDS = st.lists(
    st.builds(
        column,
        st.sampled_from(["price", "unit_price", "note", "remark", "seller_id", "agent_id", "id", "x"]),
        st.sampled_from(["text", "integer", "timestamptz", "jsonb"]),
        st.none() | st.lists(st.integers(0, 30), max_size=40).map(profile),
    ),
    max_size=6,
    unique_by=lambda field: field.name,
)


@given(FIELDS, FIELDS, st.randoms(use_true_random=False))
def test_a_column_is_in_one_rename_at_most_whatever_the_order(
    old: list[SchemaField], new: list[SchemaField], chance: Any
) -> None:
    gone = [each for each in old if each.name not in {other.name for other in new}]
    come = [each for each in new if each.name not in {other.name for other in old}]
    found = pair(gone, come)
    ends = [end for each in found.renames for end in (each.old, each.new)]
    assert len(ends) == len(set(ends))
    assert {hint.old for hint in found.hints} & {rename.old for rename in found.renames} == set()
    for each in (*found.renames, *found.hints):
        assert 0 < (each.confidence or 0) <= 1
    mixed = pair(chance.sample(gone, len(gone)), chance.sample(come, len(come)))
    assert {(each.old, each.new) for each in mixed.renames} == {(each.old, each.new) for each in found.renames}
