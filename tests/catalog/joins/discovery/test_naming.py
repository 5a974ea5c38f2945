"""What names of columns say of the tables that they refer to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.catalog.joins.discovery.keys import read_names
from app.catalog.joins.discovery.lookup import LEAST, Targets
from app.catalog.joins.discovery.naming import (
    Reading,
    evidence,
    is_count,
    is_measure,
    readings,
    shared_prefix,
    singular,
)
from tests.catalog.joins.discovery.building import table


@pytest.mark.parametrize(
    ("plural", "expected"),
    [
        ("customers", "customer"),
        ("categories", "category"),
        ("addresses", "address"),
        ("boxes", "box"),
        ("status", "status"),
        ("analysis", "analysis"),
        ("gas", "gas"),
        ("series", "series"),
        ("ties", "tie"),
        ("movies", "movy"),
        ("movie", "movy"),
        ("warehouses", "warehouse"),
        ("statuses", "status"),
    ],
)
def test_singulars(plural: str, expected: str) -> None:
    assert singular(plural) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["l_orderkey", "l_partkey", "l_suppkey"], "l_"),
        (["sbtxid", "sbtxcustid", "sbtxtickerid"], "sbtx"),
        (["region_id", "region_name"], ""),
        (["id", "name", "street"], ""),
        (["ab_one", "abc", "abd"], ""),
    ],
)
def test_prefixes_that_all_columns_share(names: list[str], expected: str) -> None:
    assert shared_prefix(names) == expected


@pytest.mark.parametrize(
    ("name", "prefix", "expected"),
    [
        ("customer_id", "", Reading(("customer",), "id")),
        ("customerId", "", Reading(("customer",), "id")),
        ("customerid", "", Reading(("customer",), "id")),
        ("l_orderkey", "l_", Reading(("order",), "id")),
        ("sbtxcustid", "sbtx", Reading(("cust",), "id")),
        ("fk_customer", "", Reading(("customer",), "id")),
        ("id_cliente", "", Reading(("cliente",), "id")),
        ("artikel_nr", "", Reading(("artikel",), "number")),
        ("country_code", "", Reading(("country",), "code")),
        ("ship_via", "", Reading(("ship",), "to")),
        ("reply_to_id", "", Reading(("reply",), "to")),
        ("id", "", Reading((), "id")),
    ],
)
def test_readings_of_a_name(name: str, prefix: str, expected: Reading) -> None:
    assert expected in readings(name, prefix)


def said(left: str, column: str, right: str, key: str, *others: str) -> float:
    """The evidence of the column for the key, where the tables have two columns each and there are others."""
    tables = [
        table(left, {column: [1], "amount_due": [1]}),
        table(right, {key: [1], "label": ["a"]}) if right != left else table("unrelated", {"x": [1]}),
        *(table(other, {"id": [1], "label": ["a"]}) for other in others),
    ]
    if right == left:
        tables[0] = table(left, {column: [1], key: [1], "amount_due": [1]})
    named = read_names(tables)
    return evidence(named.columns[left, column], named.target(right, key, frozenset())).score


@pytest.mark.parametrize(
    ("left", "column", "right", "key"),
    [
        ("orders", "customer_id", "customers", "customer_id"),
        ("orders", "customer_id", "customers", "id"),
        ("orders", "customerId", "Customer", "id"),
        ("orders", "customerid", "customers", "customerid"),
        ("orders", "customer_id", "tbl_customers", "id"),
        ("orders", "customer_id", "dim_customer", "customer_key"),
        ("flights", "tailnum", "planes", "tailnum"),
        ("trips", "carrier", "airlines", "carrier"),
        ("tasks", "status_id", "task_statuses", "id"),
        ("bestellungen", "kunde_nr", "kunden", "kundennr"),
        ("pedidos", "id_cliente", "clientes", "id_cliente"),
        ("writings", "aid", "authors", "aid"),
    ],
)
def test_names_that_name_the_table_or_its_key(left: str, column: str, right: str, key: str) -> None:
    assert said(left, column, right, key) >= 0.85


@pytest.mark.parametrize(
    ("left", "column", "right", "key"),
    [
        ("orders", "billing_customer_id", "customers", "id"),
        ("orders", "cust_id", "customers", "id"),
        ("staffing", "dept_no", "departments", "dept_id"),
        ("orders", "ship_via", "shippers", "shipper_id"),
        ("orders", "sales_rep_id", "employees", "employee_id"),
        ("posts", "created_by", "users", "id"),
        ("trips", "dest", "airports", "code"),
        ("matches", "home_id", "teams", "id"),
        ("employees", "reports_to", "employees", "employee_id"),
        ("employees", "manager_id", "employees", "employee_id"),
        ("categories", "parent_id", "categories", "id"),
        ("categories", "parent_category_id", "categories", "category_id"),
        ("films", "sequel_of_id", "films", "id"),
    ],
)
def test_names_that_are_shortened_or_roles(left: str, column: str, right: str, key: str) -> None:
    assert 0.6 <= said(left, column, right, key) < 0.95


@pytest.mark.parametrize(
    ("left", "column", "right", "key"),
    [
        ("orders", "id", "customers", "id"),
        ("orders", "name", "customers", "name"),
        ("orders", "supplier_id", "customers", "id"),
        ("customers", "customer_code", "customers", "customer_id"),
        ("stores", "manager_id", "stores", "store_id"),
        ("invoices", "invoice_id", "invoice_lines", "invoice_line_id"),
    ],
)
def test_names_that_say_little(left: str, column: str, right: str, key: str) -> None:
    assert said(left, column, right, key) < 0.4


def test_the_table_itself_is_better_named_than_one_that_adds_to_it() -> None:
    assert said("orders", "movie_id", "movie_info", "id") < said("orders", "movie_id", "movies", "id")
    assert said("orders", "type_id", "media_types", "id") < said("orders", "media_type_id", "media_types", "id")


@pytest.mark.parametrize(
    "name", ["quantity", "unit_price", "release_year", "num_seats", "units_on_order", "sort_order"]
)
def test_measures(name: str) -> None:
    assert is_measure(read_names([table("a", {name: [1]})]).columns["a", name])


@pytest.mark.parametrize("name", ["price_id", "customer_id", "level_code", "carrier", "po_num"])
def test_references_are_no_measures(name: str) -> None:
    assert not is_measure(read_names([table("a", {name: [1]})]).columns["a", name])


def test_plurals_are_counts() -> None:
    names = ("employees", "employee", "movie", "status", "ids")
    columns = read_names([table("a", {name: [1] for name in names})]).columns
    assert [name for name in names if is_count(columns["a", name])] == ["employees"]


NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=30)


@given(left=NAMES, column=NAMES, right=NAMES, key=NAMES)
def test_any_names_are_read(left: str, column: str, right: str, key: str) -> None:
    assert 0.0 <= said(left, column, right, key) <= 1.0


WORDS = st.sampled_from(
    ["customer", "cust", "order", "orders", "id", "key", "type", "media", "parent", "user", "created", "by", "x", "no"]
)
COMPOSED = st.lists(WORDS, min_size=1, max_size=3).map("_".join)


@given(left=COMPOSED, column=COMPOSED, right=COMPOSED, key=COMPOSED)
def test_the_index_finds_whatever_a_comparison_of_all_finds(left: str, column: str, right: str, key: str) -> None:
    tables = [table(left, {column: [1]}), *([table(right, {key: [1]})] if right != left else [])]
    named = read_names(tables)
    targets = [named.target(table, name, frozenset()) for table, name in named.columns]
    for place, name in named.columns.items():
        compared = {(each.table, each.column): evidence(name, each).score for each in targets}
        expected = {other: score for other, score in compared.items() if score >= LEAST and other != place}
        assert {(each.table, each.column): found.score for each, found in Targets(targets).of(name)} == expected
