"""Libraries with sockets of their own are held to the addresses that may be called."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from ipaddress import ip_network
from pathlib import Path

import certifi
import pytest

from app.kernel.http.client import OutboundRefused
from app.kernel.http.guarded_threads import guarded


def test_files_of_this_machine_are_neither_read_nor_written(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hunter2")
    link = Path(sys.prefix) / f"link-{os.getpid()}"
    link.symlink_to(secret)
    try:
        for path in (
            secret,
            link,
            Path("/etc/passwd"),
            Path("/proc/self/environ"),
            Path(sys.prefix) / ".." / "pyproject.toml",
        ):
            with guarded(), pytest.raises(PermissionError):
                path.read_bytes()
    finally:
        link.unlink()
    for mode in ("w", "a", "r+"):
        with guarded(), pytest.raises(PermissionError):
            secret.open(mode)
    with guarded(), pytest.raises(PermissionError):
        os.open(tmp_path / "fresh", os.O_RDONLY | os.O_CREAT)
    assert secret.read_text() == "hunter2"
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]


def test_what_libraries_need_for_themselves_is_read() -> None:
    with guarded():
        assert Path(certifi.where()).read_bytes()
        assert Path(pytest.__file__).read_bytes()
        assert Path(os.__file__).read_bytes()


LOOPBACK = (ip_network("127.0.0.1/32"),)


def connect(host: str, port: int) -> None:
    socket.create_connection((host, port), timeout=2).close()


def datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", 9))


def unix() -> None:
    with socket.socket(socket.AF_UNIX) as sender:
        sender.connect("/run/nothing")


def by_name() -> None:
    with socket.socket() as sender:
        sender.connect(("localhost", 9))  # looked up by the system, out of sight


REFUSED: list[Callable[[], object]] = [
    lambda: connect("127.0.0.1", 9),
    lambda: connect("localhost", 9),
    lambda: connect("10.0.0.1", 9),
    lambda: connect("169.254.169.254", 80),
    datagram,
    unix,
    by_name,
    lambda: subprocess.run(["/bin/true"], check=False),
]


@pytest.mark.parametrize("call", REFUSED)
def test_what_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(OutboundRefused), guarded(), pytest.raises(PermissionError):
        call()


def test_networks_that_are_allowed_and_the_world_outside_of_the_block() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with guarded(LOOPBACK):
            connect("127.0.0.1", port)
        with pytest.raises(OutboundRefused), guarded(LOOPBACK):
            by_name()
        connect("127.0.0.1", port)


def in_threads(port: int, pool: ThreadPoolExecutor) -> None:
    """One that knows nothing of the guard, and one that carries it along."""
    free = pool.submit(connect, "127.0.0.1", port)
    free.result()
    carried = pool.submit(copy_context().run, connect, "127.0.0.1", port)
    with pytest.raises(PermissionError):
        carried.result()


def test_other_threads_are_free_and_those_of_the_context_are_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        port = server.getsockname()[1]
        with pytest.raises(OutboundRefused), guarded():
            in_threads(port, pool)


async def test_the_event_loop_of_the_process_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def held() -> None:
            with guarded():
                connect("127.0.0.1", port)

        refused = asyncio.to_thread(held)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        with pytest.raises(OutboundRefused):
            await refused
