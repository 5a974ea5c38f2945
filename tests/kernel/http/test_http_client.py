"""The guarded client against real servers on loopback addresses."""

import asyncio
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.addresses import may_reach, parse
from app.kernel.http.client import (
    OutboundFailed,
    OutboundHttp,
    OutboundPolicy,
    OutboundRefused,
    OutboundTimeout,
    OutboundTooLarge,
    Resolve,
)
from app.kernel.problems import Problem
from tests.kernel.http.certificates import certificate
from tests.promises import kept

LOOPBACK = (ip_network("127.0.0.1/32"),)
LOCAL = OutboundPolicy(schemes=frozenset({"http", "https"}), networks=LOOPBACK, deadline=timedelta(seconds=5))
Respond = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(respond: Respond, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """The port of a server that reads one request head per connection and answers with `respond`, ended with it."""
    handling: set[asyncio.Task[Any]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handling.add(asyncio.current_task())  # type: ignore[arg-type]  # a task it is
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await respond(head, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            pass
        finally:
            writer.close()
            handling.discard(asyncio.current_task())

    server = await asyncio.start_server(handle, host, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in handling:
            task.cancel()
        await server.wait_closed()


def answering(body: bytes, *headers: str, status: str = "200 OK") -> Respond:
    async def respond(_head: bytes, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    return respond


async def echo(head: bytes, writer: asyncio.StreamWriter) -> None:
    await answering(head)(head, writer)


def resolving(*addresses: str) -> Resolve:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return addresses

    return resolve


async def get(url: str, policy: OutboundPolicy = LOCAL, **options: Resolve | ssl.SSLContext) -> bytes:
    async with OutboundHttp(policy, **options) as http:  # type: ignore[arg-type]
        return (await http.request("GET", url)).body


async def test_loopback_is_refused_by_default_and_allowed_by_configuration() -> None:
    plain = OutboundPolicy(schemes=frozenset({"http"}))
    async with serving(answering(b"inside")) as port:
        for host in (
            "127.0.0.1",
            "localhost",
            "127.1",
            "2130706433",
            "0x7f000001",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "0.0.0.0",
        ):
            with pytest.raises((OutboundRefused, OutboundFailed)):
                await get(f"http://{host}:{port}/", plain)
        assert await get(f"http://127.0.0.1:{port}/", LOCAL) == b"inside"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https:///path",
        "//host/",
        "https://user:hunter2@127.0.0.1/",
        "https://127.0.0.1:22/",
        "https://127.0.0.1/" + "x" * 5000,
        "https://[::1/hunter2",
        "https://host\x00/",
    ],
)
async def test_urls_that_are_refused_before_anything_is_resolved(url: str) -> None:
    async def never(_host: str, _port: int) -> Sequence[str]:
        raise AssertionError

    policy = OutboundPolicy(networks=LOOPBACK, ports=frozenset({443}))
    with pytest.raises(OutboundRefused) as caught:
        await get(url, policy, resolve=never)
    assert "hunter2" not in str(caught.value)


async def test_redirects_are_answers() -> None:
    async with (
        serving(answering(b"", "Location: http://127.0.0.1:1/", status="302 Found")) as port,
        OutboundHttp(LOCAL) as http,
    ):
        answer = await http.request("GET", f"http://127.0.0.1:{port}/")
    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:1/")


async def test_the_request_arrives_whole_with_its_name() -> None:
    async with serving(echo) as port, OutboundHttp(LOCAL, resolve=resolving("127.0.0.1")) as http:
        answer = await http.request("POST", f"http://hook.test:{port}/a?b=c", headers={"X-Id": "7"}, content=b"body")
    head = answer.body.decode().lower()
    assert head.startswith("post /a?b=c http/1.1\r\n")
    assert f"host: hook.test:{port}\r\n" in head
    assert "x-id: 7\r\n" in head


async def test_the_environments_proxies_and_logins_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with serving(echo) as port:
        assert b"uthorization" not in await get(f"http://127.0.0.1:{port}/")


async def test_no_cookie_is_kept() -> None:
    async def respond(head: bytes, writer: asyncio.StreamWriter) -> None:
        await answering(head, "Set-Cookie: a=b; Path=/")(head, writer)

    async with serving(respond) as port, OutboundHttp(LOCAL) as http:
        for _ in range(2):
            answer = await http.request("GET", f"http://127.0.0.1:{port}/")
    assert b"ookie" not in answer.body


def flood(head: bytes) -> Respond:
    async def respond(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
            await writer.drain()

    return respond


async def test_an_endless_body_is_cut() -> None:
    async with serving(flood(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")) as port:
        with pytest.raises(OutboundTooLarge):
            await get(f"http://127.0.0.1:{port}/secret-path")


async def test_the_bound_is_exact() -> None:
    policy = OutboundPolicy(schemes=frozenset({"http"}), networks=LOOPBACK, max_body_bytes=1000)
    async with serving(answering(b"x" * 1000)) as port:
        assert len(await get(f"http://127.0.0.1:{port}/", policy)) == 1000
    async with serving(answering(b"x" * 1001)) as port:
        with pytest.raises(OutboundTooLarge):
            await get(f"http://127.0.0.1:{port}/", policy)


async def test_a_compressed_body_is_bounded_by_what_it_becomes() -> None:
    async with serving(answering(gzip.compress(b"hello " * 100), "Content-Encoding: gzip")) as port:
        assert await get(f"http://127.0.0.1:{port}/") == b"hello " * 100
    bomb = gzip.compress(bytes(200 * 1024 * 1024))
    async with serving(answering(bomb, "Content-Encoding: gzip")) as port:
        with pytest.raises(OutboundTooLarge):
            await get(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "compress"])
async def test_encodings_that_were_not_asked_for_are_failures(encoding: str) -> None:
    async with serving(answering(b"x", f"Content-Encoding: {encoding}")) as port:
        with pytest.raises(OutboundFailed):
            await get(f"http://127.0.0.1:{port}/")


async def drip_body(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_head(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.02)


async def silence(_head: bytes, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("respond", [drip_body, drip_head, silence])
async def test_the_deadline_is_for_the_whole(respond: Respond) -> None:
    policy = OutboundPolicy(schemes=frozenset({"http"}), networks=LOOPBACK, deadline=timedelta(seconds=0.4))
    async with serving(respond) as port:
        begun = time.monotonic()
        with pytest.raises(OutboundTimeout) as caught:
            await get(f"http://127.0.0.1:{port}/hunter2", policy)
        await kept(time.monotonic() - begun, 1, "the deadline", least=0.3)
    assert "hunter2" not in str(caught.value)


async def test_a_slow_resolver_counts_too() -> None:
    async def slow(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return ["127.0.0.1"]

    policy = OutboundPolicy(schemes=frozenset({"http"}), networks=LOOPBACK, deadline=timedelta(seconds=0.2))
    with pytest.raises(OutboundTimeout):
        await get("http://slow.test/", policy, resolve=slow)


async def test_the_checked_address_is_the_one_connected_to() -> None:
    """A name that rebinds between check and connection would reach the second server; it never gets the chance."""
    answers = iter(["127.0.0.2", "127.0.0.1", "127.0.0.1"])
    asked = 0

    async def rebinding(_host: str, _port: int) -> Sequence[str]:
        nonlocal asked
        asked += 1
        return [next(answers)]

    policy = OutboundPolicy(schemes=frozenset({"http"}), networks=(ip_network("127.0.0.2/32"),))
    async with serving(answering(b"allowed"), "127.0.0.2") as port:
        server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", port)
        async with OutboundHttp(policy, resolve=rebinding) as http:
            assert (await http.request("GET", f"http://rebind.test:{port}/")).body == b"allowed"
            assert asked == 1
            with pytest.raises(OutboundRefused):
                await http.request("GET", f"http://rebind.test:{port}/")
            assert asked == 2
        server.close()


async def test_one_bad_address_among_good_ones_refuses_the_host() -> None:
    with pytest.raises(OutboundRefused) as caught:
        await get("http://mixed.test/", LOCAL, resolve=resolving("127.0.0.1", "10.1.2.3"))
    assert "10.1.2.3" not in str(caught.value)


async def test_the_next_address_is_tried() -> None:
    policy = OutboundPolicy(schemes=frozenset({"http"}), networks=(ip_network("127.0.0.0/8"),))
    async with serving(answering(b"second")) as port:
        assert await get(f"http://two.test:{port}/", policy, resolve=resolving("127.0.0.9", "127.0.0.1")) == b"second"


@pytest.mark.parametrize("addresses", [[], ["not-an-address"]])
async def test_hosts_without_an_address(addresses: list[str]) -> None:
    with pytest.raises(OutboundFailed):
        await get("http://none.test/", LOCAL, resolve=resolving(*addresses))


async def not_http(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-server\r\n")


async def cut_short(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")


@pytest.mark.parametrize(
    "respond",
    [
        not_http,
        cut_short,
        answering(b"garbage", "Content-Encoding: gzip"),
        answering(gzip.compress(b"cut" * 99)[:-9], "Content-Encoding: gzip"),
    ],
)
async def test_other_failures_are_problems_without_the_path(respond: Respond) -> None:
    async with serving(respond) as port:
        with pytest.raises(OutboundFailed) as caught:
            await get(f"http://127.0.0.1:{port}/hunter2?token=hunter2")
    assert isinstance(caught.value, Problem)
    assert "hunter2" not in str(caught.value)


async def test_tls_is_checked_against_the_name(tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path, "hook.test")
    seen: list[str | None] = []
    server.sni_callback = lambda _object, name, _context: seen.append(name)
    here = resolving("127.0.0.1")
    async with serving(answering(b"sealed"), tls=server) as port:
        assert await get(f"https://hook.test:{port}/", resolve=here, ssl_context=trusting) == b"sealed"
        assert seen == ["hook.test"]
        for url, context in ((f"https://other.test:{port}/", trusting), (f"https://hook.test:{port}/", None)):
            with pytest.raises(OutboundFailed):
                await get(url, resolve=here, **({"ssl_context": context} if context else {}))


async def test_libraries_that_use_the_client_are_guarded_too() -> None:
    async with OutboundHttp(OutboundPolicy(schemes=frozenset({"http"}))) as http:
        with pytest.raises(OutboundRefused):
            await http.client.get("http://127.0.0.1/", follow_redirects=True)
        assert isinstance(http.client, httpx.AsyncClient)


REFUSED = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "::", "::1",
    "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1",
    "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::", "2002:808:808::", "3fff::1", "5f00::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
]  # fmt: skip
PUBLIC = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111",
    "2a00:1450:4001:82a::200e",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_addresses_that_are_refused(text: str) -> None:
    assert not may_reach(parse(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_that_are_public(text: str) -> None:
    assert may_reach(parse(text))


@given(st.ip_addresses(v=4))
def test_no_ipv6_dress_makes_an_ipv4_address_reachable(address: IPv4Address) -> None:
    number = int(address)
    for dress in (number, (0xFFFF << 32) | number, (0x0064FF9B << 96) | number, (0x2002 << 112) | (number << 80)):
        assert not may_reach(IPv6Address(dress))


def test_allowed_networks_open_what_they_name_alone() -> None:
    allowed = (ip_network("10.0.0.0/24"), ip_network("fd00::/64"))
    assert may_reach(parse("10.0.0.9"), allowed)
    assert may_reach(parse("fd00::9"), allowed)
    assert not may_reach(parse("10.0.1.9"), allowed)
    assert not may_reach(parse("::ffff:10.0.0.9"), allowed)
