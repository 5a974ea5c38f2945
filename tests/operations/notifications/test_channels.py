"""Channels over HTTP: made, changed, rotated, removed; their secrets are nowhere to be seen."""

import base64
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.kernel.security.at_rest import SecretBox
from app.settings import DatabaseSettings, Settings
from tests.conftest import SECRET

ROOT = "/system/notify/channels"
HOOK = "https://hooks.example.org/services/T00/hunter2-of-the-target"
WEBHOOK: dict[str, Any] = {"name": "operations", "channel_type": "webhook", "target": HOOK}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """What holds where nothing is configured."""
    database = DatabaseSettings(pool_size=5, read_pool_size=5, query_pool_size=3)
    return Settings(home=tmp_path / "home", database=database)


async def make(admin: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await admin.post(ROOT, json=WEBHOOK | more)
    assert answer.status_code == 201, answer.text
    return answer.json() | {"tag": answer.headers["etag"]}


async def test_a_channel_is_made_and_its_secrets_are_shown_once(
    admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    answer = await admin.post(ROOT, json=WEBHOOK)
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == f"{ROOT}/{made['id']}"
    assert answer.headers["cache-control"] == "no-store"
    secret = made["signing_secret"]
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    assert made["target"] == "https://hooks.example.org/••••"
    assert made["event_filter"] == ["*"]
    seen = (await admin.get(f"{ROOT}/{made['id']}")).text + (await admin.get(ROOT)).text
    assert "hunter2" not in seen
    assert "whsec" not in seen
    row = await owner.fetchrow("SELECT target, secrets FROM spyne.notification_channels")
    assert row is not None
    assert SecretBox(SECRET).open(row["target"]) == HOOK
    assert secret in SecretBox(SECRET).open(row["secrets"])
    everywhere = await owner.fetch("SELECT a::text AS row FROM spyne.audit_log a")
    told = "\n".join(each["row"] for each in everywhere)
    assert "channel:create" in told
    assert "hunter2" not in told
    assert secret not in told


FAULTY: list[tuple[dict[str, Any], list[str]]] = [
    ({"target": "http://hooks.example.org/"}, ["/target"]),
    ({"target": "https://127.0.0.1/"}, ["/target"]),
    ({"target": "https://localhost/"}, ["/target"]),
    ({"target": "https://169.254.169.254/latest"}, ["/target"]),
    ({"target": "https://me:hunter2@example.org/"}, ["/target"]),
    ({"target": "https://hooks.example.org/••••"}, ["/target"]),
    ({"target": "not a url"}, ["/target"]),
    ({"channel_type": "email", "target": "nobody"}, ["/target"]),
    ({"channel_type": "email", "target": "ops@example.org"}, ["/target"]),
    ({"channel_type": "email", "target": "json://example.org"}, ["/target"]),
    ({"channel_type": "email", "target": "mailto://me:hunter2@10.0.0.1/?to=ops@example.org"}, ["/target"]),
    ({"channel_type": "slack", "target": "https://example.org/"}, ["/target"]),
    ({"channel_type": "apprise", "target": "syslog://"}, ["/target"]),
    ({"channel_type": "apprise", "target": "json://localhost/hunter2"}, ["/target"]),
    ({"channel_type": "apprise", "target": "file:///etc/passwd"}, ["/target"]),
    ({"event_filter": ["table:*", "nonsense:*", "nothing:happens"]}, ["/event_filter/1", "/event_filter/2"]),
    ({"target": "ftp://x/", "event_filter": ["nonsense:*"]}, ["/target", "/event_filter/0"]),
]


@pytest.mark.parametrize(("more", "pointers"), FAULTY)
async def test_every_fault_of_a_channel_is_listed(
    admin: httpx.AsyncClient, more: dict[str, Any], pointers: list[str]
) -> None:
    if pointers == ["/event_filter/1", "/event_filter/2"]:
        more = more | {"event_filter": ["notify:*", *more["event_filter"][1:]]}
    answer = await admin.post(ROOT, json=WEBHOOK | more)
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["faults"]] == pointers
    assert "hunter2" not in answer.text


async def test_services_by_their_own_addresses(admin: httpx.AsyncClient) -> None:
    slack = "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    made = await make(admin, channel_type="slack", target=slack)
    assert (made["target"], made["signing_secret"]) == ("https://••••", None)
    mail = await make(admin, name="mail", channel_type="email", target="mailtos://me:hunter2@example.org?to=a@b.org")
    assert mail["target"] == "mailtos://••••"
    answer = await admin.post(f"{ROOT}/{mail['id']}/rotate-secret", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "no-signing-secret")


async def test_names_are_unique_among_the_channels_there_are(admin: httpx.AsyncClient) -> None:
    first = await make(admin)
    answer = await admin.post(ROOT, json=WEBHOOK)
    assert (answer.status_code, answer.json()["code"]) == (409, "channel-name-taken")
    other = await make(admin, name="other")
    answer = await admin.patch(f"{ROOT}/{other['id']}", json={"name": "operations"})
    assert (answer.status_code, answer.json()["code"]) == (409, "channel-name-taken")
    assert (await admin.delete(f"{ROOT}/{first['id']}")).status_code == 204
    assert (await admin.get(f"{ROOT}/{first['id']}")).status_code == 404
    await make(admin)


async def test_changes_are_made_under_the_etag_and_audited(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    made = await make(admin)
    path = f"{ROOT}/{made['id']}"
    answer = await admin.patch(path, json={"description": "x"}, headers={"If-Match": made["tag"]})
    assert (answer.status_code, answer.json()["description"]) == (200, "x")
    for method, more in (("PATCH", {"json": {"description": "y"}}), ("DELETE", {})):
        answer = await admin.request(method, path, headers={"If-Match": made["tag"]}, **more)  # type: ignore[arg-type]
        assert answer.status_code == 412
    answer = await admin.patch(path, json={"target": "https://other.example.org/hunter3"})
    assert answer.json()["target"] == "https://other.example.org/••••"
    diff = await owner.fetchrow(
        "SELECT before::text, after::text FROM spyne.audit_log WHERE action = 'channel:change' ORDER BY id DESC LIMIT 1"
    )
    assert diff is not None
    assert "target_secret" in diff["after"]
    assert "hunter" not in diff["before"] + diff["after"]


async def test_rotation_keeps_the_former_secrets_for_the_grace(admin: httpx.AsyncClient, app: FastAPI) -> None:
    made = await make(admin)
    path = f"{ROOT}/{made['id']}/rotate-secret"
    rotated = await admin.post(path, json={"grace_seconds": 60})
    assert rotated.headers["cache-control"] == "no-store"
    second = rotated.json()["signing_secret"]
    database = app.state.resources.database

    async def stored() -> str:
        async with database.read() as session:
            return SecretBox(SECRET).open(
                (await session.execute(text("SELECT secrets FROM spyne.notification_channels"))).scalar_one()
            )

    assert made["signing_secret"] in await stored()
    assert second in await stored()
    third = (await admin.post(path, json={"grace_seconds": 0})).json()["signing_secret"]
    assert made["signing_secret"] not in await stored()
    assert second not in await stored()
    assert third in await stored()


async def test_of_a_channel_that_is_removed_no_secret_stays(
    admin: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    made = await make(admin)
    assert (await admin.delete(f"{ROOT}/{made['id']}")).status_code == 204
    row = await owner.fetchrow("SELECT target, secrets, active FROM spyne.notification_channels")
    assert row is not None
    assert tuple(row) == ("", None, False)


async def test_filters_of_the_list(admin: httpx.AsyncClient) -> None:
    made = await make(admin)
    await make(admin, name="off", active=False)
    on = (await admin.get(f"{ROOT}?active=true")).json()["items"]
    assert [each["id"] for each in on] == [made["id"]]
    assert (await admin.get(f"{ROOT}?channel_type=slack")).json()["items"] == []
