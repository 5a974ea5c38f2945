"""Settings that let notifications reach this machine, and a way to send them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.kernel.runtime.resources import Resources
from app.operations.notifications.delivery.background import delivering
from app.settings import DatabaseSettings, NotifySettings, Settings
from tests.operations.notifications.receiver import Receiver, receiving
from tests.waiting import eventually

CHANNELS = "/system/notify/channels"
NOTIFY = "/system/notify/"
Send = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Plain http to loopback addresses; attempts that end soon."""
    notify = NotifySettings(
        allow_http=True,
        allowed_networks=(ip_network("127.0.0.0/8"),),
        timeout_seconds=3,
        lease_seconds=8,
        poll_seconds=0.2,
    )
    database = DatabaseSettings(pool_size=5, read_pool_size=5, query_pool_size=3)
    return Settings(home=tmp_path / "home", database=database, notify=notify)


@pytest.fixture
def resources(app: Any) -> Resources:
    found: Resources = app.state.resources
    return found


async def make_channel(admin: httpx.AsyncClient, target: str, **more: Any) -> dict[str, Any]:
    wanted = {"name": f"channel {target}", "channel_type": "webhook", "target": target, "event_filter": []} | more
    answer = await admin.post(CHANNELS, json=wanted)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def send(admin: httpx.AsyncClient, channel: dict[str, Any], **more: Any) -> str:
    answer = await admin.post(NOTIFY, json={"channel_id": channel["id"], "subject": "Hello"} | more)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["ids"][0])


async def settled(admin: httpx.AsyncClient, message_id: str, attempts: int = 1, seconds: float = 15) -> dict[str, Any]:
    """The message, once so many attempts are written down."""
    found: dict[str, Any] = {}

    async def there() -> bool:
        found.update((await admin.get(f"{NOTIFY}{message_id}")).json())
        return len(found["tried"]) >= attempts and found["status"] != "sending"

    await eventually(there, seconds)
    return found


@pytest.fixture
async def delivery(resources: Resources) -> AsyncIterator[None]:
    """What is due is sent."""
    async with delivering(resources):
        yield


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that does not verify."""
    async with receiving() as receiver:
        yield receiver


async def make_due(owner: asyncpg.Connection) -> None:
    """Move the clock: what waits is due now."""
    await owner.execute(
        "UPDATE spyne.notification_outbox SET next_attempt_at = now() "
        "WHERE status = 'failed' AND next_attempt_at > now()"
    )
