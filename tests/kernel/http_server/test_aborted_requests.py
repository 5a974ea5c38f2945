"""Clients that leave at any moment take nothing with them: no connection, no transaction, no query, no memory.

More than the suite aborts:

    SPYNE_TEST_ABORTS=2000 python -m pytest -n 0 -s tests/kernel/http_server/test_aborted_requests.py
"""

import asyncio
import json
import os
import random
import re
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass

import asyncpg
import httpx
import psutil
import pytest

from app.kernel.db import migrations
from tests import loopback
from tests.ingestion.steps import contract
from tests.kernel.http_server.conftest import Service
from tests.promises import promised
from tests.query.asking import SLOW
from tests.waiting import eventually

ABORTS = int(os.environ.get("SPYNE_TEST_ABORTS", "240"))
AT_ONCE = 10
PAUSE_SECONDS = 0.15
"""After each: whoever has sent a whole request and leaves has still ordered its work, and there are few processors."""
SETTLE_SECONDS = 10.0
"""Five on a quiet machine; tests share theirs."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + ABORTS // 5)]

MAX_GROWTH_BYTES = 80 * 1024 * 1024
MAX_MORE_FILES = 30
"""Connections of pools and keep-alive that stay open are no leak."""

COLUMNS = [
    {"name": "id", "type": "bigint", "nullable": False},
    {"name": "at", "type": "timestamptz", "nullable": False},
    {"name": "name", "type": "text"},
]
ROWS = b"".join(b'{"id": %d, "name": "%s", "at": "2026-01-01T00:00:00Z"}\n' % (n, b"x" * 100) for n in range(1_000))
BUSY = (
    "SELECT state, left(query, 80) AS query FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND state <> 'idle'"
)


@dataclass
class Aborter:
    """Sends requests and leaves."""

    service: Service
    previews: list[str]
    chance: random.Random
    tally: Counter[str]

    def request(self, number: int) -> tuple[str, bytes, bytes]:
        """Its kind, head and body."""
        kind = self.chance.choice(["read", "large", "write", "upload", "later", "query", "login"])
        if kind == "query" and not self.previews:
            kind = "read"
        json_type = b"Content-Type: application/json\r\n"
        line, fields, body = {
            "read": (b"GET /api/tables?limit=50", b"", b""),
            "large": (b"GET /openapi.json", b"", b""),
            "write": (b"POST /api/clients", json_type, b'{"name": "aborted-%d", "roles": ["VIEWER"]}' % number),
            "upload": (b"POST /api/ingestion/customers_v1/batches", b"Content-Type: application/x-ndjson\r\n", ROWS),
            "later": (
                b"POST /api/ingestion/customers_v1/batches",
                b"Content-Type: application/x-ndjson\r\nPrefer: respond-async\r\n",
                ROWS,
            ),
            "query": (b"POST /api/query/execute", json_type, b""),
            "login": (
                b"POST /api/auth/token",
                b"Content-Type: application/x-www-form-urlencoded\r\n",
                b"grant_type=password&username=nobody-%d&password=wrong" % number,
            ),
        }[kind]
        if kind == "query":
            body = json.dumps({"preview_id": self.previews.pop()}).encode()
        if kind in {"upload", "later"}:
            fields += b"Idempotency-Key: aborted-%d\r\n" % number
        token = b"" if kind == "login" else b"Authorization: Bearer %s\r\n" % self.service.token.encode()
        length = b"Content-Length: %d\r\n" % len(body) if body else b""
        return kind, line + b" HTTP/1.1\r\nHost: x\r\n" + token + fields + length + b"\r\n", body

    async def abort(self, number: int) -> None:
        kind, head, body = self.request(number)
        point = self.chance.choice(["in head", "after head", "in body", "sent", "waiting", "waiting", "in answer"])
        text = {
            "in head": head[: self.chance.randrange(1, len(head))],
            "after head": head,
            "in body": head + body[: self.chance.randrange(len(body) + 1)],
        }.get(point, head + body)
        self.tally[f"{kind} {point}"] += 1
        reader, writer = await asyncio.open_connection("127.0.0.1", self.service.port)
        writer.write(text)
        if point == "waiting":
            await asyncio.sleep(self.chance.random() * 0.15)
        elif point == "in answer":
            try:
                async with asyncio.timeout(0.5):
                    await reader.read(100)
            except (TimeoutError, ConnectionError):
                pass
        if self.chance.random() < 0.5:  # with a reset
            peer = writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def run(self, count: int) -> None:
        """Abort so many, some at once."""
        numbers = iter(range(self.tally.total(), self.tally.total() + count))

        async def keep_on() -> None:
            for number in numbers:
                await self.abort(number)
                await asyncio.sleep(PAUSE_SECONDS)

        await asyncio.gather(*(keep_on() for _ in range(AT_ONCE)))


async def prepare(client: httpx.AsyncClient, queries: int) -> list[str]:
    """A contract to send batches to, and previews of statements that run for many seconds."""
    rules = (await client.get("/system/security/rate-limits")).json()
    for rule in rules["rules"]:
        rule["enabled"] = False  # or they would refuse most of what is to be aborted
    assert (await client.put("/system/security/rate-limits", json=rules)).status_code == 200

    async def in_force() -> bool:
        return "ratelimit" not in (await client.get("/api/tables")).headers

    await eventually(in_force)
    assert (await client.put("/system/mode", json={"mode": "INGESTION_READY"})).status_code == 200
    registered = await client.post("/api/contracts/register", json=contract("customers", columns=COLUMNS))
    assert registered.status_code == 201, registered.text
    previews = []
    for _ in range(queries):
        answer = await client.post("/api/query/preview", json={"sql": SLOW, "options": {}})
        assert answer.status_code == 200, answer.text
        previews.append(answer.json()["preview_id"])
    return previews


async def test_aborted_requests_leave_nothing_behind(service: Service) -> None:
    bearer = {"Authorization": f"Bearer {service.token}"}
    process = psutil.Process(service.process.pid)
    owner: asyncpg.Connection = await migrations.connect(service.surroundings.urls.owner)
    async with loopback.client(service.process.url, headers=bearer, timeout=20) as client:
        previews = await prepare(client, ABORTS // 8)
        aborter = Aborter(service, previews, random.Random(20), Counter())

        async def at_rest() -> bool:
            gauges = (await client.get(service.metrics)).text
            used = re.findall(
                r'(spyne_pool_connections\{[^}]*state="in_use"\}|spyne_requests_in_flight\{[^}]*\}) (\S+)', gauges
            )
            assert len(used) >= 5, used
            busy = [name for name, value in used if float(value) > 0]
            rows = [tuple(row) for row in await owner.fetch(BUSY)]
            if time.monotonic() > begun + SETTLE_SECONDS / 2:
                print(f"{time.monotonic() - begun:.2f} s: {busy} {rows}")
            return not busy and not rows

        begun = time.monotonic()
        await aborter.run(ABORTS // 2)
        await promised(at_rest, SETTLE_SECONDS)
        files, memory = process.num_fds(), process.memory_info().rss
        begun = time.monotonic()
        await aborter.run(ABORTS)
        print(f"{ABORTS} aborted in {time.monotonic() - begun:.1f} s: {dict(aborter.tally)}")
        begun = time.monotonic()
        await promised(at_rest, SETTLE_SECONDS)
        more_files, growth = process.num_fds() - files, process.memory_info().rss - memory
        print(
            f"at rest after {time.monotonic() - begun:.2f} s; files {more_files:+d}, memory {growth / 2**20:+.1f} MiB"
        )
        assert more_files <= MAX_MORE_FILES
        assert growth <= MAX_GROWTH_BYTES
        for path in ("/health/ready", "/api/tables", "/api/ingestion/batches"):
            assert (await client.get(path)).status_code == 200, path
        answer = await client.post("/api/clients", json={"name": "after", "roles": ["VIEWER"]})
        assert answer.status_code == 201, answer.text
    running = await owner.fetchval("SELECT count(*) FROM spyne.query_executions WHERE outcome = 'running'")
    ended = await owner.fetch("SELECT outcome, count(*) AS n FROM spyne.query_executions GROUP BY 1")
    print({row["outcome"]: row["n"] for row in ended})
    await owner.close()
    assert running == 0
    log = service.process.log.read_text()
    assert "Traceback" not in log
    assert "unhandled exception" not in log
