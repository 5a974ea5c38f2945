"""What identifies the rows of a table."""

from typing import Any

import pytest

from app.catalog.joins.discovery.discover import KeyQuestion, key_questions
from app.catalog.joins.discovery.keys import Grain, can_refer, grains, read_names, usual_keys
from app.warehouse.evidence.samples import TableEvidence
from tests.catalog.joins.discovery.building import column, table


def grain(evidence: TableEvidence, *others: TableEvidence, answered: tuple[str, ...] = ()) -> Grain:
    tables = (evidence, *others)
    answers = {KeyQuestion(evidence.table, answered): True} if answered else {}
    return grains(tables, read_names(tables), answers)[evidence.table]


@pytest.mark.parametrize(
    ("name", "columns", "expected"),
    [
        ("regions", {"region_name": ["a", "b"], "region_id": [1, 2]}, ("region_id",)),
        ("regions", {"name": ["a", "b"], "id": [1, 2]}, ("id",)),
        ("customers", {"cust_code": ["x", "y"], "customer_key": [1, 2]}, ("customer_key",)),
        ("airports", {"faa": ["x", "y"], "name": ["a", "b"]}, ("faa",)),
        ("orders", {"customer_id": [7, 8], "order_id": [1, 2]}, ("order_id",)),
        ("coupons", {"code": ["x", "y"], "cid": [1, 2]}, ("cid",)),
        ("notes", {"comment": ["x", "y"], "kind": ["a", "a"]}, None),
        ("readings", {"temperature": [1.5, 2.5], "kind": ["a", "a"]}, None),
        ("pairs", {"left_id": [1, 1, 2], "right_id": [1, 2, 1]}, None),
        ("gaps", {"id": [1, None]}, None),
        ("nothing", {"id": []}, None),
        ("countries", {"name": ["a", "b"], "continent": ["x", "x"]}, ("name",)),
    ],
)
def test_the_key_is_the_unique_column_that_looks_most_like_one(
    name: str, columns: dict[str, Any], expected: tuple[str, ...] | None
) -> None:
    assert grain(table(name, columns)).key == expected


def test_a_declared_key_comes_first() -> None:
    found = grain(table("regions", {"id": [1, 2], "code": ["a", "b"], "x": [1, 1]}, keys=(("code",), ("id", "x"))))
    assert found == Grain(("code",), ("id",), (("id", "x"),))


def test_an_answered_set_is_the_key_of_a_table_without_a_single_one() -> None:
    pairs = table("pairs", {"left_id": [1, 1, 2], "right_id": [1, 2, 1], "remark": ["a", "b", "c"]})
    found = grain(pairs, answered=("left_id", "right_id"))
    assert (found.key, found.composite) == (("left_id", "right_id"), (("left_id", "right_id"),))


def test_sets_with_a_smaller_unique_set_in_them_are_left_out() -> None:
    wide = table("t", {"a": [1, 1], "b": [1, 1], "c": [1, 1]}, keys=(("a", "b", "c"), ("b", "a")))
    assert grain(wide).composite == (("b", "a"),)


@pytest.mark.parametrize(
    ("spelled", "expected"),
    [("integer", True), ("numeric", True), ("numeric(10,0)", True), ("numeric(10,2)", False), ("real", False)],
)
def test_fractions_refer_to_nothing(spelled: str, *, expected: bool) -> None:
    assert can_refer(column("x", [1, 2], spelled)) is expected


def test_what_the_keys_of_many_tables_are_called_is_no_name() -> None:
    tables = [table(name, {"record_id": [1, 2], "kind": ["a", "a"]}) for name in ("a1", "b1", "c1")]
    named = read_names(tables)
    assert {each.words for each in usual_keys(grains(tables, named, {}), named)} == {("record",)}
    tables = [table(name, {"person_id": [1, 2]}) for name in ("people_a", "persons", "staff_b")]
    named = read_names(tables)
    assert not usual_keys(grains(tables, named, {}), named)


def test_questions_are_asked_of_sets_that_another_table_has_too() -> None:
    parts, suppliers = [1, 1, 2, 2] * 20, [1, 2, 1, 2] * 20
    offers = table("offers", {"part_id": [1, 1, 2, 2], "supplier_id": [1, 2, 1, 2], "cost": [1.5, 2.5, 3.5, 4.5]})
    lines = table("lines", {"line_no": list(range(80)), "part_id": parts, "supplier_id": suppliers})
    assert key_questions([offers, lines]) == [KeyQuestion("offers", ("part_id", "supplier_id"))]
    assert key_questions([offers]) == []


def test_too_few_combinations_are_not_asked() -> None:
    offers = table("offers", {"part_id": [1, 1, 2, 2, 1], "supplier_id": [1, 2, 1, 2, 1]})
    lines = table("lines", {"line_no": list(range(4)), "part_id": [1, 1, 2, 2], "supplier_id": [1, 2, 1, 2]})
    assert key_questions([offers, lines]) == []
