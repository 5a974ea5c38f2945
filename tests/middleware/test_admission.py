"""Admission: bounded, honest about it, and never in the way of health probes."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from app.middleware.admission import HEALTH_PATHS, Admission
from tests.middleware.asgi import Answer, call, scope


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
