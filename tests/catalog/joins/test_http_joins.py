"""Joins over HTTP: suggested from evidence, rejected, accepted with an exact measure, deprecated."""

from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.metrics import REGISTRY
from tests.catalog.joins.steps import (
    CUSTOMERS,
    LINES,
    MANAGERS,
    PRODUCTS,
    accept,
    accepted,
    adopted,
    candidates,
    configured,
    deprecated,
    refreshed,
)


@pytest.fixture
async def shop(admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources) -> None:
    await adopted(admin, owner)
    await refreshed(resources)


@pytest.mark.usefixtures("shop")
async def test_candidates_are_what_the_data_and_the_names_say(analyst: httpx.AsyncClient) -> None:
    found = await candidates(analyst)
    assert set(found) - {"employees__orders__taken_by__employee_id"} == {CUSTOMERS, LINES, PRODUCTS, MANAGERS}
    customers = found[CUSTOMERS]
    assert (customers["left"]["table"], customers["right"]["table"]) == ("orders", "customers")
    assert customers["cardinality"] == "n:1"
    assert customers["containment"] == {"left_to_right": 1.0, "right_to_left": 0.75}
    assert (customers["orphan_rate"], customers["null_rates"]) == (0.0, {"left": 0.0, "right": 0.0})
    assert customers["sample_size"] == 150
    assert customers["reasons"]
    products = found[PRODUCTS]
    assert products["containment"]["left_to_right"] == pytest.approx(56 / 60)
    assert products["warnings"]


@pytest.mark.usefixtures("shop")
async def test_the_list_is_cut_by_tables_score_and_page(analyst: httpx.AsyncClient) -> None:
    assert set(await candidates(analyst, table1="customers")) == {CUSTOMERS}
    assert set(await candidates(analyst, table1="orders", table2="order_lines")) == {LINES}
    assert set(await candidates(analyst, table1="employees", table2="employees")) == {MANAGERS}
    assert await candidates(analyst, table1="nothing") == {}
    whole = await candidates(analyst, min_score=0)
    assert set(whole) > set(await candidates(analyst, min_score=0.9))
    seen: list[str] = []
    path = "/api/joins/candidates?limit=1&min_score=0"
    while path:
        answer = await analyst.get(path)
        seen += [item["candidate_id"] for item in answer.json()["items"]]
        path = answer.links["next"]["url"] if "next" in answer.links else ""
    assert seen == list(whole)
    assert [item["score"] for item in whole.values()] == sorted((i["score"] for i in whole.values()), reverse=True)


EXACT = """
WITH l AS (SELECT {left} AS k, count(*) AS n FROM shop.{lt} WHERE {left} IS NOT NULL GROUP BY 1),
     r AS (SELECT {right} AS k, count(*) AS n FROM shop.{rt} WHERE {right} IS NOT NULL GROUP BY 1)
SELECT (SELECT count(*) FROM l WHERE k IN (SELECT k FROM r))::float8 / (SELECT count(*) FROM l) AS contained,
       (SELECT coalesce(sum(n), 0) FROM l WHERE k NOT IN (SELECT k FROM r))::bigint AS orphans,
       (SELECT avg(l.n) FROM l JOIN r USING (k))::float8 AS mean, (SELECT max(l.n) FROM l JOIN r USING (k)) AS most,
       (SELECT max(r.n) FROM r JOIN l USING (k)) AS rights
"""


@pytest.mark.usefixtures("shop")
async def test_an_accepted_join_is_measured_exactly(
    admin: httpx.AsyncClient, owner: asyncpg.Connection, resources: Resources
) -> None:
    await configured(admin, resources, {"joins.max-orphan-rate": 0.5})
    for candidate_id, left, right in (
        (CUSTOMERS, ("orders", "customer_id"), ("customers", "customer_id")),
        (LINES, ("order_lines", "order_id"), ("orders", "order_id")),
        (PRODUCTS, ("order_lines", "product_id"), ("products", "product_id")),
        (MANAGERS, ("employees", "manager_id"), ("employees", "employee_id")),
    ):
        join = await accepted(admin, candidate_id)
        exact = await owner.fetchrow(EXACT.format(lt=left[0], left=left[1], rt=right[0], right=right[1]))
        assert exact is not None
        now = join["now"]
        assert join["at_acceptance"] | {"measured_at": now["measured_at"]} == now
        assert now["exact"]
        assert now["cardinality"] == "n:1"
        assert now["containment"]["left_to_right"] == pytest.approx(exact["contained"])
        assert now["orphans"] == exact["orphans"]
        assert now["fan_out"]["mean"] == pytest.approx(exact["mean"], abs=0.001)
        assert now["fan_out"]["max"] == exact["most"]
        assert now["multiplication"]["max"] == exact["rights"] == 1
        answer = await admin.get(f"/api/joins/{candidate_id}")
        assert answer.json()["version"] == 1
    listed = (await admin.get("/api/joins")).json()["items"]
    assert {item["join_id"] for item in listed} == {CUSTOMERS, LINES, PRODUCTS, MANAGERS}
    assert {item["join_id"] for item in (await admin.get("/api/joins?table=orders")).json()["items"]} == {
        CUSTOMERS,
        LINES,
    }


