"""Flags over HTTP and through the OpenFeature SDK: made, changed, archived; known to the process within a second."""

import asyncio
import threading
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagType, Reason

from app.kernel.ids import new_id
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM, Actor, ActorKind
from app.operations.flags.provider import Flags
from app.operations.flags.watch import FlagWatch
from tests.promises import promised

ROOT = "/system/flags"
FLAG: dict[str, Any] = {
    "key": "new-preview",
    "type": "boolean",
    "variants": {"on": True, "off": False},
    "default_variant": "off",
    "off_variant": "off",
    "enabled": True,
}
ENGINEERS = {
    "name": "engineers",
    "when": [{"subject": "role", "operator": "in", "values": ["ENGINEER"]}],
    "variant": "on",
}
TENTH = {"name": "tenth", "when": [], "split": [{"variant": "on", "percentage": 10}]}


def person(*roles: str) -> Actor:
    return Actor(ActorKind.USER, new_id(), "ada", frozenset(roles))


@pytest.fixture
def flags(app: FastAPI) -> Flags:
    resources: Resources = app.state.resources
    return resources.extensions.of(Flags)


async def make(admin: httpx.AsyncClient, app: FastAPI, **more: Any) -> httpx.Response:
    answer = await admin.post(ROOT, json=FLAG | more)
    assert answer.status_code == 201, answer.text
    await app.state.resources.build(FlagWatch).look()
    return answer


async def change(admin: httpx.AsyncClient, app: FastAPI, key: str = "new-preview", **fields: Any) -> httpx.Response:
    answer = await admin.patch(f"{ROOT}/{key}", json=fields)
    assert answer.status_code == 200, answer.text
    await app.state.resources.build(FlagWatch).look()
    return answer


async def test_a_flag_is_made_read_and_listed(admin: httpx.AsyncClient, app: FastAPI) -> None:
    made = await make(admin, app, rules=[ENGINEERS, TENTH], owner="data", expires_at="2099-01-01T00:00:00Z")
    assert (made.headers["location"], made.headers["etag"]) == (f"{ROOT}/new-preview", '"1"')
    read = await admin.get(f"{ROOT}/new-preview")
    assert read.headers["etag"] == '"1"'
    assert read.json() == made.json()
    assert [rule["name"] for rule in read.json()["rules"]] == ["engineers", "tenth"]
    assert read.json()["rules"][1]["split"] == [{"variant": "on", "percentage": 10}]
    listed = await admin.get(ROOT, params={"type": "boolean", "enabled": True, "archived": False})
    assert [each["key"] for each in listed.json()["items"]] == ["new-preview"]
    for other in ({"type": "string"}, {"enabled": False}, {"archived": True}):
        assert (await admin.get(ROOT, params=other)).json()["items"] == []
    again = await admin.post(ROOT, json=FLAG)
    assert (again.status_code, again.json()["code"]) == (409, "flag-key-taken")


async def test_a_flag_that_contradicts_itself_is_refused_with_every_fault(admin: httpx.AsyncClient) -> None:
    answer = await admin.post(ROOT, json=FLAG | {"default_variant": "x", "off_variant": "y", "variants": {"on": 1}})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-flag")
    assert {fault["pointer"] for fault in answer.json()["faults"]} == {
        "/variants/on",
        "/default_variant",
        "/off_variant",
    }
    assert (await admin.get(f"{ROOT}/new-preview")).status_code == 404


