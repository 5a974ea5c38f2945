"""Malformed requests: every answer is a 4xx problem, and nothing is kept."""

from typing import Any

import asyncpg
import httpx
import pytest

PREVIEW, VALIDATE, EXECUTE = "/api/query/preview", "/api/query/validate", "/api/query/execute"
NIL = "00000000-0000-0000-0000-000000000000"
JSON = {"Content-Type": "application/json"}

MALFORMED: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", PREVIEW, {"content": b""}),
    ("POST", PREVIEW, {"content": b"{", "headers": JSON}),
    ("POST", PREVIEW, {"content": b"\xff\xfe", "headers": JSON}),
    ("POST", PREVIEW, {"content": b'{"sql": "SELECT 1", "sql": "SELECT 2"}', "headers": JSON}),
    ("POST", PREVIEW, {"content": b'{"sql": "SELECT \\u0000"}', "headers": JSON}),
    ("POST", PREVIEW, {"content": b'{"sql": "SELECT \'\\ud800\'"}', "headers": JSON}),
    ("POST", PREVIEW, {"content": b'{"sql": NaN}', "headers": JSON}),
    ("POST", PREVIEW, {"content": b"[" * 1000, "headers": JSON}),
    ("POST", PREVIEW, {"content": b'{"sql": "SELECT 1"}', "headers": {"Content-Type": "text/plain"}}),
    ("POST", PREVIEW, {"json": None}),
    ("POST", PREVIEW, {"json": []}),
    ("POST", PREVIEW, {"json": "SELECT 1"}),
    ("POST", PREVIEW, {"json": {}}),
    ("POST", PREVIEW, {"json": {"sql": None, "query": None}}),
    ("POST", PREVIEW, {"json": {"sql": "SELECT 1", "query": "how many flights"}}),
    ("POST", PREVIEW, {"json": {"sql": ""}}),
    ("POST", PREVIEW, {"json": {"sql": "   "}}),
    ("POST", PREVIEW, {"json": {"sql": 7}}),
    ("POST", PREVIEW, {"json": {"sql": ["SELECT 1"]}}),
    ("POST", PREVIEW, {"json": {"sql": {"text": "SELECT 1"}}}),
    ("POST", PREVIEW, {"json": {"sql": "SELECT 1", "limit": 5}}),
    ("POST", PREVIEW, {"json": {"sql": "SELECT 1", "options": []}}),
    ("POST", PREVIEW, {"json": {"sql": "SELECT 1", "options": {"include_deprecated": "flights"}}}),
    ("POST", PREVIEW, {"json": {"sql": "SELECT 1", "options": {"include_deprecated": [""]}}}),
    ("POST", PREVIEW, {"json": {"sql": "SELECT 1", "options": {"include_deprecated": ["x"] * 51}}}),
    ("POST", PREVIEW, {"json": {"sql": "SELECT 1", "options": {"override_joins": "short"}}}),
    ("POST", PREVIEW, {"json": {"sql": "SELECT 1", "options": {"override_joins": True}}}),
    ("POST", PREVIEW, {"json": {"sql": "SELECT 1", "options": {"max_rows": 1}}}),
    ("POST", PREVIEW, {"json": {"query": "x" * 2001}}),
    ("POST", PREVIEW, {"json": {"sql": "SELECT 1 -- " + "x" * 25_000}}),
    ("POST", PREVIEW, {"json": {"sql": "x" * (2 * 1024 * 1024)}}),
    ("POST", PREVIEW, {"json": {"sql": "(" * 5_000}}),
    ("POST", PREVIEW, {"json": {"sql": "SELECT \u202e1"}}),
    ("GET", PREVIEW, {}),
    ("PUT", PREVIEW, {"json": {"sql": "SELECT 1"}}),
    ("POST", VALIDATE, {"json": {}}),
    ("POST", VALIDATE, {"json": {"sql": None}}),
    ("POST", VALIDATE, {"json": {"sql": "SELECT 1", "extra": 1}}),
    ("POST", VALIDATE, {"json": {"query": "how many flights"}}),
    ("POST", VALIDATE, {"content": b"SELECT 1"}),
    ("POST", EXECUTE, {"json": {}}),
    ("POST", EXECUTE, {"json": {"preview_id": None}}),
    ("POST", EXECUTE, {"json": {"preview_id": "not-an-id"}}),
    ("POST", EXECUTE, {"json": {"preview_id": 7}}),
    ("POST", EXECUTE, {"json": {"preview_id": NIL}}),
    ("POST", EXECUTE, {"json": {"preview_id": NIL, "sql": "SELECT 1"}}),
    ("POST", EXECUTE, {"json": {"sql": "SELECT 1"}}),
    ("POST", EXECUTE, {"json": {"preview_id": NIL}, "headers": {"Accept": "image/png"}}),
    ("POST", EXECUTE, {"json": {"preview_id": NIL}, "headers": {"Accept": ";;;"}}),
    ("GET", "/api/query/previews/not-an-id", {}),
    ("GET", f"/api/query/previews/{NIL}", {}),
    ("DELETE", f"/api/query/previews/{NIL}", {}),
    ("GET", "/api/query/executions?limit=0", {}),
    ("GET", "/api/query/executions?limit=501", {}),
    ("GET", "/api/query/executions?limit=x", {}),
    ("GET", "/api/query/executions?cursor=garbage", {}),
    ("GET", "/api/query/executions?cursor=" + "A" * 600, {}),
    ("GET", "/api/query/executions?cursor=Im5vdC1hbi1pZCI", {}),
    ("POST", "/api/query/executions", {"json": {}}),
]


@pytest.mark.usefixtures("flights")
async def test_malformed_requests_are_4xx_problems_and_nothing_is_kept(
    analyst: httpx.AsyncClient, owner: "asyncpg.Connection[Any]"
) -> None:
    wrong = []
    audited = await owner.fetchval("SELECT count(*) FROM spyne.audit_log")
    for method, path, request in MALFORMED:
        answer = await analyst.request(method, path, **request)
        problem = answer.headers.get("content-type") == "application/problem+json"
        if not (400 <= answer.status_code < 500 and problem and answer.json()["status"] == answer.status_code):
            wrong.append((method, path, str(request)[:80], answer.status_code, answer.text[:200]))
    assert wrong == []
    assert await owner.fetchval("SELECT count(*) FROM spyne.query_previews") == 0
    assert await owner.fetchval("SELECT count(*) FROM spyne.query_executions") == 0
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log") == audited


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", PREVIEW),
        ("POST", VALIDATE),
        ("POST", EXECUTE),
        ("GET", f"/api/query/previews/{NIL}"),
        ("GET", "/api/query/executions"),
    ],
)
@pytest.mark.usefixtures("app")
async def test_nobody_asks_without_a_credential(anonymous: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await anonymous.request(method, path, json={"sql": "SELECT 1"} if method == "POST" else None)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.usefixtures("app")
async def test_every_fault_has_its_pointer(analyst: httpx.AsyncClient) -> None:
    body = {"sql": 7, "options": {"include_deprecated": [1]}, "more": 1}
    answer = await analyst.post(PREVIEW, json=body)
    pointers = {fault["pointer"] for fault in answer.json()["faults"]}
    assert pointers == {"/sql", "/options/include_deprecated/0", "/more"}
