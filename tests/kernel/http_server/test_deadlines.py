"""Deadlines of the connection: what comes or goes too slowly is cut, what is merely long is not."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from app.kernel.http_server import Watch, arriving
from app.kernel.http_server.slots import SLOT
from app.kernel.telemetry.metrics import CONNECTIONS_CUT
from tests.kernel.http_server.serving import SHORT, Served, answer, measure, served
from tests.kernel.http_server.wire import Heard, exchange, listen
from tests.promises import kept
from tests.waiting import eventually

pytestmark = pytest.mark.slow

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
HEALTH = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


def post(length: int) -> bytes:
    return b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length


def cut(reason: str) -> float:
    return CONNECTIONS_CUT.labels(reason)._value.get()


async def dripping(server: Served, first: bytes, drop: bytes, pause: float, seconds: float = 6) -> Heard:
    """Send `first`, then `drop` again and again, until the server closes or the time is over."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)

    async def drip() -> None:
        writer.write(first)
        while True:
            await asyncio.sleep(pause)
            writer.write(drop)

    dripper = asyncio.create_task(drip())
    try:
        return await listen(reader, Heard(), seconds)
    finally:
        dripper.cancel()
        writer.transport.abort()


@asynccontextmanager
async def connections(server: Served, count: int, first: bytes = b"") -> AsyncIterator[list[asyncio.StreamReader]]:
    """Open connections that have sent `first`."""
    busy_before = server.busy
    pairs = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(count)]
    for _, writer in pairs:
        writer.write(first)
    ports = {writer.get_extra_info("sockname")[1] for _, writer in pairs}
    await eventually(lambda: ports <= server.peer_ports, what="the connections at the server")
    if first:
        await eventually(lambda: server.busy == busy_before + count, what="their requests at the application")
    try:
        yield [reader for reader, _ in pairs]
    finally:
        for _, writer in pairs:
            writer.transport.abort()


