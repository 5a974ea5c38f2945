"""Columns that say where records carry their values: what is taken, refused, kept and shown."""

import json
from typing import Any

import asyncpg
import httpx
import pytest

from app.catalog.contracts.columns import named_for_fields
from app.catalog.contracts.definition import column_document, columns_of
from app.catalog.contracts.review import InvalidContract, review
from app.warehouse.plan import Column
from app.warehouse.types import parse_type
from tests.catalog.bodies import contract

SOURCE = "/schema/columns/5/source"
LATER = "/schema/columns/6/source"


def with_columns(*columns: dict[str, Any]) -> dict[str, Any]:
    """A contract with more columns, from index 5."""
    body = contract()
    body["schema"]["columns"] += [{"type": "text"} | column for column in columns]
    return body


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        (None, None),
        ("x", None),
        ("/x", None),
        ("customerId", "customerId"),
        ("/customerId", "customerId"),
        ("/customer/id", "/customer/id"),
        ("/customer/amount", "/customer/amount"),
        ("Amount", "Amount"),
        ("/~1x", "/~1x"),
        ("/a~01", "a~1"),
    ],
)
def test_a_source_is_kept_in_its_shortest_form(source: str | None, kept: str | None) -> None:
    columns = review(with_columns({"name": "x", "source": source})).columns
    assert columns is not None
    assert columns[5].source == kept
    assert columns_of([column_document(column) for column in columns]) == columns


def test_a_pointer_and_a_name_that_looks_like_one_are_two_places() -> None:
    columns = review(with_columns({"name": "x", "source": "/a/b"}, {"name": "y", "source": "/~1a~1b"})).columns
    assert columns is not None
    assert [column.path for column in columns[5:7]] == [("a", "b"), ("/a/b",)]


def test_columns_may_swap_their_names() -> None:
    columns = review(with_columns({"name": "x", "source": "y"}, {"name": "y", "source": "x"})).columns
    assert columns is not None
    assert [column.path for column in columns[5:7]] == [("y",), ("x",)]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ([{"name": "x", "source": ""}], (SOURCE, "invalid-source")),
        ([{"name": "x", "source": "/a~"}], (SOURCE, "invalid-source")),
        ([{"name": "x", "source": "a\x00"}], (SOURCE, "invalid-source")),
        ([{"name": "x", "source": 1}], (SOURCE, "string-type")),
        ([{"name": "x", "source": ["a"]}], (SOURCE, "string-type")),
        ([{"name": "x", "source": "amount"}], (SOURCE, "duplicate-source")),
        ([{"name": "x", "source": "/amount/net"}], (SOURCE, "duplicate-source")),
        ([{"name": "x", "source": "y"}, {"name": "y"}], (SOURCE, "duplicate-source")),
        ([{"name": "x", "source": "a"}, {"name": "y", "source": "/a"}], (LATER, "duplicate-source")),
        ([{"name": "x", "source": "/a/b"}, {"name": "y", "source": "a"}], (SOURCE, "duplicate-source")),
        ([{"name": "x", "source": "ingested_at"}], (SOURCE, "processing-time-in-use")),
        ([{"name": "x", "source": "/ingested_at/day"}], (SOURCE, "processing-time-in-use")),
        ([{"name": "ingested_at", "type": "timestamptz", "source": "x"}], (SOURCE, "processing-time-in-use")),
    ],
)
def test_sources_that_are_refused(columns: list[dict[str, Any]], expected: tuple[str, str]) -> None:
    with pytest.raises(InvalidContract) as caught:
        review(with_columns(*columns))
    assert {(fault.pointer, fault.code) for fault in caught.value.faults} == {expected}


def test_a_refusal_says_which_columns_and_what_is_right() -> None:
    with pytest.raises(InvalidContract) as caught:
        review(with_columns({"name": "x", "source": "amount"}, {"name": "y", "source": "/a/b/"}))
    same, none = sorted(caught.value.faults, key=lambda fault: fault.code)
    assert same.message.startswith("x reads 'amount', which is the same value that amount reads")
    assert '"/customer/id"' in none.message


def test_a_column_that_stands_there_twice_is_said_once() -> None:
    with pytest.raises(InvalidContract) as caught:
        review(with_columns({"name": "x"}, {"name": "x"}))
    assert [fault.code for fault in caught.value.faults] == ["duplicate-column"]


@pytest.mark.parametrize(
    ("fields", "columns"),
    [
        (["id"], [("id", None)]),
        (["customerId", "at"], [("customer_id", "customerId"), ("at", None)]),
        (["Order Date"], [("order_date", "Order Date")]),
        (["customerId", "customer_id"], [("customerId", None), ("customer_id", None)]),
        (["customerId", "CustomerId"], [("customerId", None), ("CustomerId", None)]),
        (["日付"], [("日付", None)]),
        (["/id"], [("id", "/~1id")]),
        (["Xmin"], [("Xmin", None)]),
        (["ingestedAt"], [("ingestedAt", None)]),
        (["ingested_at"], [("ingested_at", None)]),
        ([], []),
    ],
)
def test_columns_of_a_first_batch_are_named_for_its_fields(
    fields: list[str], columns: list[tuple[str, str | None]]
) -> None:
    found = named_for_fields([Column(field, parse_type("text")) for field in fields], "ingested_at")
    assert [(column.name, column.source) for column in found] == columns


@pytest.mark.usefixtures("open_for_data")
async def test_sources_are_shown_and_audited(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    body = with_columns({"name": "x", "source": "/customer/id"})
    assert (await engineer.post("/api/contracts/register", json=body)).status_code == 201
    columns = (await engineer.get("/api/contracts/customers_v1/schema")).json()["columns"]
    assert {column["name"]: column["source"] for column in columns if column["source"]} == {"x": "/customer/id"}
    after = await owner.fetchval("SELECT after FROM spyne.audit_log WHERE action = 'contract:register'")
    assert "x text from /customer/id" in json.loads(after)["columns"]


@pytest.mark.usefixtures("open_for_data")
async def test_schemas_from_before_there_were_sources_are_read(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    assert (await engineer.post("/api/contracts/register", json=contract())).status_code == 201
    await owner.execute(
        "UPDATE spyne.contract_schemas SET columns = "
        "(SELECT jsonb_agg(item - 'source') FROM jsonb_array_elements(columns) AS item)"
    )
    columns = (await engineer.get("/api/contracts/customers_v1/schema")).json()["columns"]
    assert {column["source"] for column in columns} == {None}
    exported = (await engineer.get("/api/contracts/customers_v1/odcs")).json()
    assert all("customProperties" not in each for each in exported["schema"][0]["properties"])
