"""The outbox: written with the change or not at all, listed, tried again."""

from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.ports.catalogue import TwiceNamedError
from app.kernel.ports.events import EventKind, EventKinds, UnregisteredKindError
from app.kernel.runtime.resources import Resources
from app.operations.notifications.delivery.repository import Applied, Claimed, DeliveryWrites
from app.operations.notifications.outbox.announcing import MAX_PAYLOAD_BYTES, Announcements
from app.operations.notifications.outbox.events import CHANNEL_DISABLED
from tests.operations.notifications.test_channels import ROOT, make

NOTIFY = "/system/notify/"


async def announced(resources: Resources, **more: Any) -> int:
    async def work(session: Any) -> int:
        return await Announcements(session, resources.extensions.of(EventKinds)).announce(
            CHANNEL_DISABLED, "off", **more
        )

    return await resources.database.run(work)


async def test_each_active_channel_that_takes_the_kind_is_told(admin: httpx.AsyncClient, resources: Resources) -> None:
    assert await announced(resources) == 0
    for name, filters, active in (
        ("all", ["*"], True), ("subject", ["notify:*"], True), ("kind", ["notify:channel-disabled"], True),
        ("other", ["notify:test"], True), ("none", [], True), ("off", ["*"], False),
    ):  # fmt: skip
        await make(admin, name=name, event_filter=filters, active=active)
    assert await announced(resources, payload={"a": 1}, entity="channel/x") == 3
    items = (await admin.get(NOTIFY)).json()["items"]
    assert {each["event"] for each in items} == {"notify:channel-disabled"}
    detail = (await admin.get(f"{NOTIFY}{items[0]['id']}")).json()
    assert (detail["payload"], detail["entity"], detail["tried"]) == ({"a": 1}, "channel/x", [])
    assert detail["status"] == "pending"


