"""Bad input is refused as a problem, never fails, and leaves nothing behind: over every operation of the document."""

import asyncio
import json
from collections import Counter
from typing import Any
from urllib.parse import unquote

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from tests.identities import Identities
from tests.malformed import Case, Sound, cases
from tests.middleware.asgi import Answer, scope

CONTRACT: dict[str, Any] = {
    "endpoint": "/api/v1/customers",
    "table_name": "customers",
    "ingestion_semantics": {
        "mode": "upsert",
        "idempotency_key": ["id"],
        "event_time_column": "changed_at",
        "processing_time_column": "ingested_at",
        "dedupe_window": "24h",
        "conflict_resolution": "latest_wins",
    },
    "schema": {
        "columns": [
            {"name": "id", "type": "bigint", "nullable": False},
            {"name": "name", "type": "text"},
            {"name": "changed_at", "type": "timestamptz", "nullable": False},
        ]
    },
}
ROW = '{"id": 1, "name": "Ada", "changed_at": "2026-01-01T00:00:00Z"}\n'

UNTOUCHED = (
    "SELECT format('SELECT %L, count(*), md5(string_agg(t::text, '''' ORDER BY t::text)) FROM %I.%I t', "
    "schemaname || '.' || tablename, schemaname, tablename) FROM pg_tables "
    "WHERE schemaname IN ('spyne', 'jobs', 'data', 'staging') "
    "AND tablename NOT IN "
    "('audit_log', 'login_attempts', 'worker_heartbeats', 'security_events', 'spyne_metrics') ORDER BY 1"
)
"""Every table but those that record refusals, with its rows' digest; new tables would show too."""


OTHER_ERRORS = {"issue_token": "error", "evaluate_flag": "errorCode", "evaluate_flags": "errorCode"}
"""Operations whose errors have another standard's form, RFC 6749's and OFREP's, and the field that it asks for."""


async def everything(owner: asyncpg.Connection) -> dict[str, tuple[int, str]]:
    statements = [row[0] for row in await owner.fetch(UNTOUCHED)]
    rows = await owner.fetch(" UNION ALL ".join(statements))
    return {row[0]: (row[1], row[2]) for row in rows}


