"""No secret leaves in a log line, wherever it hides; nothing that is logged grows without bound."""

import json
import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, ValidationError
from sqlalchemy.exc import DBAPIError

from app.kernel.redaction import MASK, MAX_ITEMS, MAX_TEXT, describe, redact, redact_fields, safe_text

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"

SECRETS = [
    ("Authorization: Bearer hunter22abc", "hunter22abc"),
    ("sent bearer hunter22abc to it", "hunter22abc"),
    ("Basic aHVudGVyMjI6YWJj", "aHVudGVyMjI6YWJj"),
    (f"the token {JWT} has expired", "eyJ"),
    (f"five parts {JWT}.a.b", "eyJ"),
    ("key spy_abcd1234_hunter22-abc_DEF is unknown", "hunter22"),
    ("X-API-Key: hunter22abc", "hunter22abc"),
    ("Cookie: __Host-session=hunter22; csrf=hunter23", "hunter2"),
    ("Set-Cookie: a=hunter22", "hunter22"),
    ("postgresql+asyncpg://spyne:hunter22@db:5432/spyne", "hunter22"),
    ("redis://:hunter22@cache/0", "hunter22"),
    ("postgresql://spyne:hun/ter@22@db/spyne", "hun"),
    ("GET /x?token=hunter22&y=1", "hunter22"),
    ("client_secret=hunter22&grant=x", "hunter22"),
    ("refresh_token: hunter22", "hunter22"),
    ('{"password": "hunter 22"}', "hunter"),
    ("{'api_key': 'hunter 22'}", "hunter"),
    ("password=hunter22", "hunter22"),
    ("ALTER ROLE spyne_app PASSWORD 'hunter22'", "hunter22"),
    ("-----BEGIN EC PRIVATE KEY-----\nhunter22\n-----END EC PRIVATE KEY-----", "hunter22"),
    ("-----BEGIN PRIVATE KEY-----\nhunter22 cut", "hunter22"),
    ("signed with whsec_hunter22ABC=", "hunter22"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_in_texts(text: str, secret: str) -> None:
    assert MASK in safe_text(text)
    assert secret not in safe_text(text)
    nested = {"outer": [{"inner": ("x", {text}, text.encode())}], text: 1}
    assert secret not in json.dumps(redact(nested))


@pytest.mark.parametrize("value", ["hunter22", 12345678, ["hunter22"], {"a": "hunter22"}, b"hunter22"])
def test_a_secret_of_any_type_is_masked_by_name_at_any_depth(value: Any) -> None:
    """Which names: `test_secret_names.py`."""
    assert redact_fields({"password": value}) == {"password": MASK}
    assert redact({"deep": [{"password": value}]}) == {"deep": [{"password": MASK}]}


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/tables/{id} took 12.5 ms",
        "contract events_v1 has 3 columns: a, b, c",
        "https://example.org/path?page=2",
        "0195f3c2-7d1e-7b60-8d8c-0242ac120002",
        "spy_query is a role",
        "größer als ∑ 日本",
        "",
    ],
)
def test_harmless_texts_stay_as_they_are(text: str) -> None:
    assert safe_text(text) == text


def test_what_is_no_secret_may_be_absent() -> None:
    assert redact_fields({"token": None, "has_password": True}) == {"token": None, "has_password": True}


@dataclass
class Credentials:
    password: str


class Model(BaseModel):
    secret: SecretStr
    token: str


def test_objects_are_told_by_their_masked_text() -> None:
    told = redact([Credentials("hunter22"), Model(secret=SecretStr("hunter22"), token="hunter22")])
    assert "hunter22" not in json.dumps(told)
    assert redact(UUID(int=1)) == str(UUID(int=1))


class Broken:
    def __str__(self) -> str:
        raise RuntimeError


