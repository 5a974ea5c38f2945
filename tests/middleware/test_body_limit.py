"""The body limit counts what arrives, and answers 413 whatever the application does about it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, FastAPI, Request
from fastapi.responses import StreamingResponse
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from app.kernel.http.errors import install_problem_handlers
from app.middleware import answers
from app.middleware.body_limit import BodyClass, BodyLimit, declared_length
from app.middleware.boundary import AnswerCut
from tests.middleware.asgi import Answer, call, scope

LIMIT = 10


async def reading(_: Scope, receive: Receive, send: Send) -> None:
    """Echoes the body's length."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


@given(st.lists(st.binary(max_size=8), max_size=6))
async def test_exactly_the_limit_passes_and_one_byte_more_does_not(chunks: list[bytes]) -> None:
    answer = await call(BodyLimit(reading, LIMIT), "POST", chunks=chunks or [b""])
    size = sum(map(len, chunks))
    assert answer.status == (200 if size <= LIMIT else 413)
    assert answer.complete
    if size <= LIMIT:
        assert answer.body == str(size).encode()


@pytest.mark.parametrize(
    ("length", "body", "status"),
    [
        (b"10", b"x" * 10, 200),
        (b"11", b"x" * 11, 413),
        (b"11", b"", 413),  # refused before a byte is read
        (b"3", b"x" * 11, 413),  # a lie that is too small
        (b"-1", b"x" * 11, 413),
        (b"ten", b"x" * 10, 200),
        (b"1_0", b"x" * 11, 413),
        (b"\xc2\xb2", b"x", 200),
        (b"9" * 5000, b"x", 413),  # more digits than int() takes
        (b"", b"x" * 10, 200),
    ],
)
async def test_content_length_only_refuses_early(length: bytes, body: bytes, status: int) -> None:
    answer = await call(BodyLimit(reading, LIMIT), "POST", headers=[(b"content-length", length)], chunks=[body])
    assert answer.status == status


def test_the_largest_of_several_lengths_counts() -> None:
    assert declared_length([(b"content-length", b"3"), (b"content-length", b"12"), (b"content-length", b"x")]) == 12
    assert declared_length([]) == 0


async def test_a_refusal_is_a_problem_and_ends_the_connection() -> None:
    headers = [(b"transfer-encoding", b"chunked"), (b"x-request-id", b"mine")]
    answer = await call(BodyLimit(reading, LIMIT), "POST", headers=headers, chunks=[b"x" * 6] * 3)
    assert answer.problem["code"] == "content-too-large"
    assert answer.problem["limit_bytes"] == LIMIT
    assert answer.problem["correlation_id"] == "mine"
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/ingestion/events_v1/batches", 100),
        ("/api/ingestion/replay", LIMIT),
        ("/api/ingestion/batches/1/rollback", LIMIT),
        ("/api/tables", LIMIT),
        ("/x/api/ingestion/events_v1/batches", LIMIT),
    ],
)
def test_a_path_class_has_its_own_limit(path: str, limit: int) -> None:
    assert BodyLimit(reading, LIMIT, [BodyClass("/api/ingestion/", "/batches", 100)]).limit_of(path) == limit


async def test_an_application_that_swallows_the_refusal_cannot_answer_otherwise() -> None:
    async def stubborn(_: Scope, receive: Receive, send: Send) -> None:
        for _ in range(3):
            try:
                await receive()
            except Exception:  # noqa: BLE001 - this is what a stubborn application does
                continue
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})

    answer = await call(BodyLimit(stubborn, LIMIT), "POST", chunks=[b"x" * 11])
    assert answer.status == 413
    assert b"fine" not in answer.body


async def test_a_begun_answer_is_cut() -> None:
    async def eager(_: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await receive()

    answer = Answer()
    with pytest.raises(AnswerCut):
        await call(BodyLimit(eager, LIMIT), "POST", chunks=[b"x" * 6] * 3, answer=answer)
    assert [message["type"] for message in answer.messages] == ["http.response.start"]


async def test_other_errors_pass_unchanged() -> None:
    async def failing(_: Scope, __: Receive, ___: Send) -> None:
        raise LookupError("other")

    with pytest.raises(LookupError):
        await call(BodyLimit(failing, LIMIT))


async def test_an_aborted_upload_reaches_the_application() -> None:
    async def waiting(_: Scope, receive: Receive, __: Send) -> None:
        assert (await receive())["body"] == b"half"
        assert (await receive())["type"] == "http.disconnect"

    answer = await call(BodyLimit(waiting, LIMIT), "POST", chunks=[b"half"], aborted=True)
    assert answer.messages == []


def framework_app() -> FastAPI:
    app = FastAPI()
    install_problem_handlers(app)

    @app.post("/json")
    async def read_json(body: Annotated[dict[str, Any], Body()]) -> int:
        return len(body)

    @app.post("/stream")
    async def read_stream(request: Request) -> int:
        return sum([len(chunk) async for chunk in request.stream()])

    @app.post("/echo")
    async def echo(request: Request) -> StreamingResponse:
        return StreamingResponse(request.stream())

    return app


@pytest.mark.parametrize("path", ["/json", "/stream"])
async def test_fastapi_bodies_over_the_limit(path: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"a": "'
        for _ in range(10):
            yield b"x" * 10
        yield b'"}'

    transport = httpx.ASGITransport(BodyLimit(framework_app(), 64))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.post(path, content=chunks(), headers={"content-type": "application/json"})
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "content-too-large"
        small = await client.post(path, content=b'{"a": 1}', headers={"content-type": "application/json"})
        assert small.status_code == 200


async def test_what_is_sent_on_is_drained_so_that_the_answer_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LINGER_BYTES", 50)
    chunked = [(b"transfer-encoding", b"chunked")]
    for sent, read in ((3, 3), (100, 6)):
        count = 0

        async def receive(sent: int = sent) -> Message:
            nonlocal count
            count += 1
            return {"type": "http.request", "body": b"x" * 12, "more_body": count < sent}

        answer = Answer()

        async def send(message: Message, answer: Answer = answer) -> None:
            answer.messages.append(message)

        await BodyLimit(reading, LIMIT)(scope("POST", "/", chunked), receive, send)
        assert answer.status == 413
        assert answer.complete
        assert count == read


async def test_the_draining_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LINGER_SECONDS", 0.02)
    answer = Answer()

    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        answer.messages.append(message)

    await BodyLimit(reading, LIMIT)(scope("POST", "/", [(b"content-length", b"11")]), receive, send)
    assert answer.status == 413
    assert answer.complete
