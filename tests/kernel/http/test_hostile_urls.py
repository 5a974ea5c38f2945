"""The guarded client against whoever wants it to call where it must not: no canary is ever touched."""

import asyncio
import gzip
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import cast

import httpx
import pytest

from app.kernel.http.client import (
    OutboundFailed,
    OutboundHttp,
    OutboundPolicy,
    OutboundRefused,
    OutboundTimeout,
    OutboundTooLarge,
)
from tests.kernel.http.hostile_urls import urls
from tests.kernel.http.test_http_client import answering, serving
from tests.promises import kept

REFUSALS = (OutboundRefused, OutboundFailed, OutboundTimeout)
NOWHERE = OutboundPolicy(schemes=frozenset({"http", "https"}), deadline=timedelta(seconds=1))
PERMITTED = "127.0.0.3"
"""Stands for a host that may be called."""
SOMEWHERE = OutboundPolicy(
    schemes=frozenset({"http"}), networks=(ip_network(f"{PERMITTED}/32"),), deadline=timedelta(seconds=1)
)


class Canaries:
    """Listeners on one port of several loopback addresses, which count every connection."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.port = 0

    def _count(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.hits[str(writer.get_extra_info("sockname")[0])] += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret")
        writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Canaries"]:
        servers = []
        for address in ("127.0.0.1", "127.0.0.2", "::1", "127.255.255.254"):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                server = await asyncio.start_server(self._count, address, self.port, family=family)
            except OSError:
                assert ":" in address  # a machine without IPv6
                continue
            self.port = server.sockets[0].getsockname()[1]
            servers.append(server)
        try:
            yield self
        finally:
            for server in servers:
                server.close()
                await server.wait_closed()


@pytest.fixture
async def canaries() -> AsyncIterator[Canaries]:
    """At the end of every test none of them was touched."""
    async with Canaries().listening() as found:
        yield found
        assert found.hits == Counter()


async def refused(http: OutboundHttp, url: str) -> None:
    with pytest.raises(REFUSALS) as caught:
        await http.request("GET", url)
    assert "secret" not in str(caught.value)


async def own_names(host: str, port: int) -> Sequence[str]:
    """The system's resolver for what it knows without asking anybody, and nobody for other names."""
    if any(ending in host for ending in (".test", "%")):
        raise OSError("no such name")
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def test_the_canaries_can_be_hit() -> None:
    async with Canaries().listening() as found:
        async with OutboundHttp(
            OutboundPolicy(schemes=frozenset({"http"}), networks=(ip_network("127.0.0.0/8"),))
        ) as http:
            for host in ("127.0.0.1", "127.1", "2130706433", "0x7f.1", "localhost"):
                assert (await http.request("GET", f"http://{host}:{found.port}/")).body == b"secret"
        assert found.hits.total() == 5


async def test_no_spelling_leads_to_a_canary(canaries: Canaries) -> None:
    table = urls(canaries.port)
    assert len(set(table)) == len(table) >= 100
    async with OutboundHttp(NOWHERE, resolve=own_names) as http:
        for url in table:
            await refused(http, url)
        for url in table[:40]:  # and through a library that brings its own calls
            with pytest.raises((*REFUSALS, httpx.HTTPError, httpx.InvalidURL)):
                await http.client.get(url, follow_redirects=True)


async def test_the_usual_resolver_refuses_them_too(canaries: Canaries) -> None:
    async with OutboundHttp(NOWHERE) as http:
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0"):
            await refused(http, f"http://{host}:{canaries.port}/")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize(
    "form", ["http://127.0.0.1:%d/", "//127.0.0.2:%d/", "http://localhost:%d/", "http://[::1]:%d/"]
)
async def test_no_redirect_leads_to_a_canary(canaries: Canaries, status: str, form: str) -> None:
    away = f"Location: {form % canaries.port}"
    async with serving(answering(b"", away, status=status), PERMITTED) as port, OutboundHttp(SOMEWHERE) as http:
        url = f"http://{PERMITTED}:{port}/"
        assert (await http.request("GET", url)).status == int(status[:3])
        with pytest.raises(REFUSALS):
            await http.client.get(url, follow_redirects=True)
        with pytest.raises(REFUSALS):
            await http.client.post(url, content=b"x", follow_redirects=True)


