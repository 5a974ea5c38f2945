"""The glossary over HTTP: meanings are checked, versioned and revoked, and what they mean is what questions mean."""

from typing import Any

import httpx
import pytest

from tests.ingestion.drift.steps import good, merged
from tests.ingestion.steps import register

PATH = "/api/glossary"
EXPRESSION = {"term": "Big Spender", "meaning": "expression", "expression": "members with v over 5"}


@pytest.fixture
async def members(engineer: httpx.AsyncClient, admin: httpx.AsyncClient, open_for_data: None) -> str:  # noqa: ARG001
    """An ACTIVE table with a private column."""
    columns = [
        {"name": "id", "type": "bigint"},
        {"name": "at", "type": "timestamptz"},
        {"name": "v", "type": "integer"},
        {"name": "mail", "type": "text"},
        {"name": "kind", "type": "text"},
    ]
    contract_id = await register(engineer, "members", columns=columns)
    private = {"columns": {"mail": {"sensitivity": "private"}}}
    assert (await engineer.patch(f"/api/contracts/{contract_id}", json=private)).status_code == 200
    await merged(engineer, contract_id, [good(n, n, mail=f"m{n}@example.org", kind="gold") for n in range(20)])
    promotion = {"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "as the test wants"}
    assert (await admin.post("/api/tables/members/promote", json=promotion)).status_code == 200
    return "members"


async def added(client: httpx.AsyncClient, **entry: Any) -> httpx.Response:
    """The answer to a new entry."""
    return await client.post(PATH, json=entry)


@pytest.mark.usefixtures("members")
@pytest.mark.parametrize(
    ("entry", "faults"),
    [
        ({"meaning": "table"}, [("/table", "missing")]),
        ({"meaning": "table", "table": "nowhere"}, [("/table", "unknown")]),
        ({"meaning": "table", "table": "members", "column": "v"}, [("/column", "not-of-this-meaning")]),
        ({"meaning": "column", "table": "members"}, [("/column", "missing")]),
        ({"meaning": "column", "table": "members", "column": "w"}, [("/column", "unknown")]),
        ({"meaning": "value", "value": "gold"}, [("/table", "missing"), ("/column", "missing")]),
        (
            {"meaning": "value", "table": "members", "column": "mail", "value": "m1@example.org"},
            [("/value", "private")],
        ),
        (
            {"meaning": "expression", "join_id": "a__b"},
            [("/expression", "missing"), ("/join_id", "not-of-this-meaning")],
        ),
        ({"meaning": "join", "join_id": "a__b"}, [("/join_id", "unknown")]),
        ({"meaning": "expression", "expression": "members of an odd  TERM"}, [("/expression", "says-itself")]),
    ],
)
async def test_what_is_wrong_with_an_entry_is_listed_and_nothing_is_kept(
    engineer: httpx.AsyncClient, entry: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    answer = await added(engineer, term="odd term", **entry)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-glossary-entry")
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["faults"]] == faults
    assert (await engineer.get(PATH, params={"search": "odd"})).json()["items"] == []


@pytest.mark.usefixtures("members")
async def test_another_meaning_revokes_the_one_before_and_both_are_kept(engineer: httpx.AsyncClient) -> None:
    first = (await added(engineer, **EXPRESSION)).json()
    second = (
        await added(engineer, **EXPRESSION | {"term": "big  SPENDER", "expression": "members with v over 7"})
    ).json()
    assert (first["version"], second["version"]) == (1, 2)
    in_force = (await engineer.get(PATH, params={"search": "big spender"})).json()["items"]
    assert [entry["id"] for entry in in_force] == [second["id"]]
    everything = (await engineer.get(PATH, params={"search": "spend", "revoked": True})).json()["items"]
    assert [(entry["id"], entry["revoked_at"] is None) for entry in everything] == [
        (second["id"], True),
        (first["id"], False),
    ]


@pytest.mark.usefixtures("members")
async def test_a_term_changes_questions_until_it_is_revoked(
    engineer: httpx.AsyncClient, analyst: httpx.AsyncClient
) -> None:
    question = {"query": "how many big spenders"}
    assert (await analyst.post("/api/query/preview", json=question)).json()["code"] == "cannot-answer"
    made = await added(engineer, **EXPRESSION | {"term": "big spenders"})
    preview = (await analyst.post("/api/query/preview", json=question)).json()
    assert any("big spenders" in assumption for assumption in preview["assumptions"])
    one, other = [await engineer.delete(f"{PATH}/{made.json()['id']}") for _ in range(2)]
    assert (one.status_code, other.status_code, other.json()["code"]) == (200, 409, "glossary-entry-revoked")
    assert (await analyst.post("/api/query/preview", json=question)).json()["code"] == "cannot-answer"
    kept = await analyst.post("/api/query/execute", json={"preview_id": preview["preview_id"]})
    assert (kept.status_code, kept.json()["rows"]) == (200, [[14]]), "a preview stays what it was"


async def test_an_entry_that_is_not_there_and_an_entry_that_has_changed(engineer: httpx.AsyncClient) -> None:
    gone = await engineer.delete(f"{PATH}/00000000-0000-7000-8000-000000000000")
    assert (gone.status_code, gone.json()["code"]) == (404, "glossary-entry-not-found")
    made = await added(engineer, **EXPRESSION)
    changed = await engineer.delete(f"{PATH}/{made.json()['id']}", headers={"If-Match": '"another"'})
    assert changed.status_code == 412
