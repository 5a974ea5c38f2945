"""Health, metrics and the documents: what a load balancer, Prometheus and a newcomer look at."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.kernel.db.connections import DatabaseUrls
from app.kernel.http.openapi import ASSETS
from app.operations.health.checkup import CheckResult
from app.settings import Settings
from tests import loopback
from tests.conftest import SECRET
from tests.promises import kept, promised
from tests.service_processes import Surroundings, api_process
from tests.waiting import known_at_the_door

METRICS = (
    "spyne_ingestion_lag_seconds",
    "spyne_ingestion_rows_total",
    "spyne_query_latency_seconds",
    "spyne_query_preview_viewed_total",
    "spyne_query_corrections_total",
    "spyne_query_guardrail_triggered_total",
    "spyne_table_promotions_total",
    "spyne_table_deprecations_total",
    "spyne_replay_count_total",
    "spyne_backfill_rows_total",
    "spyne_join_usage_total",
    "spyne_join_candidate_rejected_total",
    "spyne_drift_detected_total",
    "spyne_drift_resolved_total",
    "http_requests_total",
    "http_request_duration_seconds",
    "spyne_pool_connections",
    "spyne_queue_depth",
    "spyne_outbox_age_seconds",
    "spyne_event_loop_lag_seconds",
)
"""The names of the product's specification, and the gauges beside them."""


@pytest.fixture
def uncached(app: FastAPI) -> FastAPI:
    """Every probe looks afresh."""
    app.state.checkup.fresh_seconds = 0.0
    return app


def verdicts(answer: httpx.Response) -> dict[str, tuple[str, str | None]]:
    assert answer.headers["Content-Type"] == "application/health+json"
    assert answer.headers["Cache-Control"] == "no-store"
    checks = answer.json()["checks"]
    assert all(0 <= check["duration_ms"] < 1500 for check in checks.values())
    return {name: (check["status"], check["detail"]) for name, check in checks.items()}


@pytest.mark.usefixtures("uncached")
async def test_ready_without_workers_is_degraded_and_with_one_is_ok(
    anonymous: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    answer = await anonymous.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert verdicts(answer) == {
        "database": ("ok", None),
        "migrations": ("ok", None),
        "workers": ("degraded", "none seen"),
        "disk": ("ok", None),
    }
    await owner.execute("INSERT INTO spyne.worker_heartbeats (id, label) VALUES (uuidv7(), 'here:1')")
    assert (await anonymous.get("/health/ready")).json()["status"] == "ok"
    await owner.execute("UPDATE spyne.worker_heartbeats SET seen_at = now() - interval '31 s'")
    summary = (await anonymous.get("/health")).json()
    assert (summary["status"], summary["checks"]["workers"]["detail"]) == ("degraded", "none seen")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(summary["time"])).total_seconds()) < 5


@pytest.mark.usefixtures("uncached")
async def test_the_summary_tells_mode_storage_audit_and_outbox(
    app: FastAPI, anonymous: httpx.AsyncClient, admin: httpx.AsyncClient, owner: asyncpg.Connection, settings: Settings
) -> None:
    found = verdicts(await anonymous.get("/health"))
    assert (found["mode"], found["storage"]) == (("ok", "normal"), ("ok", None))
    assert (found["audit"][0], found["outbox"][0]) == ("ok", "ok")
    await owner.execute(
        "WITH channel AS (INSERT INTO spyne.notification_channels (name, channel_type, target, shown, event_filter,"
        " created_by) VALUES ('c', 'webhook', '', '', '{}', 'x') RETURNING id) INSERT INTO spyne.notification_outbox"
        " (channel_id, event, subject, next_attempt_at, created_at)"
        " SELECT id, 'e', 's', now(), now() - interval '1 h' FROM channel"
    )
    shutil.rmtree(settings.home / "objects")
    assert (await admin.put("/system/maintenance", json={"mode": "read_only"})).status_code == 200
    await known_at_the_door(app, "read_only")
    answer = await anonymous.get("/health")
    found = verdicts(answer)
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert (found["mode"], found["storage"]) == (("degraded", "read_only"), ("degraded", "StorageUnavailable"))
    assert found["outbox"][0] == "degraded"
    assert str(found["outbox"][1]).startswith("oldest message: 360")


