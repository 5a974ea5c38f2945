"""Malformed connections against the real process: a clear 4xx or a closed connection, and nothing else."""

import asyncio
import json

from tests import loopback
from tests.kernel.http_server.conftest import Service
from tests.kernel.http_server.malformed_wire import CASES, Wire
from tests.kernel.http_server.wire import Heard, exchange

ENVIRONMENT = {"SERVER_HEAD_SECONDS": "0.5", "SERVER_BODY_SECONDS": "0.5", "SERVER_LOG_LEVEL": "info"}
"""Short, so that what is merely unfinished ends soon."""


def verdict(case: Wire, heard: Heard) -> str | None:
    final = [status for status in heard.statuses if status >= 200]
    if case.status is not None:
        return None if heard.statuses == [case.status] else f"{heard.statuses}"
    if any(status >= 500 for status in final):
        return f"{final}"
    if not heard.closed and not final:
        return "neither an answer nor an end"
    if not case.served and any(status < 400 for status in final):
        return f"served: {final}"
    if any(status in {400, 408, 431} for status in final) and b"application/problem+json" not in heard.data:
        return f"no problem: {heard.data[:300]!r}"
    return None


async def test_every_case_is_refused_or_closed_and_nothing_fails(service: Service) -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)
    found = dict[str, str]()
    for first in range(0, len(CASES), 60):
        batch = CASES[first : first + 60]
        heard = await asyncio.gather(*(exchange(service.port, *case.pieces, seconds=1.8) for case in batch))
        for case, what in zip(batch, heard, strict=True):
            fault = verdict(case, what)
            if fault is not None:
                found[case.name] = fault
    assert not found, "\n".join(f"{name} -> {fault}" for name, fault in found.items())
    async with loopback.client(service.process.url) as client:
        assert (await client.get("/health/live")).status_code == 200
    lines = [json.loads(line) for line in service.process.log.read_text().splitlines() if line.startswith("{")]
    assert len(lines) > 50  # the log is there to be looked at
    assert [line for line in lines if line["level"] not in {"info", "debug"}] == []
    assert "Traceback" not in service.process.log.read_text()
