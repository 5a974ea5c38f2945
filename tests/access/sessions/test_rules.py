"""Lifetimes, secrets, forged requests and which credential counts: rules alone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.sessions.csrf import ForgedRequest, require_own_site, require_token
from app.access.sessions.lifetimes import SessionKind, SessionTimes, begun, is_over, refresh_expiry
from app.access.sessions.secrets import (
    clearing_cookie_header,
    cookie_header,
    csrf_token,
    digest_of,
    fresh_refresh_token,
    fresh_session_secret,
)
from app.kernel.redaction import safe_text
from app.kernel.security.credential_headers import SESSION_COOKIE, cookies_in
from app.kernel.security.policy import SessionPolicy

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
POLICY = SessionPolicy()
KEY = b"k" * 32
SECOND = timedelta(seconds=1)
SLACK = timedelta(seconds=75)
"""The last use is written once a minute, and some seconds late."""


def _begun(kind: SessionKind = SessionKind.BROWSER) -> SessionTimes:
    return begun(kind, NOW, POLICY)


@pytest.mark.parametrize(
    ("kind", "after", "over"),
    [
        (SessionKind.BROWSER, timedelta(0), False),
        (SessionKind.BROWSER, POLICY.idle, False),
        (SessionKind.BROWSER, POLICY.idle + SLACK - SECOND, False),
        (SessionKind.BROWSER, POLICY.idle + SLACK, True),
        (SessionKind.TOKEN, POLICY.idle + SLACK, False),
        (SessionKind.TOKEN, POLICY.absolute - SECOND, False),
        (SessionKind.TOKEN, POLICY.absolute, True),
    ],
)
def test_a_session_ends_by_itself(kind: SessionKind, after: timedelta, over: bool) -> None:
    assert is_over(_begun(kind), NOW + after, POLICY) is over


def test_a_tighter_policy_counts_at_once_and_a_looser_one_for_later_sessions() -> None:
    tight = SessionPolicy(idle=timedelta(minutes=5), absolute=timedelta(hours=1))
    loose = SessionPolicy(idle=timedelta(days=5), absolute=timedelta(days=6))
    assert is_over(_begun(), NOW + timedelta(minutes=5) + SLACK, tight)
    assert is_over(_begun(SessionKind.TOKEN), NOW + timedelta(hours=1), tight)
    assert is_over(_begun(), NOW + POLICY.idle + SLACK, loose)
    assert is_over(_begun(SessionKind.TOKEN), NOW + POLICY.absolute, loose)


def test_a_refresh_token_slides_up_to_the_sessions_end() -> None:
    short = SessionPolicy(refresh=timedelta(hours=2))
    assert refresh_expiry(_begun(SessionKind.TOKEN), NOW, short) == NOW + timedelta(hours=2)
    late = NOW + POLICY.absolute - timedelta(minutes=1)
    assert refresh_expiry(_begun(SessionKind.TOKEN), late, short) == NOW + POLICY.absolute


def test_secrets_have_256_bits_a_form_and_no_likeness() -> None:
    session, refresh = fresh_session_secret(), fresh_refresh_token()
    assert len({fresh_session_secret() for _ in range(100)}) == 100
    assert len(session.removeprefix("spy_session_")) == len(refresh.removeprefix("spy_refresh_")) == 43
    assert digest_of(session, "session")
    assert digest_of(session, "refresh") is None
    assert digest_of(refresh, "session") is None
    for text in (f"Set-Cookie: {cookie_header(session)}", f"it was {session} and {refresh}"):
        assert session not in safe_text(text)
        assert refresh not in safe_text(text)


def test_the_cookie_is_what_the_prefix_asks_for() -> None:
    for header in (cookie_header("x"), clearing_cookie_header()):
        parts = header.split("; ")
        assert parts[0].startswith("__Host-")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(parts)
        assert not any(part.lower().startswith("domain") for part in parts)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b"", []),
        (b"a=b", []),
        (SESSION_COOKIE.encode(), []),
        (SESSION_COOKIE.encode() + b"=", [b""]),
        (b"a=b; " + SESSION_COOKIE.encode() + b"=x", [b"x"]),
        (SESSION_COOKIE.encode() + b"=x;" + SESSION_COOKIE.encode() + b"=y", [b"x", b"y"]),
        (b"x" + SESSION_COOKIE.encode() + b"=x", []),
        (SESSION_COOKIE.lower().encode() + b"=x", []),
        (SESSION_COOKIE.encode() + b" =x", []),
        (SESSION_COOKIE.encode() + b"=a=b", [b"a=b"]),
    ],
)
def test_cookies_of_the_name_alone_are_found(header: bytes, found: list[bytes]) -> None:
    assert list(cookies_in([(b"cookie", header)])) == found


@given(st.binary(max_size=200))
def test_noise_in_cookies_is_no_error(noise: bytes) -> None:
    for value in cookies_in([(b"cookie", noise), (b"cookie", SESSION_COOKIE.encode() + b"=" + noise)]):
        assert digest_of(value.decode("latin-1"), "session") is None


def test_a_csrf_token_is_of_its_session_and_key() -> None:
    one, other = uuid4(), uuid4()
    tokens = {csrf_token(KEY, one), csrf_token(KEY, other), csrf_token(b"z" * 32, one)}
    assert len(tokens) == 3
    require_token([(b"x-csrf-token", csrf_token(KEY, one).encode())], csrf_token(KEY, one))
    assert csrf_token(KEY, UUID(int=1)) == csrf_token(KEY, UUID(int=1))


@given(st.binary(max_size=60))
def test_noise_is_no_csrf_token_and_no_origin_of_ours(noise: bytes) -> None:
    with pytest.raises(ForgedRequest):
        require_token([(b"x-csrf-token", noise)], csrf_token(KEY, UUID(int=1)))
    with pytest.raises(ForgedRequest):
        require_own_site([(b"host", b"spyne.test"), (b"origin", noise)])


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        (b"https://spyne.test", b"spyne.test", True),
        (b"https://spyne.test:8443", b"spyne.test:8443", True),
        (b"http://spyne.test", b"spyne.test:80", True),
        (b"http://[::1]:8080", b"[::1]:8080", True),
        (b"http://spyne.test", b"spyne.test:443", False),
        (b"https://spyne.test", b"", False),
        (b"null", b"null", False),
        (b"https://spyne.test.", b"spyne.test", False),
        (b"javascript://spyne.test", b"spyne.test", False),
    ],
)
def test_an_origin_is_ours_by_its_host(origin: bytes, host: bytes, ours: bool) -> None:
    headers = [(b"host", host), (b"origin", origin)]
    if ours:
        require_own_site(headers)
    else:
        with pytest.raises(ForgedRequest):
            require_own_site(headers)
    with pytest.raises(ForgedRequest):
        require_own_site([*headers, (b"host", b"evil.example")])
