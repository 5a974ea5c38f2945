"""What each domain announces, in the transaction of what happened."""

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from app.access.clients.expiring import warning
from app.kernel.jobs import Worker
from app.kernel.ports.events import EventKinds
from app.kernel.runtime.resources import Resources
from app.kernel.security.security_events import EventKind
from app.operations.housekeeping.daily_checks import verify_log, warn_of_keys
from app.operations.housekeeping.jobs import JOBS
from app.operations.security.recording import write_down
from tests.audit.logs import sealer
from tests.ingestion.steps import contract
from tests.operations.notifications.conftest import NOTIFY, make_channel

NDJSON = {"Content-Type": "application/x-ndjson"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
async def everything(admin: httpx.AsyncClient) -> None:
    """A channel that takes every kind; nobody delivers."""
    await make_channel(admin, "http://127.0.0.1:9/", event_filter=["*"])


async def told(admin: httpx.AsyncClient, event: str) -> list[dict[str, Any]]:
    items = (await admin.get(NOTIFY, params={"event": event})).json()["items"]
    return [(await admin.get(f"{NOTIFY}{each['id']}")).json() for each in items]


@pytest.mark.usefixtures("everything")
async def test_modes(admin: httpx.AsyncClient) -> None:
    for _ in range(2):  # the second one changes nothing
        await admin.put("/system/mode", json={"mode": "INGESTION_READY"})
        await admin.put("/system/maintenance", json={"mode": "read_only", "reason": "Moving"})
    (mode,) = await told(admin, "mode:changed")
    assert (mode["subject"], mode["payload"]["mode"]) == ("The system mode is now INGESTION_READY", "INGESTION_READY")
    (maintenance,) = await told(admin, "maintenance:changed")
    assert (maintenance["body"], maintenance["payload"]["mode"]) == ("Moving", "read_only")


@pytest.mark.usefixtures("everything", "open_for_data")
async def test_tables_and_batches(admin: httpx.AsyncClient) -> None:
    await admin.post("/api/contracts/register", json=contract("things"))
    path = "/api/ingestion/things_v1/batches"
    refused = await admin.post(path, content=b'{"no": "row"}\n', headers=NDJSON, params={"max_rejected": "0"})
    assert refused.status_code == 422
    (failed,) = await told(admin, "batch:over-reject-limit")
    assert failed["payload"]["batch_id"] == refused.json()["batch_id"]
    assert failed["payload"]["contract_id"] == "things_v1"
    change = {"from_state": "SHADOW", "to_state": "ACTIVE", "reason": "checked"}
    assert (await admin.post("/api/tables/things/promote", json=change)).status_code == 200
    dry = {"reason": "old", "dry_run": True}
    assert (await admin.post("/api/tables/things/deprecate", json=dry)).status_code == 200
    assert await told(admin, "table:deprecated") == []
    assert (await admin.post("/api/tables/things/deprecate", json={"reason": "old"})).status_code == 200
    assert (await admin.post("/api/tables/things/restore", json={"reason": "back"})).status_code == 200
    for event, state in (("promoted", "ACTIVE"), ("deprecated", "DEPRECATED"), ("restored", "ACTIVE")):
        (message,) = await told(admin, f"table:{event}")
        assert (message["payload"]["to_state"], message["entity"]) == (state, "table/things@1")
    await admin.post("/api/contracts/register", json=contract("things", "append"))
    await admin.post("/api/tables/things/promote", json=change)
    assert {each["entity"] for each in await told(admin, "table:deprecated")} == {"table/things@1"}
    assert len(await told(admin, "table:deprecated")) == 2


@pytest.mark.usefixtures("everything")
async def test_security_events_of_note_are_told_seldom(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    for address in ("198.51.100.1", "198.51.100.2"):
        resources.events.note(EventKind.HONEYPOT_HIT, address=address)
        resources.events.note(EventKind.DECOY_KEY, address=address)
        resources.events.note(EventKind.CSRF, address=address)
        await write_down(resources)
    (message,) = await told(admin, "security:decoy")
    assert message["payload"]["address"] == "198.51.100.1"
    await owner.execute("UPDATE spyne.notification_outbox SET created_at = created_at - interval '16 minutes'")
    resources.events.note(EventKind.DECOY_KEY, address="198.51.100.3")
    await write_down(resources)
    assert len(await told(admin, "security:decoy")) == 2


class _Context:
    """A job's context, as far as these jobs need one."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources

    async def apply(self, work: Any) -> Any:
        return await self.resources.database.run(work)

    async def progress(self, **facts: Any) -> None:
        self.facts = facts


@pytest.mark.usefixtures("everything")
async def test_an_audit_log_that_was_altered_is_told(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    await sealer(resources).seal_waiting()
    context: Any = _Context(resources)
    await verify_log(context)
    assert await told(admin, "audit:verification-failed") == []
    await owner.execute("ALTER TABLE spyne.audit_log DISABLE TRIGGER USER")
    await owner.execute("UPDATE spyne.audit_log SET actor_label = 'nobody'")
    await verify_log(context)
    (message,) = await told(admin, "audit:verification-failed")
    assert message["payload"]["findings"]["row-edited"] >= 1


@pytest.mark.usefixtures("everything")
async def test_keys_that_expire_are_told_once_at_each_warning(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    client = (await admin.post("/api/clients", json={"name": "loader", "roles": ["VIEWER"]})).json()
    for label in ("used", "revoked"):
        body = {"label": label, "expires_at": "2099-01-01T00:00:00Z"}
        made = await admin.post(f"/api/clients/{client['id']}/keys", json=body)
    await admin.delete(f"/api/clients/{client['id']}/keys/{made.json()['id']}")
    context: Any = _Context(resources)
    days = []
    for left in (20, 13, 12, 2.5, 0.5, 0.1, -1):
        await owner.execute("UPDATE spyne.api_keys SET expires_at = now() + $1::interval", timedelta(days=left))
        await warn_of_keys(context)
        days.append(sorted(each["payload"]["days"] for each in await told(admin, "client-key:expiring")))
    assert days == [[], [14], [14], [3, 14], [1, 3, 14], [1, 3, 14], [1, 3, 14]]
    assert made.json()["key"] not in str(await told(admin, "client-key:expiring"))


@pytest.mark.usefixtures("everything")
async def test_of_a_key_that_another_has_replaced_nobody_is_told(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    client = (await admin.post("/api/clients", json={"name": "loader", "roles": ["VIEWER"]})).json()
    keys = f"/api/clients/{client['id']}/keys"
    old = (await admin.post(keys, json={"label": "old"})).json()
    successor = await admin.post(f"{keys}/{old['id']}/rotate", json={"expires_at": "2099-01-01T00:00:00Z"})
    assert successor.status_code == 201, successor.text
    left = await owner.fetchval("SELECT expires_at - now() FROM spyne.api_keys WHERE id = $1", old["id"])
    assert left <= timedelta(days=1), "the grace of the old one has begun"
    context: Any = _Context(resources)
    await warn_of_keys(context)
    assert await told(admin, "client-key:expiring") == []


@pytest.mark.parametrize(
    ("left", "days"),
    [(timedelta(days=15), None), (timedelta(days=14), 14), (timedelta(days=3, seconds=1), 14),
     (timedelta(days=3), 3), (timedelta(days=1), 1), (timedelta(seconds=1), 1), (timedelta(0), None)],
)  # fmt: skip
def test_the_warning_that_a_key_has_come_to(left: timedelta, days: int | None) -> None:
    assert warning(NOW + left, NOW) == days


async def test_every_kind_says_when_it_happens(resources: Resources) -> None:
    kinds = list(resources.extensions.of(EventKinds))
    assert {"table:promoted", "batch:failed", "mode:changed", "export:ready"} <= {kind.name for kind in kinds}
    assert all(kind.description.endswith(".") for kind in kinds)
    assert Worker(resources, JOBS)
