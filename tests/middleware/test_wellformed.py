"""Addresses that are not text and heads of absurd size stop at the door."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from app.middleware.wellformed import MAX_HEADER_BYTES, MAX_TARGET_BYTES, WellFormed, address_fault, headers_fault
from tests.middleware.asgi import Answer, scope


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        (b"/", b"", None),
        (b"/api/tables/%C3%A4%20%2F", b"search=%25&a=b+c", None),
        (b"/" + b"x" * (MAX_TARGET_BYTES - 1), b"", None),
        (b"/" + b"x" * (MAX_TARGET_BYTES - 2), b"yy", 414),
        (b"/%00", b"", 400),
        (b"/", b"a=%00", 400),
        (b"/\x00", b"", 400),
        (b"/%ED%A0%80", b"", 400),
        (b"/", b"a=%FF", 400),
        (b"/\xff", b"", 400),
        (b"/%C0%AF", b"", 400),
        (b"/%", b"", 400),
        (b"/", b"a=%4", 400),
        (b"/%zz", b"", 400),
    ],
)
def test_addresses(path: bytes, query: bytes, status: int | None) -> None:
    fault = address_fault(path, query)
    assert (fault.status if fault else None) == status


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=200))
def test_every_text_that_is_encoded_as_the_standard_says_is_taken(text: str) -> None:
    assert address_fault(b"/" + quote(text).encode(), b"q=" + quote(text, safe="").encode()) is None


@given(st.binary(max_size=50))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    fault = address_fault(b"/" + data, data)
    assert fault is None or fault.status == 400


def test_the_size_of_headers_is_that_of_all_together() -> None:
    fits = [(b"a", b"x" * (MAX_HEADER_BYTES // 2 - 1))] * 2
    assert headers_fault(fits) is None
    fault = headers_fault([*fits, (b"b", b"")])
    assert fault is not None
    assert fault.status == 431


async def test_a_refusal_is_a_problem_and_nothing_inside_is_asked() -> None:
    async def inside(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise AssertionError

    answer = Answer()

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        answer.messages.append(message)  # type: ignore[arg-type]  # what a layer sends is a message

    await WellFormed(inside)(scope(path="/a", raw_path=b"/%00"), receive, send)
    assert (answer.status, answer.problem["code"]) == (400, "malformed-address")
