"""Rules and holds: decided, shown, refused with every fault, audited."""

from contextlib import nullcontext
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import ValidationError

from app.kernel.ports.retention import RetentionTargets
from app.kernel.runtime.resources import Resources
from app.operations.retention.schemas import RuleRequest
from tests.operations.retention.steps import ROOT, held


async def test_every_category_is_shown_and_none_is_enabled_but_leftovers(
    admin: httpx.AsyncClient, resources: Resources
) -> None:
    items = {each["category"]: each for each in (await admin.get(ROOT)).json()["items"]}
    assert set(items) == set(resources.extensions.of(RetentionTargets).names())
    enabled = {name for name, each in items.items() if each["enabled"]}
    assert enabled == {"idempotency_keys", "job_runs", "sessions", "security_events"}
    assert not any(each["decided"] or each["version"] or each["last_run"] for each in items.values())
    assert items["raw_batches"]["hold_fields"] == ["since", "until", "contract_id", "batch_id", "sender_id"]
    one = await admin.get(f"{ROOT}quarantine")
    assert (one.json(), one.headers["etag"]) == (items["quarantine"], '"0"')


async def test_a_rule_is_made_once_changed_later_and_audited(admin: httpx.AsyncClient) -> None:
    wanted: dict[str, Any] = {"category": "quarantine", "days_to_keep": 30, "enabled": True, "description": "as agreed"}
    made = await admin.post(ROOT, json=wanted)
    assert (made.status_code, made.headers["etag"], made.headers["location"]) == (201, '"1"', f"{ROOT}quarantine")
    again = await admin.post(ROOT, json=wanted)
    assert (again.status_code, again.headers["etag"]) == (200, '"1"')
    changed = await admin.post(ROOT, json=wanted | {"days_to_keep": 31}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"], changed.json()["days_to_keep"]) == (200, '"2"', 31)
    assert (await admin.post(ROOT, json=wanted, headers={"If-Match": '"1"'})).status_code == 412
    found = (await admin.get(f"{ROOT}quarantine")).json()
    assert (found["days_to_keep"], found["enabled"], found["decided"], found["description"]) == (
        31, True, True, "as agreed",
    )  # fmt: skip
    told = (await admin.get("/api/audit", params={"entity_type": "retention-rule"})).json()["items"]
    assert [each["action"] for each in told] == ["retention-rule:change", "retention-rule:create"]
    assert (told[0]["before"], told[0]["after"]) == ({"days_to_keep": 30}, {"days_to_keep": 31})


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"category": "nothing", "days_to_keep": 1}, "/category"),
        ({"category": "quarantine", "days_to_keep": 0}, "/days_to_keep"),
        ({"category": "quarantine", "days_to_keep": 1, "archive": True}, "/archive"),
        ({"category": "before_images", "days_to_keep": 29}, "/days_to_keep"),
        ({"category": "quarantine", "days_to_keep": 1, "other": 1}, "/other"),
    ],
)
async def test_a_rule_that_does_not_fit_is_refused(
    admin: httpx.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    answer = await admin.post(ROOT, json=body)
    assert (answer.status_code, answer.json()["faults"][0]["pointer"]) == (422, pointer)
    if pointer == "/category":
        assert "quarantine" in answer.json()["faults"][0]["message"]


async def test_an_unknown_category_is_told_those_that_exist(admin: httpx.AsyncClient) -> None:
    for method, path in (
        ("GET", ""), ("POST", "/preview"), ("GET", "/runs"), ("GET", "/holds"),
    ):  # fmt: skip
        answer = await admin.request(method, f"{ROOT}nothing{path}")
        assert answer.status_code == 404
        assert "quarantine" in answer.json()["categories"]


async def test_a_hold_is_checked_shown_released_once_and_kept_as_history(
    admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    path = f"{ROOT}quarantine/holds"
    wrong = {"filter": {"batch_id": "x", "since": 5, "who": 1}, "reason": " "}
    answer = await admin.post(path, json=wrong)
    assert {each["pointer"] for each in answer.json()["faults"]} == {"/reason"}
    answer = await admin.post(path, json=wrong | {"reason": "why"})
    assert {each["pointer"] for each in answer.json()["faults"]} == {"/filter/batch_id", "/filter/since", "/filter/who"}
    one, other = await held(admin, "quarantine", contract_id="a_v1"), await held(admin, "quarantine")
    assert (await admin.get(f"{ROOT}quarantine")).json()["holds"] == 2
    for _ in range(2):
        assert (await admin.delete(f"{path}/{one}")).status_code == 204
    assert (await admin.delete(f"{ROOT}raw_batches/holds/{other}")).status_code == 404
    listed = (await admin.get(path)).json()["items"]
    assert [(each["id"], each["released_at"] is None) for each in listed] == [(str(other), True), (str(one), False)]
    assert [each["id"] for each in (await admin.get(path, params={"open": "true"})).json()["items"]] == [str(other)]
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action LIKE 'retention-hold:%'") == 3


def test_a_rule_keeps_for_a_day_to_a_hundred_years() -> None:
    for days, fits in ((0, False), (1, True), (36_500, True), (36_501, False)):
        with nullcontext() if fits else pytest.raises(ValidationError):
            RuleRequest(category="quarantine", days_to_keep=days)
