"""Admission: bounded, honest about it, and never in the way of health probes."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.kernel.http_server.slots import SLOT
from app.middleware.admission import MAX_ALL_COLLECTED_BYTES, MAX_COLLECTED_BYTES, Admission
from app.middleware.body_limit import BodyClass
from app.middleware.probes import HEALTH_PATHS
from tests.middleware.asgi import Answer, Headers, call, scope


class Gate:
    """Serves every request as soon as it is opened; reads whatever body there is."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.inside = 0
        self.most = 0

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            while (await receive()).get("more_body"):
                pass
            await self.opened.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"ok"})
        finally:
            self.inside -= 1


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_serves_the_bound_and_refuses_the_rest_at_once() -> None:
    gate = Gate()
    app = Admission(gate, max_in_flight=5)
    calls = [asyncio.create_task(call(app, path="/api/tables")) for _ in range(12)]
    await settle()
    refused = [task.result() for task in calls if task.done()]
    assert len(refused) == 7
    for answer in refused:
        assert answer.status == 503
        assert answer.problem["code"] == "overloaded"
        assert answer.headers["retry-after"] == "1"
    gate.opened.set()
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status for answer in answers) == [200] * 5 + [503] * 7
    assert gate.most == 5
    assert (await call(app)).status == 200


@pytest.mark.parametrize("path", sorted(HEALTH_PATHS))
async def test_health_has_its_own_lane(path: str) -> None:
    gate = Gate()
    app = Admission(gate, max_in_flight=1, max_health_in_flight=1)
    busy = asyncio.create_task(call(app, path="/api/tables"))
    await settle()
    probe = asyncio.create_task(call(app, path=path))
    await settle()
    assert not probe.done()  # let in, though the other lane is full
    assert (await call(app, path=path)).status == 503  # and bounded itself
    assert (await call(app, path=path + "/x")).status == 503  # no other path sneaks into the lane
    gate.opened.set()
    assert (await probe).status == (await busy).status == 200


async def test_a_streaming_upload_holds_its_slot_until_it_ends() -> None:
    gate = Gate()
    gate.opened.set()
    app = Admission(gate, max_in_flight=1)
    more = asyncio.Event()
    answer = Answer()
    sent = 0

    async def receive() -> Message:
        nonlocal sent
        sent += 1
        if sent > 2:
            await more.wait()
        return {"type": "http.request", "body": b"row\n", "more_body": sent <= 2}

    async def send(message: Message) -> None:
        answer.messages.append(message)

    upload = asyncio.create_task(app(scope("POST", "/api/ingestion/c_v1/batches"), receive, send))
    await settle()
    assert (await call(app)).status == 503
    more.set()
    await upload
    assert answer.status == 200
    assert (await call(app)).status == 200


@pytest.mark.parametrize("error", [RuntimeError, asyncio.CancelledError])
async def test_a_failed_or_aborted_request_frees_its_slot(error: type[BaseException]) -> None:
    async def failing(_: Scope, __: Receive, ___: Send) -> None:
        raise error

    app = Admission(failing, max_in_flight=1)
    for _ in range(3):
        with pytest.raises(error):
            await call(app)
    assert app.requests.in_flight == 0


async def test_a_refusal_carries_the_correlation_id_and_closes_on_an_unread_body() -> None:
    app = Admission(Gate(), max_in_flight=0)
    plain = await call(app, headers=[(b"x-request-id", b"mine-1")])
    assert plain.problem["correlation_id"] == plain.headers["x-request-id"] == "mine-1"
    assert "connection" not in plain.headers
    upload = await call(app, "POST", headers=[(b"content-length", b"900000000")])
    assert upload.headers["connection"] == "close"
    assert len(upload.problem["correlation_id"]) == 36


async def test_lifespan_and_web_sockets_pass() -> None:
    seen: list[str] = []

    async def inner(scope: Scope, _: Receive, __: Send) -> None:
        seen.append(scope["type"])

    app = Admission(inner, max_in_flight=0)

    async def nothing() -> Message:
        raise AssertionError

    async def nowhere(_: Message) -> None:
        raise AssertionError

    for kind in ("lifespan", "websocket"):
        await app({"type": kind}, nothing, nowhere)
    assert seen == ["lifespan", "websocket"]