@pytest.mark.usefixtures("shop")
async def test_the_policy_refuses_unless_it_is_overridden_with_a_reason(
    admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    refused = await accept(admin, PRODUCTS)
    assert (refused.status_code, refused.json()["code"]) == (422, "join-against-policy")
    assert [fault["code"] for fault in refused.json()["faults"]] == ["orphan-rate"]
    assert (await admin.get("/api/joins")).json()["items"] == []
    rationale = "Products that were sold out are gone."
    join = await accepted(admin, PRODUCTS, override_rationale=rationale)
    assert join["override_rationale"] == rationale
    assert "6.8 %" in join["overridden"][0]
    audit = await owner.fetchrow("SELECT * FROM spyne.audit_log WHERE action = 'join:accept'")
    assert audit is not None
    assert rationale in audit["after"]


@pytest.mark.usefixtures("shop")
async def test_accepting_again_needs_news(admin: httpx.AsyncClient) -> None:
    assert (await accepted(admin, CUSTOMERS))["version"] == 1
    again = await accept(admin, CUSTOMERS)
    assert (again.status_code, again.json()["code"]) == (409, "join-in-force")
    rejected = await admin.post(f"/api/joins/candidates/{CUSTOMERS}/reject", json={"reason": "other"})
    assert (rejected.status_code, rejected.json()["code"]) == (409, "join-in-force")
    assert (await candidates(admin))[CUSTOMERS]["accepted_version"] == 1
    assert CUSTOMERS not in await candidates(admin, accepted=False)
    document = await deprecated(admin, CUSTOMERS)
    assert (document["status"], document["deprecation"]["reason"]) == ("deprecated", "as the test wants")
    twice = await admin.post(f"/api/joins/{CUSTOMERS}/deprecate", json={"reason": "once more"})
    assert (twice.status_code, twice.json()["code"]) == (409, "join-deprecated")
    assert (await accepted(admin, CUSTOMERS))["version"] == 2
    detail = (await admin.get(f"/api/joins/{CUSTOMERS}")).json()
    assert [(each["version"], each["status"]) for each in detail["versions"]] == [(2, "active"), (1, "deprecated")]


@pytest.mark.usefixtures("shop")
async def test_what_was_rejected_is_not_suggested_again(
    engineer: httpx.AsyncClient, admin: httpx.AsyncClient, resources: Resources
) -> None:
    before = REGISTRY.get_sample_value("spyne_join_candidate_rejected_total", {"reason": "not-related"}) or 0
    path = f"/api/joins/candidates/{PRODUCTS}"
    tag = (await engineer.get(path)).headers["ETag"]
    body = {"reason": "not-related", "note": "Of another catalogue."}
    stale = await engineer.post(f"{path}/reject", json=body, headers={"If-Match": '"other"'})
    assert stale.status_code == 412
    answer = await engineer.post(f"{path}/reject", json=body, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    assert answer.json()["rejection"] | {"at": None, "by": None} == body | {"at": None, "by": None}
    assert answer.headers["ETag"] != tag
    await refreshed(resources)
    found = await candidates(engineer, status="rejected")
    assert set(found) == {PRODUCTS}
    assert PRODUCTS not in await candidates(engineer, status="suggested")
    refused = await accept(admin, PRODUCTS)
    assert (refused.status_code, refused.json()["code"]) == (409, "join-candidate-rejected")
    counted = REGISTRY.get_sample_value("spyne_join_candidate_rejected_total", {"reason": "not-related"})
    assert counted == before + 1


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/api/joins/accept", {"candidate_id": "nothing__of__this", "rationale": "as the test wants"}, 404, None),
        ("/api/joins/accept", {"candidate_id": CUSTOMERS}, 422, None),
        ("/api/joins/accept", {"candidate_id": CUSTOMERS, "rationale": "short"}, 422, None),
        ("/api/joins/candidates/nothing/reject", {"reason": "other"}, 404, "join-candidate-not-found"),
        (f"/api/joins/candidates/{CUSTOMERS}/reject", {"reason": "I say so"}, 422, None),
        ("/api/joins/nothing/deprecate", {"reason": "as the test wants"}, 404, "join-not-found"),
    ],
)
@pytest.mark.usefixtures("shop")
async def test_what_makes_no_sense_is_refused(
    admin: httpx.AsyncClient, path: str, body: dict[str, Any], status: int, code: str | None
) -> None:
    answer = await admin.post(path, json=body)
    assert answer.status_code == status, answer.text
    assert code is None or answer.json()["code"] == code