@pytest.mark.parametrize("begin", [b"GET /", b"GET / HTTP/1.1\r\nHo", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", b"\r\n"])
async def test_a_head_that_trickles_is_cut(begin: bytes) -> None:
    before = cut("head-slow")
    async with served(measure) as server:
        heard = await dripping(server, begin, b"\r\n" if begin == b"\r\n" else b"a", 0.1)
        assert heard.closed
        assert heard.statuses == [408]
        assert heard.problem["code"] == "head-timeout"
        await kept(heard.seconds, 1.3, "a slow head", least=0.25)
        assert b"connection: close" in heard.data
    assert cut("head-slow") == before + 1


async def test_a_connection_that_says_nothing_is_closed_without_a_word() -> None:
    async with served(measure) as server:
        heard = await exchange(server.port, seconds=4)
        assert (heard.closed, heard.data) == (True, b"")
        await kept(heard.seconds, 1.3, "silence")


async def test_the_next_head_has_a_deadline_of_its_own_and_idleness_another() -> None:
    async with served(measure, keep_alive=1) as server:
        slow = await exchange(server.port, GET, b"GE", seconds=4, pause=0.2)
        assert slow.statuses == [200, 408]
        await kept(slow.seconds, 1.3, "the next head", least=0.2)
        idle = await exchange(server.port, GET, GET, seconds=4, pause=0.6)
        assert idle.statuses == [200, 200]
        assert idle.closed
        pipelined = await exchange(server.port, GET + b"GE", seconds=4)
        assert pipelined.statuses == [200, 408]


@pytest.mark.parametrize("pause", [0.05, 0.2])
async def test_a_body_that_trickles_is_cut(pause: float) -> None:
    before = cut("body-slow")
    async with served(measure) as server:
        heard = await dripping(server, post(1000), b"x", pause)
        assert heard.closed
        assert heard.statuses == [408]
        assert heard.problem["code"] == "body-timeout"
        await kept(heard.seconds, 1.5, "a body that trickles", least=0.35)
    assert cut("body-slow") == before + 1


async def test_chunk_extensions_are_no_progress() -> None:
    async with served(measure) as server:
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;a="
        heard = await dripping(server, head, b"a" * 500, 0.05)
        assert heard.statuses == [408]


async def test_a_long_body_above_the_rate_passes() -> None:
    async with served(measure) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(post(4_000))
        for _ in range(20):
            writer.write(b"x" * 200)  # 2,000 bytes a second for two seconds: five times the first allowance
            await asyncio.sleep(0.1)
        heard = await listen(reader, Heard(), 2, whole=True)
        writer.close()
        assert heard.statuses == [200]
        assert heard.data.endswith(b"4000")


async def test_speed_earns_patience_but_no_more_than_its_bound() -> None:
    async with served(measure) as server:
        silent = await exchange(server.port, post(1_000_000), b"x" * 500_000, seconds=6)
        assert silent.statuses == [408]
        await kept(silent.seconds, 2, "the patience, though 500 seconds were earned at the rate", least=0.7)


async def test_the_clock_stands_still_while_we_do_not_read() -> None:
    go_on = asyncio.Event()

    async def slow_reader(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if scope["path"] == "/slow":
            await go_on.wait()
        await measure(scope, receive, send)

    async with served(slow_reader) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(post(3_000_000).replace(b" / ", b" /slow ") + b"x" * 3_000_000)
        for _ in range(2):  # twice the patience: who is read and sends nothing is cut meanwhile
            assert (await exchange(server.port, post(1_000_000), b"x" * 500_000, seconds=6)).statuses == [408]
        go_on.set()
        heard = await listen(reader, Heard(), 6, whole=True)
        writer.close()
        assert heard.statuses == [200]


async def test_the_clock_of_an_expected_body_begins_with_the_invitation() -> None:
    go_on = asyncio.Event()

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/late":
            await go_on.wait()
        await measure(scope, receive, send)

    async with served(late) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(post(2)[:-2].replace(b" / ", b" /late ") + b"Expect: 100-continue\r\n\r\n")
        for _ in range(2):  # meanwhile bodies that nobody need invite are cut
            assert (await exchange(server.port, post(2), seconds=6)).statuses == [408]
        go_on.set()
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
        writer.write(b"{}")
        heard = await listen(reader, Heard(), 2, whole=True)
        writer.close()
        assert heard.statuses == [200]


async def test_a_body_cut_after_the_answer_began_gets_no_second_answer() -> None:
    async def early(_: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 202, "headers": []})
        await send({"type": "http.response.body", "body": b"so far", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    async with served(early) as server:
        heard = await dripping(server, post(1000), b"x", 0.3)
        assert heard.closed
        assert heard.statuses == [202]


async def test_the_rest_of_a_body_that_nobody_wants_is_read_for_a_while() -> None:
    async def refusing(_: Scope, __: Receive, send: Send) -> None:
        await answer(send, b"no", 403)

    async with served(refusing) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(post(4_000) + b"x" * 1_000)
        heard = await listen(reader, Heard(), 3, whole=True)
        writer.write(b"x" * 3_000 + GET)
        heard = await listen(reader, heard, 1)
        writer.close()
        assert heard.statuses == [403, 403]  # the connection goes on
        left = await exchange(server.port, post(4_000), seconds=4)
        assert left.statuses == [403]
        assert left.closed


@asynccontextmanager
async def small_windows(server: Served) -> AsyncIterator[socket.socket]:
    """A connected client with a receive buffer so small that the server notices at once when it is not emptied."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)  # noqa: FBT003 - its only form
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", server.port))
    try:
        yield client
    finally:
        client.close()


class Slot:
    released = 0.0

    def release(self) -> None:
        self.released = self.released or time.monotonic()


async def test_who_does_not_take_the_answer_is_cut_and_holds_no_slot_meanwhile() -> None:
    slot, ended = Slot(), asyncio.Event()

    async def large(scope: Scope, _: Receive, send: Send) -> None:
        scope[SLOT] = slot
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(400):
                await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            ended.set()

    before = cut("reader-slow")
    async with served(large) as server, small_windows(server) as client:
        begun = time.monotonic()
        await asyncio.get_running_loop().sock_sendall(client, GET)
        await asyncio.wait_for(ended.wait(), 5)
        await kept(time.monotonic() - begun, 2.5, "a slow reader", least=0.7)
        await kept(slot.released - begun, 0.6, "the release of the slot")
    assert cut("reader-slow") == before + 1


@pytest.mark.parametrize("block", [12_000_000, 200_000, 4_000])
async def test_who_takes_the_answer_slowly_but_steadily_gets_it_whole(block: int) -> None:
    size = 12_000_000

    async def large(_: Scope, __: Receive, send: Send) -> None:
        headers = [(b"content-length", str(size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for _ in range(size // block):
            await send({"type": "http.response.body", "body": bytes(block), "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async with served(large, replace(SHORT, patience_seconds=0.4)) as server, small_windows(server) as client:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, GET)
        received, begun = 0, time.monotonic()
        while received < size:
            data = await loop.sock_recv(client, 100_000)
            assert data, received
            received += len(data)
            if time.monotonic() - begun < 1.5:
                await asyncio.sleep(0.05)
        assert time.monotonic() - begun > 1.5


async def test_an_idle_connection_makes_room_for_a_new_one() -> None:
    before = cut("room-made")
    async with served(measure) as server, connections(server, 50) as idle:
        assert server.open == 50
        heard = await exchange(server.port, GET, whole=True)
        assert heard.statuses == [200]
        assert await asyncio.wait_for(idle[0].read(), 1) == b""  # who has waited longest
        assert server.open <= 50
    assert cut("room-made") == before + 1


async def test_when_all_are_busy_probes_are_answered_and_others_refused() -> None:
    opened = asyncio.Event()

    async def busy(scope: Scope, _: Receive, send: Send) -> None:
        if scope["path"] != "/health/live" or scope["query_string"]:
            await opened.wait()
        await answer(send, b"ok")

    async with served(busy) as server, connections(server, 50, GET) as readers:
        probe = await exchange(server.port, HEALTH, whole=True)
        assert probe.statuses == [200]
        other = await exchange(server.port, GET, whole=True)
        assert other.statuses == [503]
        assert other.problem["code"] == "too-many-connections"
        slow = HEALTH.replace(b" HTTP", b"?slow HTTP")
        async with connections(server, 1, slow), connections(server, 1, slow):  # the reserve, busy too
            beyond = await exchange(server.port)
            assert (beyond.statuses, beyond.closed) == ([503], True)
        opened.set()
        for reader in readers:
            assert (await listen(reader, Heard(), 3, whole=True)).statuses == [200]


async def test_a_fault_behind_a_request_under_way_leaves_its_answer_alone() -> None:
    async def slow(scope: Scope, _: Receive, send: Send) -> None:
        await asyncio.sleep(0.1)
        await answer(send, scope["path"].encode())

    async with served(slow) as server:
        heard = await exchange(server.port, GET + b"nonsense\r\n\r\n", seconds=2)
        assert heard.statuses == [200]
        assert heard.closed
        many = await exchange(server.port, GET * 100, seconds=9)
        assert many.statuses == [200] * 17  # one under way and sixteen ahead
        assert many.closed


async def test_trailers_do_not_become_header_fields() -> None:
    async def showing(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await answer(send, b" ".join(name for name, _ in scope["headers"]))

    async with served(showing) as server:
        chunked = (
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Role: admin\r\n\r\n"
        )
        heard = await exchange(server.port, chunked, whole=True)
        assert heard.statuses == [200]
        assert heard.data.endswith(b"host transfer-encoding")


async def test_a_late_loop_is_not_held_against_the_clients() -> None:
    async def blocking(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/block":
            time.sleep(0.45)  # noqa: ASYNC251 - the point
        await measure(scope, receive, send)

    async with served(blocking, replace(SHORT, head_seconds=0.2)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(GET[:20])
        await asyncio.sleep(0.1)
        blocker = asyncio.create_task(exchange(server.port, GET.replace(b"/ ", b"/block "), seconds=1.5))
        await asyncio.sleep(0.05)
        writer.write(GET[20:])
        assert (await listen(reader, Heard(), 3, whole=True)).statuses == [200]
        writer.close()
        await blocker


class NeverEmpty(asyncio.Transport):
    """A transport in which as much is left of an answer whenever it is looked at."""

    aborted = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"socket": None}.get(name, default)

    def get_write_buffer_size(self) -> int:
        return 200_000

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


@pytest.mark.parametrize("taken", [True, False])
async def test_a_reader_for_whom_there_is_always_more_is_cut_only_when_nothing_was_taken(*, taken: bool) -> None:
    async def endless(_: Scope, __: Receive, ___: Send) -> None:
        await asyncio.Event().wait()

    config = uvicorn.Config(endless, ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    state, transport = ServerState(), NeverEmpty()
    connection: Any = arriving(Watch(SHORT))(config, state, {})  # type: ignore[call-arg]  # uvicorn's signature
    connection.connection_made(transport)
    connection.data_received(GET)
    now = connection.loop.time()
    for look in range(1, 31):
        if taken:
            connection.pause_writing()
            connection.resume_writing()
        if connection.look(now + look * SHORT.sweep_seconds, SHORT.sweep_seconds, 0.0):
            break
    assert transport.aborted is not taken
    connection.connection_lost(ConnectionError())
    for task in state.tasks:
        task.cancel()
    await asyncio.wait(state.tasks)
