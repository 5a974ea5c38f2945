"""A real Prometheus for tests: the service's own configuration and rules, with short intervals and other addresses."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests import loopback
from tests.spawning import free_port

FOLDER = Path(__file__).resolve().parents[2] / "deploy/prometheus"
TARGETS = ("api:9092", "worker:9091")

needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed")


@asynccontextmanager
async def prometheus(place: Path, ports: Mapping[str, int]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API of a running Prometheus, which may not answer yet; killed at the end.

    Args:
        place: an empty folder.
        ports: on this machine, of each of `TARGETS`.
    """
    text = (FOLDER / "prometheus.yml").read_text().replace("15s", "1s").replace("10s", "1s")
    for target, port in ports.items():
        text = text.replace(target, f"127.0.0.1:{port}")
    (place / "prometheus.yml").write_text(text)
    shutil.copy(FOLDER / "rules.yml", place)
    port = free_port()
    with (place / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "prometheus", f"--config.file={place}/prometheus.yml", f"--storage.tsdb.path={place}/tsdb",
            f"--web.listen-address=127.0.0.1:{port}", stdout=log, stderr=log,
        )  # fmt: skip
    try:
        async with loopback.client(f"http://127.0.0.1:{port}/api/v1", timeout=10) as client:
            yield client
    finally:
        if process.returncode is None:
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()
