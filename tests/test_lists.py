"""Lists: pages by number with totals beside cursors, and sorting by declared fields; of every list that there is."""

import re
from collections.abc import Iterator
from typing import Any, cast

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.addons.knowledge.repository import DOCUMENT_SORTS
from app.catalog.contracts.repository import CONTRACT_SORTS
from app.catalog.tables.repository import TABLE_SORTS
from app.kernel.db.repository import Reading
from tests.operations_catalogue import CATALOGUE
from tests.operations_catalogue.exports import export
from tests.operations_catalogue.operation import Setting
from tests.operations_catalogue.workshop import Workshop
from tests.test_queries import WATCH, count, fill, register

PLACES = {"table": "first", "category": "quarantine", "config_key": "query.max-cost"}
ELSEWHERE = ("{batch_id}", "{request_id}")
"""Lists below what is made in tests of their own."""
NUMBERED = {"page", "page_size", "total", "total_is_estimate", "has_next", "has_prev"}


def lists_of(document: dict[str, Any], parameter: str = "cursor") -> list[str]:
    """The paths of lists whose operation has the parameter, with places filled in."""
    found = [
        path
        for path, operations in document["paths"].items()
        if any(each["name"] == parameter for each in operations.get("get", {}).get("parameters", ()))
        and not any(place in path for place in ELSEWHERE)
    ]
    return [re.sub(r"\{(\w+)\}", lambda name: PLACES[name[1]], path) for path in found]


def sorts_of(document: dict[str, Any], path: str) -> list[str]:
    """The fields by which the list may be sorted, as its document says."""
    parameters = document["paths"][path]["get"]["parameters"]
    (told,) = (each["description"] for each in parameters if each["name"] == "sort")
    return told.partition(": ")[2].rstrip(".").split(", ")  # type: ignore[no-any-return]


MADE = (
    "create_flag", "upload_knowledge_document", "create_addon_request", "create_glossary_entry",
    "create_notification_channel", "send_notification", "plan_maintenance_window", "create_honeypot", "create_block",
    "take_security_action", "set_configuration", "execute_query", "correct_query", "make_retention_hold",
    "run_retention",
)  # fmt: skip
"""Operations that make what lists show, beside tables, batches, people and clients."""


@pytest.fixture
async def filled(
    admin: httpx.AsyncClient,
    anonymous: httpx.AsyncClient,
    owner: asyncpg.Connection,
    open_for_data: None,  # noqa: ARG001
) -> httpx.AsyncClient:
    """A client of a service with a few of everything."""
    await register(admin, "first", "second", "third")
    await fill(admin, 3)
    world = Workshop(admin, anonymous, owner, "ada", "bob")
    for operation in (each for each in CATALOGUE.values() if each.id in MADE):
        for _ in range(3):
            sound = await operation.prepare(Setting(world, "", cast("Any", None), fresh=True))
            answer = await admin.request(operation.method, operation.path.format(**sound.ids), **sound.more)
            assert answer.status_code in {200, 201, 202}, (operation.id, answer.text)
    for _ in range(3):
        await export(world, None)
    return admin


def identity(item: dict[str, Any]) -> str:
    """What tells the item of a list from all others."""
    return str(next(item[name] for name in ("id", "batch_id", "key") if name in item))


async def everything(client: httpx.AsyncClient, path: str, **query: Any) -> list[Any]:
    """All items, by cursors."""
    items: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await client.get(path, params={"limit": 2, **query, **cursor})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page.keys() & NUMBERED == set(), "totals are for those who ask"
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


async def test_every_list_has_pages_with_numbers(filled: httpx.AsyncClient, document: dict[str, Any]) -> None:
    lists = lists_of(document)
    assert len(lists) >= 20
    for path in lists:
        whole = await everything(filled, path)
        seen: list[Any] = []
        number: int | None = 1
        while number is not None:
            answer = await filled.get(path, params={"page": number, "page_size": 2})
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert page.keys() == {"items", "next_cursor"} | NUMBERED, path
            seen += page["items"]
            rest = max(0, page["total"] - 2 * number)
            assert (page["page"], page["page_size"], page["has_prev"]) == (number, 2, number > 1)
            assert (page["has_next"], page["next_cursor"] is not None, page["total_is_estimate"]) == (
                rest > 0, rest > 0, False,
            )  # fmt: skip
            links = {name: httpx.URL(link["url"]).params["page"] for name, link in answer.links.items()}
            assert ("next" in links, "prev" in links) == (page["has_next"], page["has_prev"])
            assert {"first", "last"} <= links.keys()
            number = int(links["next"]) if "next" in links else None
        assert len(seen) >= len(whole), path  # looking at some lists adds to them
        if len(seen) == len(whole):
            assert page["total"] == len(whole)


async def test_a_page_with_a_number_costs_as_many_statements(
    app: FastAPI, filled: httpx.AsyncClient, document: Any
) -> None:
    for path in lists_of(document):
        plain, numbered = [await count(app, filled, f"{path}{query}") for query in ("?limit=2", "?page=1&page_size=1")]
        assert numbered <= plain, path
    assert WATCH


