"""Connections that are kept lead to the address that was checked when they were made."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

import pytest

from app.kernel.http.client import OutboundFailed, OutboundHttp, OutboundPolicy, OutboundRefused, OutboundTimeout
from tests.kernel.http.test_http_client import LOCAL, resolving

KEEPING = replace(LOCAL, kept_connections=4)


@dataclass
class Seen:
    port: int = 0
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def keeping(
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", host: str = "127.0.0.1"
) -> AsyncIterator[Seen]:
    """A server that answers any number of requests on a connection."""
    seen = Seen()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int((head.lower().partition(b"content-length:")[2] or b" 0").split(b"\r\n")[0])
                seen.requests.append(head + await reader.readexactly(length))
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(handle, host, 0)
    seen.port = server.sockets[0].getsockname()[1]
    yield seen
    server.close()


async def post(http: OutboundHttp, url: str) -> int:
    status, _ = await http.post(url, headers={"x": "y"}, content=b"body")
    return status


async def test_a_connection_serves_several_requests_only_if_the_policy_keeps_it() -> None:
    for policy, connections in ((KEEPING, 1), (LOCAL, 3)):
        async with keeping() as seen, OutboundHttp(policy) as http:
            for _ in range(3):
                assert await post(http, f"http://127.0.0.1:{seen.port}/") == 200
            assert (seen.connections, len(seen.requests)) == (connections, 3)
            assert seen.requests[0].endswith(b"body")


async def test_a_name_that_leads_elsewhere_meanwhile_leads_nowhere_else() -> None:
    """The kept connection goes on to the checked address; a new one would be refused."""
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        return next(answers)

    policy = replace(KEEPING, networks=(ip_network("127.0.0.2/32"),))
    async with keeping(host="127.0.0.2") as seen, OutboundHttp(policy, resolve=rebinding) as http:
        url = f"http://rebind.test:{seen.port}/"
        assert [await post(http, url) for _ in range(3)] == [200, 200, 200]
        assert seen.connections == 1
        with pytest.raises(OutboundRefused):
            await asyncio.gather(*(post(http, url) for _ in range(2)))


async def test_another_host_on_the_same_address_has_a_connection_of_its_own() -> None:
    async with keeping() as seen, OutboundHttp(KEEPING, resolve=resolving("127.0.0.1")) as http:
        for host in ("one.test", "two.test", "one.test"):
            await post(http, f"http://{host}:{seen.port}/")
        assert seen.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 3_000_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx",
    ],
)
async def test_a_body_that_is_broken_or_endless_ends_the_connection_but_not_the_answer(answer: bytes) -> None:
    policy = replace(KEEPING, deadline=LOCAL.deadline / 10)
    async with keeping(answer) as seen, OutboundHttp(policy) as http:
        for _ in range(2):
            assert await post(http, f"http://127.0.0.1:{seen.port}/") == 200
        assert seen.connections == 2


async def test_no_answer_is_a_failure() -> None:
    async with keeping(b"garbage\r\n\r\n") as seen, OutboundHttp(KEEPING) as http:
        with pytest.raises(OutboundFailed):
            await post(http, f"http://127.0.0.1:{seen.port}/hunter2")
    async with keeping(b"") as seen, OutboundHttp(replace(KEEPING, deadline=LOCAL.deadline / 10)) as http:
        with pytest.raises(OutboundTimeout):
            await post(http, f"http://127.0.0.1:{seen.port}/")
        with pytest.raises(OutboundRefused):
            await post(http, "http://[::1/")


def test_nothing_is_kept_by_default() -> None:
    assert OutboundPolicy().kept_connections == 0
