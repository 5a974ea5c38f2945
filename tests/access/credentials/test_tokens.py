import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.credentials.tokens import CURRENT_KEY, MAX_TOKEN_LENGTH, AccessTokens, InvalidToken, _hmac_key
from app.access.subjects import client_subject, parse_subject, user_subject
from app.kernel.security.authorization import ActorKind, Permission
from app.kernel.security.secrets import ServiceSecret, WeakSecretError
from app.settings import AccessSettings
from tests.access.credentials.hostile_tokens import HEADER, JTI, SUBJECT, good_claims, hostile_tokens, signed

SECRET = ServiceSecret(b"a secret for tokens of the tests, long enough")
NOW = datetime(2026, 5, 4, 12, 30, 15, 250_000, tzinfo=UTC)
TOKENS = AccessTokens(SECRET, AccessSettings())
KEY = SECRET.key(CURRENT_KEY)
HOSTILE = hostile_tokens(KEY, NOW)


def test_what_is_issued_verifies_as_it_was_issued() -> None:
    scope = frozenset({"query:run", "audit:read"})
    for issued in (
        TOKENS.issue(client_subject(uuid4()), NOW, scope=scope, key_id=uuid4()),
        TOKENS.issue(client_subject(uuid4()), NOW, key_id=uuid4()),
        TOKENS.issue(user_subject(uuid4()), NOW, scope=scope, epoch=2**62, session_id=uuid4()),
        TOKENS.issue(user_subject(uuid4()), NOW, scope=frozenset({permission.value for permission in Permission})),
        TOKENS.issue(user_subject(uuid4()), NOW, epoch=1),
        TOKENS.issue(user_subject(uuid4()), NOW),
    ):
        assert TOKENS.verify(issued.text.encode(), NOW) == issued.claims
        assert len(issued.text) < MAX_TOKEN_LENGTH


def test_what_a_newer_version_narrowed_to_is_left_out() -> None:
    issued = TOKENS.issue(user_subject(uuid4()), NOW, scope=frozenset({"audit:read", "of:the-future"}))
    assert TOKENS.verify(issued.text.encode(), NOW).scope == {"audit:read"}


@given(st.text(max_size=30))
def test_an_epoch_has_one_spelling(text: str) -> None:
    token = signed(HEADER, good_claims(NOW) | {"epoch": text}, KEY).encode()
    if text.isascii() and text.isdigit() and text[0] != "0" and len(text) < 20:
        assert TOKENS.verify(token, NOW).epoch == int(text)
    else:
        with pytest.raises(InvalidToken):
            TOKENS.verify(token, NOW)


def test_the_hand_made_token_that_the_hostile_ones_are_varied_from_is_good() -> None:
    claims = TOKENS.verify(signed(HEADER, good_claims(NOW), KEY).encode(), NOW)
    assert (claims.subject, str(claims.jti), claims.scope) == (SUBJECT, JTI, None)


def test_the_corpus_is_large() -> None:
    assert len(HOSTILE) >= 60


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_token(name: str) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(HOSTILE[name], NOW)


def test_every_single_flipped_bit_is_refused() -> None:
    good = TOKENS.issue(user_subject(uuid4()), NOW).text.encode()
    for position in range(len(good)):
        for bit in range(8):
            flipped = bytearray(good)
            flipped[position] ^= 1 << bit
            with pytest.raises(InvalidToken):
                TOKENS.verify(bytes(flipped), NOW)


@given(st.binary(max_size=300))
def test_noise_is_refused_and_raises_nothing_else(noise: bytes) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(noise, NOW)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_signed_json_but_ours_is_refused(document: object) -> None:
    with pytest.raises(InvalidToken):
        TOKENS.verify(signed(HEADER, document, KEY).encode(), NOW)


def test_a_token_ends_with_its_second() -> None:
    issued = TOKENS.issue(user_subject(uuid4()), NOW)
    last = issued.claims.expires_at - timedelta(microseconds=1)
    assert TOKENS.verify(issued.text.encode(), last)
    with pytest.raises(InvalidToken):
        TOKENS.verify(issued.text.encode(), issued.claims.expires_at)


def test_tokens_of_another_secret_issuer_or_audience_are_refused() -> None:
    for other in (
        AccessTokens(ServiceSecret(b"another secret for tokens of the tests"), AccessSettings()),
        AccessTokens(SECRET, AccessSettings(issuer="elsewhere")),
        AccessTokens(SECRET, AccessSettings(audience="elsewhere")),
    ):
        with pytest.raises(InvalidToken):
            TOKENS.verify(other.issue(user_subject(uuid4()), NOW).text.encode(), NOW)


def test_a_short_signing_key_is_refused() -> None:
    with pytest.raises(WeakSecretError):
        _hmac_key(b"x" * 31)


def test_the_refusal_says_invalid_token_and_shows_nothing() -> None:
    with pytest.raises(InvalidToken) as refused:
        TOKENS.verify(b"eyJ.secret.part", NOW)
    assert refused.value.status == 401
    assert 'error="invalid_token"' in refused.value.headers["WWW-Authenticate"]
    assert "secret" not in str(refused.value.document(None))


@given(st.uuids())
def test_subjects_come_back(id_: UUID) -> None:
    assert parse_subject(user_subject(id_)) == (ActorKind.USER, id_)
    assert parse_subject(client_subject(id_)) == (ActorKind.CLIENT, id_)


@pytest.mark.parametrize(
    ("issued", "lasts", "counts"),
    [
        (timedelta(seconds=-1), timedelta(hours=1), True),
        (timedelta(seconds=1), timedelta(hours=1), True),  # another host's clock is a little ahead
        (timedelta(seconds=2), timedelta(hours=1), False),
        (timedelta(0), timedelta(days=1), True),
        (timedelta(0), timedelta(days=1, seconds=1), False),
        (timedelta(0), timedelta(0), False),
    ],
)
def test_a_token_is_of_about_now_and_lasts_a_day_at_most(issued: timedelta, lasts: timedelta, counts: bool) -> None:
    now = NOW.replace(microsecond=0)
    at = int((now + issued).timestamp())
    text = signed(HEADER, good_claims(now) | {"iat": at, "exp": at + int(lasts.total_seconds())}, KEY)
    if counts:
        assert TOKENS.verify(text.encode(), now)
    else:
        with pytest.raises(InvalidToken):
            TOKENS.verify(text.encode(), now)


def test_a_token_has_4096_characters_at_most() -> None:
    def of_length(length: int) -> bytes:
        """A token that is sound but for its length, or one character longer where base64 has none of that."""
        size = length // 2
        while len(text := signed(HEADER, good_claims(NOW) | {"iss": "x" * size}, KEY)) < length:
            size += 1
        return text.encode()

    def issuer_of(token: bytes) -> AccessTokens:
        body = token.split(b".")[1]
        return AccessTokens(SECRET, AccessSettings(issuer=json.loads(urlsafe_b64decode(body + b"=="))["iss"]))

    assert len(of_length(4095)) <= 4096
    assert issuer_of(of_length(4095)).verify(of_length(4095), NOW)
    with pytest.raises(InvalidToken):
        issuer_of(of_length(4097)).verify(of_length(4097), NOW)