@pytest.mark.usefixtures("uncached")
async def test_a_stale_schema_is_not_ready_and_says_so(anonymous: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    await owner.execute("UPDATE spyne.alembic_version SET version_num = '0001'")
    answer = await anonymous.get("/health/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")
    assert "Run `spyne migrate`" in answer.json()["checks"]["migrations"]["detail"]
    assert (await anonymous.get("/health")).status_code == 503
    assert (await anonymous.get("/health/live")).status_code == 200


@pytest.mark.usefixtures("uncached")
async def test_a_database_that_does_not_answer_is_told_within_a_second(
    anonymous: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    async with owner.transaction():
        await owner.execute("LOCK spyne.alembic_version, spyne.worker_heartbeats IN ACCESS EXCLUSIVE MODE")
        begun = time.monotonic()
        answer = await anonymous.get("/health/ready")
        await kept(time.monotonic() - begun, 1.6, "the answer")
    assert answer.status_code == 503
    assert verdicts(answer)["migrations"] == ("failing", "TimeoutError")


async def test_many_probes_ask_the_database_once_a_second(app: FastAPI, anonymous: httpx.AsyncClient) -> None:
    looks = 0
    checkup = app.state.checkup
    real = checkup._database

    async def counted() -> CheckResult:
        nonlocal looks
        looks += 1
        return await real()  # type: ignore[no-any-return]

    checkup._database = counted
    answers = await asyncio.gather(*(anonymous.get("/health/ready") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert looks == 1


async def test_a_process_that_was_told_to_stop_is_not_ready_but_serves_on(urls: DatabaseUrls, tmp_path: Path) -> None:
    around = Surroundings(urls, SECRET, tmp_path / "home", tmp_path)
    async with api_process(around, SERVER_DRAIN_SECONDS="3") as api, loopback.client(api.url, timeout=5) as client:
        assert (await client.get("/health/ready")).status_code == 200
        os.kill(api.pid, signal.SIGTERM)

        async def unready() -> bool:
            answer = await client.get("/health/ready")
            return answer.status_code == 503 and "process" in answer.json()["checks"]

        await promised(unready, 2.5)
        async with loopback.client(api.url) as fresh:
            assert (await fresh.get("/api/tables")).status_code == 401
        begun = time.monotonic()
        assert await api._process.ended() in (0, -signal.SIGTERM, 128 + signal.SIGTERM)  # type: ignore[union-attr]
        await kept(time.monotonic() - begun, 15, "the draining")


async def test_every_metric_of_the_specification_is_exposed(admin: httpx.AsyncClient, open_for_data: None) -> None:
    assert open_for_data is None
    await admin.get("/api/tables/nothing")
    answer = await admin.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    declared = set(re.findall(r"^# TYPE (\S+)", answer.text, re.MULTILINE))
    assert [name for name in METRICS if name not in declared] == []
    assert 'handler="/api/tables/{table}"' in answer.text
    assert "/api/tables/nothing" not in answer.text, "labels are templates, never addresses"


async def test_the_swagger_ui_asks_no_other_host(anonymous: httpx.AsyncClient) -> None:
    for path in ("/docs", "/docs/oauth2-redirect"):
        page = await anonymous.get(path)
        assert page.status_code == 200
        assert re.findall(r"""(?:src|href|url)\s*[=:]\s*["'](?:https?:)?//[^"']*""", page.text) == []
    page = await anonymous.get("/docs")
    files = re.findall(r"""(?:src|href)="(/[^"]+)""", page.text)
    assert len(files) == 3
    for file in [*files, "/openapi.json"]:
        assert (await anonymous.get(file)).status_code == 200, file
    styles = (ASSETS / "swagger-ui.css").read_text()
    assert re.findall(r"(?:@import|url\()\s*[\"']?https?:", styles) == []


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed: the page is not opened")
def test_a_browser_shows_the_operations(document: dict[str, Any], tmp_path: Path) -> None:
    assets = (ASSETS / "swagger-ui-bundle.js").as_uri()
    page = tmp_path / "page.html"
    page.write_text(
        f'<div id="swagger-ui"></div><script src="{assets}"></script>'
        f'<script>SwaggerUIBundle({{dom_id: "#swagger-ui", spec: {json.dumps(document)}}})</script>'
    )
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]
    command += ["--virtual-time-budget=10000", "--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "/api/tables" in shown


PUBLIC = {
    "GET /health",
    "GET /health/live",
    "GET /health/ready",
    "POST /api/auth/token",
    "POST /api/sessions",
    "GET /api/auth/.well-known/jwks.json",
    "GET /api/auth/oidc/login",
    "GET /api/auth/oidc/callback",
}
"""Operations that need no credential."""


def test_the_openapi_document_is_complete_and_stable(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    ids = [operation["operationId"] for _, operation in operations]
    assert len(ids) == len(set(ids))
    assert [name for name in ids if not re.fullmatch(r"[a-z][a-z0-9_]*", name)] == []
    public = {name for name, operation in operations if not operation.get("security")}
    assert public == PUBLIC
    for name, operation in operations:
        assert operation.get("description") or operation.get("summary"), name
        answers = operation["responses"]
        assert "503" in answers, name
        if name not in public:
            assert {"401", "403"} <= answers.keys(), name
        for status, answer in answers.items():
            if status.startswith(("4", "5")) and name != "POST /api/auth/token" and not name.startswith("GET /health"):
                assert "application/problem+json" in answer["content"], (name, status)
    assert _references(document) <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}


def _references(value: object) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(_references(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(_references(inner) for inner in value))
    return set()
