"""A contract that is sent again answers the one there is; another one is a further version, and says what differs."""

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.catalog.contracts.difference import contract_difference
from app.catalog.contracts.review import review
from tests.catalog.bodies import contract
from tests.catalog.steps import deprecated, filled, moved, promoted, registered
from tests.census import BOOKKEEPING, census, differences

OTHERS_BOOKS = BOOKKEEPING - {"spyne.audit_log"}
"""What workers write meanwhile."""

Change = Callable[[dict[str, Any]], Any]


def columns(body: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body["schema"]["columns"]
    return found


def semantics(**changes: Any) -> Change:
    return lambda body: body["ingestion_semantics"].update(changes)


def column(index: int, **changes: Any) -> Change:
    return lambda body: columns(body)[index].update(changes)


SAME: dict[str, Change] = {
    "nothing": lambda _: None,
    "another spelling of the window": semantics(dedupe_window="PT24H"),
    "a day is its hours": semantics(dedupe_window="1d"),
    "the key has no order": semantics(idempotency_key=["event_id", "api_id"]),
    "an alias of a type": column(1, type="BIGINT"),
    "white space in a type": column(3, type="NUMERIC ( 12 , 2 )"),
    "a key is never nullable": column(0, nullable=True),
    "not null as a check": lambda body: columns(body)[3].update(
        nullable=True, checks=[{"type": "not_null"}, {"type": "min", "value": 0}]
    ),
    "a bound written as text": column(3, nullable=False, checks=[{"type": "min", "value": "0.00"}]),
    "choices have no order": column(4, checks=[{"type": "one_of", "values": ["USD", "EUR"]}]),
    "a source that says its column's name": column(4, source="/currency"),
    "the processing time that would be added": lambda body: columns(body).append(
        {"name": "ingested_at", "type": "timestamptz"}
    ),
    "a default that is said": lambda body: body.update(unknown_columns="freeze", max_rejected=None),
    "limits of nothing": lambda body: body.update(max_rejected={"rows": None, "share": None}),
}

OTHER: dict[str, tuple[Change, list[str]]] = {
    "endpoint": (lambda body: body.update(endpoint="/api/v2/customers"), ["endpoint"]),
    "mode": (semantics(mode="append"), ["mode"]),
    "key": (semantics(idempotency_key=["api_id"]), ["idempotency_key", "changed event_id"]),
    "event time": (
        lambda body: (columns(body).append({"name": "at", "type": "date"}), semantics(event_time_column="at")(body)),
        ["event_time_column", "added at", "changed event_time"],
    ),
    "processing time": (
        semantics(processing_time_column="got"),
        ["processing_time_column", "added got", "removed ingested_at"],
    ),
    "window": (semantics(dedupe_window="25h"), ["dedupe_window"]),
    "resolution": (semantics(conflict_resolution="reject"), ["conflict_resolution"]),
    "unknown columns": (lambda body: body.update(unknown_columns="discard_value"), ["unknown_columns"]),
    "limit": (lambda body: body.update(max_rejected={"rows": 0}), ["max_rejected"]),
    "type": (column(4, type="text"), ["changed currency"]),
    "nullable": (column(4, nullable=False), ["changed currency"]),
    "bound": (column(3, checks=[{"type": "min", "value": 1}]), ["changed amount"]),
    "choices": (column(4, checks=[{"type": "one_of", "values": ["EUR"]}]), ["changed currency"]),
    "source": (column(4, source="Currency"), ["changed currency"]),
    "a column more": (lambda body: columns(body).append({"name": "note", "type": "text"}), ["added note"]),
    "a column less": (lambda body: columns(body).pop(), ["removed currency"]),
    "order": (lambda body: columns(body).reverse(), ["reordered"]),
    "no schema": (lambda body: body.pop("schema"), ["schema"]),
}


def changed(change: Change) -> dict[str, Any]:
    body = contract()
    change(body)
    return body


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_contracts_that_mean_the_same(change: Change) -> None:
    assert contract_difference(review(contract()), review(changed(change))).nothing
    assert contract_difference(review(changed(change)), review(contract())).nothing


@pytest.mark.parametrize(("change", "expected"), OTHER.values(), ids=OTHER)
def test_contracts_that_mean_something_else(change: Change, expected: list[str]) -> None:
    found = contract_difference(review(contract()), review(changed(change)))
    said = [each.field for each in found.fields]
    if found.columns is not None:
        said += [f"added {each.name}" for each in found.columns.added]
        said += [f"removed {each.name}" for each in found.columns.removed]
        said += [f"changed {each.after.name}" for each in found.columns.changed]
    said += ["reordered"] if found.reordered else []
    assert said == expected
    assert not found.nothing
    assert not contract_difference(review(changed(change)), review(contract())).nothing


@given(st.lists(st.sampled_from(list(SAME.values())), max_size=5), st.sampled_from([*OTHER.values()]), st.booleans())
def test_spellings_do_not_hide_a_difference(
    spellings: list[Change], other: tuple[Change, list[str]], differs: bool
) -> None:
    """Whatever is spelled otherwise besides: a difference is found where there is one, from both sides."""
    plain, spelled = contract(), contract()
    for change in spellings:
        change(spelled)
    names = [column["name"] for column in columns(spelled)]
    assume(len(set(names)) == len(names))
    if differs:
        other[0](plain)
    for before, after in ((plain, spelled), (spelled, plain)):
        assert contract_difference(review(before), review(after)).nothing is not differs


async def sent(engineer: httpx.AsyncClient, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = await engineer.post("/api/contracts/register", json=body)
    assert answer.is_success, answer.text
    document: dict[str, Any] = answer.json()
    assert answer.headers["Location"] == f"/api/contracts/{document['id']}"
    seen = await engineer.get(answer.headers["Location"])
    assert answer.headers["ETag"] == seen.headers["ETag"]
    assert seen.json().items() <= document.items()
    return answer.status_code, document


@pytest.mark.usefixtures("open_for_data")
async def test_the_same_contract_is_answered_and_nothing_is_stored(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await registered(engineer)
    before = await census(owner, OTHERS_BOOKS)
    for change in SAME.values():
        status, found = await sent(engineer, changed(change))
        assert (status, found["id"], found["created"], found["former"]) == (200, "customers_v1", False, None)
    assert "registered already, as customers_v1, and its table is SHADOW" in found["summary"]
    assert (await sent(admin, contract()))[0] == 200, "whoever sends it"
    assert differences(before, await census(owner, OTHERS_BOOKS)) == []
    for state in ("ACTIVE", "READ_ONLY"):
        await moved(admin, "customers", "SHADOW" if state == "ACTIVE" else "ACTIVE", state)
        status, found = await sent(engineer, contract())
        assert (status, found["id"], found["state"]) == (200, "customers_v1", state)


@pytest.mark.usefixtures("open_for_data")
async def test_another_contract_says_what_differs(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await registered(engineer)
    await promoted(admin, "customers")
    body = changed(semantics(dedupe_window="7d"))
    columns(body).append({"name": "note", "type": "text"})
    columns(body)[4]["type"] = "text"
    status, found = await sent(engineer, body)
    assert (status, found["id"], found["created"], found["state"]) == (201, "customers_v2", True, "SHADOW")
    former = found["former"]
    assert (former["contract_id"], former["state"], former["reordered"]) == ("customers_v1", "ACTIVE", False)
    assert former["fields"] == [{"field": "dedupe_window", "before": "24h", "after": "7d"}]
    assert [each["name"] for each in former["columns"]["added"]] == ["note"]
    assert [(each["name"], each["aspects"]) for each in former["columns"]["changed"]] == [("currency", ["type"])]
    assert former["columns"]["breaking"] is False, "a longer text breaks no query"
    assert found["summary"] == (
        "customers_v2 is a further version with an empty table of its own; it differs in dedupe_window, the new column "
        "note and the column currency from customers_v1, whose table is ACTIVE and stays as it is until an admin "
        "promotes customers@2."
    )
    assert (await sent(engineer, body))[1]["id"] == "customers_v2", "the newer one is answered, too"
    assert (await sent(engineer, contract()))[1]["id"] == "customers_v1", "and so is the older one"
    third = (await sent(engineer, body | {"unknown_columns": "discard_value"}))[1]
    assert (third["id"], third["former"]["contract_id"]) == ("customers_v3", "customers_v1")
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'contract:register'") == 3


@pytest.mark.usefixtures("open_for_data")
async def test_equal_contracts_at_once_are_one(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    bodies = [changed(change) for change in list(SAME.values())[:6]]
    answers = await asyncio.gather(*(engineer.post("/api/contracts/register", json=body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert {answer.json()["id"] for answer in answers} == {"customers_v1"}
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    for table in ("contracts", "tables", "contract_schemas"):
        assert await owner.fetchval(f"SELECT count(*) FROM spyne.{table}") == 1, table


@pytest.mark.usefixtures("open_for_data")
async def test_a_deprecated_contract_takes_no_rows_so_the_same_again_is_a_new_one(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient
) -> None:
    await registered(engineer)
    await deprecated(admin, "customers")
    status, found = await sent(engineer, contract())
    assert (status, found["id"], found["former"]["state"]) == (201, "customers_v2", "DEPRECATED")
    assert (found["former"]["fields"], found["former"]["columns"]["changed"]) == ([], [])
    assert "it says the same as customers_v1, whose table is DEPRECATED" in found["summary"]
    assert (await sent(engineer, contract()))[1]["id"] == "customers_v2"


INFERRED = (
    '{"api_id": "a", "event_id": 1, "event_time": "2026-01-01T00:00:00Z", "note": "x"}\n',
    [("api_id", "text"), ("event_id", "bigint"), ("event_time", "timestamptz"), ("note", "text")],
)


@pytest.mark.usefixtures("open_for_data")
async def test_a_contract_without_a_schema_is_the_same_before_its_first_batch_and_after(
    engineer: httpx.AsyncClient,
) -> None:
    bare = contract(declared=False)
    assert (await sent(engineer, bare))[0] == 201
    assert (await sent(engineer, bare))[0] == 200
    rows, found = INFERRED
    taken = await engineer.post(
        "/api/ingestion/customers_v1/batches", content=rows, headers={"Content-Type": "application/x-ndjson"}
    )
    assert taken.status_code == 201, taken.text
    status, again = await sent(engineer, bare)
    assert (status, again["id"], again["schema_version"]) == (200, "customers_v1", 1)
    named = bare | {"schema": {"columns": [{"name": name, "type": kind, "nullable": False} for name, kind in found]}}
    assert (await sent(engineer, copy.deepcopy(named)))[0] == 200, "what was inferred, said"
    named["schema"]["columns"][3]["type"] = "varchar(9)"
    status, other = await sent(engineer, named)
    assert (status, other["id"]) == (201, "customers_v2")
    assert (await sent(engineer, bare))[1]["id"] == "customers_v1"


@pytest.mark.usefixtures("open_for_data")
async def test_the_filled_table_is_served_after_the_main_job_is_done_again(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    for done in range(3):
        assert (await sent(engineer, contract()))[1]["id"] == "customers_v1"
        if not done:
            await filled(owner, "customers__v1", 3)
        answer = await moved(admin, "customers", "SHADOW", "ACTIVE")
        assert answer.status_code == (409 if done else 200)
        assert (await admin.get("/api/tables/customers")).json()["relation"] == "data.customers__v1"
    assert await owner.fetchval("SELECT count(*) FROM data.customers__v1") == 3


@pytest.mark.usefixtures("open_for_data")
async def test_what_is_shown_of_a_contract_is_the_same_contract(engineer: httpx.AsyncClient) -> None:
    body = contract(max_rejected={"share": 0.25}, unknown_columns="discard_value")
    columns(body).append(
        {"name": "customer_id", "type": "bigint", "source": "/customer/id", "checks": [{"type": "max", "value": 7}]}
    )
    assert (await sent(engineer, body))[0] == 201
    shown = (await engineer.get("/api/contracts/customers_v1")).json()
    schema = (await engineer.get("/api/contracts/customers_v1/schema")).json()
    again = {name: shown[name] for name in ("endpoint", "table_name", "ingestion_semantics", "unknown_columns")}
    again |= {"max_rejected": shown["max_rejected"], "schema": {"columns": schema["columns"]}}
    assert await sent(engineer, again) == (200, (await sent(engineer, body))[1])