def posting(length: int = 5) -> Headers:
    return [(b"content-length", str(length).encode())]


async def waiting_upload(app: Admission, path: str, first: bytes, headers: Headers) -> asyncio.Task[Answer]:
    """A request whose body begins and then comes no further; cancelled it ends as when its client has gone."""
    answer, gone = Answer(), asyncio.Event()
    inbox: list[Message] = [{"type": "http.request", "body": first, "more_body": True}]

    async def receive() -> Message:
        if inbox:
            return inbox.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.messages.append(message)

    async def run() -> Answer:
        await app(scope("POST", path, headers), receive, send)
        return answer

    task = asyncio.create_task(run())
    await settle()
    return task


async def test_a_body_on_its_way_holds_no_slot() -> None:
    gate = Gate()
    gate.opened.set()
    app = Admission(gate, max_in_flight=2)
    slow = [await waiting_upload(app, "/api/query/validate", b"{", posting()) for _ in range(50)]
    assert (gate.inside, app.requests.in_flight) == (0, 0)
    assert (await call(app)).status == 200
    whole = await call(app, "POST", "/api/query/validate", posting(2), [b"{", b"}"])
    assert whole.status == 200
    for task in slow:
        task.cancel()


async def test_a_client_that_goes_before_its_body_has_come_is_nobodys_request() -> None:
    app = Admission(Gate(), max_in_flight=2)
    answer = await call(app, "POST", "/x", posting(), [b"{"], aborted=True)
    assert answer.messages == []
    assert app.requests.in_flight == 0


@pytest.mark.parametrize(
    ("path", "first", "headers"),
    [
        ("/api/ingestion/c_v1/batches", b"row", [(b"transfer-encoding", b"chunked")]),
        ("/api/query/validate", b"x" * 70_000, posting(100_000)),
        ("/api/query/validate", b"", [*posting(), (b"expect", b"100-continue")]),
        ("/api/query/validate", b"", posting(10_000_000)),
    ],
)
async def test_bodies_that_are_read_as_they_arrive_hold_half_of_the_slots_at_most(
    path: str, first: bytes, headers: Headers
) -> None:
    gate = Gate()
    gate.opened.set()
    upload = BodyClass("/api/ingestion/", "/batches", 10**9)
    app = Admission(gate, max_in_flight=6, max_body_bytes=1_000_000, uploads=(upload,))
    slow = [await waiting_upload(app, path, first, headers) for _ in range(3)]
    assert app.requests.in_flight == 3
    assert (await call(app, "POST", path, headers, [first, b"x"])).status == 503
    assert (await call(app)).status == 200
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert (app.requests.in_flight, app.streaming.in_flight) == (0, 0)


async def test_what_was_collected_is_given_on_in_order() -> None:
    async def echo(_: Scope, receive: Receive, send: Send) -> None:
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"".join(parts)})

    app = Admission(echo, max_in_flight=2)
    chunks = [bytes([65 + n]) * 20_000 for n in range(8)]
    assert (await call(app, "POST", "/x", posting(160_000), chunks)).body == b"".join(chunks)
    assert (await call(app, "POST", "/x", posting(3), [b"a", b"b", b"c"])).body == b"abc"


def collected(app: Admission) -> int:
    """The bytes that wait for the ends of their bodies."""
    return app._collected_bytes  # it shows nowhere else until it runs out


async def test_collected_bytes_are_given_back() -> None:
    """By whole bodies and by cut ones, by clients that go and by requests that are cancelled."""
    gate = Gate()
    gate.opened.set()
    app = Admission(gate, max_in_flight=6)
    for _ in range(20):
        assert (await call(app, "POST", "/x", posting(60_001), [b"x" * 60_000, b"x"])).status == 200
        assert (await call(app, "POST", "/x", posting(140_001), [b"x" * 70_000, b"x" * 70_001])).status == 200
        await call(app, "POST", "/x", posting(60_001), [b"x" * 60_000], aborted=True)
    assert collected(app) == 0
    slow = [await waiting_upload(app, "/x", b"x" * 50_000, posting(50_001)) for _ in range(3)]
    assert collected(app) == 150_000
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert collected(app) == 0