async def test_what_is_rolled_back_is_not_told(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    await make(admin)

    async def fails(session: Any) -> None:
        assert await Announcements(session, resources.extensions.of(EventKinds)).announce(CHANNEL_DISABLED, "off") == 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await resources.database.run(fails)
    assert await owner.fetchval("SELECT count(*) FROM spyne.notification_outbox") == 0


async def test_what_is_too_long_is_cut_and_never_fails_the_change(
    admin: httpx.AsyncClient, resources: Resources
) -> None:
    await make(admin)
    assert await announced(resources, body="x\x00\ud800" * 20_000, payload={"x": "y" * MAX_PAYLOAD_BYTES}) == 1
    item = (await admin.get(NOTIFY)).json()["items"][0]
    detail = (await admin.get(f"{NOTIFY}{item['id']}")).json()
    assert len(detail["body"]) == 16_384
    assert set(detail["payload"]) == {"omitted"}


async def test_kinds_that_nobody_registers_are_bugs(resources: Resources) -> None:
    with pytest.raises(UnregisteredKindError):
        async with resources.database.write() as session:
            await Announcements(session, resources.extensions.of(EventKinds)).announce(
                EventKind("nobody:knows", "Never."), "x"
            )
    with pytest.raises(TwiceNamedError):
        EventKinds((EventKind("a:b", "One."), EventKind("a:b", "Two.")))
    with pytest.raises(ValueError, match="subject:happening"):
        EventKind("nonsense", "x")


async def test_messages_are_sent_to_a_channel_or_to_those_that_take_the_event(admin: httpx.AsyncClient) -> None:
    channel = await make(admin, event_filter=["notify:message"])
    direct = {"channel_id": channel["id"], "subject": "Hello", "body": "there", "payload": {"a": [1, 2.5, None]}}
    answer = await admin.post(NOTIFY, json=direct)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/system/notify/{answer.json()['ids'][0]}"
    shown = (await admin.get(answer.headers["location"])).json()
    assert (shown["event"], shown["payload"]) == ("notify:message", {"a": [1, 2.5, None]})
    assert len((await admin.post(NOTIFY, json={"event": "notify:message", "subject": "x"})).json()["ids"]) == 1
    assert (await admin.post(NOTIFY, json={"event": "notify:test", "subject": "x"})).json()["ids"] == []
    assert len((await admin.get(f"{NOTIFY}?status=pending&channel_id={channel['id']}")).json()["items"]) == 2
    assert (await admin.get(f"{NOTIFY}?event=notify:test")).json()["items"] == []
    assert (await admin.get(f"{NOTIFY}?status=nonsense")).status_code == 422


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"subject": "x"}, "/channel_id"),
        ({"subject": "x", "channel_id": "01890000-0000-7000-8000-000000000000"}, "/channel_id"),
        ({"subject": "x", "event": "nobody:knows"}, "/event"),
        ({"subject": "x" * 257, "event": "notify:test"}, "/subject"),
        ({"subject": "x", "event": "notify:test", "payload": {"x": "y" * 70_000}}, "/payload"),
        ({"subject": "x", "event": "notify:test", "payload": {"x": 2**70}}, "/payload"),
    ],
)
async def test_messages_with_faults(admin: httpx.AsyncClient, body: dict[str, Any], pointer: str) -> None:
    answer = await admin.post(NOTIFY, json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["faults"][0]["pointer"] == pointer


async def test_trying_again(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    channel = await make(admin)
    location = (await admin.post(f"{ROOT}/{channel['id']}/test")).headers["location"]
    for status, code in (("sent", 409), ("sending", 409), ("dead", 202), ("failed", 202)):
        await owner.execute(
            "UPDATE spyne.notification_outbox SET status = $1, tries = 8, attempts = 8, next_attempt_at = NULL", status
        )
        answer = await admin.post(f"{location}/retry")
        assert answer.status_code == code, answer.text
    row = await owner.fetchrow("SELECT * FROM spyne.notification_outbox")
    assert row is not None
    assert (row["status"], row["tries"], row["attempts"]) == ("pending", 0, 8)
    assert row["next_attempt_at"] is not None
    await owner.execute("UPDATE spyne.notification_outbox SET status = 'dead', next_attempt_at = NULL")
    wanted = {"channel_id": channel["id"], "since": "2020-01-01T00:00:00Z"}
    assert (await admin.post(f"{NOTIFY}recover", json=wanted)).json() == {"messages": 1}
    assert (await admin.post(f"{NOTIFY}recover", json=wanted)).json() == {"messages": 0}


async def test_of_an_earlier_attempt_nothing_counts_but_that_it_was_taken(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    """A worker that stood still wakes up when another one has the message."""
    channel = await make(admin)
    assert (await admin.post(f"{ROOT}/{channel['id']}/test")).status_code == 202

    async def claimed() -> Claimed:
        async with resources.database.write() as session:
            (found,) = await DeliveryWrites(session).claim([], among=False, most=1, lease=timedelta(0))
        return found

    async def tells(attempt: int, status: str) -> str:
        outcome = Applied(message_id=early.message.id, attempt=attempt, status=status, pause=None)
        async with resources.database.write() as session:
            await DeliveryWrites(session).apply([outcome])
        return str(await owner.fetchval("SELECT status FROM spyne.notification_outbox"))

    early, late = await claimed(), await claimed()
    assert (early.message, early.attempt, late.attempt) == (late.message, 1, 2)
    assert [await tells(1, status) for status in ("pending", "failed", "dead")] == ["sending"] * 3
    assert await tells(2, "failed") == "failed"
    assert await tells(1, "sent") == "sent"


async def test_what_waits_for_a_channel_that_is_off_waits(admin: httpx.AsyncClient, owner: asyncpg.Connection) -> None:
    channel = await make(admin)
    path = f"{ROOT}/{channel['id']}"
    location = (await admin.post(f"{path}/test")).headers["location"]
    due = "SELECT count(*) FROM spyne.notification_outbox WHERE next_attempt_at <= now()"
    await admin.patch(path, json={"active": False})
    assert await owner.fetchval(due) == 0
    for answer in (
        await admin.post(f"{path}/test"),
        await admin.post(f"{location}/retry"),
        await admin.post(f"{NOTIFY}recover", json={"channel_id": channel["id"], "since": "2020-01-01T00:00:00Z"}),
        await admin.post(NOTIFY, json={"channel_id": channel["id"], "subject": "x"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "channel-inactive")
    await admin.patch(path, json={"active": True})
    assert await owner.fetchval(due) == 1
    await admin.delete(path)
    assert (await admin.get(location)).json()["last_error"] == "The channel was removed."
    assert (await admin.get(location)).json()["status"] == "dead"
