"""Configuration over HTTP: typed, versioned, with a history that can be gone back to; in force within a second."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app import wiring
from app.kernel.domains.domain import Domain
from app.kernel.runtime.configuration import ConfigKey
from app.operations.configuration.rules import ConfigKeys
from app.query.configuration import PREVIEW_LIFETIME_SECONDS
from tests.conftest import ClientOf
from tests.ingestion.steps import ndjson, register, send
from tests.promises import promised

PATH = "/system/config"
LIFETIME = f"{PATH}/query.preview-lifetime-seconds"
TOKEN = ConfigKey[str | None](
    name="tests.token",
    description="A secret of the tests.",
    schema={"type": "string", "minLength": 8, "maxLength": 100},
    default=lambda _: None,
    secret=True,
)
SECRET_VALUE = "s3cr3t-value-of-the-test-9876"


@pytest.fixture(autouse=True)
def _with_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    domains = (*wiring.DOMAINS, Domain(name="tests", config_keys=(TOKEN,)))
    monkeypatch.setattr(wiring, "DOMAINS", domains)


async def decide(admin: httpx.AsyncClient, name: str, value: Any, **more: Any) -> dict[str, Any]:
    answer = await admin.put(f"{PATH}/{name}", json={"value": value, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def in_force(app: FastAPI, key: ConfigKey[Any], value: Any) -> None:
    async def known() -> bool:
        return bool(app.state.resources.configured(key) == value)

    await promised(known, 1.0, 0.02)


async def test_a_value_is_decided_versioned_and_gone_back_to(
    app: FastAPI, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    first = await admin.get(LIFETIME)
    default = first.json()["value"]
    assert (first.json()["is_default"], first.json()["version"], first.headers["ETag"]) == (True, 0, '"0"')
    ten = await admin.put(LIFETIME, json={"value": 10, "reason": "a demo"}, headers={"If-Match": '"0"'})
    assert (ten.status_code, ten.json()["value"], ten.headers["ETag"]) == (200, 10, '"1"')
    await in_force(app, PREVIEW_LIFETIME_SECONDS, 10)
    await decide(admin, "query.preview-lifetime-seconds", 20.0)
    stale = await admin.put(LIFETIME, json={"value": 30}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.headers["ETag"]) == (412, '"2"')
    reverted = await admin.post(f"{LIFETIME}/revert", json={"version": 1}, headers={"If-Match": '"2"'})
    assert (reverted.json()["value"], reverted.json()["version"]) == (10, 3)
    reset = await admin.delete(LIFETIME, headers={"If-Match": reverted.headers["ETag"]})
    assert (reset.json()["value"], reset.json()["is_default"], reset.json()["version"]) == (default, True, 4)
    await in_force(app, PREVIEW_LIFETIME_SECONDS, default)
    assert (await admin.post(f"{LIFETIME}/revert", json={"version": 4})).json()["is_default"] is True
    assert (await admin.post(f"{LIFETIME}/revert", json={"version": 9})).status_code == 404
    history = (await admin.get(f"{LIFETIME}/history")).json()["items"]
    assert [(each["version"], each["value"]) for each in history] == [(5, None), (4, None), (3, 10), (2, 20), (1, 10)]
    assert history[-1]["reason"] == "a demo"
    page = await admin.get(f"{LIFETIME}/history", params={"limit": 2})
    rest = await admin.get(f"{LIFETIME}/history", params={"limit": 5, "cursor": page.json()["next_cursor"]})
    assert [each["version"] for each in rest.json()["items"]] == [3, 2, 1]
    actions = await owner.fetch("SELECT action FROM spyne.audit_log WHERE entity_type = 'configuration' ORDER BY id")
    words = [row["action"].partition(":")[2] for row in actions]
    assert words == ["change", "change", "revert", "reset", "revert"], "a refused change is none"


async def test_of_those_who_have_read_the_same_one_wins(admin: httpx.AsyncClient) -> None:
    headers = {"If-Match": (await admin.get(LIFETIME)).headers["ETag"]}
    answers = await asyncio.gather(
        *(admin.put(LIFETIME, json={"value": number + 1}, headers=headers) for number in range(6))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + 5 * [412]
    unconditional = await asyncio.gather(*(admin.put(LIFETIME, json={"value": number + 1}) for number in range(6)))
    assert sorted(answer.json()["version"] for answer in unconditional) == [2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        ("query.preview-lifetime-seconds", {"value": 0}, 422, "/value"),
        ("query.preview-lifetime-seconds", {"value": None}, 422, "/value"),
        ("query.preview-lifetime-seconds", {}, 422, "/value"),
        ("query.preview-lifetime-seconds", {"value": 1, "more": 1}, 422, "/more"),
        ("query.preview-lifetime-seconds", {"value": {"a": [[[[1]]]]}}, 422, "/value"),
        ("query.preview-lifetime-second", {"value": 1}, 404, "query.preview-lifetime-seconds"),
        ("%F0%9F%98%80", {"value": 1}, 404, "unknown-key"),
        ("tests.token", {"value": "short"}, 422, "/value"),
    ],
)
async def test_what_is_refused_changes_nothing(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, path: str, body: Any, status: int, told: str
) -> None:
    answer = await admin.put(f"{PATH}/{path}", json=body)
    assert (answer.status_code, told in answer.text) == (status, True), answer.text
    assert await owner.fetchval("SELECT count(*) FROM spyne.configuration_versions") == 0


async def test_a_secret_is_encrypted_masked_and_in_force(
    app: FastAPI, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    answers = [
        await admin.put(f"{PATH}/tests.token", json={"value": SECRET_VALUE}),
        await admin.get(f"{PATH}/tests.token"),
        await admin.get(PATH),
        await admin.post(f"{PATH}/tests.token/revert", json={"version": 1}),
        await admin.get(f"{PATH}/tests.token/history"),
        await admin.get("/api/audit"),
    ]
    assert [answer.status_code for answer in answers] == 6 * [200]
    assert not any(SECRET_VALUE in answer.text for answer in answers)
    assert answers[1].json()["value"].endswith(SECRET_VALUE[-4:])
    kept = await owner.fetch("SELECT t::text AS row FROM spyne.configuration_versions t")
    audited = await owner.fetch("SELECT t::text AS row FROM spyne.audit_log t")
    assert not any(SECRET_VALUE in row["row"] for row in [*kept, *audited])
    await in_force(app, TOKEN, SECRET_VALUE)
    again = await admin.put(f"{PATH}/tests.token", json={"value": answers[1].json()["value"]})
    assert (again.status_code, again.json()["faults"][0]["code"]) == (422, "masked")


async def test_what_does_not_fit_any_more_is_not_in_force(
    app: FastAPI, admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await owner.execute(
        "INSERT INTO spyne.configuration_versions (key, version, value, is_default, decided_by)"
        """ VALUES ('query.preview-lifetime-seconds', 1, '"of old"', false, 'x'),"""
        " ('a.key-that-is-gone', 1, '5', false, 'x')"
    )
    found = (await admin.get(LIFETIME)).json()
    assert (found["is_default"], "does not fit" in found["fault"]) == (True, True)
    await decide(admin, "query.max-cost", 5)  # so that processes look
    await in_force(app, app.state.resources.extensions.of(ConfigKeys).get("query.max-cost"), 5)
    assert app.state.resources.configured(PREVIEW_LIFETIME_SECONDS) == found["default"]
    refused = await admin.post(f"{LIFETIME}/revert", json={"version": 1})
    assert (refused.status_code, refused.json()["code"]) == (409, "unreadable-decision")


async def test_keys_are_listed_by_prefix(admin: httpx.AsyncClient, app: FastAPI) -> None:
    names = [each["key"] for each in (await admin.get(PATH)).json()["items"]]
    assert names == sorted(key.name for key in app.state.resources.extensions.of(ConfigKeys))
    some = (await admin.get(PATH, params={"prefix": "query."})).json()["items"]
    assert some
    assert all(each["key"].startswith("query.") for each in some)


@pytest.fixture
async def table(admin: httpx.AsyncClient, engineer: httpx.AsyncClient, open_for_data: None) -> str:  # noqa: ARG001 - for what it does
    contract_id = await register(engineer, "things")
    assert (await send(engineer, contract_id, [(1, 0, 10), (2, 1, 20)])).status_code == 201
    change = {"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "a test"}
    assert (await admin.post("/api/tables/things/promote", json=change)).status_code == 200
    return contract_id


async def test_limits_of_queries_follow(app: FastAPI, admin: httpx.AsyncClient, table: str) -> None:
    assert table

    async def preview() -> httpx.Response:
        return await admin.post("/api/query/preview", json={"sql": "select id from things limit 1"})

    assert (await preview()).status_code == 200
    for name, value in (
        ("query.preview-lifetime-seconds", 7),
        ("query.statement-timeout-seconds", 2.5),
        ("query.max-cost", 0),
    ):
        await decide(admin, name, value)
        await in_force(app, app.state.resources.extensions.of(ConfigKeys).get(name), value)
        if name == "query.max-cost":
            assert (await preview()).json()["code"] == "too-expensive"
        else:
            told = (await preview()).json()
    lasts = datetime.fromisoformat(told["expires_at"]) - datetime.fromisoformat(told["created_at"])
    assert lasts.total_seconds() == 7
    assert "2.5" in str(told["guardrails"]) or "2500" in str(told["guardrails"])


async def test_bounds_of_batches_follow(
    app: FastAPI, admin: httpx.AsyncClient, engineer: httpx.AsyncClient, table: str
) -> None:
    keys = app.state.resources.extensions.of(ConfigKeys)
    bad = ndjson([(3, 0, 1)]) + b'{"id": "no"}\n'
    assert (await send(engineer, table, bad)).status_code == 201
    await decide(admin, "ingestion.max-rejected-share", 0.1)
    await in_force(app, keys.get("ingestion.max-rejected-share"), 0.1)
    refused = await send(engineer, table, bad)
    assert refused.status_code == 422, refused.text
    own = await send(engineer, table, bad, max_rejected="90%")
    assert own.status_code == 201, "the batch's own limit counts"
    await decide(admin, "ingestion.max-batch-bytes", 1024)
    await in_force(app, keys.get("ingestion.max-batch-bytes"), 1024)
    large = ndjson([(number, 0, 1) for number in range(100)])
    assert len(large) > 1024
    assert (await send(engineer, table, large)).status_code == 413


@pytest.fixture
def level() -> Iterator[int]:
    before = logging.getLogger().level
    yield before
    logging.getLogger().setLevel(before)


async def test_the_log_level_follows_and_goes_back(app: FastAPI, admin: httpx.AsyncClient, level: int) -> None:
    assert app

    async def at(wanted: int) -> None:
        async def there() -> bool:
            return logging.getLogger().level == wanted

        await promised(there, 1.0)

    await decide(admin, "server.log-level", "error")
    await at(logging.ERROR)
    assert (await admin.delete(f"{PATH}/server.log-level")).status_code == 200
    await at(level)


async def test_only_admins_decide(as_role: ClientOf) -> None:
    engineer = await as_role("ENGINEER")
    assert (await engineer.get(PATH)).status_code == 403
    assert (await engineer.put(LIFETIME, json={"value": 1})).status_code == 403
