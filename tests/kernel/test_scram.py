"""Verifiers: the example of RFC 7677, texts that would not mean the same to a client, and a server that takes them."""

import base64
import secrets

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.embedded import ServerAddress
from app.kernel.quoting import quote_literal
from app.kernel.scram import verifier

SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")


def test_the_example_of_rfc_7677() -> None:
    assert verifier("pencil", SALT) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=64))
def test_the_password_is_not_in_it_and_no_two_are_alike(password: str) -> None:
    first, second = verifier(password, iterations=1), verifier(password, iterations=1)
    assert first != second
    assert len(password) < 8 or password not in first


@pytest.mark.parametrize(
    "password", ["", "a\nb", "a\x00", "tab\t", "a\u00adb", "\u00a0", "ﬁ", "a\u0301", "\ufe00x", "\x7f"]
)
def test_what_a_client_would_prepare_otherwise_is_refused(password: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        verifier(password)


@pytest.mark.parametrize("password", ["pencil", " ", 'it\'s a \\ "quote" $1 :x %L', "ü", "пароль", "密码", "x" * 300])
async def test_the_server_lets_in_who_knows_the_password_and_nobody_else(server: ServerAddress, password: str) -> None:
    name = f"scram_{secrets.token_hex(6)}"
    owner = await asyncpg.connect(**server.connect_kwargs("postgres"))
    try:
        await owner.execute(f"CREATE ROLE {name} LOGIN PASSWORD {quote_literal(verifier(password))}")
        assert (await owner.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = $1", name)).startswith("SCRAM-")
        connection = await asyncpg.connect(**server.connect_kwargs("postgres", user=name, password=password))
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(**server.connect_kwargs("postgres", user=name, password=password + "x"))
    finally:
        await owner.execute(f"DROP ROLE IF EXISTS {name}")
        await owner.close()
