"""What relies on a table, in the report on its drift and when a further version takes its place; nobody's guess."""

from typing import Any

import asyncpg
import httpx
import pytest

from app.settings import NotifySettings, Settings
from tests.catalog.steps import promoted
from tests.ingestion.steps import at, register, send
from tests.operations.notifications.conftest import NOTIFY, make_channel
from tests.query.asking import ask, preview

pytestmark = pytest.mark.usefixtures("open_for_data")

ROWS = [(1, 0, 10), (2, 1, 20)]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """A channel may name an address of this machine."""
    notify = NotifySettings.model_validate({"allow_http": True, "allowed_networks": ["127.0.0.0/8"]})
    return settings.model_copy(update={"notify": notify})


@pytest.fixture
async def things(admin: httpx.AsyncClient, engineer: httpx.AsyncClient, open_for_data: None) -> str:  # noqa: ARG001
    """The id of a contract whose table is ACTIVE and has rows."""
    contract_id = await register(engineer, "things")
    assert (await send(engineer, contract_id, ROWS)).status_code == 201
    await promoted(admin, "things")
    return contract_id


async def drifted(engineer: httpx.AsyncClient, contract_id: str) -> dict[str, Any]:
    """The report on a column of another type."""
    columns = [{"name": "id", "type": "bigint"}, {"name": "at", "type": "timestamptz"}, {"name": "v", "type": "text"}]
    answer = await engineer.post(f"/api/contracts/{contract_id}/drift", json={"schema": {"columns": columns}})
    assert (answer.status_code, answer.json()["severity"]) == (200, "BREAKING"), answer.text
    report: dict[str, Any] = answer.json()
    return report


async def name_of(client: httpx.AsyncClient) -> str:
    return str((await client.get("/api/auth/me")).json()["name"])


async def test_the_single_report_shows_who_asked_the_table(
    engineer: httpx.AsyncClient, analyst: httpx.AsyncClient, things: str
) -> None:
    other = await register(engineer, "others")
    assert (await ask(analyst, "SELECT v FROM things")).status_code == 200
    kept = await preview(analyst, "SELECT id FROM things")
    report, unread = await drifted(engineer, things), await drifted(engineer, other)
    shown = (await analyst.get(f"/api/drift/{report['id']}")).json()["dependants"]
    by_kind = {each["kind"]: each for each in shown}
    assert by_kind.keys() == {"execution", "preview"}
    name = await name_of(analyst)
    assert {each["by"] for each in shown} == {name}
    assert by_kind["preview"]["id"] == kept["preview_id"]
    assert by_kind["execution"]["label"].startswith(f"{name}: ")
    assert (await engineer.get(f"/api/drift/{unread['id']}")).json()["dependants"] == []
    listed = (await engineer.get("/api/drift", params={"contract_id": things})).json()["items"]
    assert [each["dependants"] for each in listed] == [[]], "a list asks for none"


async def test_readers_are_told_when_the_new_version_takes_the_place(
    admin: httpx.AsyncClient,
    engineer: httpx.AsyncClient,
    analyst: httpx.AsyncClient,
    owner: asyncpg.Connection,
    things: str,
) -> None:
    await make_channel(admin, "http://127.0.0.1:9/", event_filter=["table:*"])
    assert (await ask(analyst, "SELECT v FROM things")).status_code == 200
    report = await drifted(engineer, things)
    path = f"/api/drift/{report['id']}/resolve"
    refused = await engineer.post(path, json={"action": "accept", "note": "no"})
    assert (refused.status_code, refused.json()["code"]) == (409, "needs-new-version")
    made = await engineer.post(path, json={"action": "new_version", "note": "v is text now"})
    assert (made.status_code, made.json()["resolution"]["contract_id"]) == (200, "things_v2"), made.text
    assert made.json()["links"]["successor"] == "/api/contracts/things_v2"
    text = [{"id": 1, "at": at(0), "v": "ten"}]
    filled = await engineer.post("/api/ingestion/things_v2/batches", json=text)
    assert filled.status_code == 201, filled.text
    await promoted(admin, "things")
    items = (await admin.get(NOTIFY, params={"event": "table:deprecated"})).json()["items"]
    (message,) = [(await admin.get(f"{NOTIFY}{each['id']}")).json() for each in items]
    assert (message["payload"]["version"], message["payload"]["readers"]) == (1, [await name_of(analyst)])
    assert await owner.fetchval("SELECT v FROM data.things__v2") == "ten"
    gone = (await engineer.get(f"/api/drift/{report['id']}")).json()
    assert gone["status"] == "new_version"
