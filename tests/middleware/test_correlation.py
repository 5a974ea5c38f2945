"""Every request has a correlation id and a trace id, and every answer says the former."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from app.kernel import correlation as context
from app.middleware.correlation import Correlation, parse_traceparent
from tests.middleware.asgi import call

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01".encode()


class Inner:
    """Remembers the ids it ran under."""

    def __init__(self) -> None:
        self.ids: tuple[str | None, str | None] = (None, None)

    async def __call__(self, _: Scope, __: Receive, send: Send) -> None:
        self.ids = (context.correlation_id(), context.trace_id())
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-request-id", b"forged")]})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("sent", ["a", "Az09._-", "x" * 64, "0195f3c2-7d1e-7b60-8d8c-0242ac120002"])
async def test_a_well_formed_id_is_kept_and_echoed(sent: str) -> None:
    inner = Inner()
    answer = await call(Correlation(inner), headers=[(b"x-request-id", sent.encode())])
    assert inner.ids[0] == sent
    assert answer.all("x-request-id") == [sent]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"x" * 65,
        b"two words",
        b"line\nbreak",
        b"trailing\n",
        "ümlaut".encode(),
        b"\xff",
        b"<script>",
        b"a/b",
        b"spy_abcd1234_SeCrEtSeCrEtSeCrEtSeCrEt",
        b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
    ],
)
async def test_any_other_is_replaced_by_a_fresh_uuid7(sent: bytes) -> None:
    inner = Inner()
    answer = await call(Correlation(inner), headers=[(b"x-request-id", sent)])
    assert UUID(answer.headers["x-request-id"]).version == 7
    assert inner.ids[0] == answer.headers["x-request-id"]


async def test_two_ids_are_none() -> None:
    answer = await call(Correlation(Inner()), headers=[(b"x-request-id", b"a"), (b"x-request-id", b"b")])
    assert UUID(answer.headers["x-request-id"]).version == 7


async def test_without_headers_both_are_made_and_differ_per_request() -> None:
    first, second = Inner(), Inner()
    await call(Correlation(first))
    await call(Correlation(second))
    assert first.ids[0] != second.ids[0]
    assert first.ids[1] != second.ids[1]
    assert re.fullmatch("[0-9a-f]{32}", str(first.ids[1]))


async def test_the_trace_id_comes_from_a_valid_traceparent() -> None:
    inner = Inner()
    await call(Correlation(inner), headers=[(b"traceparent", PARENT)])
    assert inner.ids[1] == TRACE


@pytest.mark.parametrize(
    "value",
    [
        PARENT.upper(),
        PARENT.replace(b"00-", b"01-", 1),
        PARENT.replace(b"00-", b"ff-", 1),
        PARENT + b"-more",
        PARENT + b"\n",
        PARENT[:-1],
        b" " + PARENT,
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"00-" + TRACE.encode() + b"-" + b"0" * 16 + b"-01",
        b"00-" + TRACE.encode() + b"-00f067aa0ba902b7-0g",
        b"",
    ],
)
async def test_an_invalid_traceparent_is_ignored(value: bytes) -> None:
    inner = Inner()
    await call(Correlation(inner), headers=[(b"traceparent", value)])
    assert inner.ids[1] not in (None, TRACE, "0" * 32)


def test_two_traceparents_are_none() -> None:
    assert parse_traceparent([PARENT, PARENT]) is None


@given(st.binary(max_size=60))
def test_whatever_is_parsed_is_as_it_came(value: bytes) -> None:
    found = parse_traceparent([value])
    assert found is None or found.encode() == value


async def test_the_context_is_left_as_it_was_also_after_an_error() -> None:
    async def failing(_: Scope, __: Receive, ___: Send) -> None:
        assert context.correlation_id() is not None
        raise LookupError

    bound = context.bind("outer")
    try:
        with pytest.raises(LookupError):
            await call(Correlation(failing))
        assert (context.correlation_id(), context.trace_id()) == ("outer", None)
    finally:
        context.unbind(bound)
    assert context.correlation_id() is None
