"""Libraries with sockets of their own are held to the addresses that may be called."""

import asyncio
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from ipaddress import ip_network

import pytest

from app.kernel.http.client import OutboundRefused
from app.kernel.http.guarded_threads import guarded

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