async def test_a_cursor_of_a_numbered_page_leads_on(filled: httpx.AsyncClient) -> None:
    page = (await filled.get("/api/users", params={"page": 1, "page_size": 1})).json()
    following = (await filled.get("/api/users", params={"cursor": page["next_cursor"], "limit": 1})).json()
    second = (await filled.get("/api/users", params={"page": 2, "page_size": 1})).json()
    assert following["items"] == second["items"]


async def test_behind_the_last_page_there_is_nothing_but_the_total(filled: httpx.AsyncClient) -> None:
    answer = await filled.get("/api/tables", params={"page": 100})
    page = answer.json()
    assert (page["items"], page["total"] >= 3, page["has_next"], page["has_prev"]) == ([], True, False, True)
    assert httpx.URL(answer.links["prev"]["url"]).params["page"] == "1", "the last page that there is"


WRONG: dict[str, tuple[dict[str, Any], list[str], str]] = {
    "a cursor and a number": ({"cursor": "x", "page": 1}, ["query/cursor"], "invalid-page"),
    "two sizes": ({"limit": 5, "page_size": 5}, ["query/limit"], "invalid-page"),
    "both": ({"cursor": "x", "limit": 5, "page_size": 5}, ["query/cursor", "query/limit"], "invalid-page"),
    "too deep": ({"page": 1_001, "page_size": 1}, ["query/page"], "validation"),
    "page 0": ({"page": 0}, ["query/page"], "validation"),
    "a page below 0": ({"page": -1}, ["query/page"], "validation"),
    "no number": ({"page": "x"}, ["query/page"], "validation"),
    "a number beyond all": ({"page": 10**30}, ["query/page"], "validation"),
    "a size of 0": ({"page_size": 0}, ["query/page_size"], "validation"),
    "a size of 501": ({"page_size": 501}, ["query/page_size"], "validation"),
    "a field that is none": ({"sort": "email"}, ["query/sort"], "invalid-sort"),
    "a field twice": ({"sort": "username,-username"}, ["query/sort"], "invalid-sort"),
    "nothing": ({"sort": ""}, ["query/sort"], "invalid-sort"),
    "a comma": ({"sort": "username,"}, ["query/sort"], "invalid-sort"),
    "two signs": ({"sort": "--username"}, ["query/sort"], "invalid-sort"),
    "SQL": ({"sort": "username;DROP TABLE users"}, ["query/sort"], "invalid-sort"),
    "a very long one": ({"sort": "x" * 201}, ["query/sort"], "validation"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_no_page_is_refused(admin: httpx.AsyncClient, name: str) -> None:
    query, pointers, code = WRONG[name]
    answer = await admin.get("/api/users", params=query)
    assert answer.status_code == 422, answer.text
    faults = answer.json()["faults"]
    assert [fault["pointer"] for fault in faults] == pointers
    if code != "validation":
        assert answer.json()["code"] == code
    if code == "invalid-sort":
        assert "username, status, updated_at, created_at" in faults[0]["message"]


async def test_a_cursor_of_another_order_is_refused(filled: httpx.AsyncClient) -> None:
    page = (await filled.get("/api/users", params={"limit": 1, "sort": "username"})).json()
    for sort in ({}, {"sort": "created_at"}, {"sort": "username,status"}):
        answer = await filled.get("/api/users", params={"cursor": page["next_cursor"], **sort})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor")
    onward = await filled.get("/api/users", params={"cursor": page["next_cursor"], "sort": "username"})
    assert onward.status_code == 200


async def test_every_sort_of_every_list_sorts_and_loses_nothing(
    filled: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    lists = lists_of(document, "sort")
    assert len(lists) >= 10
    for path in lists:
        ids = sorted(identity(item) for item in await everything(filled, path))
        for name in sorts_of(document, path):
            for sign in ("", "-"):
                items = await everything(filled, path, sort=f"{sign}{name}")
                assert sorted(identity(item) for item in items) == ids, (path, name)
                values = [item[name] for item in items]
                assert values == sorted(values, reverse=bool(sign)), (path, name)


def readings(kind: type[Reading[Any]] = Reading) -> Iterator[type[Reading[Any]]]:
    for each in kind.__subclasses__():
        yield each
        yield from readings(each)


def test_lists_are_sorted_by_columns_that_are_never_null() -> None:
    sorted_ones = [each for each in readings() if each.sorts]
    assert len(sorted_ones) >= 8
    for each in sorted_ones:
        columns = each.model.__table__.c
        wrong = [name for name in each.sorts if columns[name].nullable or columns[name].type.python_type is bool]
        assert wrong == [], each
    for sorts in (TABLE_SORTS, CONTRACT_SORTS, DOCUMENT_SORTS):
        assert [name for name, column in sorts.items() if column.nullable] == []
