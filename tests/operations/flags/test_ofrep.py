"""OFREP: answers fit the protocol's schemas, over two API processes that agree and follow within a second."""

from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from fastapi import FastAPI

from app.kernel.db.connections import DatabaseUrls
from app.operations.flags.watch import FlagWatch
from tests import loopback
from tests.conftest import SECRET, ClientOf
from tests.identities import Identities
from tests.operations.flags.test_flags import ENGINEERS, FLAG, ROOT, TENTH
from tests.promises import promised
from tests.service_processes import Surroundings, api_process
from tests.waiting import eventually

EVALUATE = "/ofrep/v1/evaluate/flags"
SCALAR = {"type": ["boolean", "string", "number"]}
SUCCESS: dict[str, Any] = {
    "type": "object",
    "required": ["value"],
    "properties": {
        "key": {"type": "string"},
        "reason": {"type": "string"},
        "variant": {"type": "string"},
        "metadata": {"type": "object", "additionalProperties": SCALAR},
        "value": {"type": ["boolean", "string", "number", "object"]},
    },
}
CODES = ["PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "GENERAL"]


def failure(*codes: str) -> dict[str, Any]:
    """The protocol's `evaluationFailure` and `flagNotFound`."""
    return {
        "type": "object",
        "required": ["key", "errorCode"],
        "properties": {
            "key": {"type": "string"},
            "errorCode": {"enum": list(codes)},
            "errorDetails": {"type": "string"},
        },
    }


BULK = {
    "type": "object",
    "required": ["flags"],
    "properties": {"flags": {"type": "array", "items": {"oneOf": [SUCCESS, failure(*CODES)]}}},
}
BULK_FAILURE = {"type": "object", "required": ["errorCode"], "properties": {"errorCode": {"type": "string"}}}


def fits(answer: httpx.Response, status: int, schema: dict[str, Any]) -> Any:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json"), answer.text
    jsonschema.validate(answer.json(), schema)
    return answer.json()


@pytest.fixture
async def made(admin: httpx.AsyncClient, app: FastAPI) -> None:
    others: list[dict[str, Any]] = [
        {"key": "limit", "type": "number", "variants": {"few": 3.5}, "default_variant": "few", "off_variant": "few"},
        {"key": "thing", "type": "object", "variants": {"v": {"a": 1}}, "default_variant": "v", "off_variant": "v"},
    ]
    for flag in ({"rules": [ENGINEERS, TENTH]}, *others):
        answer = await admin.post(ROOT, json=FLAG | flag)
        assert answer.status_code == 201, answer.text
    await app.state.resources.build(FlagWatch).look()


@pytest.mark.usefixtures("made")
async def test_one_flag(as_role: ClientOf) -> None:
    client = await as_role("VIEWER")
    context = {"targetingKey": "user:1", "roles": ["ENGINEER"]}
    found = fits(await client.post(f"{EVALUATE}/new-preview", json={"context": context}), 200, SUCCESS)
    assert found == {
        "key": "new-preview",
        "value": True,
        "reason": "TARGETING_MATCH",
        "variant": "on",
        "metadata": {"version": 1, "rule": "engineers"},
    }
    assert fits(await client.post(f"{EVALUATE}/limit", json={}), 200, SUCCESS)["value"] == 3.5
    assert fits(await client.post(f"{EVALUATE}/thing", json={}), 200, SUCCESS)["value"] == {"a": 1}


@pytest.mark.usefixtures("made")
async def test_what_is_refused(admin: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    path = f"{EVALUATE}/new-preview"
    unknown = fits(await admin.post(f"{EVALUATE}/no-such", json={}), 404, failure("FLAG_NOT_FOUND"))
    assert unknown["key"] == "no-such"
    for body, code in (
        ({"context": {}}, "TARGETING_KEY_MISSING"),
        ({"context": {"targetingKey": 7}}, "INVALID_CONTEXT"),
        ({"context": {"targetingKey": "x", "roles": {"a": 1}}}, "INVALID_CONTEXT"),
        ({"context": "x"}, "GENERAL"),
        ({"other": 1}, "GENERAL"),
    ):
        assert fits(await admin.post(path, json=body), 400, failure(*CODES))["errorCode"] == code, body
    headers = {"Content-Type": "application/json"}
    assert fits(await admin.post(path, content="{", headers=headers), 400, failure("PARSE_ERROR"))
    assert fits(await admin.post(EVALUATE, content="{", headers=headers), 400, BULK_FAILURE)["errorCode"] == (
        "PARSE_ERROR"
    )
    assert fits(await admin.post(f"{path}?x=1", json={}), 400, failure("GENERAL"))
    for refused in (await anonymous.post(path, json={}), await anonymous.post(EVALUATE, json={})):
        assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")


@pytest.mark.usefixtures("made")
async def test_a_narrow_key_evaluates_and_nothing_else(admin: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    client = (await admin.post("/api/clients", json={"name": "shop", "roles": ["VIEWER"]})).json()
    made = await admin.post(f"/api/clients/{client['id']}/keys", json={"scopes": ["flags:evaluate"]})
    key = {"X-API-Key": made.json()["key"]}
    assert (await anonymous.post(f"{EVALUATE}/limit", json={}, headers=key)).status_code == 200
    assert (await anonymous.get("/api/tables", headers=key)).status_code == 403
    client = (await admin.post("/api/clients", json={"name": "reader", "roles": ["VIEWER"]})).json()
    other = await admin.post(f"/api/clients/{client['id']}/keys", json={"scopes": ["tables:read"]})
    refused = await anonymous.post(EVALUATE, json={}, headers={"X-API-Key": other.json()["key"]})
    assert (refused.status_code, refused.json()["missing"]) == (403, ["flags:evaluate"])


@pytest.mark.usefixtures("made")
async def test_all_flags_with_an_etag(admin: httpx.AsyncClient, app: FastAPI) -> None:
    nobody: dict[str, Any] = {"context": {}}
    engineer = {"context": {"roles": ["ENGINEER"]}}
    first = await admin.post(EVALUATE, json=nobody)
    flags = {flag["key"]: flag for flag in fits(first, 200, BULK)["flags"]}
    assert flags["new-preview"]["errorCode"] == "TARGETING_KEY_MISSING"
    assert flags["limit"]["value"] == 3.5
    tag = first.headers["etag"]
    again = await admin.post(EVALUATE, json=nobody, headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status_code, again.headers["etag"], again.content) == (304, tag, b"")
    other = await admin.post(EVALUATE, json=engineer, headers={"If-None-Match": tag})
    assert other.status_code == 200, "another context, other values"
    assert (await admin.patch(f"{ROOT}/limit", json={"variants": {"few": 4}})).status_code == 200
    await app.state.resources.build(FlagWatch).look()
    assert (await admin.post(EVALUATE, json=nobody, headers={"If-None-Match": tag})).status_code == 200


@pytest.mark.usefixtures("made")
async def test_evaluation_goes_on_in_maintenance(admin: httpx.AsyncClient, app: FastAPI) -> None:
    answer = await admin.put("/system/maintenance", json={"mode": "maintenance", "reason": "a test"})
    assert answer.status_code == 200, answer.text

    async def known_at_the_door() -> bool:
        return (await admin.post(ROOT, json={})).status_code == 503 and app.state.doors.current().mode == "maintenance"

    await eventually(known_at_the_door)
    assert (await admin.post(EVALUATE, json={})).status_code == 200
    assert (await admin.post(f"{EVALUATE}/limit", json={})).status_code == 200


async def test_two_processes_agree_and_follow_within_a_second(
    urls: DatabaseUrls, identities: Identities, tmp_path: Path
) -> None:
    surroundings = Surroundings(urls, SECRET, tmp_path / "home", tmp_path)
    headers = {"Authorization": f"Bearer {await identities.token('ADMIN')}"}
    half = {"name": "half", "when": [], "split": [{"variant": "on", "percentage": 50}]}
    async with (
        api_process(surroundings) as one,
        api_process(surroundings) as two,
        loopback.client(one.url, headers=headers) as first,
        loopback.client(two.url, headers=headers) as second,
    ):
        answer = await first.post(ROOT, json=FLAG | {"rules": [half]})
        assert answer.status_code == 201, answer.text
        for client in (second, first):
            await promised(lambda client=client: knows(client, "SPLIT", "DEFAULT"))
        values: list[list[Any]] = []
        for client in (first, second):
            asked = [{"context": {"targetingKey": f"user:{number}"}} for number in range(40)]
            values.append([(await client.post(f"{EVALUATE}/new-preview", json=each)).json() for each in asked])
        assert values[0] == values[1]
        assert {found["value"] for found in values[0]} == {True, False}
        assert (await second.patch(f"{ROOT}/new-preview", json={"enabled": False})).status_code == 200
        await promised(lambda: knows(first, "DISABLED"))


async def knows(client: httpx.AsyncClient, *reasons: str) -> bool:
    answer = await client.post(f"{EVALUATE}/new-preview", json={"context": {"targetingKey": "x"}})
    return answer.json().get("reason") in reasons
