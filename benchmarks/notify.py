"""How fast one worker delivers webhooks, beside a bare httpx loop to the same receiver.

usage: python -m benchmarks.notify [messages] [rounds]

Prints the ratio of the rates; the floor is 0.5. The worker claims from the outbox, signs, sends and writes down; the
loop posts bodies of the same size, as many at once, over connections that are kept. Both are single processes.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from ipaddress import ip_network
from pathlib import Path

import httpx
from sqlalchemy import text

from app.kernel.db import migrations
from app.kernel.db.connections import database_urls
from app.kernel.embedded import EmbeddedServer, ServerAddress
from app.kernel.runtime.resources import Resources
from app.kernel.security.at_rest import SecretBox
from app.kernel.security.secrets import ServiceSecret
from app.operations.notifications.channels.webhook_signing import dump_secrets, fresh_secret
from app.operations.notifications.delivery.background import delivering
from app.settings import DatabaseSettings, NotifySettings, Settings
from app.wiring import open_resources
from tests.operations.notifications.receiver import Receiver, receiving

SECRET = ServiceSecret(b"the secret of the benchmark, long enough to be taken")
BODY = "x" * 300
FLOOR = 0.5


async def bare(receiver: Receiver, messages: int, concurrency: int) -> float:
    """Messages per second of a loop that does nothing but post."""
    left = iter(range(messages))
    limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    async with httpx.AsyncClient(limits=limits, timeout=15) as client:

        async def post() -> None:
            for number in left:
                answer = await client.post(
                    f"{receiver.url}/", content=BODY + " " * 200, headers={"webhook-id": str(number)}
                )
                answer.raise_for_status()

        started = time.perf_counter()
        await asyncio.gather(*(post() for _ in range(concurrency)))
    return messages / (time.perf_counter() - started)


async def fill(resources: Resources, receiver: Receiver, messages: int) -> None:
    """That many messages of one channel."""
    box = SecretBox(resources.secret)
    async with resources.database.write() as session:
        await session.execute(text("DELETE FROM spyne.notification_outbox"))
        await session.execute(text("UPDATE spyne.notification_channels SET removed_at = now()"))
        values = {"target": box.seal(f"{receiver.url}/"), "secrets": box.seal(dump_secrets([fresh_secret()]))}
        made = await session.execute(
            text(
                "INSERT INTO spyne.notification_channels (name, channel_type, target, shown, secrets, event_filter, "
                "created_by) VALUES ('bench', 'webhook', :target, 'x', :secrets, '{}', 'bench') RETURNING id"
            ),
            values,
        )
        await session.execute(
            text(
                "INSERT INTO spyne.notification_outbox (channel_id, event, subject, body, next_attempt_at) "
                "SELECT :channel, 'notify:message', 'Benchmark', :body, now() FROM generate_series(1, :count)"
            ),
            {"channel": made.scalar_one(), "body": BODY, "count": messages},
        )


async def worker(resources: Resources, receiver: Receiver, messages: int) -> float:
    """Messages per second of the delivery, from its start to the last message written down."""
    await fill(resources, receiver, messages)
    open_ = text("SELECT count(*) FROM spyne.notification_outbox WHERE status <> 'sent'")
    started = time.perf_counter()
    async with delivering(resources):
        while True:
            await asyncio.sleep(0.1)
            async with resources.database.read() as session:
                if (await session.execute(open_)).scalar_one() == 0:
                    return messages / (time.perf_counter() - started)


async def compare(server: ServerAddress, home: Path, messages: int, rounds: int) -> float:
    """The median ratio."""
    url = server.url("postgres")
    await migrations.prepare(url, DatabaseSettings(), SECRET)
    await asyncio.to_thread(migrations.upgrade, url)
    notify = NotifySettings(allow_http=True, allowed_networks=(ip_network("127.0.0.0/8"),))
    settings = Settings(home=home, notify=notify)
    ratios = []
    async with (
        open_resources(settings, database_urls(url, DatabaseSettings(), SECRET), SECRET) as resources,
        receiving() as receiver,
    ):
        await bare(receiver, 200, notify.concurrency)
        await worker(resources, receiver, 200)
        for _ in range(rounds):
            loop = await bare(receiver, messages, notify.concurrency)
            own = await worker(resources, receiver, messages)
            ratios.append(own / loop)
            print(f"bare loop {loop:,.0f}/s, worker {own:,.0f}/s, ratio {own / loop:.2f}", flush=True)
    return statistics.median(ratios)


def main() -> int:
    """Print the ratio; 1 when it is below the floor."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        with EmbeddedServer(home / "postgres", password="benchmark") as server:  # noqa: S106 - thrown away
            ratio = asyncio.run(compare(server, home, messages, rounds))
    print(f"median ratio {ratio:.2f} (floor {FLOOR})")
    return 0 if ratio >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())
