"""What audit costs: writes of the service, audited and sealed, against the same writes with the append left out.

Run: `python -m benchmarks.audit [--rounds 7] [--seconds 4]`. Sixteen writers at once in one process, through the
service's own unit of work, on an embedded PostgreSQL with the settings of production; a second process seals every
200 ms, as a worker does. Rounds alternate, and the ratio is the median of neighbouring pairs, so that a machine that is
busy with other things disturbs both sides alike; for figures to quote run it on an idle one. The floor is 0.6.
"""

import argparse
import asyncio
import contextlib
import itertools
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop

from app.access.clients.service import ClientService
from app.audit.log.service import AuditTrail
from app.audit.seals.sealing import sealing, standing
from app.audit.seals.signing import SealingKey
from app.audit.verification.verify_database import LogVerification, Scope
from app.kernel.db import migrations
from app.kernel.db.connections import DatabaseUrls, database_urls
from app.kernel.db.database import WriteSession
from app.kernel.embedded import EmbeddedServer
from app.kernel.runtime.resources import Resources
from app.kernel.security.authorization import SYSTEM
from app.kernel.security.secrets import ServiceSecret
from app.settings import DatabaseSettings, Settings
from app.wiring import open_resources

WRITERS = 16
FLOOR = 0.6
SECRET = ServiceSecret(b"a secret for benchmarks, which is long enough")

_numbers = itertools.count()
Write = Callable[[WriteSession, Resources, UUID], Awaitable[object]]


async def create(session: WriteSession, resources: Resources, _: UUID) -> None:
    """A client with a role: two inserts and their audit row."""
    await resources.build(ClientService, session).create(SYSTEM, f"client-{next(_numbers)}", ["VIEWER"])


async def change(session: WriteSession, resources: Resources, client: UUID) -> None:
    """Another description of the writer's own client: a locked read, an update and their audit row."""
    await resources.build(ClientService, session).change(SYSTEM, client, {"description": f"text {next(_numbers)}"})


WRITES: dict[str, Write] = {"create": create, "change": change}


@contextlib.contextmanager
def unaudited() -> Iterator[None]:
    """Without the append: neither its statement nor what prepares it."""
    append = AuditTrail.append

    async def nothing(_self: AuditTrail, *_arguments: Any, **_more: Any) -> None:
        return None

    AuditTrail.append = nothing  # type: ignore[assignment]  # that is the point
    try:
        yield
    finally:
        AuditTrail.append = append  # type: ignore[method-assign]


async def rate(resources: Resources, write: Write, clients: list[UUID], seconds: float) -> float:
    """Writes per second of all writers together."""
    done = 0
    begin = time.perf_counter()

    async def keep_writing(client: UUID) -> None:
        nonlocal done
        while time.perf_counter() < begin + seconds:
            async with resources.database.write() as session:
                await write(session, resources, client)
            done += 1

    await asyncio.gather(*(keep_writing(client) for client in clients))
    return done / (time.perf_counter() - begin)


async def measure(resources: Resources, rounds: int, seconds: float) -> dict[str, float]:
    """The median ratio of each kind of write."""
    clients = []
    for _ in range(WRITERS):
        async with resources.database.write() as session:
            clients.append((await resources.build(ClientService, session).create(SYSTEM, f"w{next(_numbers)}", [])).id)
    ratios = {}
    for name, write in WRITES.items():
        await rate(resources, write, clients, 1.0)
        pairs = []
        for _ in range(rounds):
            audited = await rate(resources, write, clients, seconds)
            with unaudited():
                bare = await rate(resources, write, clients, seconds)
            pairs.append((audited, bare))
        ratios[name] = statistics.median(audited / bare for audited, bare in pairs)
        told = " ".join(f"{audited:.0f}/{bare:.0f}" for audited, bare in pairs)
        print(f"{name}: {ratios[name]:.2f} of the un-audited writes per second ({told})", flush=True)
    return ratios


async def judge(resources: Resources) -> bool:
    """Whether every row that the rounds wrote is sealed and sound."""
    while (await standing(resources.database)).waiting is not None:  # noqa: ASYNC110 - another process seals
        await asyncio.sleep(0.2)
    begin = time.perf_counter()
    async with resources.database.snapshot() as session:
        log = LogVerification(session, [SealingKey(resources.secret).public], None)
        report = (await log.verify(Scope())).report
    took = time.perf_counter() - begin
    print(f"{report.rows} rows under {report.seals} seals, verified at {report.rows / took:.0f} rows/s")
    return report.clean and report.unsealed == 0


def settings(home: Path) -> Settings:
    """As in production, but for the number of connections, which is that of the writers."""
    return Settings(home=home, database=DatabaseSettings(pool_size=WRITERS))


async def seal(home: Path, urls: DatabaseUrls) -> None:
    """What a worker does beside its jobs."""
    async with open_resources(settings(home), urls, SECRET) as resources, sealing(resources):
        await asyncio.Event().wait()


def sealer(home: Path, urls: DatabaseUrls) -> None:
    """A process that seals until it is ended."""
    uvloop.run(seal(home, urls))


async def run(home: Path, urls: DatabaseUrls, rounds: int, seconds: float) -> bool:
    """Whether the floor holds."""
    async with open_resources(settings(home), urls, SECRET) as resources:
        ratios = await measure(resources, rounds, seconds)
        sound = await judge(resources)
    return sound and min(ratios.values()) >= FLOOR


def main() -> int:
    """0 when the floor holds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=4.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spyne-benchmark-") as folder:
        home = Path(folder)
        with EmbeddedServer(home / "postgres", password="benchmark") as address:  # noqa: S106 - thrown away
            url = address.url("postgres")
            asyncio.run(migrations.prepare(url, DatabaseSettings(), SECRET))
            migrations.upgrade(url)
            urls = database_urls(url, DatabaseSettings(), SECRET)
            process = multiprocessing.get_context("spawn").Process(target=sealer, args=(home, urls), daemon=True)
            process.start()
            try:
                holds = uvloop.run(run(home, urls, given.rounds, given.seconds))
            finally:
                process.terminate()
                process.join()
    print("The floor holds." if holds else f"The floor of {FLOOR} does NOT hold.")
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