@pytest.mark.parametrize(
    "header",
    ['Alt-Svc: h2="127.0.0.1:%d"; ma=9999', 'Alt-Svc: http/1.1="127.0.0.2:%d"', "Refresh: 0; url=http://127.0.0.1:%d/",
     "Link: <http://127.0.0.1:%d/>; rel=preload", "Content-Location: http://127.0.0.1:%d/", "Upgrade: h2c, x%d"],
)  # fmt: skip
async def test_no_hint_in_an_answer_is_taken(canaries: Canaries, header: str) -> None:
    async with serving(answering(b"ok", header % canaries.port), PERMITTED) as port, OutboundHttp(SOMEWHERE) as http:
        for _ in range(2):
            assert (await http.request("GET", f"http://{PERMITTED}:{port}/")).body == b"ok"


async def test_no_proxy_of_the_environment_is_used(canaries: Canaries, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canaries.port}")
    monkeypatch.setenv("NO_PROXY", "")
    async with serving(answering(b"direct"), PERMITTED) as port, OutboundHttp(SOMEWHERE) as http:
        assert (await http.request("GET", f"http://{PERMITTED}:{port}/")).body == b"direct"
        await refused(http, "http://10.0.0.1/")


async def test_a_name_in_the_request_does_not_choose_another_host(canaries: Canaries) -> None:
    async with serving(answering(b"ok"), PERMITTED) as port, OutboundHttp(SOMEWHERE) as http:
        url, other = f"http://{PERMITTED}:{port}/", f"127.0.0.1:{canaries.port}"
        assert (await http.request("GET", url, headers={"Host": other})).body == b"ok"
        assert (await http.request("GET", url, headers={"X-Forwarded-Host": other})).body == b"ok"
        assert (await http.request("GET", f"{url}?url=http://{other}/")).body == b"ok"
        for headers in ({"X-A": "b\r\nHost: c"}, {"X-A\r\nB": "c"}, {"X-A": "b\x00"}):
            with pytest.raises((*REFUSALS, ValueError)):
                await http.request("GET", url, headers=headers)


class HostileNames(asyncio.DatagramProtocol):
    """A name server (RFC 1035) whose answers are chosen by the first label, and differ from question to question."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        length = data[12]
        label = data[13 : 13 + length].decode()
        self.asked[label] += 1
        answers = {
            "loopback": ["127.0.0.1"],
            "metadata": ["169.254.169.254"],
            "private": ["10.0.0.7"],
            "mixed": [PERMITTED, "127.0.0.1"],
            "mixed-last": ["127.0.0.1", PERMITTED],
            "many": [PERMITTED] * 15 + ["127.0.0.2"],
            "rebinding": [PERMITTED] if self.asked[label] == 1 else ["127.0.0.1"],
            "turning": [PERMITTED if self.asked[label] % 2 else "127.0.0.1"],
            "zero": ["0.0.0.0"],
            "none": [],
        }.get(label)
        if answers is None or self.transport is None:
            return  # silence
        records = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + ip_address(answer).packed for answer in answers
        )  # a time to live of 0
        question = data[12 : data.index(b"\0", 12) + 5]
        self.transport.sendto(data[:2] + struct.pack("!5H", 0x8180, 1, len(answers), 0, 0) + question + records, addr)


class Question(asyncio.DatagramProtocol):
    """One question to a name server."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _: tuple[str, int]) -> None:
        if not self.answer.done():
            self.answer.set_result(data)