@pytest.fixture
async def sound(admin: httpx.AsyncClient, open_for_data: None) -> Sound:  # noqa: ARG001 - for what it does
    """A contract with a batch, a preview, a client with a key: what the malformed requests are aimed at."""
    contract = await admin.post("/api/contracts/register", json=CONTRACT)
    assert contract.status_code == 201, contract.text
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "first"}
    batch = await admin.post("/api/ingestion/customers_v1/batches", content=ROW, headers=headers)
    assert batch.status_code == 201, batch.text
    client = await admin.post("/api/clients", json={"name": "target", "roles": ["VIEWER"]})
    key = await admin.post(f"/api/clients/{client.json()['id']}/keys", json={})
    change = {"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "checked", "dry_run": False}
    person = await admin.post("/api/users", json={"username": "target", "roles": ["VIEWER"]})
    assert person.status_code == 201, person.text
    paths = {
        "user_id": person.json()["id"],
        "table": "customers",
        "contract_id": "customers_v1",
        "version": "1",
        "batch_id": batch.json()["id"],
        "client_id": client.json()["id"],
        "key_id": key.json()["key_id"] if "key_id" in key.json() else key.json()["id"],
        "preview_id": "01890000-0000-7000-8000-000000000000",
        "entry_id": (await admin.get("/api/audit?limit=1")).json()["items"][0]["id"],
        "session_id": "01890000-0000-7000-8000-000000000000",
    }
    bodies: dict[str, Any] = {
        "create_client": {"name": "another", "roles": ["VIEWER"], "description": "text", "requests_per_minute": 60},
        "change_client": {
            "description": "other text",
            "roles": ["ANALYST"],
            "status": "disabled",
            "requests_per_minute": 60,
        },
        "issue_client_key": {"expires_at": "2099-01-01T00:00:00Z", "scopes": ["tables:read"], "label": "text"},
        "rotate_client_key": {"grace_seconds": 60, "expires_at": "2099-01-01T00:00:00Z"},
        "open_session": {"username": "target", "password": "correct horse battery staple"},
        "create_user": {
            "username": "another",
            "roles": ["VIEWER"],
            "email": "another@example.org",
            "display_name": "Another",
            "password": "correct horse battery staple",
        },
        "change_user": {"email": "else@example.org", "display_name": "Somebody else", "status": "disabled"},
        "set_user_roles": {"roles": ["ENGINEER"]},
        "set_user_password": {"password": "correct horse battery staple"},
        "set_system_mode": {"mode": "READ_ONLY"},
        "set_maintenance": {"mode": "read_only", "reason": "why", "until": "2099-01-01T00:00:00Z"},
        "adopt_tables": {"relations": ["public.nothing"], "names": {"public.nothing": "things"}, "reason": "why"},
        "promote_table": change,
        "deprecate_table": {"reason": "old", "successor": "customers", "sunset": "2099-01-01T00:00:00Z"},
        "restore_table": {"reason": "back", "to_state": "ACTIVE"},
        "register_contract": json.loads(json.dumps(CONTRACT).replace("customers", "others")),
        "verify_audit_log": {
            "since": "2026-01-01T00:00:00Z",
            "until": "2099-01-01T00:00:00Z",
            "first_seal": 1,
            "last_seal": 2,
            "cursor": None,
            "checkpoint": {
                "checkpoint": 1,
                "size": 0,
                "seals": 0,
                "hash": "0" * 64,
                "time": 0,
                "public_key": "0" * 64,
                "signature": "0" * 128,
            },
        },
        "preview_query": {"sql": "SELECT 1 AS one FROM no_such_table"},
        "validate_query": {"sql": "SELECT 1 AS one"},
        "execute_query": {"preview_id": "01890000-0000-7000-8000-000000000000"},
    }
    for make in (place_bodies, security_bodies, notification_bodies, export_bodies, retention_bodies, flag_bodies):
        more = await make(admin)
        paths, bodies = paths | more.paths, bodies | more.bodies
    return Sound(paths, bodies)


async def place_bodies(admin: httpx.AsyncClient) -> Sound:
    """What operations of windows and configuration need to be accepted."""
    window = {"mode": "read_only", "starts_at": "2098-01-01T00:00:00Z", "ends_at": "2098-01-02T00:00:00Z"}
    window["reason"] = "why"
    made = await admin.post("/system/maintenance/windows", json=window)
    assert made.status_code == 201, made.text
    later = {"starts_at": "2099-01-01T00:00:00Z", "ends_at": "2099-01-02T00:00:00Z"}
    key = "query.preview-lifetime-seconds"
    decided = await admin.put(f"/system/config/{key}", json={"value": 600})
    assert decided.status_code == 200, decided.text
    return Sound(
        {"window_id": made.json()["id"], "config_key": key},
        {
            "plan_maintenance_window": window | later,
            "set_configuration": {"value": 600, "reason": "why"},
            "revert_configuration": {"version": 1, "reason": "why"},
        },
    )


async def flag_bodies(admin: httpx.AsyncClient) -> Sound:
    """What operations of flags need to be accepted."""
    rule = {
        "name": "some",
        "when": [{"subject": "attribute", "attribute": "region", "operator": "in", "values": ["eu"]}],
        "split": [{"variant": "on", "percentage": 12.5}],
    }
    change = {
        "variants": {"on": True, "off": False},
        "default_variant": "off",
        "off_variant": "off",
        "enabled": True,
        "rules": [rule, {"name": "rest", "when": [], "variant": "off"}],
        "description": "text",
        "owner": "text",
        "expires_at": "2099-01-01T00:00:00Z",
    }
    flag = change | {"key": "target", "type": "boolean"}
    made = await admin.post("/system/flags", json=flag)
    assert made.status_code == 201, made.text
    asked = {"context": {"targetingKey": "somebody"}}
    bodies = {
        "create_flag": flag | {"key": "another"},
        "change_flag": change | {"archived": False},
        "evaluate_flag": asked,
        "evaluate_flags": asked,
    }
    return Sound({"flag_key": "target"}, bodies)


async def notification_bodies(admin: httpx.AsyncClient) -> Sound:
    """What operations of notifications need to be accepted."""
    root = "/system/notify"
    channel = {
        "name": "target",
        "channel_type": "webhook",
        "target": "https://hooks.example.org/spyne",
        "active": True,
        "description": "text",
        "event_filter": ["notify:*"],
    }
    made = await admin.post(f"{root}/channels", json=channel)
    assert made.status_code == 201, made.text
    message = {"channel_id": made.json()["id"], "event": "notify:test", "subject": "x", "body": "y", "payload": {}}
    sent = await admin.post(f"{root}/", json=message)
    assert sent.status_code == 202, sent.text
    bodies = {
        "create_notification_channel": channel | {"name": "another"},
        "change_notification_channel": {name: value for name, value in channel.items() if name != "channel_type"},
        "rotate_notification_secret": {"grace_seconds": 60},
        "send_notification": message,
        "recover_notifications": {"channel_id": made.json()["id"], "since": "2026-01-01T00:00:00Z"},
    }
    return Sound({"channel_id": made.json()["id"], "message_id": sent.json()["ids"][0]}, bodies)


async def export_bodies(admin: httpx.AsyncClient) -> Sound:
    """What operations of exports need to be accepted."""
    wanted = {
        "job_type": "table",
        "filter_params": {
            "table": "customers",
            "columns": ["id"],
            "where": [{"column": "id", "op": "eq", "value": "1"}],
        },
        "format": "ndjson",
        "compression": "gzip",
    }
    made = await admin.post("/system/exports/", json=wanted)
    assert made.status_code == 202, made.text
    report = {"from_status": "pending", "to_status": "failed", "error_message": "text"}
    return Sound({"export_id": made.json()["id"]}, {"create_export": wanted, "report_export": report})


async def retention_bodies(admin: httpx.AsyncClient) -> Sound:
    """What operations of retention need to be accepted."""
    root = "/system/retention/quarantine"
    hold = {"filter": {"since": "2026-01-01T00:00:00Z"}, "reason": "why"}
    made = await admin.post(f"{root}/holds", json=hold)
    run = await admin.post(f"{root}/run", json={"dry_run": True})
    assert (made.status_code, run.status_code) == (201, 200), made.text + run.text
    bodies = {
        "set_retention_rule": {
            "category": "quarantine",
            "days_to_keep": 90,
            "enabled": False,
            "archive": False,
            "description": "text",
        },
        "run_retention": {"dry_run": True, "cut_off": "2026-01-01T00:00:00Z"},
        "make_retention_hold": hold,
    }
    return Sound({"category": "quarantine", "hold_id": made.json()["id"], "run_id": run.json()["id"]}, bodies)


async def security_bodies(admin: httpx.AsyncClient) -> Sound:
    """What operations of edge protection need to be accepted."""
    root = "/system/security"
    block = {"kind": "network", "target": "198.51.100.0/24", "reason": "why", "expires_at": "2099-01-01T00:00:00Z"}
    action = {"kind": "block", "target": "203.0.113.9", "reason": "why", "event_kind": "honeypot-hit", "force": False}
    honeypot = {"kind": "route", "label": "decoy", "path": "/wp-login.php"}
    made = {
        "block_id": await admin.post(f"{root}/blocks", json=block),
        "action_id": await admin.post(f"{root}/actions", json=action),
        "honeypot_id": await admin.post(f"{root}/honeypots", json=honeypot),
    }
    bodies = {
        "set_security_policy": (await admin.get(f"{root}/policy")).json(),
        "set_rate_limits": (await admin.get(f"{root}/rate-limits")).json(),
        "set_security_responses": (await admin.get(f"{root}/responses")).json(),
        "create_block": block | {"target": "192.0.2.0/24"},
        "take_security_action": action | {"target": "203.0.113.10"},
        "create_honeypot": honeypot | {"path": "/.env"},
    }
    return Sound({name: answer.json()["id"] for name, answer in made.items()}, bodies)


async def ask(app: FastAPI, case: Case, token: str) -> Answer:
    headers = [*case.headers]
    if case.body or case.method in {"POST", "PUT"}:
        headers.append((b"content-length", str(len(case.body)).encode()))
    if not case.anonymous:
        headers.append((b"authorization", b"Bearer " + token.encode()))
    path = unquote(case.path.decode("latin-1"))
    request = scope(case.method, path, headers, raw_path=case.path, query_string=case.query)
    inbox = [{"type": "http.request", "body": case.body, "more_body": False}]
    answer = Answer()

    async def receive() -> dict[str, Any]:
        return inbox.pop() if inbox else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        answer.messages.append(message)

    async with asyncio.timeout(20):
        await app(request, receive, send)
    return answer


def verdict(case: Case, answer: Answer) -> str | None:
    """What is wrong with the answer, or None."""
    if not 400 <= answer.status < 500 or answer.status == 429:
        return f"{answer.status} {answer.body[:200]!r}"
    if case.method == "HEAD":
        return None
    media = answer.headers.get("content-type")
    document = json.loads(answer.body)
    if case.operation in OTHER_ERRORS and media == "application/json":
        return None if isinstance(document.get(OTHER_ERRORS[case.operation]), str) else f"incomplete: {document}"
    if media != "application/problem+json":
        return f"{answer.status} as {media}"
    if not {"type", "title", "status", "code", "detail", "correlation_id"} <= document.keys():
        return f"incomplete: {document}"
    return None if document["status"] == answer.status else "another status in the body"


async def test_every_malformed_request_is_refused_and_leaves_nothing(
    app: FastAPI, identities: Identities, owner: asyncpg.Connection, sound: Sound
) -> None:
    document = app.openapi()
    token = await identities.token("ADMIN")
    before = await everything(owner)
    wrong: list[str] = []
    asked: Counter[str] = Counter()
    for case in cases(document, sound):
        asked[case.operation] += 1
        fault = verdict(case, await ask(app, case, token))
        if fault is not None:
            wrong.append(f"{case.name} -> {fault}")
    after = await everything(owner)
    changed = {
        name: (before.get(name), after.get(name)) for name in before | after if before.get(name) != after.get(name)
    }
    assert not wrong, f"{len(wrong)} of {asked.total()}:\n" + "\n".join(wrong)
    assert changed == {}
    operations = {operation["operationId"] for methods in document["paths"].values() for operation in methods.values()}
    assert operations - {name for name, count in asked.items() if count >= 2} == set(), "operations without two cases"
    assert asked.total() >= 300


async def test_the_sound_requests_are_taken(sound: Sound, admin: httpx.AsyncClient) -> None:
    """Or else the malformed ones might be refused for another reason than their fault."""
    taken = {
        "create_client": ("/api/clients", 201),
        "create_user": ("/api/users", 201),
        "set_user_password": (f"/api/users/{sound.paths['user_id']}/password", 200),
        "register_contract": ("/api/contracts/register", 201),
        "validate_query": ("/api/query/validate", 200),
        "promote_table": ("/api/tables/customers/promote", 200),
        "adopt_tables": ("/api/tables/adopt", 200),
    }
    for name, (path, status) in taken.items():
        answer = await admin.post(path, json=sound.bodies[name])
        assert answer.status_code == status, (name, answer.text)
    person = f"/api/users/{sound.paths['user_id']}"
    answer = await admin.patch(person, json=sound.bodies["change_user"])
    assert answer.status_code == 200, answer.text
    answer = await admin.put(f"{person}/roles", json=sound.bodies["set_user_roles"])
    assert answer.status_code == 200, answer.text
    service = f"/api/clients/{sound.paths['client_id']}"
    answer = await admin.post(f"{service}/keys/{sound.paths['key_id']}/rotate", json=sound.bodies["rotate_client_key"])
    assert answer.status_code == 201, answer.text
    answer = await admin.post(f"{service}/keys", json=sound.bodies["issue_client_key"])
    assert answer.status_code == 201, answer.text
    answer = await admin.patch(service, json=sound.bodies["change_client"])
    assert answer.status_code == 200, answer.text
    for name, path in {"set_maintenance": "/system/maintenance", "set_system_mode": "/system/mode"}.items():
        answer = await admin.put(path, json=sound.bodies[name])
        assert answer.status_code == 200, (name, answer.text)