def test_sizes_are_bounded() -> None:
    assert len(safe_text("x" * 100_000)) == MAX_TEXT
    assert len(redact(list(range(10_000)))) == MAX_ITEMS + 1
    assert len(redact({str(n): n for n in range(10_000)})) == MAX_ITEMS + 1
    deep: Any = "end"
    for _ in range(1000):
        deep = {"a": deep}
    assert len(json.dumps(redact(deep))) < 100
    assert redact(2**100) == "<integer of 101 bits>"
    assert redact(10**5000).startswith("<integer")
    assert redact(b"secret bytes") == "<12 bytes>"
    assert redact(Broken()) == "<Broken>"


def test_a_secret_at_the_cut_does_not_lose_its_shape() -> None:
    for offset in range(MAX_TEXT - 60, MAX_TEXT + 10):
        assert "hunter22" not in safe_text("x" * offset + " postgresql://spyne:hunter22@db/spyne")


def test_lines_cannot_be_forged() -> None:
    assert "\n" not in safe_text("one\ntwo\r\nthree\u2028four\x1b[31m\x00")
    assert safe_text("one\ntwo") == "one\\ntwo"
    orjson.dumps(redact("lone \ud800 surrogate"))


HOSTILE = [
    "token" * 2000,
    "://a:" * 2000,
    "eyJ-" * 2000,
    "eyJ." * 2000,
    "password" + " " * 8000,
    "-----BEGIN " * 800,
    "api_key" * 1000 + "a" * 2000,
    "basic " * 1500,
    "cookie:" * 1000,
    "spy_a_" * 1300,
    "'" * 8000 + "token=",
    "key:" * 2000,
    "a:" * 4000 + "key",
    "a_b" * 2600 + "key =",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_masked_in_bounded_time(text: str) -> None:
    started = time.thread_time()
    safe_text(text)
    assert time.thread_time() - started < 0.25


JSON_LIKE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.uuids(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text(), JSON_LIKE))
def test_whatever_is_logged_can_be_written(fields: dict[str, Any]) -> None:
    line = orjson.dumps(redact_fields(fields))
    assert b"\n" not in line


def raised(error: Exception) -> Exception:
    try:
        raise error  # noqa: TRY301 - to have a traceback
    except Exception as caught:  # noqa: BLE001 - whatever it is
        return caught


def fail_inside() -> None:
    raise ValueError("inner password=hunter22")


def fail_outside() -> None:
    try:
        fail_inside()
    except ValueError as inner:
        raise LookupError("outer\nsecond line") from inner


def test_an_exception_is_told_by_type_place_and_cause() -> None:
    with pytest.raises(LookupError) as caught:
        fail_outside()
    told = describe(caught.value)
    assert told["type"] == "builtins.LookupError"
    assert told["message"] == "outer"
    assert told["frames"][-1].endswith(" fail_outside")
    assert told["cause"]["type"] == "builtins.ValueError"
    assert "hunter22" not in json.dumps(told)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("Key (email)=(ann@example.org) already exists"),
        asyncpg.exceptions.DataError("invalid input for query argument $1: 'ann@example.org'"),
        DBAPIError("SELECT $1", ("ann@example.org",), ValueError("ann@example.org: original")),
    ],
)
def test_errors_of_the_database_are_told_without_their_texts(error: Exception) -> None:
    assert "ann@example.org" not in json.dumps(describe(raised(error)))


def test_a_validation_error_is_told_without_the_input() -> None:
    class Age(BaseModel):
        age: int

    with pytest.raises(ValidationError) as caught:
        Age.model_validate({"age": "hunter22"})
    assert "hunter22" not in json.dumps(describe(caught.value))


def test_long_chains_and_groups_are_bounded() -> None:
    error: Exception = ValueError("0")
    for number in range(50):
        outer = ValueError(str(number))
        outer.__cause__ = error
        error = outer
    group = ExceptionGroup("many", [raised(LookupError("one")) for _ in range(50)])
    assert len(json.dumps(describe(error))) < 2000
    assert len(describe(group)["exceptions"]) == 3