@asynccontextmanager
async def hostile_names() -> AsyncIterator[tuple[HostileNames, "Asker"]]:
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(HostileNames, ("127.0.0.1", 0))
    try:
        yield names, Asker(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


class Asker:
    """Resolves by asking that server, every time anew."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __call__(self, host: str, _: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        transport, question = await loop.create_datagram_endpoint(Question, remote_addr=("127.0.0.1", self._port))
        try:
            labels = b"".join(bytes([len(label)]) + label.encode() for label in host.rstrip(".").split("."))
            transport.sendto(struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1))
            data = await question.answer
        finally:
            transport.close()
        count = struct.unpack("!H", data[6:8])[0]
        if not count:
            raise OSError("no such name")
        records = data[len(data) - 16 * count :]
        return [str(ip_address(records[16 * n + 12 : 16 * n + 16])) for n in range(count)]


@pytest.mark.parametrize(
    "name", ["loopback", "metadata", "private", "mixed", "mixed-last", "many", "zero", "none", "silent"]
)
async def test_names_that_resolve_to_where_nobody_may_go(canaries: Canaries, name: str) -> None:
    async with hostile_names() as (_, ask), OutboundHttp(SOMEWHERE, resolve=ask) as http:
        await refused(http, f"http://{name}.evil.test:{canaries.port}/")
        await refused(http, f"http://{name}.evil.test.:{canaries.port}/")


@pytest.mark.parametrize("name", ["rebinding", "turning"])
async def test_names_whose_answers_change(name: str) -> None:
    """The first answer may be called: it is, and no second question is asked for the connection to go elsewhere."""
    async with serving(answering(b"allowed"), PERMITTED) as port:
        canaries = Canaries()
        canaries.port = port
        async with canaries.listening(), hostile_names() as (names, ask), OutboundHttp(SOMEWHERE, resolve=ask) as http:
            for call in range(6):
                asked = names.asked[name]
                try:
                    answer = await http.request("GET", f"http://{name}.evil.test:{port}/")
                except OutboundRefused:
                    assert call > 0
                else:
                    assert answer.body == b"allowed"
                    assert call % 2 == 0
                assert names.asked[name] == asked + 1
        assert canaries.hits == Counter()


async def test_a_network_that_is_allowed_can_be_called_by_name_and_number() -> None:
    async with serving(answering(b"inside"), PERMITTED) as port, hostile_names() as (_, ask):
        async with OutboundHttp(SOMEWHERE) as http:
            assert (await http.request("GET", f"http://{PERMITTED}:{port}/")).body == b"inside"
        async with OutboundHttp(SOMEWHERE, resolve=ask) as http:
            assert (await http.request("GET", f"http://rebinding.evil.test:{port}/")).body == b"inside"
        async with OutboundHttp(NOWHERE) as http:
            await refused(http, f"http://{PERMITTED}:{port}/")


async def endless_head(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: " + b"b" * 60_000 + b"\r\n")
        await writer.drain()


async def endless_informs(_head: bytes, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n" * 1_000)
        await writer.drain()
        await asyncio.sleep(0.01)


async def endless_line(_head: bytes, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"H" * 60_000)
        await writer.drain()


async def endless_chunk_extension(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;")
    while True:
        writer.write(b"a" * 60_000)
        await writer.drain()


async def two_lengths(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")


async def http2(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(bytes.fromhex("000000040000000000"))


@pytest.mark.parametrize(
    "respond",
    [endless_head, endless_informs, endless_line, endless_chunk_extension, two_lengths, http2,
     answering(gzip.compress(bytes(64 * 2**20)), "Content-Encoding: gzip"),
     answering(b"x", "Content-Length: 99")],
)  # fmt: skip
async def test_hostile_answers_end_within_the_bounds(respond: object) -> None:
    await ends_within_the_bounds(respond)


async def test_a_bomb_within_a_bomb_ends_within_the_bounds() -> None:
    bomb = gzip.compress(gzip.compress(bytes(300 * 2**20)))  # made here: every worker imports this module
    await ends_within_the_bounds(answering(bomb, "Content-Encoding: gzip, gzip"))


async def ends_within_the_bounds(respond: object) -> None:
    """Ask a hostile server, and be done with it soon."""
    begun = time.monotonic()
    async with serving(respond, PERMITTED) as port, OutboundHttp(SOMEWHERE) as http:  # type: ignore[arg-type]
        with pytest.raises((OutboundFailed, OutboundTooLarge, OutboundTimeout)):
            await http.request("GET", f"http://{PERMITTED}:{port}/")
    await kept(time.monotonic() - begun, 3, "a hostile answer")


async def test_slow_name_servers_do_not_stop_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold threads of their own, which are few; the threads of everybody else stay free."""

    answering = threading.Event()

    def slow(host: str, *_: object, **__: object) -> list[object]:
        if host.endswith(".test"):
            answering.wait(10)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    async with OutboundHttp(OutboundPolicy(schemes=frozenset({"http"}), deadline=timedelta(seconds=0.3))) as http:
        stuck = [asyncio.create_task(refused(http, f"http://n{n}.slow.test/")) for n in range(40)]
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        await asyncio.to_thread(int)
        await kept(time.monotonic() - begun, 0.2, "a thread of everybody else")
        await asyncio.gather(*stuck)
        answering.set()
