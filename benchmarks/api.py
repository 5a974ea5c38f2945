"""Requests/s of `GET /api/tables/{id}/state` with a token, one worker, against a bare FastAPI + asyncpg handler.

usage: python -m benchmarks.api [--rounds N] [--seconds S]

Both servers run on the same embedded PostgreSQL, one process each, and are asked in turns; the ratio of the medians is
what counts (target: at least 0.5). Absolute figures only say what this machine was doing.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from app.access.credentials.tokens import AccessTokens
from app.access.subjects import user_subject
from app.access.users.service import UserService
from app.commands.environment import Environment, open_environment
from app.kernel.clock import utc_now
from app.kernel.db import migrations
from app.kernel.ids import random_token
from app.kernel.security.authorization import SYSTEM
from app.settings import Settings
from benchmarks import load

SERVICE_PORT, BARE_PORT = 18_080, 18_081
TARGET = 0.5


@contextmanager
def process(arguments: list[str], environment: dict[str, str], port: int, path: str) -> Iterator[int]:
    """The process id of a server, answering; ended with the block."""
    log = subprocess.DEVNULL  # as in production the lines go elsewhere; making them is part of the cost
    child = subprocess.Popen([sys.executable, "-m", *arguments], env=os.environ | environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if time.monotonic() > deadline or child.poll() is not None:
                    raise
                time.sleep(0.1)
        yield child.pid
    finally:
        child.terminate()
        child.wait(30)


async def prepare(place: Environment) -> tuple[str, dict[str, str]]:
    """A table on each side; answers an admin's token, and the bare handler's login."""
    connection = await migrations.connect(place.urls.owner)
    await connection.execute(
        "CREATE TABLE public.bare_tables (id uuid DEFAULT uuidv7(), name text PRIMARY KEY, version int, state text);"
        "INSERT INTO public.bare_tables (name, version, state) VALUES ('flights', 1, 'ACTIVE');"
        "CREATE SCHEMA outside; CREATE TABLE outside.flights (id int PRIMARY KEY, note text);"
    )
    await connection.close()
    async with place.resources() as resources:
        async with resources.database.write() as session:
            user = await resources.build(UserService, session).create(SYSTEM, "benchmark", random_token(), ["ADMIN"])
        token = AccessTokens(resources.secret, resources.settings.access).issue(user_subject(user.id), utc_now()).text
    url = make_url(place.urls.owner)
    login = {
        "PGHOST": str(url.query["host"]),
        "PGPORT": str(url.query["port"]),
        "PGUSER": str(url.username),
        "PGPASSWORD": str(url.password),
        "PGDATABASE": str(url.database),
    }
    return token, login


def call(method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
    """One call to the service."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{SERVICE_PORT}{path}", data=body, headers=headers, method=method
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
        content: bytes = answer.read()
        return content


def main() -> None:
    """Print both rates and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spyne-bench-") as folder:
        settings = Settings(home=Path(folder))
        with open_environment(settings) as place:
            place.migrate()
            token, login = asyncio.run(prepare(place))
            measure(place, token, login, options)


def measure(place: Environment, token: str, login: dict[str, str], options: argparse.Namespace) -> None:
    """Ask both servers in turns."""
    service_environment = {
        "DATABASE_URL": place.urls.owner,
        "SPYNE_HOME": str(place.settings.home),
        "SERVER_PORT": str(SERVICE_PORT),
        "SERVER_LOG_LEVEL": "info",
    }
    bare_environment = login | {"PORT": str(BARE_PORT)}
    with (
        process(["app.cli", "serve"], service_environment, SERVICE_PORT, "/health/live"),
        process(["benchmarks.bare_api"], bare_environment, BARE_PORT, "/state/flights"),
    ):
        bearer = {"Authorization": f"Bearer {token}"}
        call(
            "POST",
            "/api/tables/adopt",
            bearer | {"Content-Type": "application/json"},
            b'{"relations": ["outside.flights"]}',
        )
        path = "/api/tables/flights/state"
        print(call("GET", path, bearer).decode())
        rates: dict[str, list[float]] = {"service": [], "bare": []}
        for turn in range(options.rounds + 1):
            for name, port, where, headers in (
                ("bare", BARE_PORT, "/state/flights", {}),
                ("service", SERVICE_PORT, path, bearer),
            ):
                tally = load.run(
                    port, where, headers, connections=options.connections, seconds=options.seconds if turn else 1.0
                )
                if turn:
                    rates[name].append(tally.rate)
                    print(
                        f"{name:8s} {tally.rate:8.0f}/s  p50 {tally.percentile(0.5):6.2f} ms  "
                        f"p99 {tally.percentile(0.99):6.2f} ms  failures {tally.failures}"
                    )
        service, bare = statistics.median(rates["service"]), statistics.median(rates["bare"])
        print(f"\nGET /api/tables/{{id}}/state with a token: {service:.0f}/s; bare FastAPI + asyncpg: {bare:.0f}/s")
        print(f"ratio {service / bare:.2f} (target >= {TARGET})")


if __name__ == "__main__":
    main()
