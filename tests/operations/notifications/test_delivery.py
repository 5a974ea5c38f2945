"""Delivery to real receivers: signed, retried by the schedule, switched off when it must be."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.runtime.resources import Resources
from app.kernel.security.at_rest import SecretBox
from app.kernel.telemetry.metrics import OUTBOX_AGE
from app.operations.notifications.delivery.background import delivering, measure_waiting
from app.operations.notifications.delivery.delivery import Delivery
from app.operations.notifications.delivery.retry_policy import SCHEDULE
from tests.operations.notifications.conftest import CHANNELS, NOTIFY, make_channel, make_due, send, settled
from tests.operations.notifications.receiver import Receiver, receiving
from tests.waiting import eventually

pytestmark = pytest.mark.slow


async def test_the_reference_implementation_verifies_what_arrives(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    """Before, during and after a rotation: with the secret that the receiver knows."""
    channel = await make_channel(admin, "http://127.0.0.1:9/")
    async with receiving(channel["signing_secret"]) as receiver:
        path = f"{CHANNELS}/{channel['id']}"
        await admin.patch(path, json={"target": f"{receiver.url}/"})
        async with delivering(resources):
            first = await send(admin, channel, body="there", payload={"a": [1, {"b": None}]})
            shown = await settled(admin, first)
            assert (shown["status"], shown["attempts"], shown["next_attempt_at"]) == ("sent", 1, None)
            assert shown["tried"][0]["status_code"] == 204
            counts = await receiver.counts()
            event, headers = counts.last, counts.last["headers"]
            assert event["data"] == {"subject": "Hello", "body": "there", "payload": {"a": [1, {"b": None}]}}
            assert (event["specversion"], event["id"], event["type"]) == ("1.0", first, "spyne.notify.message")
            assert event["source"] == "urn:spyne"
            assert datetime.fromisoformat(event["time"]) == datetime.fromisoformat(shown["created_at"])
            assert headers["webhook-id"] == first
            assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
            await admin.post(f"{path}/rotate-secret", json={"grace_seconds": 3600})
            assert (await settled(admin, await send(admin, channel)))["status"] == "sent"
            assert len((await receiver.counts()).last["headers"]["webhook-signature"].split(" ")) == 2
            await admin.post(f"{path}/rotate-secret", json={"grace_seconds": 0})
            refused = await settled(admin, await send(admin, channel))
            assert (refused["status"], refused["last_error"]) == ("failed", "The receiver answered 401.")
    assert await owner.fetchval("SELECT count(*) FROM spyne.audit_log WHERE action = 'channel:rotate'") == 2


FAILURES: list[tuple[str, str, int | None, str]] = [
    ("/redirect", "failed", 302, "redirects are not followed"),
    ("/broken", "failed", 500, "answered 500"),
    ("/missing", "failed", 404, "answered 404"),
    ("/slow", "failed", None, "did not answer in time"),
    ("/endless", "sent", 200, ""),
]


@pytest.mark.usefixtures("delivery")
@pytest.mark.parametrize(("path", "status", "code", "error"), FAILURES)
async def test_answers_and_what_they_mean(
    admin: httpx.AsyncClient, receiver: Receiver, path: str, status: str, code: int | None, error: str
) -> None:
    channel = await make_channel(admin, receiver.url + path)
    shown = await settled(admin, await send(admin, channel))
    attempt = shown["tried"][0]
    assert (shown["status"], attempt["status_code"]) == (status, code)
    assert error in (attempt["error"] or "")
    assert receiver.url not in (attempt["error"] or "")
    if status == "failed":
        failing = (await admin.get(f"{CHANNELS}/{channel['id']}")).json()["failing_since"]
        assert failing is not None


@pytest.mark.usefixtures("delivery")
async def test_nobody_there(admin: httpx.AsyncClient) -> None:
    channel = await make_channel(admin, "http://127.0.0.1:9/hunter2")
    shown = await settled(admin, await send(admin, channel))
    assert shown["status"] == "failed"
    assert "hunter2" not in str(shown)


async def test_addresses_that_are_not_allowed_are_refused_when_they_are_called(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    """A name that leads inside is found out at the connection; here by an address that the policy does not have."""
    channel = await make_channel(admin, "http://hooks.example.org/")
    async with delivering(resources):
        sealed = SecretBox(resources.secret).seal("http://10.0.0.1/hunter2")
        await owner.execute("UPDATE spyne.notification_channels SET target = $1, version = version + 1", sealed)
        shown = await settled(admin, await send(admin, channel))
    assert shown["last_error"] == "The host 10.0.0.1 has an address that the service does not call."


@pytest.mark.usefixtures("delivery")
async def test_the_whole_schedule_under_a_moved_clock(
    admin: httpx.AsyncClient, receiver: Receiver, owner: asyncpg.Connection
) -> None:
    channel = await make_channel(admin, f"{receiver.url}/broken")
    message_id = await send(admin, channel)
    pauses = []
    for attempts in range(1, len(SCHEDULE)):
        shown = await settled(admin, message_id, attempts)
        told = shown["tried"][-1]
        begun = datetime.fromisoformat(told["attempted_at"])
        pauses.append(datetime.fromisoformat(shown["next_attempt_at"]) - begun)
        assert (shown["status"], shown["attempts"]) == ("failed", attempts)
        await make_due(owner)
        await owner.execute("NOTIFY spyne_outbox")
    for pause, wanted in zip(pauses, SCHEDULE[1:], strict=True):
        assert wanted <= pause <= wanted * 1.2 + timedelta(seconds=3), (pause, wanted)
    assert all(one <= other * 1.21 for one, other in pairwise(pauses))
    shown = await settled(admin, message_id, len(SCHEDULE))
    assert (shown["status"], shown["attempts"], shown["next_attempt_at"]) == ("dead", 8, None)
    await admin.patch(f"{CHANNELS}/{channel['id']}", json={"target": f"{receiver.url}/"})
    assert (await admin.post(f"{NOTIFY}{message_id}/retry")).status_code == 202
    shown = await settled(admin, message_id, 9)
    assert (shown["status"], shown["last_error"]) == ("sent", None)
    assert list((await receiver.counts()).ids) == [message_id]


@pytest.mark.usefixtures("delivery")
async def test_a_receiver_that_asks_for_time_gets_it(admin: httpx.AsyncClient, receiver: Receiver) -> None:
    channel = await make_channel(admin, f"{receiver.url}/busy")
    shown = await settled(admin, await send(admin, channel))
    pause = datetime.fromisoformat(shown["next_attempt_at"]) - datetime.fromisoformat(shown["tried"][0]["attempted_at"])
    assert timedelta(seconds=1234) <= pause < timedelta(seconds=1240)


@pytest.mark.usefixtures("delivery")
async def test_gone_switches_the_channel_off_and_the_others_are_told(
    admin: httpx.AsyncClient, receiver: Receiver, owner: asyncpg.Connection
) -> None:
    await make_channel(admin, f"{receiver.url}/", name="others", event_filter=["notify:*"])
    channel = await make_channel(admin, f"{receiver.url}/gone")
    message_id = await send(admin, channel)
    path = f"{CHANNELS}/{channel['id']}"

    async def off() -> bool:
        return not (await admin.get(path)).json()["active"]

    await eventually(off)
    assert "410" in (await admin.get(path)).json()["disabled_reason"]
    told = (await admin.get(f"{NOTIFY}?event=notify:channel-disabled")).json()["items"]
    assert [each["entity"] for each in told] == [f"notification-channel/{channel['name']}"]
    assert (await settled(admin, told[0]["id"]))["status"] == "sent"
    shown = (await admin.get(f"{NOTIFY}{message_id}")).json()
    assert (shown["status"], shown["next_attempt_at"]) == ("failed", None)
    assert await owner.fetchval("SELECT actor_label FROM spyne.audit_log WHERE action = 'channel:disable'")
    await admin.patch(path, json={"active": True, "target": f"{receiver.url}/"})
    assert (await settled(admin, message_id, 2))["status"] == "sent"


@pytest.mark.usefixtures("delivery")
async def test_five_days_without_success_switch_a_channel_off(
    admin: httpx.AsyncClient, receiver: Receiver, owner: asyncpg.Connection
) -> None:
    channel = await make_channel(admin, f"{receiver.url}/broken")
    path = f"{CHANNELS}/{channel['id']}"
    first = await send(admin, channel)
    await settled(admin, first)
    move = "UPDATE spyne.notification_channels SET failing_since = now() - $1::interval"
    await owner.execute(move, timedelta(days=4, hours=23))
    await settled(admin, await send(admin, channel))
    assert (await admin.get(path)).json()["active"]
    await owner.execute(move, timedelta(days=5, minutes=1))
    await settled(admin, await send(admin, channel))

    async def off() -> bool:
        return not (await admin.get(path)).json()["active"]

    await eventually(off)
    assert (await admin.get(path)).json()["disabled_reason"] == "Nothing could be sent for 5 days."
    await admin.patch(path, json={"active": True, "target": f"{receiver.url}/"})
    assert (await settled(admin, first, 2))["status"] == "sent"
    assert (await admin.get(path)).json()["failing_since"] is None


@pytest.mark.parametrize("mode", ["read_only", "maintenance"])
async def test_while_writes_are_stopped_nothing_is_sent_and_nothing_is_lost(
    admin: httpx.AsyncClient, resources: Resources, receiver: Receiver, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    genuine = Delivery._claim

    async def counted(self: Delivery, *args: Any) -> int:
        nonlocal looks
        looks += 1
        return await genuine(self, *args)

    monkeypatch.setattr(Delivery, "_claim", counted)
    channel = await make_channel(admin, f"{receiver.url}/")
    message_id = await send(admin, channel)
    await admin.put("/system/maintenance", json={"mode": mode, "reason": "x"})
    async with delivering(resources):
        await eventually(lambda: looks >= 8, what="several looks of each lane")
        assert not (await receiver.counts()).ids
        await admin.put("/system/maintenance", json={"mode": "normal"})
        assert (await settled(admin, message_id))["attempts"] == 1


@pytest.mark.usefixtures("delivery")
async def test_a_receiver_that_hangs_does_not_hold_up_the_others(
    admin: httpx.AsyncClient, resources: Resources, receiver: Receiver, owner: asyncpg.Connection
) -> None:
    slow = await make_channel(admin, f"{receiver.url}/slow")
    await owner.execute(
        "INSERT INTO spyne.notification_outbox (channel_id, event, subject, next_attempt_at) "
        "SELECT $1, 'notify:test', 'x', now() FROM generate_series(1, 200)",
        slow["id"],
    )
    await settled(admin, await send(admin, slow), 0)

    async def all_hang() -> bool:
        return (await receiver.counts()).hung >= resources.settings.notify.concurrency

    await eventually(all_hang)
    quick = await make_channel(admin, f"{receiver.url}/")
    begun = datetime.now(UTC)
    await settled(admin, await send(admin, quick))
    assert datetime.now(UTC) - begun < timedelta(seconds=14)  # all of them take a minute


async def test_what_is_under_way_ends_and_the_rest_is_put_back(
    admin: httpx.AsyncClient, resources: Resources, receiver: Receiver, owner: asyncpg.Connection
) -> None:
    channel = await make_channel(admin, f"{receiver.url}/")
    await owner.execute(
        "INSERT INTO spyne.notification_outbox (channel_id, event, subject, next_attempt_at) "
        "SELECT $1, 'notify:test', 'x', now() FROM generate_series(1, 300)",
        channel["id"],
    )
    async with delivering(resources):

        async def some() -> bool:
            return bool((await receiver.counts()).ids)

        await eventually(some)
    by_status = dict(await owner.fetch("SELECT status, count(*) FROM spyne.notification_outbox GROUP BY status"))
    assert by_status.get("sending", 0) == 0
    assert 0 < by_status["sent"] <= len((await receiver.counts()).ids)
    async with delivering(resources):

        async def all_sent() -> bool:
            open_ = "SELECT count(*) FROM spyne.notification_outbox WHERE status <> 'sent'"
            return await owner.fetchval(open_) == 0

        await eventually(all_sent, 40)
    counts = await receiver.counts()
    assert len(counts.ids) == 300
    twice = "SELECT count(*) FROM spyne.notification_attempts WHERE error IS NOT NULL"  # on a machine that is too busy
    assert counts.ids.total() <= 300 + await owner.fetchval(twice)


async def test_the_age_of_what_waits_is_measured(
    admin: httpx.AsyncClient, resources: Resources, owner: asyncpg.Connection
) -> None:
    await measure_waiting(resources.database)
    assert OUTBOX_AGE._value.get() == 0
    await send(admin, await make_channel(admin, "http://127.0.0.1:9/"))
    await owner.execute("UPDATE spyne.notification_outbox SET created_at = created_at - interval '1 hour'")
    text = (await admin.get("/metrics")).text
    assert 3600 <= OUTBOX_AGE._value.get() < 3700
    assert "spyne_outbox_age_seconds 36" in text


async def test_another_service_secret_opens_no_target(
    admin: httpx.AsyncClient, resources: Resources, owner: Any
) -> None:
    channel = await make_channel(admin, "http://127.0.0.1:9/")
    await owner.execute("UPDATE spyne.notification_channels SET target = 'garbage', version = version + 1")
    async with delivering(resources):
        shown = await settled(admin, await send(admin, channel))
    assert shown["last_error"] == "The target cannot be decrypted with this service secret."