async def test_changes_are_conditional_checked_and_audited(
    admin: httpx.AsyncClient, app: FastAPI, owner: asyncpg.Connection
) -> None:
    await make(admin, app)
    changed = await admin.patch(f"{ROOT}/new-preview", json={"rules": [TENTH]}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    stale = await admin.patch(f"{ROOT}/new-preview", json={"enabled": False}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    wrong = await admin.patch(f"{ROOT}/new-preview", json={"variants": {"off": False}})
    assert {fault["pointer"] for fault in wrong.json()["faults"]} == {"/rules/0/split/0/variant"}
    same = await admin.patch(f"{ROOT}/new-preview", json={"rules": [TENTH], "description": ""})
    assert same.headers["etag"] == '"2"', "nothing has changed"
    await change(admin, app, archived=True)
    await change(admin, app, archived=False, enabled=False)
    rows = await owner.fetch("SELECT action, before, after FROM spyne.audit_log WHERE entity_type = 'flag' ORDER BY id")
    assert [row["action"] for row in rows] == ["flag:create", "flag:change", "flag:archive", "flag:restore"]
    assert "tenth" in rows[1]["after"]
    assert "slots" not in rows[1]["after"]


async def test_our_own_code_asks_by_actor(admin: httpx.AsyncClient, app: FastAPI, flags: Flags) -> None:
    assert flags.boolean("new-preview", default=True) is True, "unknown: the caller's default"
    await make(admin, app, rules=[ENGINEERS])
    assert flags.boolean("new-preview", default=True, actor=person("VIEWER")) is False
    assert flags.boolean("new-preview", default=False, actor=person("VIEWER", "ENGINEER")) is True
    assert flags.boolean("new-preview", default=True, actor=SYSTEM) is False
    await change(admin, app, enabled=False)
    assert flags.boolean("new-preview", default=True, actor=person("ENGINEER")) is False
    assert flags.explained("new-preview", default=True).reason == Reason.DISABLED
    await change(admin, app, archived=True)
    assert flags.explained("new-preview", default=True).error_code == ErrorCode.FLAG_NOT_FOUND


async def test_values_of_every_type_through_the_sdk(admin: httpx.AsyncClient, app: FastAPI, flags: Flags) -> None:
    for key, kind, value in (
        ("text", "string", "x"),
        ("whole", "number", 3),
        ("broken", "number", 3.5),
        ("thing", "object", {"a": [1]}),
    ):
        await make(admin, app, key=key, type=kind, variants={"v": value}, default_variant="v", off_variant="v")
    client = flags.client
    assert flags.string("text", default="y") == "x"
    assert flags.number("whole", default=1.0) == 3.0
    assert client.get_integer_value("whole", 1) == 3
    assert client.get_object_value("thing", {}) == {"a": [1]}
    mismatch = client.get_integer_details("broken", 7)
    assert (mismatch.value, mismatch.error_code, mismatch.reason) == (7, ErrorCode.TYPE_MISMATCH, Reason.ERROR)
    for kind, default in ((FlagType.BOOLEAN, True), (FlagType.OBJECT, {}), (FlagType.FLOAT, 1.0)):
        found = client.evaluate_flag_details(kind, "text", default)
        assert (found.value, found.error_code) == (default, ErrorCode.TYPE_MISMATCH)


async def test_a_bad_context_is_the_default_with_the_code(admin: httpx.AsyncClient, app: FastAPI, flags: Flags) -> None:
    await make(admin, app, rules=[ENGINEERS, TENTH])
    missing = flags.explained("new-preview", default=True)
    assert (missing.value, missing.error_code) == (True, ErrorCode.TARGETING_KEY_MISSING)
    wrong = flags.client.get_boolean_details(
        "new-preview", default_value=True, evaluation_context=EvaluationContext("x", {"roles": {"a": "b"}})
    )
    assert (wrong.value, wrong.error_code, wrong.reason) == (True, ErrorCode.INVALID_CONTEXT, Reason.ERROR)
    split = flags.explained("new-preview", default=True, actor=person())
    assert split.reason in {Reason.SPLIT, Reason.DEFAULT}
    assert split.flag_metadata["version"] == 1


async def test_whoever_is_in_stays_in_while_the_share_grows(
    admin: httpx.AsyncClient, app: FastAPI, flags: Flags
) -> None:
    variants = {"a": "a", "b": "b", "off": "off"}

    async def shared(**shares: float) -> dict[str, set[int]]:
        split = [{"variant": variant, "percentage": share} for variant, share in shares.items()]
        await change(admin, app, "ramp", rules=[{"name": "ramp", "when": [], "split": split}])
        found: dict[str, set[int]] = {"a": set(), "b": set(), "off": set()}
        for number in range(2000):
            found[flags.client.get_string_value("ramp", "", EvaluationContext(f"user:{number}"))].add(number)
        return found

    await make(admin, app, key="ramp", type="string", variants=variants, default_variant="off", off_variant="off")
    before = await shared(a=10, b=10)
    for shares in ({"a": 20, "b": 10}, {"b": 30.5, "a": 20}, {"a": 69.5, "b": 30.5}):
        after = await shared(**shares)
        assert before["a"] <= after["a"]
        assert before["b"] <= after["b"]
        before = after
    assert before["off"] == set()


async def test_before_the_flags_are_read_the_default_counts(resources: Resources) -> None:
    found = resources.extensions.of(Flags).explained("new-preview", default=True)
    assert (found.value, found.error_code) == (True, ErrorCode.PROVIDER_NOT_READY)


async def test_the_process_follows_within_a_second_and_says_what_has_changed(
    admin: httpx.AsyncClient, flags: Flags
) -> None:
    told: list[EventDetails] = []
    heard = threading.Event()

    def handler(details: EventDetails) -> None:
        told.append(details)
        heard.set()

    flags.client.add_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, handler)
    try:
        assert (await admin.post(ROOT, json=FLAG | {"default_variant": "on"})).status_code == 201

        async def known() -> bool:
            return flags.boolean("new-preview", default=False)

        await promised(known)
        assert await asyncio.to_thread(heard.wait, 5)
        assert told[0].flags_changed == ["new-preview"]
    finally:
        flags.client.remove_handler(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, handler)
