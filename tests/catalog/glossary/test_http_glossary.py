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
        ({"meaning": "expression", "expression": "odd  TERM"}, [("/expression", "says-itself")]),
        ({"meaning": "value", "table": "members", "column": "v", "value": "gold"}, [("/value", "not-of-this-type")]),
        ({"meaning": "value", "table": "members", "column": "at", "value": "1,5"}, [("/value", "not-of-this-type")]),
    ],
)
async def test_what_is_wrong_with_an_entry_is_listed_and_nothing_is_kept(
    engineer: httpx.AsyncClient, entry: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    answer = await added(engineer, term="odd term", **entry)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-glossary-entry")
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["faults"]] == faults
    assert (await engineer.get(PATH, params={"search": "odd"})).json()["items"] == []


@pytest.mark.parametrize("term", ["how many", "The", "top", "how  MANY of"])
async def test_words_by_which_every_question_is_asked_are_no_terms(engineer: httpx.AsyncClient, term: str) -> None:
    answer = await added(engineer, term=term, meaning="expression", expression="members with v over 5")
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["faults"]] == [("/term", "word-of-questions")]


async def test_a_value_is_shown_and_read_no_longer_once_its_column_is_private(
    engineer: httpx.AsyncClient, analyst: httpx.AsyncClient, members: str
) -> None:
    await added(engineer, term="best", meaning="value", table=members, column="kind", value="gold")
    assert (await analyst.post("/api/query/preview", json={"query": "how many best members"})).status_code == 200
    private = {"columns": {"kind": {"sensitivity": "private"}}}
    assert (await engineer.patch(f"/api/contracts/{members}_v1", json=private)).status_code == 200
    shown = (await engineer.get(PATH)).json()["items"]
    assert [(entry["term"], entry["value"]) for entry in shown] == [("best", None)]
    answer = await analyst.post("/api/query/preview", json={"query": "how many best members"})
    assert (answer.status_code, "gold" in answer.text) == (422, False)


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
    stale = await analyst.post("/api/query/execute", json={"preview_id": preview["preview_id"]})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale-preview"), "never another answer than was shown"
    assert [change["code"] for change in stale.json()["changes"]] == ["term-gone"]
    assert stale.json()["refusal"]["code"] == "cannot-answer", "the question is read anew"


async def test_every_change_of_a_term_makes_previews_of_its_questions_stale_and_of_no_others(
    engineer: httpx.AsyncClient, analyst: httpx.AsyncClient, members: str
) -> None:
    async def asked(question: str) -> str:
        found: str = (await analyst.post("/api/query/preview", json={"query": question})).json()["preview_id"]
        return found

    async def executed(preview_id: str) -> list[str]:
        answer = await analyst.post("/api/query/execute", json={"preview_id": preview_id})
        return [change["code"] for change in answer.json().get("changes", ())]

    gold = f'how many {members} have the kind "gold"'
    untouched, untold = await asked(f"how many {members}"), await asked(gold)
    await added(engineer, term="kind", meaning="column", table=members, column="kind")
    told, other = [await asked(gold) for _ in range(2)]
    assert await executed(untold) == ["term-new"]
    assert await executed(untouched) == []
    await added(engineer, term="Kind", meaning="column", table=members, column="kind", note="once more")
    assert await executed(told) == [], "it means the same"
    await added(engineer, term="kind", meaning="column", table=members, column="mail")
    assert await executed(other) == ["term-meaning"]


async def test_an_entry_that_is_not_there_and_an_entry_that_has_changed(engineer: httpx.AsyncClient) -> None:
    gone = await engineer.delete(f"{PATH}/00000000-0000-7000-8000-000000000000")
    assert (gone.status_code, gone.json()["code"]) == (404, "glossary-entry-not-found")
    made = await added(engineer, **EXPRESSION)
    changed = await engineer.delete(f"{PATH}/{made.json()['id']}", headers={"If-Match": '"another"'})
    assert changed.status_code == 412
