"""`PATCH /api/contracts/{id}`: every field, all faults at once, and nothing where nothing is new."""

import json
from typing import Any

import asyncpg
import httpx
import pytest

from tests.census import census, differences
from tests.conftest import ClientOf
from tests.identities import Identities
from tests.ingestion.drift.steps import contract_with, good, merged, values
from tests.ingestion.steps import counted, register

pytestmark = pytest.mark.usefixtures("open_for_data")

WORDS = {"description": "How often they came", "labels": ["visits", "calls"], "sensitivity": "private"}


async def changed(client: httpx.AsyncClient, contract_id: str, **change: Any) -> dict[str, Any]:
    """The contract, once it is changed."""
    answer = await client.patch(f"/api/contracts/{contract_id}", json=change)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_every_field_is_changed_and_shown(
    engineer: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "things")
    name, id_ = await identities.user("ENGINEER")
    wanted = {
        "description": "Things of the shop",
        "owner": name,
        "unknown_columns": "evolve",
        "type_changes": "quarantine_row",
        "max_rejected": {"rows": 3, "share": 0.5},
        "columns": {"v": WORDS},
    }
    before = await engineer.get(f"/api/contracts/{contract_id}")
    answer = await engineer.patch(
        f"/api/contracts/{contract_id}", json=wanted, headers={"If-Match": before.headers["ETag"]}
    )
    assert answer.status_code == 200, answer.text
    after = await engineer.get(f"/api/contracts/{contract_id}")
    assert after.json() == answer.json()
    assert after.headers["ETag"] == answer.headers["ETag"] != before.headers["ETag"]
    assert after.json() == before.json() | wanted | {"owner": {"id": str(id_), "label": name}}
    (audited,) = await owner.fetch("SELECT before, after FROM spyne.audit_log WHERE action = 'contract:change'")
    assert json.loads(audited["before"])["unknown_columns"] == "freeze"
    said = json.loads(audited["after"])
    assert (said["unknown_columns"], said["owner_label"], said["max_rejected_rows"]) == ("evolve", name, 3)


async def test_what_is_left_out_stays_and_null_empties(engineer: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "things", description="Things", max_rejected={"rows": 3})
    await changed(engineer, contract_id, columns={"v": WORDS, "id": {"labels": ["number"]}})
    document = await changed(engineer, contract_id, type_changes="evolve")
    assert (document["description"], document["max_rejected"]["rows"]) == ("Things", 3)
    assert document["columns"]["v"] == WORDS
    document = await changed(engineer, contract_id, description=None, max_rejected=None, columns={"v": {}})
    assert (document["description"], document["max_rejected"]) == (None, None)
    assert document["columns"].keys() == {"id"}, "each column's words are replaced as a whole, the others stay"
    document = await changed(engineer, contract_id, max_rejected={"share": 0.25})
    assert document["max_rejected"] == {"rows": None, "share": 0.25}


@pytest.mark.parametrize("owner_is", ["a person", "gone"])
async def test_the_answer_is_an_input(
    owner_is: str, engineer: httpx.AsyncClient, identities: Identities, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "things", description="Things", max_rejected={"rows": 3})
    if owner_is == "gone":
        await owner.execute("UPDATE spyne.contracts SET owner_id = NULL, owner_label = 'left'")
    before = await changed(engineer, contract_id, columns={"v": WORDS})
    fields = ("description", "owner", "unknown_columns", "type_changes", "max_rejected", "columns")
    assert await changed(engineer, contract_id, **{name: before[name] for name in fields}) == before
    name, id_ = await identities.user("ENGINEER")
    given = await changed(engineer, contract_id, owner={"id": str(id_), "label": name})
    assert given["owner"] == {"id": str(id_), "label": name}


async def test_what_says_the_same_changes_no_revision_and_is_not_audited(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "things", description="Things")
    first = await engineer.patch(f"/api/contracts/{contract_id}", json={"columns": {"v": WORDS}})
    before = await census(owner)
    same = {"description": "Things", "unknown_columns": "freeze", "columns": {"v": WORDS}, "max_rejected": None}
    bodies: list[dict[str, Any]] = [same, {}, {"unknown_columns": "reject"}, {"columns": {"id": {}}}]
    for body in bodies:
        again = await engineer.patch(f"/api/contracts/{contract_id}", json=body)
        assert again.status_code == 200, again.text
        assert again.headers["ETag"] == first.headers["ETag"], body
    assert differences(before, await census(owner)) == []


async def test_a_stale_change_is_refused(engineer: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "things")
    url = f"/api/contracts/{contract_id}"
    stale = {"If-Match": (await engineer.get(url)).headers["ETag"]}
    assert (await engineer.patch(url, json={"description": "first"}, headers=stale)).status_code == 200
    refused = await engineer.patch(url, json={"description": "second"}, headers=stale)
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition-failed")
    assert (await engineer.get(url)).json()["description"] == "first"