async def test_more_than_all_bodies_together_may_hold_can_pass_one_after_another() -> None:
    """Two-part bodies of 64 MiB in all leave room for the next: none of them is held longer than it is needed."""
    gate = Gate()
    gate.opened.set()
    app = Admission(gate, max_in_flight=2)
    first = b"x" * MAX_COLLECTED_BYTES
    for _ in range(MAX_ALL_COLLECTED_BYTES // MAX_COLLECTED_BYTES + 1):
        answer = await call(app, "POST", "/x", posting(len(first) + 1), [first, b"x"])
        assert answer.status == 200
    assert collected(app) == 0
    waiting = await waiting_upload(app, "/x", first, posting(len(first) + 1))
    assert (app.requests.in_flight, collected(app)) == (0, len(first)), "it waits outside, as the first did"
    waiting.cancel()


@pytest.mark.parametrize(("declared", "slots"), [(1_000_000, 0), (1_000_001, 1)])
async def test_a_body_that_declares_more_than_it_may_is_not_waited_for(declared: int, slots: int) -> None:
    gate = Gate()
    gate.opened.set()
    app = Admission(gate, max_in_flight=2, max_body_bytes=1_000_000)
    waiting = await waiting_upload(app, "/x", b"x", posting(declared))
    assert app.streaming.in_flight == slots
    waiting.cancel()


async def test_sixteen_probes_are_served_at_once() -> None:
    gate = Gate()
    app = Admission(gate, max_in_flight=0)
    path = min(HEALTH_PATHS)
    probes = [asyncio.create_task(call(app, path=path)) for _ in range(17)]
    await settle()
    assert [probe.result().status for probe in probes if probe.done()] == [503]
    gate.opened.set()
    assert sorted(answer.status for answer in await asyncio.gather(*probes)) == [200] * 16 + [503]


@pytest.mark.parametrize(("size", "slots"), [(64 * 1024 - 1, 0), (64 * 1024, 0), (64 * 1024 + 1, 1)])
async def test_the_bytes_of_one_body_that_may_wait_outside(size: int, slots: int) -> None:
    gate = Gate()
    gate.opened.set()
    app = Admission(gate, max_in_flight=2)
    waiting = await waiting_upload(app, "/x", b"x" * size, posting(size + 1))
    assert app.streaming.in_flight == slots
    waiting.cancel()


async def test_the_bytes_of_all_bodies_that_may_wait_outside() -> None:
    gate = Gate()
    gate.opened.set()
    app = Admission(gate, max_in_flight=4)
    sizes = [64 * 1024] * 1023 + [64 * 1024 - 1, 1]
    waiting = [await waiting_upload(app, "/x", b"x" * size, posting(size + 1)) for size in sizes]
    assert (collected(app), app.streaming.in_flight) == (64 * 1024 * 1024, 0)
    waiting.append(await waiting_upload(app, "/x", b"x", posting(2)))
    assert (collected(app), app.streaming.in_flight) == (64 * 1024 * 1024, 1)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (collected(app), app.streaming.in_flight) == (0, 0)


async def test_a_slot_can_be_given_back_before_the_answer_ends() -> None:
    """By the connection, when only the reader keeps the answer from ending."""
    gate = Gate()
    seen: list[Scope] = []

    async def remembering(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await gate(scope, receive, send)

    app = Admission(remembering, max_in_flight=1)
    stalled = asyncio.create_task(call(app))
    await settle()
    assert (await call(app)).status == 503
    for _ in range(2):
        seen[0][SLOT].release()
    assert app.requests.in_flight == 0
    second = asyncio.create_task(call(app))
    await settle()
    gate.opened.set()
    assert (await second).status == (await stalled).status == 200
    assert app.requests.in_flight == 0
