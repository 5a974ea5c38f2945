"""Reading the token request: never an exception, always an error code of RFC 6749."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.login.oauth import FORM, ErrorCode, GrantRefusal, GrantType, TokenRequest, read_token_request

PASSWORD = b"grant_type=password&username=ada&password=pass+word%21"


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_a_password_request() -> None:
    assert read_token_request(
        FORM + "; charset=utf-8", None, PASSWORD + b"&scope=query:run+tables:read"
    ) == TokenRequest(GrantType.PASSWORD, "ada", "pass word!", "", "", frozenset({"query:run", "tables:read"}))


@pytest.mark.parametrize(
    ("authorization", "body"),
    [
        (None, b"&client_id=a%3Ab&client_secret=s%2B"),
        (_basic("a%3Ab:s%2B"), b""),
        (_basic("a%3Ab:s%2B").replace("Basic", "bAsIc"), b"&client_id=a%3Ab"),
    ],
    ids=["form", "basic", "basic with the id repeated"],
)
def test_a_client_request(authorization: str | None, body: bytes) -> None:
    read = read_token_request(FORM, authorization, b"grant_type=client_credentials" + body)
    assert read == TokenRequest(GrantType.CLIENT_CREDENTIALS, "", "", "a:b", "s+", None)


def test_swagger_sends_an_empty_client_with_the_password_grant() -> None:
    read = read_token_request(FORM, _basic(":"), PASSWORD)
    assert isinstance(read, TokenRequest)
    assert read.client_id == ""


REFUSED: dict[str, tuple[str, str | None, bytes, str]] = {
    "nothing": (FORM, None, b"", "invalid_request"),
    "JSON": ("application/json", None, b'{"grant_type":"password"}', "invalid_request"),
    "multipart": ("multipart/form-data; boundary=x", None, PASSWORD, "invalid_request"),
    "no content type": ("", None, PASSWORD, "invalid_request"),
    "no grant": (FORM, None, b"username=ada&password=x", "invalid_request"),
    "empty grant": (FORM, None, b"grant_type=&username=ada&password=x", "invalid_request"),
    "unknown grant": (FORM, None, b"grant_type=implicit", "unsupported_grant_type"),
    "no refresh token": (FORM, None, b"grant_type=refresh_token&refresh_token=", "invalid_request"),
    "no username": (FORM, None, b"grant_type=password&password=x", "invalid_request"),
    "no password": (FORM, None, b"grant_type=password&username=ada&password=", "invalid_request"),
    "field twice": (FORM, None, PASSWORD + b"&username=eve", "invalid_request"),
    "grant twice": (FORM, None, PASSWORD + b"&grant_type=password", "invalid_request"),
    "NUL": (FORM, None, b"grant_type=password&username=ada%00&password=x", "invalid_request"),
    "NUL in a name": (FORM, None, PASSWORD + b"&a%00=1", "invalid_request"),
    "not UTF-8": (FORM, None, b"grant_type=password&username=%ff&password=x", "invalid_request"),
    "surrogate": (FORM, None, b"grant_type=password&username=%ed%a0%80&password=x", "invalid_request"),
    "raw bytes": (FORM, None, PASSWORD + b"\xff", "invalid_request"),
    "no pairs": (FORM, None, b"grant_type", "invalid_request"),
    "huge field": (FORM, None, PASSWORD + b"x" * 2000, "invalid_request"),
    "huge form": (FORM, None, PASSWORD + b"&a=" + b"x" * 20_000, "invalid_request"),
    "many fields": (FORM, None, PASSWORD + b"".join(b"&a%d=1" % i for i in range(50)), "invalid_request"),
    "unknown scope": (FORM, None, PASSWORD + b"&scope=root", "invalid_scope"),
    "blank scope": (FORM, None, PASSWORD + b"&scope=+", "invalid_scope"),
    "no client": (FORM, None, b"grant_type=client_credentials", "invalid_client"),
    "no secret": (FORM, None, b"grant_type=client_credentials&client_id=x", "invalid_client"),
    "bearer": (FORM, "Bearer x", b"grant_type=client_credentials", "invalid_client"),
    "basic no base64": (FORM, "Basic ###", b"grant_type=client_credentials", "invalid_client"),
    "basic no colon": (FORM, _basic("abc"), b"grant_type=client_credentials", "invalid_client"),
    "basic not UTF-8": (FORM, "Basic /w==", b"grant_type=client_credentials", "invalid_client"),
    "basic NUL": (FORM, _basic("a%00:b"), b"grant_type=client_credentials", "invalid_client"),
    "two Basics": (FORM, f"{_basic('a:b')}, {_basic('c:d')}", b"grant_type=client_credentials", "invalid_client"),
    "basic and form": (FORM, _basic("a:b"), b"grant_type=client_credentials&client_secret=b", "invalid_request"),
    "two ids": (FORM, _basic("a:b"), b"grant_type=client_credentials&client_id=c", "invalid_request"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_request(name: str) -> None:
    content_type, authorization, body, error = REFUSED[name]
    read = read_token_request(content_type, authorization, body)
    assert isinstance(read, GrantRefusal)
    assert read.error == error
    assert read.status == (401 if read.error is ErrorCode.INVALID_CLIENT else 400)


@given(st.text(), st.none() | st.text().map("Basic ".__add__), st.binary())
def test_noise_is_read_or_refused(content_type: str, authorization: str | None, body: bytes) -> None:
    assert isinstance(read_token_request(content_type, authorization, body), GrantRefusal)
    assert read_token_request(FORM, authorization, body) is not None
    assert read_token_request(FORM, authorization, PASSWORD + b"&scope=" + body) is not None


def _fields(number: int) -> bytes:
    """A password request of so many fields."""
    return PASSWORD + b"".join(b"&f%d=" % each for each in range(number - 3))


def _of_size(size: int) -> bytes:
    """A password request of so many bytes, in fields that are not too long."""
    body = PASSWORD + b"".join(b"&f%d=%s" % (each, b"x" * 1000) for each in range(16)) + b"&last="
    return body + b"x" * (size - len(body))


@pytest.mark.parametrize(
    ("fits", "too_much", "error"),
    [
        (_fields(20), _fields(21), "invalid_request"),
        (PASSWORD + b"&a=" + b"x" * 1024, PASSWORD + b"&a=" + b"x" * 1025, "invalid_request"),
        (PASSWORD + b"&scope=query:run" + b"+" * 4087, PASSWORD + b"&scope=query:run" + b"+" * 4088, "invalid_request"),
        (_of_size(16_384), _of_size(16_385), "invalid_request"),
    ],
    ids=["fields", "a field", "the scope", "the form"],
)
def test_what_fits_is_read_and_a_little_more_is_refused(fits: bytes, too_much: bytes, error: str) -> None:
    assert isinstance(read_token_request(FORM, None, fits), TokenRequest)
    refused = read_token_request(FORM, None, too_much)
    assert isinstance(refused, GrantRefusal)
    assert refused.error == error