async def test_all_faults_are_listed_together_and_nothing_is_stored(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await register(engineer, "things")
    before = await census(owner)
    body = {
        "description": "never stored",
        "owner": "nobody-of-this-name",
        "unknown_columns": None,
        "type_changes": None,
        "columns": {"v": WORDS, "w": WORDS, "a/b": {}},
    }
    answer = await engineer.patch(f"/api/contracts/{contract_id}", json=body)
    assert answer.status_code == 422, answer.text
    faults = {(fault["pointer"], fault["code"]) for fault in answer.json()["faults"]}
    assert faults == {
        ("/unknown_columns", "null"),
        ("/type_changes", "null"),
        ("/owner", "unknown-user"),
        ("/columns/w", "unknown-column"),
        ("/columns/a~1b", "unknown-column"),
    }
    assert (await engineer.patch(f"/api/contracts/{contract_id}", json={"owner": None})).status_code == 422
    assert differences(before, await census(owner)) == []


FAULTY: list[tuple[dict[str, Any], str]] = [
    ({"unknown_columns": "ignore"}, "/unknown_columns"),
    ({"table_name": "others"}, "/table_name"),
    ({"ingestion_semantics": {}}, "/ingestion_semantics"),
    ({"owner": ""}, "/owner"),
    ({"owner": 7}, "/owner"),
    ({"owner": {}}, "/owner"),
    ({"owner": {"id": None, "label": 7}}, "/owner"),
    ({"owner": {"name": "ada"}}, "/owner"),
    ({"description": "x" * 4_001}, "/description"),
    ({"max_rejected": {"rows": -1}}, "/max_rejected/rows"),
    ({"max_rejected": {"share": 1.5}}, "/max_rejected/share"),
    ({"columns": {"v": {"labels": ["x"] * 33}}}, "/columns/v/labels"),
    ({"columns": {"v": {"labels": [""]}}}, "/columns/v/labels/0"),
    ({"columns": {"v": {"sensitivity": "secret"}}}, "/columns/v/sensitivity"),
    ({"columns": {"v": None}}, "/columns/v"),
    ({"columns": []}, "/columns"),
]


async def test_faulty_fields_are_refused_by_name(engineer: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    contract_id = await register(engineer, "things")
    before = await census(owner)
    for body, pointer in FAULTY:
        answer = await engineer.patch(f"/api/contracts/{contract_id}", json=body)
        assert answer.status_code == 422, (body, answer.text)
        assert pointer in [fault["pointer"] for fault in answer.json()["faults"]], body
    for odd in ('{"description": "a\\u0000b"}', '{"columns": {"v": {"labels": ["\\ud800"]}}}', "[]", "{", '""'):
        answer = await engineer.patch(
            f"/api/contracts/{contract_id}", content=odd.encode(), headers={"Content-Type": "application/json"}
        )
        assert 400 <= answer.status_code < 500, (odd, answer.text)
    assert differences(before, await census(owner)) == []


async def test_who_may_change_contracts(engineer: httpx.AsyncClient, as_role: ClientOf) -> None:
    contract_id = await register(engineer, "things")
    for role in ("VIEWER", "ANALYST"):
        refused = await (await as_role(role)).patch(f"/api/contracts/{contract_id}", json={"description": "mine"})
        assert refused.status_code == 403
    missing = await engineer.patch("/api/contracts/nothing_v1", json={"description": "nobody's"})
    assert (missing.status_code, missing.json()["code"]) == (404, "contract-not-found")


async def test_a_changed_policy_holds_for_the_next_batch(
    engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    contract_id = await contract_with(engineer, "things")
    assert counted(await merged(engineer, contract_id, [good(1), good(2, vip=True)])) == {"inserted": 1, "rejected": 1}
    await changed(engineer, contract_id, unknown_columns="evolve")
    await merged(engineer, contract_id, [good(2, vip=True)])
    assert await values(owner, "things", "vip") == {1: None, 2: True}
    document = await changed(engineer, contract_id, columns={"vip": {"description": "Very important"}})
    assert document["columns"]["vip"]["description"] == "Very important"


async def test_words_about_columns_that_a_first_batch_has_yet_to_bring(engineer: httpx.AsyncClient) -> None:
    contract_id = await register(engineer, "later", declared=False)
    refused = await engineer.patch(f"/api/contracts/{contract_id}", json={"columns": {"v": WORDS}})
    assert refused.status_code == 422
    assert "none yet" in refused.json()["faults"][0]["message"]
    assert (await changed(engineer, contract_id, unknown_columns="evolve"))["unknown_columns"] == "evolve"
