"""Slow clients against a real `spyne serve`: when each is closed, and what honest callers see meanwhile.

usage: python -m benchmarks.slow_clients [--slow N] [--seconds S]

Three processes: the service, N clients whose heads trickle and N whose bodies do (a byte a second; whoever is closed
comes again), and a third which asks `/health/live` fifty times a second over new connections, and makes authenticated
calls. Targets: every slow client is closed within 10 s, `/health/live` answers with a p99 of at most 100 ms, and every
honest call is answered.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvloop

from app.commands.environment import open_environment
from app.settings import Settings
from benchmarks.api import SERVICE_PORT, call, prepare, process

CLOSED_WITHIN_SECONDS, HEALTH_P99_MS = 10.0, 100.0
HEADS = (b"GET /api/tables HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"POST /api/auth/token HTTP/1.1\r\n", b"GET /")
BODIES = (
    b"POST /api/query/validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
    b"POST /api/query/validate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n{",
    b"POST /api/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\ngrant_type=",
)
Ask = Callable[[], Awaitable[int]]


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def trickle(first: bytes, until: float, lives: list[float]) -> None:
    """Connect, trickle until closed, note how long that took, and come again until the time is over."""
    while time.monotonic() < until:
        begun = time.monotonic()
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", SERVICE_PORT)
        except OSError:
            await asyncio.sleep(0.2)
            continue
        writer.write(first)
        closing = asyncio.ensure_future(reader.read())
        try:
            while not closing.done():
                await asyncio.wait([closing], timeout=1.0)
                writer.write(b"a")
            closing.exception()
        finally:
            writer.transport.abort()
        lives.append(round(time.monotonic() - begun, 2))


async def attack(slow: int, seconds: float) -> dict[str, tuple[int, float, float]]:
    """How many slow clients were closed, after how many seconds half of them and the last, by kind."""
    lives: dict[str, list[float]] = {"head": [], "body": []}
    until = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for number in range(slow):
            group.create_task(trickle(HEADS[number % len(HEADS)], until, lives["head"]))
            group.create_task(trickle(BODIES[number % len(BODIES)], until, lives["body"]))
    return {kind: (len(values), percentile(values, 0.5), max(values)) for kind, values in lives.items()}


async def ask(request: bytes) -> int:
    """The status of an answer over a new connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", SERVICE_PORT)
    try:
        writer.write(request)
        return int((await reader.readline())[9:12])
    finally:
        writer.transport.abort()


async def repeat(request: bytes, pause: float, until: float, seen: list[tuple[int, float]]) -> None:
    """Ask again and again; a call which is not answered within 5 s counts as status 0."""
    while time.monotonic() < until:
        begun = time.monotonic()
        try:
            status = await asyncio.wait_for(ask(request), 5)
        except (OSError, TimeoutError, ValueError):
            status = 0
        seen.append((status, round((time.monotonic() - begun) * 1000, 2)))
        await asyncio.sleep(max(0.0, pause - (time.monotonic() - begun)))


async def honest(token: str, seconds: float) -> dict[str, list[tuple[int, float]]]:
    """Statuses and milliseconds of what honest callers asked."""
    bearer = f"Host: x\r\nAuthorization: Bearer {token}\r\n".encode()
    body = b'{"sql": "SELECT 1 AS one"}'
    requests = {
        "GET /health/live": (b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n", 0.02),
        "GET with a token": (b"GET /api/tables/flights/state HTTP/1.1\r\n" + bearer + b"\r\n", 0.5),
        "POST with a token": (
            b"POST /api/query/validate HTTP/1.1\r\n" + bearer
            + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
            0.5,
        ),
    }  # fmt: skip
    seen: dict[str, list[tuple[int, float]]] = {name: [] for name in requests}
    until = time.monotonic() + seconds
    await asyncio.gather(*(repeat(request, pause, until, seen[name]) for name, (request, pause) in requests.items()))
    return seen


def part(*arguments: str) -> "subprocess.Popen[bytes]":
    """This module again, as a process of its own; it answers one line of JSON."""
    return subprocess.Popen([sys.executable, "-m", "benchmarks.slow_clients", *arguments], stdout=subprocess.PIPE)


def measure(token: str, slow: int, seconds: float) -> bool:
    """Run all parts, print what they saw; whether the targets are met."""
    quiet = json.loads(part("--part", "honest", "--token", token, "--seconds", "8").communicate()[0])
    print(f"nobody slow; load {os.getloadavg()[0]:.1f}")
    show(quiet)
    attackers = part("--part", "attack", "--slow", str(slow), "--seconds", str(seconds))
    time.sleep(1.0)
    callers = part("--part", "honest", "--token", token, "--seconds", str(seconds - 1))
    seen = json.loads(callers.communicate()[0])
    lives = json.loads(attackers.communicate()[0])
    print(f"{slow} slow heads and {slow} slow bodies at any time for {seconds:g} s; load {os.getloadavg()[0]:.1f}")
    for kind, (count, median, last) in lives.items():
        print(f"slow {kind}: {count} closed, median {median:.2f} s, last {last:.2f} s")
    show(seen)
    closed = all(last <= CLOSED_WITHIN_SECONDS for _, _, last in lives.values())
    answered = all(status == 200 for calls in seen.values() for status, _ in calls)
    return closed and answered and percentile([ms for _, ms in seen["GET /health/live"]], 0.99) <= HEALTH_P99_MS


def show(seen: dict[str, list[tuple[int, float]]]) -> None:
    """Print what honest callers saw."""
    for name, calls in seen.items():
        times, wrong = [ms for _, ms in calls], [status for status, _ in calls if status != 200]
        print(
            f"  {name}: {len(calls)} calls, p50 {percentile(times, 0.5):.1f} ms, p99 {percentile(times, 0.99):.1f} ms, "
            f"worst {max(times):.1f} ms, not 200: {len(wrong)} {sorted(set(wrong))}"
        )


def main() -> None:
    """Print the figures; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slow", type=int, default=800)
    parser.add_argument("--seconds", type=float, default=25.0)
    parser.add_argument("--part", choices=["attack", "honest"])
    parser.add_argument("--token", default="")
    options = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if options.part == "attack":
        print(json.dumps(uvloop.run(attack(options.slow, options.seconds))))
        return
    if options.part == "honest":
        print(json.dumps(uvloop.run(honest(options.token, options.seconds))))
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))  # the service sees to its own
    with (
        tempfile.TemporaryDirectory(prefix="spyne-bench-") as folder,
        open_environment(Settings(home=Path(folder))) as place,
    ):
        place.migrate()
        token, _ = asyncio.run(prepare(place))
        environment = {
            "DATABASE_URL": place.urls.owner, "SPYNE_HOME": folder, "SERVER_PORT": str(SERVICE_PORT),
            "SERVER_LOG_LEVEL": "info",
        }  # fmt: skip
        with process(["app.cli", "serve"], environment, SERVICE_PORT, "/health/live"):
            bearer = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            call("POST", "/api/tables/adopt", bearer, b'{"relations": ["outside.flights"]}')
            good = measure(token, options.slow, options.seconds)
    raise SystemExit(not good)


if __name__ == "__main__":
    main()
