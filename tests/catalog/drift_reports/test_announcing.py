"""What drift announces, counts and shows: once, after the commit, and without a value of anybody's rows."""

import json
from collections.abc import Iterator
from io import BytesIO
from ipaddress import ip_network
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from app.catalog.contracts.service import ContractReading
from app.catalog.drift.change import Severity
from app.catalog.drift.policy import RuleId, graded
from app.catalog.drift_reports.recording import DriftRecorder
from app.catalog.drift_reports.reports import DriftSource, Finding
from app.ingestion.drift.batch_drift import subject_of
from app.kernel.ports.events import EventKinds
from app.kernel.runtime.resources import Resources
from app.kernel.telemetry.logging import configure_logging
from app.kernel.telemetry.metrics import REGISTRY
from app.operations.notifications.delivery.background import delivering
from app.settings import NotifySettings, ServerSettings, Settings
from tests.ingestion.steps import at, register, send
from tests.operations.notifications.conftest import CHANNELS, NOTIFY, make_channel
from tests.operations.notifications.receiver import receiving
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("open_for_data")

SECRET_VALUE = "sentinel-7431"
"""A value of rows that is to stand in the table, or in quarantine, and nowhere else."""
COLUMNS = [
    {"name": "id", "type": "bigint"},
    {"name": "at", "type": "timestamptz"},
    {"name": "v", "type": "integer"},
    {"name": "mail", "type": "text", "sensitivity": "private"},
]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Channels may call this machine."""
    notify = NotifySettings(
        allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),), timeout_seconds=3, poll_seconds=0.2
    )
    return settings.model_copy(update={"notify": notify})


@pytest.fixture
def resources(app: FastAPI) -> Resources:
    found: Resources = app.state.resources
    return found


@pytest.fixture
def logged(app: FastAPI) -> Iterator[BytesIO]:  # noqa: ARG001 - configures logging as it starts
    """Every line of the log, however fine."""
    stream = BytesIO()
    configure_logging(ServerSettings(log_level="debug"), stream)
    yield stream
    configure_logging(ServerSettings())


def lines(*rows: dict[str, Any]) -> bytes:
    """Rows of (id, at, …) as NDJSON."""
    return b"".join(json.dumps({"at": at(0)} | row).encode() + b"\n" for row in rows)


DRIFTED = lines({"id": 1, "v": 1, "mail": "a", "vip": SECRET_VALUE}, {"id": 2, "v": SECRET_VALUE, "mail": "b"})
"""Another column, which is compatible, and values of another family, which is breaking; both rows are refused."""


async def messages(admin: httpx.AsyncClient, event: str) -> list[dict[str, Any]]:
    items = (await admin.get(NOTIFY, params={"event": event})).json()["items"]
    return [(await admin.get(f"{NOTIFY}{each['id']}")).json() for each in items]


def found(contract_id: str, severity: Severity) -> float:
    """How much drift was counted of the contract."""
    labels = {"contract_id": contract_id, "severity": severity.value}
    return REGISTRY.get_sample_value("spyne_drift_detected_total", labels) or 0.0


def resolved(contract_id: str) -> float:
    return REGISTRY.get_sample_value("spyne_drift_resolved_total", {"contract_id": contract_id}) or 0.0


def counted(contract_id: str) -> tuple[float, ...]:
    """Drift by severity, and what was resolved."""
    return (*(found(contract_id, severity) for severity in Severity), resolved(contract_id))


async def decided(client: httpx.AsyncClient, report_id: str, action: str = "reject", **more: Any) -> httpx.Response:
    body = {"action": action, "note": "as agreed"}
    return await client.post(f"/api/drift/{report_id}/resolve", json=body, **more)


async def test_a_receiver_is_told_of_what_was_found_what_breaks_and_what_was_decided(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, resources: Resources
) -> None:
    channel = await make_channel(admin, "http://127.0.0.1:9/", event_filter=["drift:*"])
    contract_id = await register(engineer, "told", columns=COLUMNS)
    async with receiving(channel["signing_secret"]) as receiver:
        assert (
            await admin.patch(f"{CHANNELS}/{channel['id']}", json={"target": f"{receiver.url}/"})
        ).status_code == 200
        async with delivering(resources):
            refused = await send(engineer, contract_id, DRIFTED)
            assert refused.status_code == 422, refused.text
            reports = (await engineer.get("/api/drift", params={"contract_id": contract_id})).json()["items"]
            breaking = next(each["id"] for each in reports if each["severity"] == "BREAKING")
            assert (await decided(engineer, breaking)).status_code == 200

            async def arrived() -> bool:
                return len((await receiver.counts()).ids) >= 3

            await eventually(arrived)
            counts = await receiver.counts()
    told = {kind: await messages(admin, f"drift:{kind}") for kind in ("found", "breaking", "resolved")}
    assert {kind: len(each) for kind, each in told.items()} == {"found": 1, "breaking": 1, "resolved": 1}
    assert (set(counts.ids), counts.unverified) == ({each["id"] for (each,) in told.values()}, 0)
    for (message,) in told.values():
        payload = message["payload"]
        assert (payload["contract_id"], payload["table"]) == (contract_id, "told@1")
        assert payload["severity"] == "BREAKING"
        assert set(payload["reports"]) <= {each["id"] for each in reports}
    everything, breaks, decision = (each[0]["payload"] for each in told.values())
    assert {(each["kind"], each["path"], each["severity"]) for each in everything["changes"]} == {
        ("ADD", "/columns/vip", "COMPATIBLE"),
        ("TYPE_CHANGE", "/columns/v/type", "BREAKING"),
    }
    assert set(everything["reports"]) == {each["id"] for each in reports}
    for payload in (breaks, decision):
        assert [each["path"] for each in payload["changes"]] == ["/columns/v/type"]
        assert payload["reports"] == [breaking]
    assert (decision["status"], decision["note"]) == ("rejected", "as agreed")


async def test_drift_is_counted_and_announced_once(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await make_channel(admin, "http://127.0.0.1:9/", event_filter=["drift:*"])
    contract_id = await register(engineer, "counted", columns=COLUMNS)
    drift = "SELECT count(*) FROM spyne.drift_reports"
    before = counted(contract_id)
    await send(engineer, contract_id, DRIFTED, dry_run="true")
    schema = {"columns": [*COLUMNS[:3], {"name": "mail", "type": "integer"}]}
    asked = [{key: each[key] for key in ("name", "type")} for each in schema["columns"]]
    path = f"/api/contracts/{contract_id}/drift"
    looked = await engineer.post(path, json={"schema": {"columns": asked}}, params={"dry_run": "true"})
    assert (looked.status_code, looked.json()["severity"]) == (200, "BREAKING"), looked.text
    assert await owner.fetchval(drift) == 0, "nothing is kept of what is only looked at"
    assert counted(contract_id) == before
    for times in (1, 2):
        await send(engineer, contract_id, DRIFTED)
        assert await owner.fetchval(f"{drift} WHERE times_seen = $1", times) == 2
        assert counted(contract_id) == (1, 0, 1, 0)
    assert [len(await messages(admin, f"drift:{kind}")) for kind in ("found", "breaking")] == [1, 1]
    report = (await engineer.get("/api/drift", params={"severity": "BREAKING"})).json()["items"][0]["id"]
    stale = await decided(engineer, report, headers={"If-Match": '"stale"'})
    assert stale.status_code == 412
    assert resolved(contract_id) == 0
    assert [(await decided(engineer, report)).status_code for _ in range(2)] == [200, 409]
    await send(engineer, contract_id, DRIFTED)
    assert counted(contract_id) == (1, 0, 1, 1), "what was rejected is told to nobody again"
    assert len(await messages(admin, "drift:resolved")) == 1


class LostError(Exception):
    """The transaction does not come to its end."""


async def test_drift_that_is_rolled_back_is_not_counted(engineer: httpx.AsyncClient, resources: Resources) -> None:
    contract_id = await register(engineer, "back", columns=COLUMNS)
    kinds, change = (
        resources.extensions.of(EventKinds),
        graded(RuleId.COLUMN_ABSENT, "/columns/v", {}, None, column="v"),
    )

    async def lose() -> None:
        async with resources.database.write() as session:
            subject = subject_of(await ContractReading(session).described(contract_id))
            recorder = DriftRecorder(session, kinds, resources.clock)
            (made,) = await recorder.see(subject, DriftSource.REQUEST, [Finding((change,))], "somebody")
            assert made.made
            raise LostError

    with pytest.raises(LostError):
        await lose()
    assert counted(contract_id) == (0, 0, 0, 0)


async def test_what_a_policy_takes_on_is_found_and_resolved_at_once(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient
) -> None:
    await make_channel(admin, "http://127.0.0.1:9/", event_filter=["drift:*"])
    contract_id = await register(engineer, "evolved", columns=COLUMNS, unknown_columns="evolve")
    for number in (1, 2):
        taken = await send(engineer, contract_id, lines({"id": number, "v": 1, "mail": "a", "vip": True}))
        assert taken.status_code == 201, taken.text
    assert counted(contract_id) == (1, 0, 0, 1)
    assert [len(await messages(admin, f"drift:{kind}")) for kind in ("found", "breaking", "resolved")] == [1, 0, 1]
    (message,) = await messages(admin, "drift:resolved")
    assert (message["payload"]["status"], message["payload"]["by"]) == ("accepted", "policy: evolve")


async def test_the_tile_counts_what_waits_and_what_was_decided(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient
) -> None:
    for name in ("one", "other"):
        await send(engineer, await register(engineer, name, columns=COLUMNS), DRIFTED)
    reports = (await engineer.get("/api/drift", params={"severity": "BREAKING"})).json()["items"]
    assert (await decided(engineer, reports[0]["id"])).status_code == 200
    tile = (await admin.get("/system/dashboard")).json()["tiles"]["drift"]
    assert (tile["status"], tile["data"]) == (
        "ok",
        {"open": 3, "breaking": 1, "found_last_day": 4, "resolved_last_day": 1, "tables": 2},
    )


HOLDING: dict[str, str] = {
    "reports": "SELECT string_agg(r::text, ' ') FROM spyne.drift_reports r",
    "changes": "SELECT string_agg(c::text, ' ') FROM spyne.drift_changes c",
    "messages": "SELECT string_agg(o::text, ' ') FROM spyne.notification_outbox o",
    "audit log": "SELECT string_agg(a::text, ' ') FROM spyne.audit_log a",
}


async def test_no_value_of_a_row_leaves_the_rows(
    admin: httpx.AsyncClient, engineer: httpx.AsyncClient, owner: asyncpg.Connection, logged: BytesIO
) -> None:
    """A private column by a new name, values of another family, unknown fields: all that drift draws evidence from."""
    await make_channel(admin, "http://127.0.0.1:9/", event_filter=["*"])
    more = {"unknown_columns": "discard_value", "type_changes": "discard_value"}
    contract_id = await register(engineer, "quiet", columns=COLUMNS, **more)
    stored = [{"id": n, "v": n, "mail": f"{SECRET_VALUE}-{n}@example.org"} for n in range(50)]
    assert (await send(engineer, contract_id, lines(*stored))).status_code == 201
    drifted = [
        {"id": n, "v": f"{SECRET_VALUE}-{n}", "e_mail": f"{SECRET_VALUE}-{n}@example.org", "vip": {"of": SECRET_VALUE}}
        for n in range(50)
    ]
    taken = await send(engineer, contract_id, lines(*drifted))
    assert taken.status_code == 201, taken.text
    rows = [{"id": 1, "at": at(0), "v": SECRET_VALUE, "mail": SECRET_VALUE, "seen": SECRET_VALUE}]
    compared = await engineer.post(f"/api/contracts/{contract_id}/drift", json={"rows": rows})
    assert compared.status_code == 200, compared.text
    reports = (await engineer.get("/api/drift", params={"contract_id": contract_id})).json()["items"]
    kinds = {change["kind"] for report in reports for change in report["changes"]}
    assert kinds >= {"RENAME", "TYPE_CHANGE", "ADD"}, "there is evidence of each kind"
    rename = next(each for report in reports for each in report["changes"] if each["kind"] == "RENAME")
    assert (rename["column"], rename["new"]) == ("mail", "e_mail")
    assert rename["evidence"], "of what is alike, without a value that is"
    for report in reports:
        answer = await engineer.get(f"/api/drift/{report['id']}")
        assert SECRET_VALUE not in answer.text
    assert (await decided(engineer, reports[0]["id"])).status_code == 200
    for what, statement in HOLDING.items():
        text = await owner.fetchval(statement)
        assert text, what
        assert SECRET_VALUE not in text, what
    assert b'"path":"/api/ingestion/{contract_id}/batches"' in logged.getvalue()
    assert SECRET_VALUE.encode() not in logged.getvalue()
